"""What the processes below one process use, read from /proc (Linux)."""

from __future__ import annotations

import contextlib
import os

_PAGE = os.sysconf("SC_PAGE_SIZE")


def below(root: int) -> dict[int, tuple[int, int]]:
    """Every process that descends from `root`: its id, its threads, its resident bytes.

    Pages shared between processes count in each of them.
    """
    parents: dict[int, int] = {}
    uses: dict[int, tuple[int, int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                # after the name, which may hold anything: state, parent, ..., see proc(5)
                fields = file.read().rpartition(b")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents[int(name)] = int(fields[1])
        uses[int(name)] = int(fields[17]), int(fields[21]) * _PAGE
    children: dict[int, list[int]] = {}
    for process, parent in parents.items():
        children.setdefault(parent, []).append(process)
    found: dict[int, tuple[int, int]] = {}
    waiting = list(children.get(root, ()))
    while waiting:
        process = waiting.pop()
        found[process] = uses[process]
        waiting.extend(children.get(process, ()))
    return found


def tasks(user: int | None = None) -> int:
    """How many processes and threads the whole machine has (at no cost), or one user's."""
    if user is None:
        with open("/proc/loadavg", "rb") as file:
            return int(file.read().split()[3].partition(b"/")[2])
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{name}").st_uid == user:
                count += len(os.listdir(f"/proc/{name}/task"))
    return count
