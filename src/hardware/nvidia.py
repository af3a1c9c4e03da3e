"""NVIDIA cards: NVML where its Python binding works, else nvidia-smi."""

from __future__ import annotations

from typing import Any

from .numbers import MIB, whole
from .probe import Host
from .profile import Device

QUERY = (
    "nvidia-smi",
    "--query-gpu=name,memory.total,memory.free",
    "--format=csv,noheader,nounits",
)


def find(host: Host) -> list[Device]:
    """All NVIDIA cards. Raises nothing for an absent driver."""
    if not (host.read("/proc/driver/nvidia/version") or host.os == "Windows"):
        # Without the kernel driver NVML cannot answer; WSL has no such file, but the tool.
        return parse(host.ask(*QUERY) or "")
    return _nvml() or parse(host.ask(*QUERY) or "")


def parse(text: str) -> list[Device]:
    """The answer to QUERY: name, MiB in all, MiB free; one card a line."""
    devices = []
    for line in text.splitlines():
        name, *sizes = (part.strip() for part in line.rsplit(",", 2))
        if len(sizes) != 2 or not name:
            continue
        total, free = (whole(size, MIB) for size in sizes)
        if total is None and "N/A" not in sizes[0] and "Not Supported" not in sizes[0]:
            continue  # an error message, no card
        # A card without memory of its own (GB10, Jetson) says N/A: it shares the RAM.
        devices.append(Device("nvidia", name, total, free, total is None, total))
    return devices


def _nvml() -> list[Device]:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # no library, no driver, a driver that does not fit: a normal outcome
        return []
    try:
        count = pynvml.nvmlDeviceGetCount()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(at) for at in range(count)]
        return [_device(pynvml, handle) for handle in handles]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def _device(nvml: Any, handle: Any) -> Device:
    def told(ask: Any, *words: Any) -> Any:
        try:
            return ask(handle, *words)
        except nvml.NVMLError:
            return None

    name = told(nvml.nvmlDeviceGetName) or "NVIDIA GPU"
    memory = told(nvml.nvmlDeviceGetMemoryInfo)
    width = told(nvml.nvmlDeviceGetMemoryBusWidth)
    clock = told(nvml.nvmlDeviceGetMaxClockInfo, nvml.NVML_CLOCK_MEM)
    total = int(memory.total) if memory else None
    return Device(
        vendor="nvidia",
        name=name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name),
        memory_total=total,
        memory_free=int(memory.free) if memory else None,
        unified=total is None,
        dedicated=total,
        bandwidth=bandwidth(clock, width),
    )


def bandwidth(clock_mhz: int | None, width_bits: int | None) -> int | None:
    """Bytes a second of the card's memory: two transfers a clock on a bus of `width_bits`."""
    if not clock_mhz or not width_bits:
        return None
    return 2 * clock_mhz * 1_000_000 * width_bits // 8
