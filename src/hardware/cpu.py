"""The processor: name, instruction sets, performance cores, and the limits of a container."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .numbers import whole
from .probe import Host

_X86 = {
    "sse4_2": "sse4.2", "avx": "avx", "f16c": "f16c", "fma": "fma", "bmi2": "bmi2", "avx2": "avx2",
    "avx512f": "avx512", "avx512_vnni": "avx512-vnni", "avx_vnni": "avx-vnni", "amx_int8": "amx",
}  # fmt: skip
_ARM = {
    "neon": "neon", "asimd": "neon", "asimddp": "dotprod", "i8mm": "i8mm", "bf16": "bf16",
    "sve": "sve", "sve2": "sve2",
}  # fmt: skip
# (implementer, part) of cores that are met in boards and phones; source: Arm's MIDR tables.
_PARTS = {
    ("0x41", "0xd03"): "Cortex-A53", ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd08"): "Cortex-A72", ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1", ("0x41", "0xd40"): "Neoverse-V1",
    ("0x41", "0xd41"): "Cortex-A78", ("0x41", "0xd44"): "Cortex-X1",
    ("0x41", "0xd46"): "Cortex-A510", ("0x41", "0xd47"): "Cortex-A710",
    ("0x41", "0xd48"): "Cortex-X2", ("0x41", "0xd49"): "Neoverse-N2",
    ("0x41", "0xd4d"): "Cortex-A715", ("0x41", "0xd4e"): "Cortex-X3",
    ("0x41", "0xd4f"): "Neoverse-V2", ("0x51", "0x001"): "Oryon",
}  # fmt: skip
_NO_LIMIT = 1 << 60  # cgroup v1 says "no limit" with a number near 2**63


@dataclass(frozen=True, slots=True)
class Cpu:
    """What /proc/cpuinfo tells."""

    name: str | None
    instructions: tuple[str, ...] | None


def parse_cpuinfo(text: str) -> Cpu:
    """Name and instruction sets, by /proc/cpuinfo of x86 and of Arm."""
    facts: dict[str, str] = {}
    parts: dict[str, None] = {}
    implementer = ""
    for line in text.splitlines():
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            continue
        facts.setdefault(key, value)
        implementer = value if key == "CPU implementer" else implementer
        if key == "CPU part":
            parts[_PARTS.get((implementer, value.lower()), f"part {value}")] = None
    flags, features = facts.get("flags"), facts.get("Features")
    known = _X86 if flags is not None else _ARM
    told = (flags if flags is not None else features or "").split()
    has = tuple(dict.fromkeys(name for flag, name in known.items() if flag in told))
    name = facts.get("model name") or facts.get("Model") or facts.get("Hardware")
    if parts and not facts.get("model name"):
        cores = " + ".join(parts)
        name = f"{name} ({cores})" if name else cores
    return Cpu(name, has if flags is not None or features is not None else None)


def performance_cores(host: Host) -> int | None:
    """How many cores are of the fast kind; None where all are alike, or nobody tells."""
    # Intel's hybrid processors list the threads of their fast cores.
    fast = _count(host.read("/sys/devices/cpu_core/cpus"))
    if fast is not None and host.read("/sys/devices/cpu_atom/cpus"):
        siblings = _count(host.read("/sys/devices/system/cpu/cpu0/topology/thread_siblings_list"))
        return max(1, fast // (siblings or 1))
    capacities = [
        whole(host.read(path)) for path in host.paths("/sys/devices/system/cpu/cpu*/cpu_capacity")
    ]
    known = [capacity for capacity in capacities if capacity]
    if not known or len(set(known)) == 1:
        return None
    # A phone has one or two "prime" cores, "big" ones and slow ones: all but the slow ones count.
    return sum(1 for capacity in known if 2 * capacity > max(known))


def _count(ranges: str | None) -> int | None:
    """How many numbers a list like "0-11,14" has."""
    total = 0
    for part in (ranges or "").strip().split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if not found:
            return None
        total += int(found[2] or found[1]) - int(found[1]) + 1
    return total


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container allows: bytes of memory, bytes of these that are still free, CPUs."""

    memory: int | None = None
    memory_free: int | None = None
    cpus: float | None = None


def limits(host: Host) -> Limits:
    """The tightest limits of our control group and all above it, version 2 or 1."""
    own = host.read("/proc/self/cgroup") or ""
    found = re.search(r"^0::(/\S*)$", own, re.MULTILINE)
    memory: list[tuple[int, int | None]] = []
    cpus: list[float] = []
    for folder in _upwards("/sys/fs/cgroup", found[1] if found else "/"):
        limit = whole(host.read(f"{folder}/memory.max"))
        if limit is not None:
            used = whole(host.read(f"{folder}/memory.current"))
            memory.append((limit, _free(limit, used, host.read(f"{folder}/memory.stat"))))
        quota = (host.read(f"{folder}/cpu.max") or "").split()
        if len(quota) == 2 and quota[0].isdecimal() and whole(quota[1]):
            cpus.append(int(quota[0]) / int(quota[1]))
    found = re.search(r"^\d+:memory:(/\S*)$", own, re.MULTILINE)
    for folder in _upwards("/sys/fs/cgroup/memory", found[1] if found else "/"):
        limit = whole(host.read(f"{folder}/memory.limit_in_bytes"))
        if limit is not None and limit < _NO_LIMIT:
            used = whole(host.read(f"{folder}/memory.usage_in_bytes"))
            memory.append((limit, _free(limit, used, host.read(f"{folder}/memory.stat"))))
    v1 = [whole(host.read(f"/sys/fs/cgroup/cpu/cpu.cfs_{name}_us")) for name in ("quota", "period")]
    if v1[0] and v1[1]:
        cpus.append(v1[0] / v1[1])
    frees = [free for _, free in memory if free is not None]
    return Limits(
        min((limit for limit, _ in memory), default=None),
        min(frees, default=None),
        min((cpu for cpu in cpus if cpu > 0), default=None),
    )


def _upwards(root: str, below: str) -> list[str]:
    """The folder of our group and those above it: ["root/a/b", "root/a", "root"]."""
    parts = [part for part in below.split("/") if part and part != ".."]
    return [root + "".join("/" + part for part in parts[:at]) for at in range(len(parts), -1, -1)]


def _free(limit: int, used: int | None, stat: str | None) -> int | None:
    """What is left of `limit`; the cache of files, which the kernel gives back, counts as free."""
    if used is None:
        return None
    found = re.search(r"^(?:total_)?inactive_file (\d+)$", stat or "", re.MULTILINE)
    return max(0, limit - used + (int(found[1]) if found else 0))
