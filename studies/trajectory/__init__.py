"""When guidance moves the mouth and when it spoils the face: the analysis behind the sync window and the second timestep."""
