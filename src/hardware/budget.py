"""How much memory the swarm may spend. Pure."""

from __future__ import annotations

from .numbers import GIB, MIB
from .profile import Budget, Device, HardwareProfile

__all__ = ["GIB", "budget", "cards", "ram"]
_RESERVE = 4 * GIB  # left to the desktop and the browser on a machine of 8 GiB and more
_SMALL = 8 * GIB
_MARGIN = GIB // 2  # of what is available now: the system must not start to swap
_CARD_MARGIN = 256 * MIB  # what a card's driver takes while a model is loaded
_APU_CARVE_OUT = 4 * GIB  # a smaller one holds the screen and nothing that counts


def budget(profile: HardwareProfile, gpus: bool = True) -> Budget:
    """What models may take: RAM, and the memory of all cards if an engine can use them (`gpus`).

    RAM: total - 4 GiB; under 8 GiB of RAM 60 % of it. Card: 90 % of its memory, all cards added
    up. Never more than is available now less a margin. A container's limit counts as its RAM.
    """
    host, reason = ram(profile)
    vram, told = cards(profile.devices) if gpus else (0, "")
    if vram:
        return Budget(host + vram, "gpu", reason, vram, told)
    unified = gpus and any(device.vendor == "apple" for device in profile.devices)
    return Budget(host, "apple" if unified else "cpu", reason)


def ram(profile: HardwareProfile) -> tuple[int, str]:
    """(bytes, reason) of the RAM that models may take."""
    total, available = profile.memory_total, profile.memory_available
    what = f"{total / GIB:.1f} GiB RAM"
    if profile.memory_limit is not None:
        what += " (the container's limit)"
    if total < _SMALL:
        planned, reason = total * 6 // 10, f"60 % of {what}"
    else:
        planned, reason = total - _RESERVE, f"{what} - 4 GiB for the system"
    now = max(available - _MARGIN, available // 2)
    if now < planned:
        planned, reason = now, f"{available / GIB:.1f} GiB RAM are free now, less a margin"
    return planned, reason


def cards(devices: tuple[Device, ...]) -> tuple[int, str]:
    """(bytes, reason) of the memory that models may take on graphics cards."""
    spent, reasons = 0, []
    for device in devices:
        own = device.dedicated
        if own is None or (device.unified and own < _APU_CARVE_OUT):
            continue
        planned, reason = own * 9 // 10, f"90 % of {own / GIB:.1f} GiB of {device.name}"
        free = device.memory_free
        if not device.unified and free is not None and free - _CARD_MARGIN < planned:
            planned = max(0, free - _CARD_MARGIN)
            reason = f"{free / GIB:.1f} GiB of {device.name} are free now, less a margin"
        spent += planned
        reasons.append(reason)
    return spent, " + ".join(reasons)
