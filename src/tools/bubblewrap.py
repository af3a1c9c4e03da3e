"""Arguments for bubblewrap, where that is what may make namespaces (AppArmor on Ubuntu, say)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from .hiding import Plan


def arguments(
    program: str,
    read: Iterable[str],
    write: Iterable[str],
    links: Mapping[str, str],
    hidden: Plan,
    mask: str,
    *,
    folder: str,
    network: bool,
) -> list[str]:
    """`program` (bwrap's path) and its options up to the seccomp filter and the command.

    Everything is unshared, capabilities are dropped, all processes die with bubblewrap. `mask` is
    the file that covers those that are `hidden`; folders get an empty one over them.
    """
    out = [program, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"]
    out += ["--uid", "1000", "--gid", "1000"]
    out += ["--share-net"] if network else []
    out += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/dev/shm"]
    out += [part for path in read for part in ("--ro-bind", path, path)]
    out += [part for path in write for part in ("--bind", path, path)]
    out += [part for path in hidden.held for part in ("--bind", path, path)]
    out += [part for path in hidden.fixed for part in ("--ro-bind", path, path)]
    for path in hidden.paths:
        if Path(path).is_dir():
            out += ["--perms", "0000", "--tmpfs", path, "--remount-ro", path]
        elif Path(path).exists():
            out += ["--ro-bind", mask, path]
    inside = tuple(f"{path}/" for path in (*read, *write))
    for path, target in links.items():
        if not path.startswith(inside):
            out += ["--symlink", target, path]
    return [*out, "--remount-ro", "/", "--remount-ro", "/proc", "--chdir", folder]
