"""Facts about the machine. Unknown is None; memory in bytes, bandwidth in bytes a second."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """A graphics processor.

    `memory_total` is all that it can reach. A `unified` one shares the RAM of the machine, and
    `dedicated` is the part of its memory that is not RAM: all of it on a card, the carve-out of
    the firmware on an AMD APU, nothing on Apple Silicon.
    """

    vendor: str
    name: str
    memory_total: int | None
    memory_free: int | None
    unified: bool
    dedicated: int | None = None
    bandwidth: int | None = None


@dataclass(frozen=True, slots=True)
class HardwareProfile:
    """`cores` are the processor cores that this process may use at the same time.

    In a container `memory_total` is its limit, and `memory_limit` says so. `instructions` are
    those that inference kernels are built for, in the names of the GCC options. `pace` is how fast
    models answered here against the estimate by the bandwidth, `seat_cost` what each further answer
    written at the same time costs, in answers: None until that was measured.
    """

    os: str
    arch: str
    cpu: str
    cores: int
    memory_total: int
    memory_available: int
    devices: tuple[Device, ...] = ()
    threads: int | None = None
    performance_cores: int | None = None
    instructions: tuple[str, ...] | None = None
    memory_limit: int | None = None
    cpu_limit: float | None = None
    bandwidth: int | None = None
    pace: float | None = None
    seat_cost: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """How many bytes models may take on `device`, and why that many.

    `vram` of these bytes lie on graphics cards, the others in RAM.
    """

    bytes: int
    device: str
    reason: str
    vram: int = 0
    vram_reason: str | None = None
