"""The model library: networks, sampler, rollout, codecs and serving of the Lip Forcing students (arXiv 2606.11180)."""
