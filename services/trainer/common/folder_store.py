"""Folders in the object store: files first, and last a manifest that names them all with their SHA-256.

Without its manifest a folder does not exist, so one that was cut short on its way is never read.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dubbing.errors import ChecksumMismatch
from dubbing.storage.store import ObjectStore

_MANIFEST = "manifest.json"


def put_folder(store: ObjectStore, folder: Path, prefix: str, about: Mapping[str, Any]) -> str:
    """Upload every file below ``folder``; returns the key of the manifest.

    Raises:
        StoreUnavailable: the store did not take it.
    """
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        stored = store.put_file(prefix + name, path)
        files[name] = {"bytes": stored.size, "sha256": stored.sha256}
    manifest = json.dumps({"format": 1, **about, "files": files}, sort_keys=True).encode()
    return store.put_bytes(prefix + _MANIFEST, manifest, "application/json").key


def get_folder(store: ObjectStore, manifest_key: str, folder: Path, only: Collection[str] = ()) -> dict[str, Any]:
    """Download what `put_folder` uploaded, of the folders in it ``only`` those named, and compare every byte; the manifest.

    Raises:
        ObjectMissing: the manifest or a file is not there.
        ChecksumMismatch: a file is not the one that was uploaded.
    """
    prefix = manifest_key.removesuffix(_MANIFEST)
    manifest: dict[str, Any] = json.loads(store.get_bytes(manifest_key))
    for name, wanted in manifest["files"].items():
        if only and name.split("/")[0] not in only:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = store.get_file(prefix + name, path)
        if stored.sha256 != wanted["sha256"]:
            raise ChecksumMismatch(
                f"{name} in the object store is not what was uploaded.",
                where={"object": prefix + name},
                media={"expected_sha256": wanted["sha256"], "sha256": stored.sha256},
            )
    return manifest


def drop_folder(store: ObjectStore, manifest_key: str) -> None:
    """Delete a folder."""
    store.delete_prefix(manifest_key.removesuffix(_MANIFEST))
