"""How files of a workspace are hidden: what is mounted over them, and what is held in its place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """`paths` are covered. `held` are the folders above them, the outer ones first: each is mounted
    onto itself, because what is a mount point cannot be renamed. Without that, a command could
    move `.aws` (or what it lies in) to a name that nobody hides from the next one."""

    held: list[str]
    paths: list[str]


def plan(workspace: str, hidden: Iterable[Path]) -> Plan:
    """What is to be done for `hidden`, real paths in `workspace`."""
    paths = sorted(str(path) for path in hidden)
    root = Path(workspace)
    held = {str(each) for path in paths for each in Path(path).parents if root in each.parents}
    return Plan(sorted(held, key=lambda path: (path.count("/"), path)), paths)


def mask(folder: Path) -> str:
    """An empty file that nobody may open, to be mounted over others."""
    path = folder / "hidden"
    os.close(os.open(path, os.O_CREAT | os.O_RDONLY, 0))
    return str(path)
