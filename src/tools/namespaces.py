"""A world of its own: user, mount, process, network and IPC namespaces (Linux 5.12+).

The new root is an empty tmpfs in which only the allowed paths appear, read-only but for the
workspace; there are a private /tmp, /dev and /proc, and no other process.
"""

from __future__ import annotations

import contextlib
import os
import struct

from .native import mount, syscall, unmount, unshare

_NEW_MOUNTS, _NEW_NETWORK = 0x00020000, 0x40000000
_NEW_OTHERS = 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000  # host name, IPC, user, processes
_LEAST_PID_MAX = 400  # ids up to 300 are reserved
_INSIDE = 1000  # the user and group id seen inside; outside it stays who started us

_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_MOUNT_SETATTR, _RECURSIVE = 442, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
DEVICES = ("null", "zero", "full", "random", "urandom")


def enter(*, network: bool) -> None:
    """Moves this process into new namespaces, and its next child to process id 1 of them.

    With `network` the machine's network stays. Raises OSError where that is not permitted.
    """
    user, group = os.geteuid(), os.getegid()
    unshare(_NEW_OTHERS | (0 if network else _NEW_NETWORK))
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{_INSIDE} {user} 1"),
        ("gid_map", f"{_INSIDE} {group} 1"),
    ):
        opened = os.open(f"/proc/self/{name}", os.O_WRONLY)
        try:
            os.write(opened, line.encode())
        finally:
            os.close(opened)


def build_root(
    read: list[str],
    write: list[str],
    links: dict[str, str],
    held: list[str],
    hidden: list[str],
    fixed: list[str],
    scratch: int,
    processes: int,
) -> None:
    """Builds the new root and moves into it. Run as process id 1.

    `read` and `write` are real paths, which appear under the same names; `links` are symlinks
    (path: target); `held`, `hidden` and `fixed` are as in hiding.Plan. `scratch` is the room in
    /tmp and /dev/shm, in bytes each; `processes` how many there may be at least (root's are
    bounded here, from Linux 6.14 on). Raises OSError.
    """
    unshare(_NEW_MOUNTS)  # only now: the launcher must go on to see the /proc of the machine
    os.umask(0o022)
    mount("none", "/", "", _REC | _PRIVATE)
    mount("tmpfs", "/tmp", "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")  # hides /tmp: see below
    os.mkdir("/tmp/old")
    syscall(_PIVOT_ROOT[os.uname().machine], b"/tmp", b"/tmp/old")  # the old root stays at /old
    os.chdir("/")
    os.mkdir("/new")
    mount("tmpfs", "/new", "tmpfs", _NOSUID | _NODEV, "size=1m,mode=755")
    _private("/new/tmp", scratch)
    _devices(scratch)
    for path in read:
        _bind(path, _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV)
    for path in write:
        _bind(path, _ATTR_NOSUID | _ATTR_NODEV)
    _hide(held, hidden, fixed)
    for path, target in links.items():
        with contextlib.suppress(OSError):  # it is there already
            os.makedirs(os.path.dirname(f"/new{path}"), exist_ok=True)
            os.symlink(target, f"/new{path}")
    _processes(processes)
    _attributes("/new", _ATTR_RDONLY, recursive=False)
    os.chdir("/new")
    syscall(_PIVOT_ROOT[os.uname().machine], b".", b".")
    unmount(".")
    os.chdir("/")


def _hide(held: list[str], hidden: list[str], fixed: list[str]) -> None:
    for path in (*held, *fixed):
        with contextlib.suppress(FileNotFoundError):
            mount(f"/new{path}", f"/new{path}", "", _BIND | _REC)
    for path in fixed:  # before what is hidden in them is covered
        _attributes(f"/new{path}", _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV)
    if hidden:
        os.close(os.open("/mask", os.O_CREAT | os.O_RDONLY, 0))
    for path in hidden:
        target = f"/new{path}"
        with contextlib.suppress(FileNotFoundError):  # it went away by itself
            if os.path.isdir(target):
                mount("tmpfs", target, "tmpfs", _NOSUID | _NODEV, "size=4k,mode=0")
            else:
                mount("/mask", target, "", _BIND)
            _attributes(target, _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV)


def _private(path: str, size: int) -> None:
    os.makedirs(path, exist_ok=True)
    mount("tmpfs", path, "tmpfs", _NOSUID | _NODEV, f"size={size},mode=1777")


def _devices(scratch: int) -> None:
    os.mkdir("/new/dev")
    for name in DEVICES:
        _bind(f"/dev/{name}", _ATTR_NOSUID)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"/new/dev/{name}")
    _private("/new/dev/shm", scratch)


def _processes(most: int) -> None:
    """A /proc of this namespace. In some containers it may not be mounted: there is none then."""
    os.mkdir("/new/proc")
    try:
        mount("proc", "/new/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    except OSError:
        return
    with contextlib.suppress(OSError), open("/new/proc/sys/kernel/pid_max", "w") as file:
        file.write(str(max(_LEAST_PID_MAX, most + 8)))
    # Root outside stays root to /proc/sys, whatever it lacks in capabilities.
    _attributes("/new/proc", _ATTR_RDONLY)


def _bind(path: str, attributes: int) -> None:
    source, target = f"/old{path}", f"/new{path}"
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    elif os.path.exists(source):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_RDONLY, 0o444))
    else:
        return
    mount(source, target, "", _BIND | _REC)
    _attributes(target, attributes)


def _attributes(path: str, attributes: int, *, recursive: bool = True) -> None:
    request = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _RECURSIVE if recursive else 0
    syscall(_MOUNT_SETATTR, -100, os.fsencode(path), flags, request, len(request))
