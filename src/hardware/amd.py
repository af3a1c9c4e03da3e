"""AMD graphics: sysfs tells the memory without any tool, amd-smi or rocm-smi the name.

The memory of an APU is its carve-out ("VRAM", often 512 MiB) and the RAM that the driver lends it
("GTT"). Tools that look at VRAM alone call a machine of 64 GB hopeless.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .numbers import parsed, sized, whole
from .probe import Host
from .profile import Device

ROCM_SMI = ("rocm-smi", "--showproductname", "--showmeminfo", "vram", "gtt", "--json")
AMD_SMI = ("amd-smi", "static", "--asic", "--vram", "--json")
_VENDOR = "0x1002"
_CARD = re.compile(r"\bRX\b|Instinct|\bPRO W", re.IGNORECASE)
# Names of graphics inside of a processor: "Radeon Graphics", "Radeon 780M", "Radeon Vega 8",
# "Radeon 8060S", and the code names that tools print for them.
_APU = re.compile(
    r"\b\d{3}M\b|\b80[456]0S\b|Vega (3|6|7|8|9|10|11)\b|Radeon(\(TM\))? Graphics|"
    r"Raphael|Granite Ridge|Strix|Phoenix|Hawk ?Point|Rembrandt|Cezanne|Renoir|Picasso|Raven",
    re.IGNORECASE,
)
_LENT = 8  # no driver lends so many times its own memory to a card that has much of it


@dataclass(frozen=True, slots=True)
class Memories:
    """What one source tells of one device, in bytes."""

    name: str = ""
    vram: int | None = None
    vram_used: int | None = None
    gtt: int | None = None
    gtt_used: int | None = None

    @property
    def device(self) -> Device:
        """GTT counts where it is the device's main memory."""
        unified = not _CARD.search(self.name) and bool(_APU.search(self.name))
        if not self.name and self.vram is not None and self.gtt is not None:
            unified = self.gtt >= _LENT * self.vram
        total, free = self.vram, _less(self.vram, self.vram_used)
        if unified and self.gtt is not None:
            total = (self.vram or 0) + self.gtt
            lent = _less(self.gtt, self.gtt_used)
            free = None if lent is None else (free or 0) + lent
        return Device("amd", self.name or "AMD graphics", total, free, unified, self.vram)


def find(host: Host) -> list[Device]:
    """All AMD graphics processors."""
    seen = [_sysfs(host, path) for path in host.paths("/sys/class/drm/card*/device/vendor")]
    cards = [card for card in seen if card]
    if not all(card.name for card in cards) or not cards:
        named = parse_amd_smi(host.ask(*AMD_SMI) or "") or parse_rocm_smi(host.ask(*ROCM_SMI) or "")
        if not cards:
            cards = named
        elif len(named) == len(cards):  # both in the order of the bus
            pairs = zip(cards, named, strict=True)
            cards = [replace(card, name=tool.name) for card, tool in pairs]
    return [card.device for card in cards]


def _sysfs(host: Host, vendor_path: str) -> Memories | None:
    if (host.read(vendor_path) or "").strip() != _VENDOR:
        return None
    folder = vendor_path.removesuffix("vendor")
    kinds = ("vram_total", "vram_used", "gtt_total", "gtt_used")
    sizes = [whole(host.read(f"{folder}mem_info_{kind}")) for kind in kinds]
    if sizes[0] is None and sizes[2] is None:
        return None
    return Memories((host.read(f"{folder}product_name") or "").strip(), *sizes)


def parse_rocm_smi(text: str) -> list[Memories]:
    """The answer to ROCM_SMI, a JSON object with one entry a card."""
    cards = parsed(text)
    if not isinstance(cards, dict):
        return []
    found = []
    for key, card in sorted(cards.items()):
        if not (key.startswith("card") and isinstance(card, dict)):
            continue
        facts = {str(name).lower(): value for name, value in card.items()}
        kinds = ("vram total", "vram total used", "gtt total", "gtt total used")
        sizes = [whole(facts.get(f"{kind} memory (b)")) for kind in kinds]
        if sizes[0] is not None or sizes[2] is not None:
            name = str(facts.get("card series") or facts.get("card model") or "")
            found.append(Memories(name, *sizes))
    return found


def parse_amd_smi(text: str) -> list[Memories]:
    """The answer to AMD_SMI: a JSON list of GPUs, since ROCm 7 inside of {"gpu_data": ...}."""
    told = parsed(text)
    gpus = told.get("gpu_data") if isinstance(told, dict) else told
    found = []
    for gpu in gpus if isinstance(gpus, list) else []:
        asic, vram = (gpu.get(part) if isinstance(gpu, dict) else None for part in ("asic", "vram"))
        if not (isinstance(asic, dict) and isinstance(vram, dict)):
            continue
        size = vram.get("size")
        if isinstance(size, dict):
            total = sized(size.get("value"), size.get("unit") or "MB")
        else:
            total = sized(size)
        found.append(Memories(str(asic.get("market_name") or ""), total))
    return found


def _less(total: int | None, used: int | None) -> int | None:
    return None if total is None or used is None else max(0, total - used)
