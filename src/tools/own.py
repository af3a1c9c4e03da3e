"""Our own program where it lies in the workspace: nobody who works there may change it.

Somebody installs Local Swarm into the `.venv` of a project, and has it work on that project. What
a sandboxed command writes into that environment would be run by us, outside of the sandbox: the
launcher at the next command, a module at its first use.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..errors import UsageError

_PACKAGE = Path(__file__).resolve().parents[1]


def parts(root: Path) -> tuple[Path, ...]:
    """The folders and files in `root` (a real path) that we run from, the outer ones alone.

    Raises UsageError for a workspace inside of them.
    """
    if root.is_relative_to(_PACKAGE):
        raise UsageError(
            f"{root} belongs to Local Swarm itself, which would run what is changed there.",
            hint="Work in another folder.",
        )
    known = {_PACKAGE, *(Path(entry).resolve() for entry in sys.path if entry)}
    if sys.prefix != sys.base_prefix:
        known.add(Path(sys.prefix).resolve())
    inside = {path for path in known if root in path.parents and path.exists()}
    return tuple(sorted(path for path in inside if inside.isdisjoint(path.parents)))


def detach(root: Path) -> None:
    """Imports nothing from `root` itself any more: `python -m` and PYTHONPATH may say so."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != root]
