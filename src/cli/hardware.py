"""`local-swarm hardware`: what this machine is, and what models may take of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from ..hardware.budget import GIB, budget
from ..hardware.detect import detect
from ..hardware.probe import ThisMachine
from ..hardware.profile import Device, HardwareProfile
from .units import printable


def hardware(as_json: bool, raw: bool) -> None:
    """See app.hardware."""
    host = ThisMachine()
    profile = detect(host)
    if as_json:
        print(json.dumps(told(profile, host.raw if raw else None), ensure_ascii=False))
        return
    for name, text in _lines(profile):
        print(f"{name:<13}{text}")
    if raw:
        for source, text in sorted(host.raw.items()):
            print(f"\n--- {source}\n{printable(text.rstrip())}")


def told(profile: HardwareProfile, raw: dict[str, str] | None = None) -> dict[str, Any]:
    """The profile and the budget as JSON values; unknown is null."""
    facts = {**asdict(profile), "budget": asdict(budget(profile))}
    return facts if raw is None else {**facts, "raw": raw}


def _lines(profile: HardwareProfile) -> list[tuple[str, str]]:
    spend = budget(profile)
    fast = f", {profile.performance_cores} of them fast" if profile.performance_cores else ""
    threads = f", {profile.threads} threads" if profile.threads else ""
    sets = "unknown" if profile.instructions is None else ", ".join(profile.instructions) or "none"
    lines = [
        ("System", f"{profile.os} {profile.arch}"),
        ("Processor", f"{printable(profile.cpu)}: {profile.cores} cores{fast}{threads}"),
        ("Instructions", sets),
        ("Memory", f"{_gib(profile.memory_total)}, {_gib(profile.memory_available)} free"),
    ]
    if profile.memory_limit is not None or profile.cpu_limit is not None:
        cpus = "all" if profile.cpu_limit is None else f"{profile.cpu_limit:g}"
        lines.append(("Container", f"{_gib(profile.memory_limit)} of memory, {cpus} processors"))
    lines += [("Graphics", _device(device)) for device in profile.devices]
    if not profile.devices:
        lines.append(("Graphics", "none that models could use was found"))
    lines.append(("Budget", f"{_gib(spend.bytes - spend.vram)} of RAM for models: {spend.reason}"))
    if spend.vram_reason:
        told = printable(spend.vram_reason)
        lines.append(("", f"{_gib(spend.vram)} on cards for models: {told}"))
    return lines


def _device(device: Device) -> str:
    kind = "shares the RAM" if device.unified else "a card"
    speed = f", {device.bandwidth / 1e9:.0f} GB/s" if device.bandwidth else ""
    return (
        f"{printable(device.name)} ({device.vendor}, {kind}): {_gib(device.memory_total)}, "
        f"{_gib(device.memory_free)} free{speed}"
    )


def _gib(size: int | None) -> str:
    return "unknown" if size is None else f"{size / GIB:.1f} GiB"
