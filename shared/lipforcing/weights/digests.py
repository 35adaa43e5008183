"""Digests of files of any size; torch-free, because downloads need no more."""

import hashlib
from pathlib import Path

_PIECE = 1 << 22


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
