"""The second reading: what a file holds, by other programs than the first reading's libraries, and how the two compare.

The first reading (PyAV, which is libavformat) makes the master; this one proves it. Header facts come from MediaInfo and, for
MP4 and MOV, from the container's own tables; what is shown comes from the ffmpeg program, and must follow from those tables.
Nothing here may import the first reading.
"""
