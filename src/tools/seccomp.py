"""Seccomp: a filter on system calls, assembled here as classic BPF (x86-64 and arm64 Linux).

It closes what other fences leave open: sockets, tracing, kernel interfaces, and the ways of
touching other processes and other people's file modes. Numbers: asm/unistd.h of both machines;
layout: linux/seccomp.h, linux/filter.h.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import struct
from collections.abc import Iterable

from .native import PR_SET_NO_NEW_PRIVS, prctl, syscall

_ARCHES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
_NEWEST = 466  # of the calls known when this was written: later ones do not exist in here
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06
_EQUAL, _GREATER, _ANY_BIT = 0x15, 0x25, 0x45
_SET_ID = 0o6000  # modes by which a program runs as its owner
_MODE_AT = {
    "open": 2, "creat": 1, "openat": 3, "chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2,
    "mknod": 1, "mknodat": 2,
}  # fmt: skip
_UNSEEN = (435, 437)  # clone3, openat2: what they do stands in memory; programs fall back
_NAMESPACES = 0x7E020080  # CLONE_NEW*: time, mount, cgroup, uts, ipc, user, pid, net

# name: number on x86-64, on arm64 (None: there is none)
_CALLS: dict[str, tuple[int | None, int | None]] = {
    "clone": (56, 220), "socket": (41, 198), "socketpair": (53, 199), "ioctl": (16, 29),
    "fcntl": (72, 25), "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274), "utimensat": (280, 88),
    "open": (2, None), "creat": (85, None), "openat": (257, 56), "chmod": (90, None),
    "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "mknod": (133, None),
    "mknodat": (259, 33),
}  # fmt: skip

# Never, wherever the sandbox runs. Each row is one reason.
_NEVER = (
    # other processes: ptrace, process_vm_*, kcmp, pidfd_*, process_madvise, process_mrelease
    ((101, 117), (310, 270), (311, 271), (312, 272), (434, 434), (438, 438), (424, 424),
     (440, 440), (448, 448)),
    # mounts: mount, umount2, pivot_root, chroot, open_tree, move_mount, fs*, mount_setattr
    ((165, 40), (166, 39), (155, 41), (161, 51), (428, 428), (429, 429), (430, 430), (431, 431),
     (432, 432), (433, 433), (442, 442)),
    # new namespaces: unshare, setns
    ((272, 97), (308, 268)),
    # large kernel interfaces: bpf, perf_event_open, userfaultfd, io_uring_* (which would do
    # socket calls unseen by this filter), keys, fanotify
    ((321, 280), (298, 241), (323, 282), (425, 425), (426, 426), (427, 427), (248, 217),
     (249, 218), (250, 219), (300, 262), (301, 263)),
    # the machine: modules, kexec, reboot, swap, acct, quota, handles, syslog, clocks, ports,
    # names, vhangup, lookup_dcookie, nfsservctl
    ((175, 105), (313, 273), (176, 106), (246, 104), (320, 294), (169, 142), (167, 224),
     (168, 225), (163, 89), (179, 60), (443, 443), (304, 265), (303, 264), (103, 116),
     (164, 170), (227, 112), (305, 266), (159, 171), (172, None), (173, None), (170, 161),
     (171, 162), (153, 58), (212, 18), (180, 42)),
    # what outlives a process: System V shared memory, queues, semaphores; POSIX queues
    ((29, 194), (30, 196), (31, 195), (68, 186), (69, 189), (70, 188), (71, 187), (64, 190),
     (65, 193), (220, 192), (66, 191), (240, 180), (241, 181)),
)  # fmt: skip

# Never for root, whom RLIMIT_NPROC does not bind: with sessions of their own (setsid) the
# processes of a fork bomb would each get as much of the processor as the launcher that must end it.
_NEVER_UNBOUND = ((112, 157),)

# Never where other processes and files of the machine are in sight (no namespaces).
_NEVER_SHARED = (
    # leaving the process group by which everything is ended at once: setpgid (and setsid)
    ((109, 154),),
    # touching others: rt_*sigqueueinfo, setpriority, ioprio_set, migrate_pages, move_pages
    ((129, 138), (297, 240), (141, 140), (251, 30), (256, 238), (279, 239)),
    # modes and owners, which Landlock does not guard: ch*, *xattr, utime*
    ((90, None), (91, 52), (268, 53), (452, 452), (92, None), (93, 55), (94, None), (260, 54),
     (188, 5), (189, 6), (190, 7), (463, 463), (197, 14), (198, 15), (199, 16), (466, 466),
     (132, None), (235, None), (261, None)),
)  # fmt: skip

_Instruction = tuple[int, int, int, int]


def supported(machine: str = "") -> bool:
    """True where a filter can be made for this processor."""
    return (machine or os.uname().machine) in _ARCHES


def build(
    *, network: bool, shared: bool, bound: bool, leader: int | None = None, machine: str = ""
) -> bytes:
    """The filter: struct sock_filter after struct sock_filter, as bubblewrap takes it too.

    `network` allows IPv4 and IPv6 sockets. `shared` is for a process that sees the rest of the
    machine; with `leader`, its own id, it may signal only itself and its group then. `bound`:
    RLIMIT_NPROC binds it. Raises KeyError for an unknown processor.
    """
    column, arch, _ = _ARCHES[machine or os.uname().machine]
    out: list[_Instruction] = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_GREATER, 0, 1, _NEWEST),  # also the x32 calls of x86-64
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]
    for unseen in _UNSEEN:
        out += [(_EQUAL, 0, 1, unseen), (_RETURN, 0, 0, _ERRNO | _ENOSYS)]
    unbound = () if bound and not shared else _NEVER_UNBOUND
    for numbers in itertools.chain(*_NEVER, unbound, *(_NEVER_SHARED if shared else ())):
        if (number := numbers[column]) is not None:
            out += [(_EQUAL, 0, 1, number), _refuse()]
    for name, body in _conditions(network, shared, leader):
        if (number := _CALLS[name][column]) is not None:
            out += [(_EQUAL, 0, len(body) + 1, number), *body, (_LOAD, 0, 0, 0)]
    out.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *each) for each in out)


def install(program: bytes, flags: int = 0) -> int:
    """Puts the filter on this process and all its children, for good. Raises OSError."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    held = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(held))
    return syscall(_ARCHES[os.uname().machine][2], 1, flags, header)  # SECCOMP_SET_MODE_FILTER


def _conditions(
    network: bool, shared: bool, leader: int | None
) -> Iterable[tuple[str, list[_Instruction]]]:
    yield "clone", [(_LOAD, 0, 0, 16), (_ANY_BIT, 0, 1, _NAMESPACES), _refuse()]
    # AF_UNIX would reach the machine's daemons, so it is never given; a connected pair of streams
    # (which cannot be pointed elsewhere) is.
    yield "socket", _only(0, (2, 10)) if network else [_refuse()]
    yield "socketpair", [*_only(0, (1,)), *_only(1, (1,), mask=0xF)]
    # typing into a terminal, consoles, and asking for signals to be sent to others
    yield "ioctl", _not(1, (0x5412, 0x541C, 0x8901, 0x8902))
    for name, index in _MODE_AT.items():
        yield name, [*_argument(index, 0xFFFFFFFF), (_ANY_BIT, 0, 1, _SET_ID), _refuse()]
    if not shared:
        return
    yield "fcntl", _not(1, (8, 10, 15))  # F_SETOWN, F_SETSIG, F_SETOWN_EX
    yield "utimensat", [*_only(1, (0,)), *_only(1, (0,), high=True)]  # of an open file only
    for name in ("prlimit64", "sched_setaffinity"):
        yield name, _only(0, (0,))  # of itself
    for name in ("sched_setscheduler", "sched_setparam", "sched_setattr"):
        yield name, [_refuse()]
    if leader is not None:
        yield "kill", _only(0, (0, leader, -leader & 0xFFFFFFFF))
        yield "tgkill", _only(0, (leader,))
        yield "tkill", _only(0, (leader,))


def _refuse() -> _Instruction:
    return (_RETURN, 0, 0, _ERRNO | _EPERM)


def _argument(index: int, mask: int, high: bool = False) -> list[_Instruction]:
    load: list[_Instruction] = [(_LOAD, 0, 0, 16 + 8 * index + 4 * high)]
    return [*load, (_AND, 0, 0, mask)] if mask != 0xFFFFFFFF else load


def _only(
    index: int, values: tuple[int, ...], *, mask: int = 0xFFFFFFFF, high: bool = False
) -> list[_Instruction]:
    last = len(values)
    tests = [(_EQUAL, last - at, 0, value) for at, value in enumerate(values)]
    return [*_argument(index, mask, high), *tests, _refuse()]


def _not(index: int, values: tuple[int, ...]) -> list[_Instruction]:
    out = _argument(index, 0xFFFFFFFF)
    for value in values:
        out += [(_EQUAL, 0, 1, value), _refuse()]
    return out
