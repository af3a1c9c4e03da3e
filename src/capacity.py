"""What this machine carries with the engine that is installed: measured, budgeted, told."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from .backends.devices import graphics
from .hardware.bandwidth import measure
from .hardware.budget import budget
from .hardware.profile import Budget, HardwareProfile
from .models.measured import learned, read
from .settings import Settings


def with_bandwidth(settings: Settings, profile: HardwareProfile) -> HardwareProfile:
    """The profile with what was measured here: the memory bandwidth, once, and how fast the models
    were that ran already."""
    return learned(_with_bandwidth(settings, profile), read(settings.state, profile))


def _with_bandwidth(settings: Settings, profile: HardwareProfile) -> HardwareProfile:
    if profile.bandwidth is not None:
        return profile
    kept = settings.state / "bandwidth"
    machine = f"{profile.cpu}, {profile.cores} cores"
    try:
        name, _, known = kept.read_text(encoding="utf-8").rpartition(": ")
        if name == machine and known.strip().isdecimal():
            return replace(profile, bandwidth=int(known))
    except (OSError, UnicodeDecodeError):
        pass
    measured = measure(profile.cores, profile.memory_available)
    if measured is not None:
        with suppress(OSError):  # a disk that is full or read-only: measured again next time
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(f"{machine}: {measured}\n", encoding="utf-8")
    return replace(profile, bandwidth=measured)


def unused(profile: HardwareProfile) -> str | None:
    """Tells the user of graphics that the installed engine cannot use."""
    names = [device.name for device in profile.devices if device.dedicated or device.unified]
    if not names or uses_graphics(profile):
        return None
    return (
        f"{' and '.join(names)} found, but the installed engine computes on the processor only: "
        "the plan is for the processor and its RAM. A llama-server on PATH that is built for it is "
        "used (docs/engines.md)."
    )


def uses_graphics(profile: HardwareProfile) -> bool:
    """Whether the engine computes on this machine's graphics. On a Mac it is built with Metal;
    elsewhere it is asked, where there are graphics at all."""
    if profile.os == "Darwin":
        return True
    return any(one.dedicated or one.unified for one in profile.devices) and bool(graphics())


def engine_budget(profile: HardwareProfile, cards: bool = False) -> Budget:
    """What models may take on this machine, on its cards too where the engine that comes with us
    uses them, or (`cards`) another one that is taken instead."""
    return budget(profile, gpus=cards or uses_graphics(profile))
