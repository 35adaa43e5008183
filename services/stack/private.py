"""``python -I private.py SOCKET... REGIONS -- PROGRAM ARGUMENTS``: becomes the program, and lets no other user see its memory.

Triton's Python backend hands frames over in regions of /dev/shm. They are born with the mode that the umask leaves, and then
opened to every reader by fchmod(fd, 0644), which Boost calls unasked. A filter in the kernel (seccomp(2)) takes that one call
for done, in the program and in all that it starts. A chmod afterwards would leave a moment in which another user opens them.

What an earlier program left when it was killed goes first: sockets, in whose place no other can listen, and regions.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

_SHM = Path("/dev/shm")  # noqa: S108 - where shm_open(3) puts what has that name
_READABLE = 0o644

# <linux/prctl.h>, <linux/seccomp.h>, <linux/audit.h>, <asm/unistd_64.h>
_PR_SET_NO_NEW_PRIVS, _SECCOMP, _SET_MODE_FILTER = 38, 317, 1
# Without it, kernels before 5.16 let a filtered process compute without speculation, and slowly.
_SPEC_ALLOW = 4
_ALLOW, _TAKE_FOR_DONE = 0x7FFF0000, 0x00050000  # the latter: errno 0, and the call is not made
_X86_64, _FCHMOD = 0xC000003E, 91
# Offsets in struct seccomp_data: system call, architecture, lower half of the second argument.
_CALL, _ARCHITECTURE, _MODE = 0, 4, 24
# Classic BPF: load a word, jump if equal, return.
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06


def main() -> None:
    """Does not return: the program takes this process over."""
    split = sys.argv.index("--")
    *sockets, regions = sys.argv[1:split]
    program = sys.argv[split + 1 :]
    for socket in sockets:
        Path(socket).unlink(missing_ok=True)
    remove_regions(regions)
    os.umask(0o077)
    keep_regions_private()
    os.execv(program[0], program)  # noqa: S606 - the plan's own


def remove_regions(prefix: str) -> None:
    """Removes the shared memory whose names begin with ``prefix``."""
    for region in _SHM.glob(f"{prefix}*"):
        region.unlink(missing_ok=True)


def keep_regions_private() -> None:
    """From now on, no file of this process and its children becomes readable for all by fchmod.

    Raises:
        OSError: the kernel knows no filters.
    """
    program = b"".join(
        struct.pack("HBBI", code, jump, other, value)
        for code, jump, other, value in (
            (_LOAD, 0, 0, _ARCHITECTURE),
            (_IF_EQUAL, 0, 5, _X86_64),
            (_LOAD, 0, 0, _CALL),
            (_IF_EQUAL, 0, 3, _FCHMOD),
            (_LOAD, 0, 0, _MODE),
            (_IF_EQUAL, 0, 1, _READABLE),
            (_RETURN, 0, 0, _TAKE_FOR_DONE),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    held = ctypes.create_string_buffer(program)
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(held))  # struct sock_fprog
    libc = ctypes.CDLL(None, use_errno=True)
    # A program with more rights than its user could not be filtered; ours has none.
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_SECCOMP, _SET_MODE_FILTER, _SPEC_ALLOW, described):
        number = ctypes.get_errno()
        raise OSError(number, f"the kernel takes no seccomp filter: {os.strerror(number)}")


if __name__ == "__main__":
    main()
