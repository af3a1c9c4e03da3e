"""Intel graphics: sysfs, then xpu-smi for memory and sycl-ls for names."""

from __future__ import annotations

import re

from .numbers import parsed, whole
from .probe import Host
from .profile import Device

XPU_SMI = ("xpu-smi", "discovery", "-j")
SYCL_LS = ("sycl-ls",)
_VENDOR = "0x8086"
# PCI ids of cards with memory of their own: DG1 (49xx), Arc A (56xx), Arc B (e2xx).
_CARD_ID = re.compile(r"0x(49|56|e2)[0-9a-f]{2}", re.IGNORECASE)
# Arc cards have a letter and three digits; "Arc Graphics" and "Arc 140V" are inside a processor.
_CARD_NAME = re.compile(
    r"\bArc(\(TM\))? (Pro )?[AB]\d{2,3}\b|Data Center GPU|\[0xe2|Iris\(R\) Xe MAX"
)
_LINE = re.compile(
    r"\[(?P<backend>\w+):gpu(:\d+)?\](\[[\w:]+\])?\s+(?P<platform>[^,]+),\s*(?P<rest>.+)"
)
_VERSIONS = re.compile(r"\s+(OpenCL \d\.\d.*|\d+\.\d+(\.\d+)?\s+\[.*\]|\[.*\])\s*$")


def find(host: Host) -> list[Device]:
    """All Intel graphics processors."""
    seen = [_sysfs(host, path) for path in host.paths("/sys/class/drm/card*/device/vendor")]
    devices = [device for device in seen if device]
    if host.os == "Linux" and not devices:
        return []  # the tools would only say so, slowly
    told = parse_xpu_smi(host.ask(*XPU_SMI) or "") or parse_sycl_ls(host.ask(*SYCL_LS) or "")
    if len(told) != len(devices):
        return devices or told
    pairs = zip(_cards_first(devices), _cards_first(told), strict=True)
    return [_joined(device, tool) for device, tool in pairs]


def _sysfs(host: Host, vendor_path: str) -> Device | None:
    if (host.read(vendor_path) or "").strip() != _VENDOR:
        return None
    folder = vendor_path.removesuffix("vendor")
    id = (host.read(f"{folder}device") or "").strip()
    # The i915 driver tells the memory of a card since Linux 5.18; xe tells it nowhere in sysfs.
    card = folder.removesuffix("device/")
    memory = whole(host.read(f"{card}lmem_total_bytes"))
    unified = memory is None and not _CARD_ID.fullmatch(id)
    name = f"Intel graphics {id}" if unified else f"Intel Arc {id}"
    free = whole(host.read(f"{card}lmem_avail_bytes"))
    return Device("intel", name, memory, free, unified, memory)


def parse_xpu_smi(text: str) -> list[Device]:
    """The answer to XPU_SMI. Sizes are strings of bytes, or absent without root."""
    told = parsed(text)
    entries = told.get("device_list") if isinstance(told, dict) else None
    devices = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or entry.get("device_type") not in (None, "GPU"):
            continue
        name = str(entry.get("device_name") or "Intel GPU")
        total = whole(entry.get("memory_physical_size_byte"))
        free = whole(entry.get("memory_free_size_byte"))
        devices.append(_device(name, total, free))
    return devices


def parse_sycl_ls(text: str) -> list[Device]:
    """The GPUs of sycl-ls; each is listed once for each backend, and Level Zero is preferred."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if match and "Intel" in match["rest"]:
            backend = "level_zero" if "level_zero" in match["backend"] else match["backend"]
            found.setdefault(backend, []).append(_VERSIONS.sub("", match["rest"]))
    names = found.get("level_zero") or next(iter(found.values()), [])
    return [_device(name, None, None) for name in names]


def _device(name: str, total: int | None, free: int | None) -> Device:
    unified = not _CARD_NAME.search(name)
    # What a tool calls the memory of integrated graphics is RAM, and not its own.
    return Device("intel", name, total, free, unified, None if unified else total)


def _cards_first(devices: list[Device]) -> list[Device]:
    return sorted(devices, key=lambda device: device.unified)


def _joined(device: Device, tool: Device) -> Device:
    """A tool knows the name, sysfs whether it is a card; whoever knows the memory tells it."""
    if device.unified:
        return Device("intel", tool.name, tool.memory_total, tool.memory_free, True)
    total = device.memory_total or tool.memory_total
    free = device.memory_free if device.memory_free is not None else tool.memory_free
    return Device("intel", tool.name, total, free, False, total)
