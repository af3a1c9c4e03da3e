"""Qualcomm phones and tablets, in Termux: getprop and the files of the Adreno driver."""

from __future__ import annotations

import re

from .probe import Host
from .profile import Device

GETPROP = ("getprop",)
GPU_MODEL = "/sys/class/kgsl/kgsl-3d0/gpu_model"
_PROPERTY = re.compile(r"\[([\w.]+)\]: \[(.*)\]")
_MAKERS = ("qti", "qualcomm")


def find(host: Host) -> list[Device]:
    """The Adreno of a Snapdragon; it shares the RAM of the phone."""
    soc = parse(host.ask(*GETPROP) or "")
    if soc is None:
        return []
    gpu = (host.read(GPU_MODEL) or "").strip("\0\n ")
    name = f"Adreno {gpu.removeprefix('Adreno')}" if gpu else "Adreno"
    total, free = host.memory()
    return [Device("qualcomm", f"{name} ({soc})", total, free, True)]


def parse(text: str) -> str | None:
    """The chip's model ("SM8550") in what getprop prints; None where no Qualcomm chip is named."""
    facts = dict(_PROPERTY.findall(text))
    maker = facts.get("ro.soc.manufacturer", "").lower()
    hardware = facts.get("ro.hardware", "").lower()
    if maker not in _MAKERS and hardware != "qcom":
        return None
    return facts.get("ro.soc.model") or facts.get("ro.board.platform") or "Snapdragon"
