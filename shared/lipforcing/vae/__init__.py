"""Video codecs between pixels and the 16-channel latents the students work on."""
