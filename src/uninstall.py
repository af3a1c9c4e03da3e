"""What `install.sh --uninstall` leaves to the program before it takes that away: the service, and
the question about models and settings. `python -m local_swarm.uninstall PATH...`: what is named is
the installer's own and is left to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from . import settings as configuration


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 where something could not be removed."""
    keep = {Path(name).resolve() for name in (arguments or sys.argv[1:])}
    service = [sys.executable, "-I", "-m", "local_swarm", "service", "uninstall"]
    subprocess.run(service, stdin=subprocess.DEVNULL, capture_output=True)
    code = 0
    for folder in folders():
        things = [one for one in sorted(folder.iterdir()) if one.resolve() not in keep]
        if not things:
            continue
        size = f"{_bytes(things) / (1 << 20):,.0f} MiB"
        if not _agreed(f"Remove models and settings in {folder} ({size}) too? [y/N] "):
            print(f"Kept, models or logs are there: {folder} ({size}; rm -r '{folder}')")
            continue
        try:
            _remove(things)
        except OSError as error:
            print(f"cannot remove {error.filename}: {error.strerror}", file=sys.stderr)
            code = 1
    return code


def folders() -> list[Path]:
    """Where models, settings and logs are, each once, as far as they exist."""
    settings = configuration.read()
    named = dict.fromkeys((settings.data, settings.state, settings.runtime))
    there = [one for one in named if one.is_dir()]
    return [one for one in there if not any(other in one.parents for other in there)]


def _agreed(question: str) -> bool:
    """No where nobody can be asked, or Ctrl-D is the answer."""
    if not sys.stdin.isatty():
        return False
    try:
        return input(question).strip().lower().startswith("y")
    except EOFError:
        print()
        return False


def _remove(things: Sequence[Path]) -> None:
    """Also their folder, once that is empty. Raises OSError."""
    for one in things:
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink()
    with suppress(OSError):
        things[0].parent.rmdir()


def _bytes(things: Sequence[Path]) -> int:
    real = [one for one in things if not one.is_symlink()]
    files = [file for one in real for file in (one, *one.rglob("*"))]
    return sum(file.lstat().st_size for file in files if file.is_file())


if __name__ == "__main__":
    sys.exit(main())
