"""The walk to a file that cannot leave a folder, whoever moves and links things meanwhile.

Every component is opened by its name in the folder that is already open, and never through a link
(O_NOFOLLOW); links are read and walked by ourselves. So `..`, absolute links, and a folder that is
replaced by a link between two steps all end inside, or in an error.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import ToolError, UsageError

_HOPS = 40  # links on one path, as in Linux
_LONGEST = 1024  # characters of a path
_FOLDER = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: `name` in the open folder `folder` (a descriptor).

    `path` is the real one, from the root of the fence; `status` is None where nothing is there
    yet, and `missing` names the folders that would have to be made first.
    """

    folder: int
    name: str
    path: str
    status: os.stat_result | None
    missing: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)


@dataclass(frozen=True, slots=True)
class Fence:
    """A folder and nothing outside of it. `root` is its real path."""

    root: Path
    given: Path
    identity: tuple[int, int]

    @classmethod
    def around(cls, folder: Path) -> Fence:
        """Raises UsageError for what is no folder, or far too much of the machine."""
        if os.open not in os.supports_dir_fd:
            raise UsageError("Tools do not work on Windows itself.", hint="Use WSL.")
        given = Path(os.path.abspath(folder))  # noqa: PTH100 (resolve() would follow links)
        try:
            root = given.resolve(strict=True)
            status = root.stat()
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or "it leads in a circle"
            raise UsageError(f"{folder}: {why}.", hint="Name a folder that exists.") from None
        if not stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{folder} is not a folder.", hint="Name a folder that exists.")
        if root in (Path(root.anchor), *_homes()):
            raise UsageError(
                f"{root} is too much for a workspace: it holds keys and settings of yours.",
                hint="Name a folder inside it.",
            )
        return cls(root, given, (status.st_dev, status.st_ino))

    @contextmanager
    def walk(self, path: str) -> Iterator[Place]:
        """Where `path` leads. Raises ToolError where that is outside, or nowhere."""
        with ExitStack() as held, _told(path):
            yield self._walk(path, held)

    def _walk(self, path: str, held: ExitStack) -> Place:
        def enter(name: str, folder: int | None = None) -> int:
            opened = os.open(name, _FOLDER, dir_fd=folder)
            held.callback(os.close, opened)
            return opened

        top = self._top(enter)
        way: list[tuple[int, str]] = [(top, "")]
        parts, hops = deque(self._parts(path)), 0
        while parts:
            part = parts.popleft()
            if part == "..":
                if len(way) == 1:
                    raise _outside(path)
                way.pop()
                continue
            folder = way[-1][0]
            try:
                status = os.lstat(part, dir_fd=folder)
            except FileNotFoundError:
                if ".." in parts:
                    raise
                *missing, name = (part, *parts)
                real = "/".join([*(each for _, each in way[1:]), *missing, name])
                return Place(folder, name, real, None, tuple(missing))
            if stat.S_ISLNK(status.st_mode):
                hops += 1
                if hops > _HOPS:
                    raise ToolError(f"{path} has too many links.")
                target = os.readlink(part, dir_fd=folder)
                if target.startswith("/"):
                    del way[1:]
                parts.extendleft(reversed(self._inside(target, path)))
            elif parts:
                way.append((enter(part, folder), part))
            else:
                real = "/".join([*(each for _, each in way[1:]), part])
                return Place(folder, part, real, status)
        # the way ended in a folder that is already open
        folder, name = way[-1]
        real = "/".join(each for _, each in way[1:])
        return Place(folder, ".", real or ".", os.fstat(folder))

    def _top(self, enter: Callable[[str], int]) -> int:
        with suppress(OSError):
            top = enter(str(self.root))
            status = os.fstat(top)
            if (status.st_dev, status.st_ino) == self.identity:
                return top
        raise ToolError("The workspace itself was moved or replaced.")

    def _parts(self, path: str) -> list[str]:
        """The components of a path that a model gave."""
        if not path.strip() or "\0" in path:
            raise ToolError("The path is empty." if not path.strip() else "The path has a NUL.")
        if len(path) > _LONGEST:
            raise ToolError(f"The path is longer than {_LONGEST} characters.")
        if path == "~" or path.startswith("~/"):
            raise _outside(path)
        return self._inside(path, path)

    def _inside(self, path: str, shown: str) -> list[str]:
        """The components of a path; of an absolute one those after the root."""
        if path.startswith("/"):
            for root in (str(self.root), str(self.given)):
                if path == root or path.startswith(root + "/"):
                    path = path[len(root) :]
                    break
            else:
                raise _outside(shown)
        return [part for part in path.split("/") if part not in ("", ".")]


def _outside(path: str) -> ToolError:
    return ToolError(f"{path} is outside the workspace.", hint="Paths begin in the workspace.")


def _homes() -> set[Path]:
    """The homes of the user, by the environment and by the system, and all that is above them."""
    homes = set()
    with suppress(RuntimeError, OSError):
        homes.add(Path.home().resolve())
    with suppress(ImportError, KeyError, OSError):
        import pwd

        homes.add(Path(pwd.getpwuid(os.getuid()).pw_dir).resolve())
    return {each for home in homes for each in (home, *home.parents)}


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What the system refuses, in words for a model."""
    try:
        yield
    except FileNotFoundError:
        raise ToolError(f"{path} not found.") from None
    except PermissionError:
        raise ToolError(f"{path}: permission denied.") from None
    except NotADirectoryError:
        raise ToolError(f"{path}: a part of it is no folder.") from None
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror or 'it cannot be used'}.") from None
