"""The few calls of the C library that a sandbox needs and Python does not offer (Linux)."""

from __future__ import annotations

import ctypes
import os

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

_NOROOT_LOCKED = 0b1111  # NOROOT, NO_SETUID_FIXUP and their locks: uid 0 means nothing any more
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def syscall(number: int, *arguments: int | bytes | ctypes.Array[ctypes.c_char] | None) -> int:
    """A system call by number; bytes and buffers are passed by address. Raises OSError."""
    passed = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    done: int = _libc.syscall(ctypes.c_long(number), *passed)
    if done < 0:
        raise _error(f"system call {number}")
    return done


def prctl(option: int, *arguments: int) -> None:
    """prctl(2). Raises OSError."""
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if _libc.prctl(option, *(ctypes.c_ulong(each) for each in padded)) < 0:
        raise _error(f"prctl {option}")


def unshare(flags: int) -> None:
    """unshare(2). Raises OSError."""
    if _libc.unshare(flags) < 0:
        raise _error("unshare")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2). Raises OSError."""
    texts = [os.fsencode(each) for each in (source, target, kind)]
    if _libc.mount(*texts, ctypes.c_ulong(flags), os.fsencode(data)) < 0:
        raise _error(f"mount {target}")


def unmount(target: str) -> None:
    """umount2(2), lazily. Raises OSError."""
    if _libc.umount2(os.fsencode(target), 2) < 0:  # MNT_DETACH
        raise _error(f"unmount {target}")


def drop_capabilities() -> None:
    """Gives up every capability for good, also those that uid 0 would get back at exec."""
    for option, arguments in ((PR_CAP_AMBIENT, (4,)), (PR_SET_SECUREBITS, (_NOROOT_LOCKED,))):
        try:
            prctl(option, *arguments)
        except PermissionError:  # no right to set it: then no capability was held either
            continue
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:  # not held, or a number that this kernel does not have
            continue
    header = _CAPABILITY_VERSION_3.to_bytes(4, "little") + bytes(4)
    if _libc.capset(header, bytes(24)) < 0:
        raise _error("capset")


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")
