"""How files of a workspace are hidden: what is mounted over them, and what is held in its place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """`paths` are covered, `fixed` are mounted onto themselves read-only. `held` are the folders
    above both, the outer ones first: each is mounted onto itself, because what is a mount point
    cannot be renamed. Without that, a command could move `.aws` (or what it lies in) to a name
    that nobody hides from the next one."""

    held: list[str]
    paths: list[str]
    fixed: list[str]


def plan(workspace: str, hidden: Iterable[Path], fixed: Iterable[Path] = ()) -> Plan:
    """What is to be done for `hidden` and `fixed`, real paths in `workspace`."""
    paths, kept = sorted(map(str, hidden)), sorted(map(str, fixed))
    root = Path(workspace)
    above = {str(up) for path in (*paths, *kept) for up in Path(path).parents if root in up.parents}
    held = sorted(above, key=lambda path: (path.count("/"), path))
    return Plan(held, paths, kept)


def mask(folder: Path) -> str:
    """An empty file that nobody may open, to be mounted over others."""
    path = folder / "hidden"
    os.close(os.open(path, os.O_CREAT | os.O_RDONLY, 0))
    return str(path)
