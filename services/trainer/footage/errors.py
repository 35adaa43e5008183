"""What can go wrong with training footage, each with a stable code."""

import errno

from dubbing.errors import BadInput, Permanent, Transient


class ConsentMissing(BadInput):
    """Nobody said by what right the footage is used."""

    code = "consent_missing"
    title = "Footage needs a consent tag"


class BadDataset(BadInput):
    """The place given as a data set is none, or is one of another kind."""

    code = "bad_dataset"
    title = "Not a usable data set"


class CorruptShard(Permanent):
    """A shard's bytes are not those that its manifest names."""

    code = "corrupt_shard"
    title = "A shard is damaged"


class LeakedReference(Permanent):
    """A sample's reference shows what the sample asks for."""

    code = "leaked_reference"
    title = "Reference and target overlap"


class DiskFull(Transient):
    """Nothing more can be written; what was finished stays, and the same command goes on from there."""

    code = "disk_full"
    title = "The disk is full"


def disk_error(error: OSError, where: str) -> OSError | DiskFull:
    """``error`` as `DiskFull` where it says so, else as it is."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    return DiskFull(
        f"No space is left for {where}.",
        where={"path": where},
        suggestions=("free some space and call the same command again: finished sources are not done twice",),
    )
