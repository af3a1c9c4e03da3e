"""What of a workspace a command may not read: files that may hold secrets, found before it runs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from ..errors import ToolError
from .fence import Fence
from .redact import redacted
from .sensitive import of_git, private_key, secret_folder, secret_name

_ENTRIES = 1_000_000  # with more files no command is run, see repository.py
_MOST = 500  # each costs a mount
_LOOKED_INTO, _SMALL, _HEAD = 10_000, 64 * 1024, 4096  # files; bytes of one; bytes that are read
_INSTALLED = frozenset({"node_modules", "site-packages", "dist-packages"})
_CODE = (
    ".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".go", ".rs", ".java", ".kt",
    ".c", ".h", ".cc", ".cpp", ".hpp", ".rb", ".php", ".cs", ".swift", ".scala", ".md", ".rst",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Secrets:
    """Files and folders by their real paths from the root. `names_only`: there were so many small
    files that the last ones were judged by their names, not by what is in them."""

    paths: tuple[str, ...] = ()
    names_only: bool = False

    @property
    def too_many(self) -> bool:
        """Whether they are more than can be hidden."""
        return len(self.paths) > _MOST

    def __str__(self) -> str:
        more = len(self.paths) - 4
        return ", ".join(self.paths[:4]) + (f" and {more} more" if more > 0 else "")


def secrets_of(fence: Fence, known: Iterable[str] = ()) -> Secrets:
    """Looks through the whole workspace: names, and of small files the first bytes.

    A link with such a name makes a secret of what it leads to, and a second name (a hard link) of
    such a file is one too; `known` are secrets from before. Raises ToolError for a workspace with
    too much to look through.
    """
    found = {path: None for path in known if os.path.lexists(fence.root / path)}
    looked = 0
    for path, entry, where in _entries(fence.root):
        name = entry.name
        link, folder = entry.is_symlink(), entry.is_dir(follow_symlinks=False)
        if where is _Where.INSTALLED and not name.startswith((".", "id_")):
            continue
        if folder:
            named = secret_folder(name)
        elif where is _Where.GIT:
            named = _of_git(fence.root, path)
        else:
            named = secret_name(name) or (link and secret_folder(name))
        if named and link:
            path = _target(fence, path)
            named = bool(path)
        elif not named and where is _Where.HERE and looked < _LOOKED_INTO and _small(entry):
            looked += 1
            named = private_key(_beginning(fence.root / path, _HEAD))
        if named:
            found[path] = None
    found |= dict.fromkeys(_other_names(fence.root, found))
    return Secrets(tuple(_outermost(found)), looked >= _LOOKED_INTO)


class _Where(Enum):
    """Whose a folder is."""

    HERE = auto()
    GIT = auto()
    INSTALLED = auto()  # what package managers put there: public keys and test keys, nobody's own


def _entries(root: Path) -> Iterator[tuple[str, os.DirEntry[str], _Where]]:
    """Path, entry and whose it is; nothing of what is in folders of secrets."""
    left = _ENTRIES
    todo = [("", _Where.HERE)]
    while todo:
        folder, where = todo.pop()
        try:
            entries = os.scandir(root / folder)
        except OSError:  # it went away; or nobody may read it, a command neither
            continue
        with entries:
            for entry in entries:
                left -= 1
                if left < 0:
                    raise ToolError(
                        f"The workspace has more than {_ENTRIES} files: no command is run in it.",
                        hint="Work in a smaller folder.",
                    )
                name = entry.name
                path = f"{folder}/{name}" if folder else name
                yield path, entry, where
                if entry.is_dir(follow_symlinks=False) and not secret_folder(name):
                    todo.append((path, _whose(name, where)))


def _whose(name: str, above: _Where) -> _Where:
    if above is not _Where.HERE:
        return above
    if of_git(name):
        return _Where.GIT
    return _Where.INSTALLED if name in _INSTALLED else above


def _of_git(root: Path, path: str) -> bool:
    """Whether a file of git's own holds a password or token: names of branches do not count."""
    folder, _, name = path.rpartition("/")
    if name in ("credentials", ".git-credentials"):
        return not {"refs", "logs"}.intersection(folder.split("/"))
    if name not in ("config", "config.worktree"):
        return False
    text = _beginning(root / path, 1 << 20).decode("utf-8", "replace")
    return bool(redacted(text) != text)


def _target(fence: Fence, path: str) -> str:
    """Where a link leads; nothing where that is outside, nowhere, or the whole workspace."""
    with suppress(ToolError), fence.walk(f"./{path}") as place:
        if place.status is not None and place.path != ".":
            return place.path
    return ""


def _small(entry: os.DirEntry[str]) -> bool:
    """Whether it is a small file, and no program."""
    if entry.name.lower().endswith(_CODE):
        return False
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and 0 < status.st_size <= _SMALL


def _beginning(path: Path, most: int) -> bytes:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(opened, most)
    except OSError:
        return b""
    finally:
        os.close(opened)


def _other_names(root: Path, found: dict[str, None]) -> Iterator[str]:
    """Hard links to what was found."""
    nodes: set[tuple[int, int]] = set()
    for path in _files(root, found):
        with suppress(OSError):
            status = os.lstat(root / path)
            if status.st_nlink > 1 and stat.S_ISREG(status.st_mode):
                nodes.add((status.st_dev, status.st_ino))
    if not nodes:
        return
    for path, entry, _ in _entries(root):
        with suppress(OSError):
            status = entry.stat(follow_symlinks=False)
            if (status.st_dev, status.st_ino) in nodes:
                yield path


def _files(root: Path, found: dict[str, None]) -> Iterator[str]:
    """The files among `found`, and those in its folders."""
    for path in found:
        yield path
        for folder, _, names in os.walk(root / path):
            for name in names:
                yield str(Path(folder, name).relative_to(root))


def _outermost(paths: dict[str, None]) -> Iterator[str]:
    for path in sorted(paths):
        parts = path.split("/")
        if not any("/".join(parts[:n]) in paths for n in range(1, len(parts))):
            yield path
