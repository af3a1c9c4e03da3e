"""The command where a shell finds it, once the package and all that it needs are installed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

_ODD = set('"$`\\')  # in a folder with these the scripts that pip makes do not run


def link(at: Path) -> str | None:
    """Tries the command of this environment, and links it as `at`. Returns what went wrong."""
    program = Path(sys.prefix) / "bin" / "local-swarm"
    fresh = at.with_name(f".{at.name}.{os.getpid()}")
    try:
        if _ODD & set(str(program)):
            ours = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -m local_swarm "$@"\n'
            program.write_text(ours, encoding="utf-8")
        if subprocess.run([program, "version"], stdin=subprocess.DEVNULL).returncode:
            return "It is installed but does not start, see above."
        fresh.symlink_to(program)
        fresh.replace(at)
    except OSError as error:
        return f"{at} cannot be linked: {error}"
    found = shutil.which(at.name)
    if found is None:
        print(f"{at.parent} is not on your PATH; add this line to your shell's profile:")
        print('  export PATH="$HOME/.local/bin:$PATH"')
    elif Path(found) != at:
        print(f"Another {at.name} comes first on your PATH: {found}; this one is {at}")
    return None
