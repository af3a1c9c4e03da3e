"""Machines as their own tools describe them. The head of each file says where its shape comes from.

A capture begins with lines of `#`, then `os`, `memory` (bytes in all, bytes available) and `cores`
(physical, logical), then sections: `--- $ command` for what a program prints, `--- /path` for
what a file holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(slots=True)
class Captured:
    """A Host that answers out of a capture; `asked` are the programs that were called."""

    os: str
    arch: str
    ram: tuple[int, int]
    counts: tuple[int, int]
    sections: dict[str, str]
    asked: list[str] = field(default_factory=list)

    def ask(self, *command: str) -> str | None:
        self.asked.append(command[0])
        return self.sections.get("$ " + " ".join(command))

    def read(self, path: str) -> str | None:
        return self.sections.get(path)

    def paths(self, pattern: str) -> list[str]:
        return sorted(path for path in self.sections if fnmatchcase(path, pattern))

    def memory(self) -> tuple[int, int]:
        return self.ram

    def cores(self) -> tuple[int, int]:
        return self.counts


def names() -> list[str]:
    """All captures."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


def captured(name: str) -> Captured:
    """The machine of the capture `name`."""
    head, *rest = re.split(r"^--- ", text_of(name), flags=re.MULTILINE)
    sections = {}
    for section in rest:
        key, _, text = section.partition("\n")
        sections[key] = text
    facts = dict(
        line.split(" ", 1) for line in head.splitlines() if line and not line.startswith("#")
    )
    system, arch = facts["os"].split()
    total, available = map(int, facts["memory"].split())
    physical, logical = map(int, facts["cores"].split())
    return Captured(system, arch, (total, available), (physical, logical), sections)
