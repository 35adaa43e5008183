"""The platform library: domain, state, queue, storage, media, faces and inference clients. No torch, no web framework."""
