"""Latents and generated crops as objects: one file for each chunk."""

import io

import numpy as np
from numpy.typing import NDArray

from dubbing.inference.engine import FaceLatents
from dubbing.storage.store import ObjectStore


def save_latents(store: ObjectStore, key: str, latents: FaceLatents) -> None:
    """Store the latents of one chunk; a repeat overwrites the same bytes."""
    store.put_bytes(key, _packed(reference=latents.reference_TZhw, masked=latents.masked_TZhw))


def load_latents(store: ObjectStore, key: str) -> FaceLatents:
    """What `save_latents` stored."""
    with np.load(io.BytesIO(store.get_bytes(key)), allow_pickle=False) as archive:
        return FaceLatents(archive["reference"], archive["masked"])


def save_speech(store: ObjectStore, key: str, features_VA: NDArray[np.float16]) -> None:
    """Store the features of the frames of one window of a track."""
    store.put_bytes(key, _packed(features=features_VA))


def load_speech(store: ObjectStore, key: str) -> NDArray[np.float16]:
    """What `save_speech` stored."""
    with np.load(io.BytesIO(store.get_bytes(key)), allow_pickle=False) as archive:
        features: NDArray[np.float16] = archive["features"]
        return features


def _packed(**arrays: NDArray[np.float16]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # numpy's own stub takes only allow_pickle by keyword
    return buffer.getvalue()
