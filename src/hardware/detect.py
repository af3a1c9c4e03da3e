"""Asks the operating system what this machine is. Never raises for what it cannot learn."""

from __future__ import annotations

import platform
from pathlib import Path

from .profile import HardwareProfile


def detect() -> HardwareProfile:
    """The facts of this machine, as far as they can be learned without root."""
    import psutil

    memory = psutil.virtual_memory()
    limit = _cgroup_limit()
    total = min(memory.total, limit) if limit else memory.total
    return HardwareProfile(
        os=platform.system(),
        arch=platform.machine(),
        cpu=_cpu_name(),
        cores=_cores(),
        memory_total=total,
        memory_available=min(memory.available, total),
    )


def _cores() -> int:
    """Physical cores, but never more than the scheduler gives us: engines spin when they wait."""
    import psutil

    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    try:
        allowed = len(psutil.Process().cpu_affinity())
    except (AttributeError, psutil.Error, OSError):  # macOS has no affinity
        allowed = physical
    return max(1, min(physical, allowed))


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _cgroup_limit() -> int | None:
    """The memory limit of our container in bytes (cgroup v2, then v1), if there is one."""
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        # v1 says "no limit" with a number near 2**63.
        if text.isdecimal() and int(text) < 1 << 60:
            return int(text)
    return None
