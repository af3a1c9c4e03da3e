"""Programs on hosts that are told what to do by lines of JSON and answer each with one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.lan.hosts import ROOT, Lan


class Told:
    """One such program: `tests.lan.NAME`, with its arguments."""

    def __init__(self, lan: Lan, host: int, name: str, *words: object) -> None:
        self.host = host
        self.process = lan.start(
            host,
            [sys.executable, "-m", f"tests.lan.{name}", *map(str, words)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ready(self) -> None:
        """Waits until it listens."""
        assert self._line() == "ready\n"

    def begin(self, do: str, **more: Any) -> None:
        """Tells it what to do, and does not wait: `end` returns what it answers."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self.process.stdin.flush()

    def end(self) -> Any:
        """The answer to what was begun."""
        return json.loads(self._line())

    def __call__(self, do: str, **more: Any) -> Any:
        """Tells it what to do and returns its answer."""
        self.begin(do, **more)
        return self.end()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline())
