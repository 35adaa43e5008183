"""Which split a source belongs to: fixed by hash, for people, voices and languages alike.

A sample is for training only if its person, its voice and its language all are; otherwise it belongs to the first held-out
split that any of them names, test before dev. So nothing that is held out is ever learnt from, whatever it comes with.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubbing.errors import BadInput
from synthetic.splits import Split, split_of
from synthetic.texts import SENTENCES

_UNKNOWN = "und"  # BCP 47: undetermined


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks in a source, and what.

    Attributes:
        identity: of the person; the source's folder, or its own name if it lies at the top.
        voice: of the person's voice; the identity unless told.
        language: BCP 47 tag; "und" when not told.
    """

    identity: str
    voice: str
    language: str


def speaker_of(path: Path, root: Path) -> Speaker:
    """The speaker of a source: from ``NAME.json`` beside it where that is, else from its place.

    Raises:
        BadInput: the sidecar is not a JSON object of strings.
    """
    inside = path.relative_to(root)
    identity = inside.parts[0] if len(inside.parts) > 1 else path.stem
    stated = _sidecar(path.with_suffix(".json"))
    identity = stated.get("identity", identity)
    return Speaker(identity, stated.get("voice", identity), stated.get("language", _UNKNOWN))


def split_of_speaker(speaker: Speaker) -> tuple[Split, tuple[str, ...]]:
    """The split, and which of identity, voice and language are held out."""
    kinds = {"identity": speaker.identity, "voice": speaker.voice, "language": language_name(speaker.language)}
    splits = {kind: split_of(kind, name) for kind, name in kinds.items() if name != _UNKNOWN}
    held = tuple(kind for kind, split in splits.items() if split is not Split.TRAIN)
    chosen = {splits[kind] for kind in held}
    return (Split.TEST if Split.TEST in chosen else Split.DEV if chosen else Split.TRAIN), held


def language_name(tag: str) -> str:
    """The name under which a language is split: that of the generated speakers' languages where one has the same base."""
    base = tag.lower().split("-")[0]
    return next((name for name in SENTENCES if name == tag.lower() or name.split("-")[0] == base), tag.lower())


def _sidecar(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        stated: Any = json.loads(path.read_text())
    except (ValueError, OSError) as error:
        raise BadInput(f"{path} cannot be read as JSON: {error}", where={"file": path.name}) from error
    if not isinstance(stated, dict) or not all(isinstance(value, str) for value in stated.values()):
        raise BadInput(f"{path} is not a JSON object of strings.", where={"file": path.name})
    return stated
