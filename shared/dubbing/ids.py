"""Identifiers, and the object keys that follow from them.

Ids are ULIDs with a prefix that names the kind (``job_01j...``): 48 bits of milliseconds and 80 random bits in Crockford's
base 32, so they sort by creation. Object keys are pure functions of ids and content hashes: a repeated step overwrites the
same object with the same bytes.
"""

import re
import secrets
import time
from pathlib import PurePath
from urllib.parse import quote

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}$")


def new_id(prefix: str) -> str:
    """A fresh sortable id, e.g. ``job_01k3v...`` (26 characters after the prefix)."""
    value = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def asset_key(asset_id: str, filename: str) -> str:
    """Where an uploaded file lies. Only the suffix of the caller's name is kept."""
    suffix = _SUFFIX.search(PurePath(filename.lower()).name)
    return f"assets/{asset_id}/source{suffix.group() if suffix else ''}"


def organisation_scope(organisation_id: str) -> str:
    """Folder of what the jobs of one organisation share; two organisations never have the same."""
    return f"organisations/{quote(organisation_id, safe='').replace('.', '%2E')}/"


def source_prefix(scope: str, sha256: str) -> str:
    """Folder of everything that follows from one file, for those who share in ``scope``."""
    return f"{scope}sources/{sha256}/"


def analysis_prefix(source: str, analysis: str) -> str:
    """Folder of everything that analysis version ``analysis`` found in one picture, below ``source_prefix``."""
    return f"{source}{analysis}/"


def analysis_key(source: str, analysis: str) -> str:
    """Shots, tracks, landmarks, alignment and chunks of one picture, below ``source_prefix``."""
    return analysis_prefix(source, analysis) + "analysis.json"


def face_pictures_prefix(analysis_key: str) -> str:
    """Folder of the pictures of an analysis's faces."""
    return f"{analysis_key.removesuffix('analysis.json')}faces/"


def face_picture_key(analysis_key: str, track: int) -> str:
    """A picture of the face of one track."""
    return f"{face_pictures_prefix(analysis_key)}{track:06d}.jpg"


def record_key(source_sha256: str, reading: str, track: int) -> str:
    """What the second reading saw of one picture of a source."""
    return f"{source_prefix('', source_sha256)}{reading}/picture-{track}.npz"


def latents_prefix(source: str, analysis: str, masking: str, encoder_digest: str) -> str:
    """Folder of the encoded face crops of one picture, one object per chunk, below ``source_prefix``."""
    return analysis_prefix(source, analysis) + f"latents/{masking}-{encoder_digest[:16]}/"


def latents_key(prefix: str, chunk: int) -> str:
    """Encoded crops of one chunk, below ``latents_prefix``."""
    return f"{prefix}{chunk:06d}.npz"


def speech_prefix(source: str, method: str, sound: str, grid: str, encoder_digest: str) -> str:
    """Folder of one track's speech features, by what of it is used, on one grid of frame times, below ``source_prefix``."""
    return f"{source}speech/{method}-{encoder_digest[:16]}/{sound}/{grid}/"


def speech_window_key(prefix: str, window: int) -> str:
    """Features of the frames of one window, below ``speech_prefix``."""
    return f"{prefix}{window:06d}.npz"


def job_prefix(job_id: str) -> str:
    """Folder of everything that belongs to one job only."""
    return f"jobs/{job_id}/"


def chunk_key(job_id: str, chunk: int) -> str:
    """Generated crops of one chunk."""
    return f"{job_prefix(job_id)}chunks/{chunk:06d}.mkv"


def shared_chunk_key(scope: str, digest: str) -> str:
    """Generated crops of one chunk, by all that they follow from; jobs share them."""
    return f"{scope}chunks/{digest}.mkv"


def output_key(job_id: str, suffix: str) -> str:
    """The finished master; ``suffix`` such as ``.mp4``."""
    return f"{job_prefix(job_id)}output{suffix}"


def receipt_key(job_id: str) -> str:
    """The receipt of the finished master."""
    return f"{job_prefix(job_id)}receipt.json"


def preview_key(job_id: str) -> str:
    """The contact sheet."""
    return f"{job_prefix(job_id)}preview.png"


def run_prefix(run_id: str) -> str:
    """Folder of everything that one training run made."""
    return f"training/{run_id}/"


def checkpoint_prefix(run_id: str, step: int, attempt: str) -> str:
    """Folder of one checkpoint. The attempt is in it, so that two never write the same object."""
    return f"{run_prefix(run_id)}checkpoints/{step:09d}-{attempt}/"


def candidate_prefix(run_id: str, attempt: str) -> str:
    """Folder of the version folders that a finished run made."""
    return f"{run_prefix(run_id)}candidate-{attempt}/"


def sample_key(run_id: str, step: int) -> str:
    """The contact sheet of one step."""
    return f"{run_prefix(run_id)}samples/{step:09d}.png"
