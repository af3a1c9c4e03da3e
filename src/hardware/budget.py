"""How much memory the swarm may spend. Pure."""

from __future__ import annotations

from .profile import Budget, HardwareProfile

GIB = 1 << 30
_RESERVE = 4 * GIB  # left to the desktop and the browser on a machine of 8 GiB and more
_SMALL = 8 * GIB
_MARGIN = GIB // 2  # of what is available now: the system must not start to swap


def budget(profile: HardwareProfile) -> Budget:
    """Total RAM - 4 GiB; under 8 GiB of RAM 60 % of it; never more than is available now."""
    total, available = profile.memory_total, profile.memory_available
    if total < _SMALL:
        planned, reason = total * 6 // 10, f"60 % of {total / GIB:.1f} GiB RAM"
    else:
        planned, reason = total - _RESERVE, f"{total / GIB:.1f} GiB RAM - 4 GiB for the system"
    now = max(available - _MARGIN, available // 2)
    if now < planned:
        planned, reason = now, f"{available / GIB:.1f} GiB RAM are free now, less a margin"
    return Budget(bytes=planned, device="cpu", reason=reason)
