"""The files in the folder of models: what is there, what a name means of it, and is it sound?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ..errors import ModelFileError, ModelNotFound, UsageError
from .fetch import OnProgress, known_sha256, noted, sha256_of
from .gguf import check_whole
from .store import Remote, demo_path, downloaded, is_path, listed, place, resolve, user_path


@dataclass(frozen=True, slots=True)
class Stored:
    """A model file, or (`whole` false) what of a download has come so far; `bytes` on disk."""

    path: Path
    bytes: int
    whole: bool = True

    @property
    def name(self) -> str:
        """What `run` and the other commands call it."""
        return self.path.stem


def stored(models: Path) -> list[Stored]:
    """All that is there, in the order of the names."""
    begun = sorted(models.glob("*/*.partial")) if models.is_dir() else []
    paths = [(path, True) for path in downloaded(models)] + [(path, False) for path in begun]
    found = []
    for path, whole in paths:
        with suppress(OSError):  # gone since
            found.append(Stored(path, path.stat().st_size, whole))
    return found


def named(name: str, models: Path) -> list[Stored]:
    """What `name` means of the files there: a listed name (all its quantizations, or NAME:QUANT),
    a file's name, `hf:owner/repo:quant`, or a path inside the folder.

    Raises ModelNotFound, or UsageError for what is not ours to touch.
    """
    there = stored(models)
    paths = _paths(name, models)
    found = [
        one
        for one in there
        if name in (one.name, one.path.name) or any(_same(one.path, path) for path in paths)
    ]
    if found:
        return found
    if is_path(name) and user_path(name).exists():
        raise UsageError(f"{name} is not in {models}.", hint="Delete it yourself if you want to.")
    names = [one.name for one in there]
    near = get_close_matches(name, names, 4, 0.4) or names[:4]
    raise ModelNotFound(name, near or ["no downloaded models"])


def _paths(name: str, models: Path) -> list[Path]:
    """Where the files of `name` would lie; one without a name of its own stands for its folder."""
    if is_path(name) and not name.startswith(("hf:", "http:", "https:")):
        return [user_path(name)]
    head, _, wanted = name.rpartition(":")
    known = listed(models)
    spec = known.get(name) or known.get(head)
    if spec and spec.bundled:
        raise UsageError(f"{spec.id} is part of the program.", hint=f"It is {demo_path(spec.id)}.")
    if spec and spec.repo:
        quants = [q for q in spec.quants if name in known or q.name.lower() == wanted.lower()]
        return [place(models, spec.repo, quant.file) for quant in quants]
    if name.startswith("hf:"):
        remote = resolve(name, models)
        assert isinstance(remote, Remote)
        every = stored(models)
        folder = place(models, remote.repo, "x").parent
        end = f"{remote.quant.lower()}" if wanted and ":" in name[3:] else ""
        return [s.path for s in every if s.path.parent == folder and s.name.lower().endswith(end)]
    return []


def _same(path: Path, other: Path) -> bool:
    """A begun download has its own ending."""
    return path.parent.resolve() == other.parent.resolve() and path.stem == other.stem


def remove(one: Stored) -> None:
    """Deletes a file and what belongs to it, and its folder once that is empty. Raises OSError."""
    one.path.unlink(missing_ok=True)
    noted(one.path).unlink(missing_ok=True)
    with suppress(OSError):  # not empty: there are other files
        one.path.parent.rmdir()


def fault(one: Stored, progress: OnProgress) -> str | None:
    """What is wrong with a file, by the SHA-256 that it had when it arrived; None if nothing is.

    Raises LookupError where nobody noted that, and its header is sound at least.
    """
    if not one.whole:
        return "its download is not finished"
    known = known_sha256(one.path)
    try:
        check_whole(one.path)
        if known is not None and sha256_of(one.path, progress) != known:
            return "its bytes are not those that were downloaded"
    except ModelFileError as error:
        return error.message
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if known is None:
        raise LookupError(one.path)
    return None
