"""Apple Silicon, by sysctl: one chip, one memory for processor and graphics."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .numbers import whole
from .probe import Host
from .profile import Device

# -i: a Mac that does not know one of these names tells the others all the same.
SYSCTL = (
    "sysctl", "-i", "machdep.cpu.brand_string", "hw.memsize", "hw.physicalcpu", "hw.logicalcpu",
    "hw.perflevel0.physicalcpu", "hw.optional.neon", "hw.optional.arm.FEAT_DotProd",
    "hw.optional.arm.FEAT_I8MM", "hw.optional.arm.FEAT_BF16", "hw.optional.avx2_0",
    "hw.optional.avx1_0", "hw.optional.sse4_2",
)  # fmt: skip
_INSTRUCTIONS = {
    "hw.optional.neon": "neon",
    "hw.optional.arm.FEAT_DotProd": "dotprod",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.sse4_2": "sse4.2",
    "hw.optional.avx1_0": "avx",
    "hw.optional.avx2_0": "avx2",
}
# GB/s as Apple publishes them for each chip. Where a chip was sold with two figures (M3 Max 300
# and 400, M4 Max 410 and 546), the smaller one: sysctl does not tell them apart.
_BANDWIDTH = {
    "M1": 68, "M1 Pro": 200, "M1 Max": 400, "M1 Ultra": 800,
    "M2": 100, "M2 Pro": 200, "M2 Max": 400, "M2 Ultra": 800,
    "M3": 100, "M3 Pro": 150, "M3 Max": 300, "M3 Ultra": 819,
    "M4": 120, "M4 Pro": 273, "M4 Max": 410, "M5": 153,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mac:
    """What sysctl tells of a Mac."""

    chip: str
    memory: int | None
    cores: int | None
    threads: int | None
    performance_cores: int | None
    instructions: tuple[str, ...]

    @property
    def silicon(self) -> bool:
        """Whether it is Apple Silicon, and not an Intel Mac."""
        return self.chip.startswith("Apple")

    @property
    def bandwidth(self) -> int | None:
        """Bytes a second of its memory; None for a chip that is not listed."""
        found = re.match(r"Apple (M\d+( (Pro|Max|Ultra))?)", self.chip)
        listed = _BANDWIDTH.get(found[1]) if found else None
        return listed * 10**9 if listed else None


def parse(text: str) -> Mac | None:
    """The answer to SYSCTL: lines of `name: value`. None where it names no processor."""
    facts = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    chip = facts.get("machdep.cpu.brand_string", "").strip()
    if not chip:
        return None
    silicon = chip.startswith("Apple")
    has = [name for key, name in _INSTRUCTIONS.items() if facts.get(key, "0").strip() == "1"]
    if silicon and "neon" not in has:
        has.insert(0, "neon")  # every one has it; macOS 12 and later stopped to say so
    return Mac(
        chip=chip,
        memory=whole(facts.get("hw.memsize")),
        cores=whole(facts.get("hw.physicalcpu")),
        threads=whole(facts.get("hw.logicalcpu")),
        performance_cores=whole(facts.get("hw.perflevel0.physicalcpu")),
        instructions=tuple(has),
    )


def find(host: Host) -> list[Device]:
    """The graphics processor of Apple Silicon; an Intel Mac has none that engines could use."""
    if host.os != "Darwin":
        return []
    mac = parse(host.ask(*SYSCTL) or "")
    if mac is None or not mac.silicon:
        return []
    free = host.memory()[1]
    return [Device("apple", mac.chip, mac.memory, free, True, None, mac.bandwidth)]
