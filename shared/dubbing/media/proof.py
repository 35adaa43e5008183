"""The last check before delivery: a master proved by the second reading, or not delivered."""

from collections.abc import Sequence
from pathlib import Path

from dubbing.domain.media import MediaInfo, SyncPlan
from dubbing.errors import ParityFailed
from dubbing.media.sound_codec import SoundCodec
from dubbing.media.witness.facts import PictureRecord
from dubbing.media.witness.master import Given, MasterCheck, check_master


def given_sound(path: Path, media: MediaInfo, plan: SyncPlan, made: SoundCodec | None) -> Given:
    """The given sound as a master is held against it; ``made`` is None where its packets were copied.

    Raises:
        ParityFailed: it has no sound.
    """
    if media.audio is None:
        raise ParityFailed("The given file has no sound.", where={"stage": "verify"})
    exact = made is None or (made.exact and media.audio.lossless)
    return Given(path, media.audio, plan, exact=exact, lossy=made is not None and made.codec == "aac")


def prove(master: Path, source: PictureRecord, given: Given, cuts: Sequence[int]) -> MasterCheck:
    """Hold a finished master against its source and the given sound.

    Args:
        master: the delivery file.
        source: its source's picture, as the second reading saw it.
        given: the sound, and how it was to be used.
        cuts: first frames of the shots.

    Raises:
        ParityFailed: with every difference, ``{fact: [expected, found]}`` in ``media["differences"]``, and the frames.
    """
    check = check_master(master, source, given, cuts)
    if check.differences:
        what = "; ".join(f"{one.fact}: {one.first} expected, {one.second} found" for one in check.differences)
        frames = [[part.start, part.end] for one in check.differences for part in one.frames]
        raise ParityFailed(
            f"The output differs from its source: {what}.",
            where={"stage": "verify", **({"frame": frames[0][0], "frames": frames} if frames else {})},
            media={"differences": {one.fact: [one.first, one.second] for one in check.differences}},
        )
    return check
