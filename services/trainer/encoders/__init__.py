"""The demonstration's encoders from nothing: codec, speech encoder, and the decoder that knows a student.

The big models take theirs from others (Wan's VAE, wav2vec2); no run of a student ever trains one.
"""
