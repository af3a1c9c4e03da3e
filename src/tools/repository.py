"""What git runs by itself (hooks, and programs named in its settings) is not a command's to change.

A sandboxed command may write its whole workspace; a hook that it leaves there would run outside of
the sandbox, as the user, at the next `git commit`. So all of these are looked at before a command
and after it, and what was added or changed is put back.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace

from ..errors import ToolError
from . import atomic
from .fence import Fence
from .gitconfig import harmless, obeyed
from .sensitive import plain

_SETTINGS = 1 << 20  # bytes of settings that are read; nobody has more
_MOST = 1_000_000  # files and folders; with more no command is run
_CONFIGS = ("config", "config.worktree")
_HOOKS = (".githooks", ".husky")
_POINTERS = (*_CONFIGS, "commondir", "hgrc")


@dataclass(frozen=True, slots=True)
class _Item:
    """A file, or where `mode` is None a link and where it leads."""

    data: bytes
    mode: int | None
    whole: bool = True

    @property
    def text(self) -> str:
        return self.data[:_SETTINGS].decode("utf-8", "replace")


_Items = Mapping[str, _Item]


@asynccontextmanager
async def guarded(fence: Fence) -> AsyncIterator[list[str]]:
    """Around a command; afterwards the list says what was put back.

    Raises ToolError for a workspace with too much to look through.
    """
    before = await asyncio.to_thread(_look, fence)
    for path, item in before.items():
        if not item.whole:
            raise ToolError(f"{path} is too large to be looked after: no command is run here.")
    notes: list[str] = []
    try:
        yield notes
    except BaseException:
        _mend(fence, before)  # at once: whoever cancels us may end us next
        raise
    notes += await asyncio.to_thread(_mend, fence, before)


def _look(fence: Fence) -> _Items:
    """Everything that git would obey, by its real path from the root."""
    found: dict[str, _Item] = {}
    for folder in _folders(fence):
        if plain(folder.rpartition("/")[2]) in _HOOKS:  # which a user's own settings may name
            _add_all(found, fence, folder)
            _add_all(found, fence, f"{folder}/_")
        for name in _POINTERS:
            _add(found, fence, f"{folder}/{name}")
        _add_all(found, fence, f"{folder}/hooks")
        for name in _CONFIGS:
            config = found.get(_real(fence, f"{folder}/{name}"))
            for kind, path in obeyed(config.text if config else ""):
                if kind == "hooks":  # from where git runs: beside a bare repository's settings
                    _add_all(found, fence, _join(folder.rpartition("/")[0], path))
                    _add_all(found, fence, _join(folder, path))
                else:
                    _add(found, fence, _join(folder, path))
    return found


def _folders(fence: Fence) -> Iterator[str]:
    """Folders that git would take for a repository's own, whatever they are called."""
    # with ./ no name is taken for anything else than a name
    left, todo = _MOST, [(".", "")]
    while todo:
        folder, name = todo.pop()
        names: dict[str, bool] = {}
        try:
            with os.scandir(fence.root / folder) as entries:
                names = {each.name: each.is_dir(follow_symlinks=False) for each in entries}
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise ToolError("Folders in the workspace are nested too deeply.") from None
        left -= len(names)
        if left < 0:
            raise ToolError(
                f"The workspace has more than {_MOST} files: no command is run in it.",
                hint="Work in a smaller folder.",
            )
        git = names.keys() >= {"objects", "refs"} or names.keys() >= {"HEAD", "commondir"}
        if git or plain(name) in (".git", ".hg", *_HOOKS):
            yield folder
        todo += [(f"{folder}/{each}", each) for each, is_folder in names.items() if is_folder]


def _add(found: dict[str, _Item], fence: Fence, path: str) -> None:
    """A file, and if it is a link both the link and where it leads."""
    folder, _, name = path.rpartition("/")
    # outside, or gone, or no file: no command can have put there what git would obey
    with suppress(ToolError), _opened(fence, folder) as (real, opened):
        if stat.S_ISLNK(os.lstat(name, dir_fd=opened).st_mode):
            found[_join(real, name)] = _Item(os.fsencode(os.readlink(name, dir_fd=opened)), None)
    with suppress(ToolError), fence.walk(path) as place:
        file = atomic.read(place, atomic.LARGEST)
        if file is not None:
            found[file.path] = _Item(file.data, file.mode, file.whole)


def _add_all(found: dict[str, _Item], fence: Fence, path: str) -> None:
    """A folder of hooks, and the folder itself if it is a link."""
    _add(found, fence, path)
    names: list[str] = []
    with suppress(ToolError), _opened(fence, path) as (_, opened):
        names = os.listdir(opened)  # noqa: PTH208
    for name in names:
        if not name.endswith(".sample"):
            _add(found, fence, f"{path}/{name}")


def _mend(fence: Fence, before: _Items) -> list[str]:
    """Puts back what differs from `before`. Raises ToolError where that cannot be done."""
    done: dict[str, None] = {}
    for pointers in (True, False):
        # First what says where git looks, then what it finds there: a file that a command made
        # into a hook by a setting is the user's file again without that setting.
        after = _look(fence)
        moved = {item for path, item in before.items() if path not in after}
        for path, item in after.items():
            old = before.get(path)
            pointer = item.mode is None or path.rpartition("/")[2] in _POINTERS
            if pointer is pointers and item != old and not _is_harmless(path, item, old, moved):
                _put_back(fence, path, old)
                done[path] = None
    return [f"[{path} was put back: commands may not change what git runs]" for path in done]


def _is_harmless(path: str, item: _Item, old: _Item | None, moved: set[_Item]) -> bool:
    if not item.whole or len(item.data) > _SETTINGS:
        return False
    if item in moved:
        return True  # with its repository
    if path.rpartition("/")[2] not in _CONFIGS or item.mode is None:
        return False
    was = old.text if old is not None and old.mode is not None else ""
    return harmless(was, item.text)


def _put_back(fence: Fence, path: str, old: _Item | None) -> None:
    folder, _, name = path.rpartition("/")
    try:
        with _opened(fence, f"./{folder}") as (_, opened):
            os.unlink(name, dir_fd=opened)
        if old is not None and old.mode is None:
            with _opened(fence, f"./{folder}") as (_, opened):
                os.symlink(os.fsdecode(old.data), name, dir_fd=opened)
        elif old is not None:
            with fence.walk(f"./{path}") as place:
                atomic.replace(replace(place, status=None), old.data, old.mode)
    except ToolError as error:
        raise ToolError(
            f"The command changed {path}, which git obeys, and it could not be put back: "
            f"{error.message}",
            hint="Look at it before you use git here.",
        ) from None


@contextmanager
def _opened(fence: Fence, path: str) -> Iterator[tuple[str, int]]:
    """A folder's real path and a descriptor of it. Raises ToolError."""
    with fence.walk(path or ".") as place:
        opened = os.open(place.name, atomic.FOLDER, dir_fd=place.folder)
        try:
            yield ("" if place.path == "." else place.path), opened
        finally:
            os.close(opened)


def _real(fence: Fence, path: str) -> str:
    with suppress(ToolError), fence.walk(path) as place:
        return place.path
    return ""


def _join(folder: str, name: str) -> str:
    return name if name.startswith("/") or not folder else f"{folder}/{name}"
