"""The stitcher process: pastes generated mouths back, encodes, muxes, verifies and delivers."""
