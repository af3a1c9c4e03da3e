"""Facts about the machine. Unknown is None; all memory in bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HardwareProfile:
    """`cores` are the processor cores that this process may use at the same time."""

    os: str
    arch: str
    cpu: str
    cores: int
    memory_total: int
    memory_available: int


@dataclass(frozen=True, slots=True)
class Budget:
    """How many bytes models may take on `device`, and why that many."""

    bytes: int
    device: str
    reason: str
