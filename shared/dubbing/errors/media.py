"""What is wrong with a file, or with a pair of them."""

from dubbing.errors.base import BadInput


class NotAVideo(BadInput):
    """The file is no media that we can open."""

    code = "not_a_video"
    title = "The file is not a readable video"


class NotAudio(BadInput):
    """The file holds no sound that we can decode."""

    code = "no_audio_stream"
    title = "The file has no readable audio stream"


class NoVideoStream(BadInput):
    """The file opens, but holds no picture."""

    code = "no_video_stream"
    title = "The file has no video stream"


class UnsupportedCodec(BadInput):
    """The stream's codec or pixel format cannot be decoded here."""

    code = "unsupported_codec"
    title = "The codec is not supported"


class TruncatedMedia(BadInput):
    """The file ends before its streams do, or is damaged inside."""

    code = "truncated_media"
    title = "The file is truncated or damaged"


class EmptyMedia(BadInput):
    """The file is empty, or its stream has no frame or sample."""

    code = "empty_media"
    title = "The file is empty"


class DurationMismatch(BadInput):
    """Picture and sound differ in length, and the sync mode is strict."""

    code = "duration_mismatch"
    title = "Audio and video differ in length"


class NoFaceAnywhere(BadInput):
    """No frame of the video shows a face that can be tracked."""

    code = "no_face_anywhere"
    title = "No face was found in the video"


class FaceUpsideDown(BadInput):
    """Every face of the video that is large enough stands on its head."""

    code = "face_upside_down"
    title = "The faces in the video stand on their heads"


class InvalidSamples(BadInput):
    """The sound holds samples that are no numbers (NaN or infinite)."""

    code = "invalid_samples"
    title = "The audio holds samples that are no numbers"


class UnsupportedChannels(BadInput):
    """The sound has more channels, or another layout, than a master can carry."""

    code = "unsupported_channels"
    title = "The audio's channels cannot be delivered"


class NoSuchTrack(BadInput):
    """The file has no track, or the track no channel, of the number that was chosen."""

    code = "no_such_track"
    title = "The file has no such track or channel"


class PictureChanges(BadInput):
    """Size or pixel format of the picture changes inside the file."""

    code = "picture_changes"
    title = "The picture changes its size or format"


class FatalInput(BadInput):
    """Reading the file, or working on it, ended the process that did so, on every try."""

    code = "fatal_input"
    title = "The file ends the programs that read it"


class ReadingsDiffer(BadInput):
    """Two independent readings of the file say different things, so neither is believed."""

    code = "readings_differ"
    title = "Two readings of the file differ"
