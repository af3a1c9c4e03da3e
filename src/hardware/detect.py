"""Asks all probes at the same time what this machine is; what cannot be learned stays None."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable
from dataclasses import replace

from . import amd, apple, cpu, intel, nvidia, qualcomm
from .probe import TIMEOUT_S, Host, ThisMachine
from .profile import Device, HardwareProfile

_PROBES = (nvidia.find, amd.find, intel.find, apple.find, qualcomm.find)


def detect(host: Host | None = None) -> HardwareProfile:
    """The facts of this machine, as far as they can be learned without root."""
    host = host or ThisMachine()
    devices = _all(host)
    profile = _processor(host)
    return replace(profile, devices=tuple(_with_memory(d, profile) for d in devices))


def _all(host: Host) -> list[Device]:
    """What the probes found, in their order. A probe that hangs or fails has found nothing."""
    found: list[list[Device]] = [[] for _ in _PROBES]

    def work(at: int, probe: Callable[[Host], list[Device]]) -> None:
        try:
            found[at] = probe(host)
        except Exception:  # a driver may break in any way: that is no reason not to start
            found[at] = []

    threads = [
        threading.Thread(target=work, args=(at, probe), name="probe", daemon=True)
        for at, probe in enumerate(_PROBES)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * TIMEOUT_S)  # a probe asks at most two programs
    return [device for devices in found for device in devices]


def _processor(host: Host) -> HardwareProfile:
    physical, logical = host.cores()
    total, available = host.memory()
    told = cpu.parse_cpuinfo(host.read("/proc/cpuinfo") or "")
    name, instructions = told.name, told.instructions
    fast = cpu.performance_cores(host)
    bandwidth = None
    mac = apple.parse(host.ask(*apple.SYSCTL) or "") if host.os == "Darwin" else None
    if mac:
        name, instructions, fast = mac.chip, mac.instructions, mac.performance_cores
        bandwidth = mac.bandwidth
    limits = cpu.limits(host)
    if limits.memory is not None and limits.memory >= total:
        limits = replace(limits, memory=None, memory_free=None)
    if limits.memory is not None:
        total = limits.memory
        available = min(available, limits.memory_free or limits.memory)
    cores = physical
    if limits.cpus is not None:
        cores = max(1, min(cores, int(limits.cpus)))
    return HardwareProfile(
        os=host.os,
        arch=host.arch,
        cpu=name or platform.processor() or host.arch,
        cores=cores,
        memory_total=total,
        memory_available=min(available, total),
        threads=logical,
        performance_cores=min(fast, cores) if fast else None,
        instructions=instructions,
        memory_limit=limits.memory,
        cpu_limit=limits.cpus,
        bandwidth=bandwidth,
    )


def _with_memory(device: Device, profile: HardwareProfile) -> Device:
    """Graphics that share the RAM cannot reach more than there is of it."""
    if not device.unified:
        return device
    most = profile.memory_total + (device.dedicated or 0)
    free = profile.memory_available + (device.dedicated or 0)
    return replace(
        device,
        memory_total=min(device.memory_total or profile.memory_total, most),
        memory_free=min(device.memory_free or profile.memory_available, free),
    )
