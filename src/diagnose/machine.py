"""Stages about the machine: processor, memory, graphics."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..hardware.budget import budget
from ..hardware.numbers import GIB
from ..hardware.profile import HardwareProfile
from .check import Check, State

_X86 = ("x86_64", "amd64", "i686")
_LITTLE = GIB  # a model that is more than a toy wants this much


async def processor(profile: HardwareProfile) -> AsyncIterator[Check]:
    """Its name, and the instructions that the packaged engine was built for."""
    known = profile.instructions
    told = f"{profile.cpu}, {profile.cores} cores: {', '.join(known or ()) or 'unknown features'}"
    if profile.arch.lower() not in _X86 or known is None or "avx2" in known:
        yield Check("processor", State.OK, told)
        return
    yield Check(
        "processor",
        State.WARN,
        f"{told}; no AVX2",
        "The packaged engine needs AVX2 on x86: a llama-server on PATH serves instead "
        "(apt install llama.cpp).",
    )


async def memory(profile: HardwareProfile) -> AsyncIterator[Check]:
    """What models may take of it."""
    spend = budget(profile, gpus=False)
    told = (
        f"{profile.memory_total / GIB:.1f} GiB RAM, {profile.memory_available / GIB:.1f} free, "
        f"{spend.bytes / GIB:.1f} for models ({spend.reason})"
    )
    if spend.bytes >= _LITTLE:
        yield Check("memory", State.OK, told)
        return
    advice = "Close other programs: with less than 1 GiB only the demo model and its like fit."
    yield Check("memory", State.WARN, told, advice)


async def graphics(profile: HardwareProfile, unused: str | None) -> AsyncIterator[Check]:
    """`unused` says which of the graphics the engine cannot use, or is None."""
    names = [device.name for device in profile.devices]
    if unused:
        advice = "`./install.sh --engine cuda` (rocm, vulkan) brings an engine that may use them."
        yield Check("graphics", State.WARN, unused, advice)
    elif names:
        yield Check("graphics", State.OK, ", ".join(names))
    else:
        yield Check("graphics", State.OK, "none found: the processor computes")
