"""Puts what Local Swarm needs into its own environment: the engine's build that this machine can
use, and all other packages.

install.sh and install.ps1 run it once the package itself is there: `python -m local_swarm.equip`.
Nothing but Python's own library is imported before all is there: from a checkout it runs as a file
(--dry-run), when nothing is installed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_WHEELS = (
    "https://xorbitsai.github.io/xllamacpp/whl"  # the builds for graphics, by the engine's makers
)
_TORCH = "https://download.pytorch.org/whl/cpu"
_NAMES = ("wheel", "cuda", "rocm", "vulkan", "server")
_AMD, _INTEL = "0x1002", "0x8086"
_INTEL_OWN = "0000:00:02.0"  # where the graphics inside an Intel processor sit
_BINARY = ("--only-binary", "xllamacpp")  # it is never compiled
_TRY = "import xllamacpp; xllamacpp.get_device_info()"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the choice depends on. `cards` are the vendors of graphics cards, `rocm` the version
    that is installed, `avx2` None where nobody knows."""

    system: str = "Linux"
    arch: str = "x86_64"
    avx2: bool | None = True
    glibc: bool = True
    macos: int = 0
    android: bool = False
    nvidia: bool = False
    cards: frozenset[str] = frozenset()
    kfd: bool = False
    rocm: str = ""
    vulkan: bool = False


@dataclass(frozen=True, slots=True)
class Build:
    """A build of the engine: `name` is one of wheel, cuda, rocm, vulkan and server (none of ours:
    a llama-server on PATH, `hint` says where that is had). `index` is where it is had from, None
    for the usual one."""

    name: str
    why: str
    index: str | None = None
    hint: str = ""


def choose(machine: Machine) -> Build:
    """The first line that fits. Pure."""
    what = f"{machine.system} {machine.arch}"
    intel, arm = (
        machine.arch.lower() in names for names in (("x86_64", "amd64"), ("aarch64", "arm64"))
    )
    build = "your distribution may have llama.cpp (apt install llama.cpp, apk add llama.cpp), "
    build += "or build it: apt install git cmake g++"

    def server(lack: str = "", hint: str = build) -> Build:
        return Build("server", f"{what}{lack}: no wheel fits", hint=hint)

    one_of = machine.cards.intersection
    computes = (intel and machine.avx2 is not False) or (arm and machine.system == "Linux")
    table: tuple[tuple[object, Build], ...] = (
        (machine.android, Build("server", "Termux", hint="pkg install llama-cpp")),
        (machine.system == "Darwin" and machine.macos >= 13, Build("wheel", f"{what}, Metal")),
        (machine.system not in ("Linux", "Windows"), server(hint="brew install llama.cpp")),
        (not machine.glibc, server(" without glibc")),
        (machine.nvidia, named("cuda", "NVIDIA graphics")),
        (machine.kfd and one_of({_AMD}), named("rocm", "AMD graphics, ROCm", machine.rocm)),
        (machine.vulkan and one_of({_AMD, _INTEL}), named("vulkan", "graphics, Vulkan")),
        (computes, Build("wheel", f"{what}, the processor")),
        (intel, server(" without AVX2")),
        (True, server()),
    )
    return next(row for fits, row in table if fits)


def named(name: str, why: str, rocm: str = "") -> Build:
    """The build called `name`, with its index."""
    folders = {
        "cuda": "cu128",
        "rocm": "rocm-7.2.4" if rocm.startswith("7") else "rocm-6.4.1",
        "vulkan": "vulkan",
    }
    return Build(name, why, f"{_WHEELS}/{folders[name]}" if name in folders else None)


def look(root: Path = Path("/"), which: Callable[[str], str | None] = shutil.which) -> Machine:
    """This machine; /proc, /sys, /dev and /opt are read below `root`."""
    system = platform.system()
    return Machine(
        system=system,
        arch=platform.machine(),
        avx2=_avx2(root),
        glibc=system != "Linux" or platform.libc_ver()[0] == "glibc",
        macos=int(platform.mac_ver()[0].partition(".")[0] or 0),
        android=hasattr(sys, "getandroidapilevel"),
        nvidia=_lists_a_card(which("nvidia-smi")),
        cards=_cards(root),
        kfd=(root / "dev/kfd").exists(),
        rocm=_text(root / "opt/rocm/.info/version"),
        vulkan=which("vulkaninfo") is not None,
    )


def _avx2(root: Path) -> bool | None:
    told = _text(root / "proc/cpuinfo")
    return bool(re.search(r"^flags\b.*\bavx2\b", told, re.MULTILINE)) if told else None


def _lists_a_card(smi: str | None) -> bool:
    """Whether the driver works, too."""
    if smi is None:
        return False
    try:
        return subprocess.run([smi, "-L"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _cards(root: Path) -> frozenset[str]:
    found = set()
    for device in (root / "sys/class/drm").glob("card[0-9]*/device"):
        if device.resolve().name != _INTEL_OWN:
            found.add(_text(device / "vendor"))
    return frozenset(found - {""})


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def needs(lines: Iterable[str], extras: Sequence[str]) -> tuple[list[str], str]:
    """(what to install, the engine) of a package's requirements `lines`. Pure."""
    others, engine = [], ""
    for line in lines:
        wanted, _, marker = line.partition(";")
        extra = re.search(r"""(?:\band\s+)?\bextra\s*==\s*["']([\w.-]+)["']""", marker)
        if wanted.startswith("xllamacpp"):
            engine = wanted.strip()
        elif extra is None:
            others.append(line)
        elif extra[1] in extras:
            rest = marker.replace(extra[0], "").strip()
            others.append(f"{wanted.strip()}; {rest}" if rest else wanted.strip())
    return others, engine


class Failed(Exception):
    """The installing program's own words."""


@dataclass(frozen=True, slots=True)
class Installer:
    """pip of this environment, or uv where it has none; `links` is a folder of wheels that all
    comes from. With `dry` it only says what it would do."""

    links: str | None
    dry: bool = False

    def __call__(self, *words: str) -> None:
        """Raises Failed."""
        if self.links:
            words = ("--no-index", "--find-links", self.links, *words)
        if importlib.util.find_spec("pip"):
            command = [sys.executable, "-I", "-m", "pip", "install", "-q", "--no-input"]
            command += ["--disable-pip-version-check", *words]
        else:
            command = ["uv", "pip", "install", "-q", "--python", sys.executable, *words]
        if self.dry:
            print("  would run:", *command)
            return
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise Failed(done.stdout + done.stderr)


def equip(install: Installer, build: Build, extras: Sequence[str]) -> None:
    """Brings all that is needed. A graphics build that cannot be had or imported is no reason to
    fail: the processor computes then. Raises Failed."""
    lines = _requirements()
    known = set(re.findall(r"""\bextra\s*==\s*["']([\w.-]+)""", " ".join(lines)))
    if unknown := set(extras) - known:
        told = f"There is no extra {', '.join(sorted(unknown))}"
        raise Failed(f"{told}; there are {', '.join(sorted(known)) or 'none'}.")
    others, engine = needs(lines, extras)
    if "semantic" in extras and not install.links and platform.system() == "Linux":
        install("--index-url", _TORCH, "torch")  # the usual index has gigabytes of CUDA with it
    if engine and build.name == "wheel" and _kept() in (None, "wheel"):  # all at once
        install("--upgrade", *_BINARY, *others, engine)
        _tried(install, build)
        return
    if others:
        install("--upgrade", *others)
    if build.name == "server" or not engine:
        return
    if build.index and not install.links:
        try:
            _engine(install, build, engine, "--index-url", build.index)
            return
        except Failed:
            print(f"  the {build.name} wheel does not work here: the processor computes instead")
            build = named("wheel", "")
    _engine(install, build, engine, *_BINARY)


def _engine(install: Installer, build: Build, wanted: str, *where: str) -> None:
    """Raises Failed where it cannot be had, or not be imported."""
    # Builds of one version have one name: what another build left is taken out.
    again = [] if _kept() in (None, build.name) else ["--force-reinstall"]
    install("--upgrade", *again, "--no-deps", *where, wanted)
    _tried(install, build)


def _kept() -> str | None:
    """The build that is installed, "" where nobody noted which; None where there is none."""
    there = importlib.util.find_spec("xllamacpp") is not None
    return _text(Path(sys.prefix) / "engine-build") if there else None


def _tried(install: Installer, build: Build) -> None:
    """Notes which build is there. Raises Failed where it cannot be imported."""
    if install.dry:
        return
    kept = Path(sys.prefix) / "engine-build"
    kept.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-I", "-c", _TRY], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"The engine cannot be imported ({done.returncode}): {done.stderr}")
    kept.write_text(build.name, encoding="utf-8")


def _requirements() -> list[str]:
    """Those of the installed package, or in a checkout those of its pyproject.toml."""
    try:
        return importlib.metadata.requires("local-swarm") or []
    except importlib.metadata.PackageNotFoundError:
        import tomllib

        text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
        project = tomllib.loads(text)["project"]
        extras = project["optional-dependencies"].items()
        more = [f'{line}; extra == "{name}"' for name, lines in extras for line in lines]
        return [*project["dependencies"], *more]


def main(arguments: Sequence[str] | None = None) -> int:
    """0, or 1 where something cannot be installed."""
    parser = argparse.ArgumentParser(prog="equip", description=__doc__)
    parser.add_argument("--engine", choices=_NAMES)
    parser.add_argument("--with", dest="extras", default="", metavar="EXTRA,EXTRA")
    parser.add_argument("--find-links", metavar="FOLDER")
    parser.add_argument("--link", type=Path, metavar="PATH", help="where the command is put")
    parser.add_argument("--dry-run", action="store_true")
    given = parser.parse_args(arguments)
    machine = look()
    build = named(given.engine, "as given", machine.rocm) if given.engine else choose(machine)
    print(f"- engine: {build.name} ({build.why})", flush=True)
    if build.name == "server":
        found = shutil.which("llama-server") or build.hint
        print(f"  {found}; local-swarm run takes the llama-server on your PATH")
    installer = Installer(given.find_links, given.dry_run)
    extras = [name for name in given.extras.replace(",", " ").split() if name]
    try:
        equip(installer, build, extras)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    if not given.link:
        return 0
    print(f"- trying it, and linking it as {given.link}", flush=True)
    if given.dry_run:
        return 0
    from .linking import link  # the package is there by now

    if fault := link(given.link):
        print(fault, file=sys.stderr)
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
