"""Which graphics the packaged engine can really compute on: it is asked in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import cache

from ..settings import clean_environment

_ASK = """
import xllamacpp
for device in xllamacpp.get_device_info():
    if getattr(device["type"], "name", "").endswith("GPU"):
        print("device:", device["description"] or device["name"])
"""
_TIME_S = 60.0


@cache
def graphics() -> tuple[str, ...]:
    """The names of the graphics that the installed engine sees. Asked once: it takes a second."""
    return ask(clean_environment())


def ask(environment: Mapping[str, str]) -> tuple[str, ...]:
    """As above. An engine that cannot be imported, or dies, sees nothing."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ASK],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIME_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if done.returncode != 0:
        return ()
    lines = (line.partition("device: ") for line in done.stdout.splitlines())
    return tuple(name.strip() for before, found, name in lines if found and not before)
