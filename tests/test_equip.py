"""Which build of the engine a machine gets, and what is brought beside it."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_swarm import equip
from local_swarm.equip import Build, Failed, Installer, Machine, choose, look, named, needs

NVIDIA, AMD = ("0000:01:00.0", "0x10de"), ("0000:03:00.0", "0x1002")
ARC, IRIS = ("0000:03:00.0", "0x8086"), ("0000:00:02.0", "0x8086")
PLAIN = Machine()


@pytest.mark.parametrize(
    ("machine", "engine", "told"),
    [
        (PLAIN, "wheel", "the processor"),
        (Machine(avx2=None), "wheel", "the processor"),  # nobody knows
        (Machine(arch="aarch64", avx2=False), "wheel", "the processor"),
        (Machine(avx2=False), "server", "apt install llama.cpp"),
        (Machine(arch="riscv64"), "server", "cmake"),
        (Machine(arch="armv7l"), "server", "cmake"),
        (Machine(glibc=False), "server", "apk add llama.cpp"),
        (Machine(nvidia=True), "cuda", "whl/cu128"),
        (Machine(avx2=False, nvidia=True), "cuda", "whl/cu128"),
        (Machine(cards=frozenset({"0x10de"})), "wheel", "the processor"),  # no driver
        (Machine(cards=frozenset({"0x1002"}), kfd=True), "rocm", "whl/rocm-6.4.1"),
        (Machine(cards=frozenset({"0x1002"}), kfd=True, rocm="7.1.0-2"), "rocm", "whl/rocm-7.2.4"),
        (Machine(cards=frozenset({"0x1002"}), vulkan=True), "vulkan", "whl/vulkan"),
        (Machine(cards=frozenset({"0x8086"}), vulkan=True), "vulkan", "whl/vulkan"),
        (Machine(cards=frozenset({"0x8086"})), "wheel", "the processor"),
        (Machine(cards=frozenset({"0x1af4"}), vulkan=True), "wheel", "the processor"),
        (Machine("Darwin", "arm64", None, macos=15), "wheel", "Metal"),
        (Machine("Darwin", "x86_64", None, macos=13), "wheel", "Metal"),
        (Machine("Darwin", "x86_64", None, macos=12), "server", "brew install llama.cpp"),
        (Machine("Linux", "aarch64", None, android=True), "server", "pkg install"),
        (Machine("FreeBSD", "amd64", None), "server", "brew install llama.cpp"),
        (Machine("Windows", "AMD64", None), "wheel", "the processor"),
        (Machine("Windows", "ARM64", None), "server", "no wheel fits"),
    ],
)
def test_the_engine_is_chosen_by_what_the_machine_is(
    machine: Machine, engine: str, told: str
) -> None:
    build = choose(machine)
    assert build.name == engine
    assert told in f"{build.why} {build.index} {build.hint}"
    assert (build.index is None) == (engine not in ("cuda", "rocm", "vulkan"))
    assert bool(build.hint) == (engine == "server")


def made(root: Path, flags: str, cards: list[tuple[str, str]], files: dict[str, str]) -> Machine:
    """What is seen of a machine whose files stand below `root`."""
    files = {"proc/cpuinfo": f"flags\t: {flags}\nmodel name : avx2 in a name\n", **files}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for at, (address, vendor) in enumerate(cards):
        device = root / "sys" / "devices" / address
        device.mkdir(parents=True)
        (device / "vendor").write_text(f"{vendor}\n")
        card = root / "sys" / "class" / "drm" / f"card{at}"
        card.mkdir(parents=True)
        (card / "device").symlink_to(device)
    return look(root, lambda name: None)


def test_what_the_system_shows_is_seen(tmp_path: Path) -> None:
    rocm = {"dev/kfd": "", "opt/rocm/.info/version": "7.1.0-2\n"}
    seen = made(tmp_path / "a", "fpu avx avx2", [NVIDIA, AMD, IRIS], rocm)
    assert seen.cards == {"0x10de", "0x1002"}  # the graphics inside an Intel processor do not count
    assert (seen.avx2, seen.kfd, seen.rocm, seen.nvidia) == (True, True, "7.1.0-2", False)
    assert made(tmp_path / "b", "fpu avx", [ARC], {}).cards == {"0x8086"}
    assert made(tmp_path / "c", "fpu avx", [], {}).avx2 is False
    assert look(tmp_path / "nothing", lambda name: None).avx2 is None


@pytest.mark.parametrize(("script", "works"), [("exit 0", True), ("exit 9", False)])
def test_a_driver_that_does_not_work_is_no_card(tmp_path: Path, script: str, works: bool) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    assert look(tmp_path, lambda name: str(tool) if name == tool.name else None).nvidia == works


LINES = [
    "httpx>=0.27,<1",
    "xllamacpp<2027,>=2026.9; sys_platform != 'android'",
    'tree-sitter<1; extra == "code"',
    "mcp<3; python_version > '3' and extra == 'mcp'",
]


def test_what_is_needed_for_the_extras() -> None:
    assert needs(LINES, []) == (["httpx>=0.27,<1"], "xllamacpp<2027,>=2026.9")
    assert needs(LINES, ["code", "mcp"])[0] == [
        "httpx>=0.27,<1",
        "tree-sitter<1",
        "mcp<3; python_version > '3'",
    ]


class Recorder(Installer):
    """Hears what would be installed, and fails where it is told to."""

    def __init__(self, fails: str = "nothing", links: str | None = None) -> None:
        super().__init__(links)
        object.__setattr__(self, "asked", [])
        object.__setattr__(self, "fails", fails)

    def __call__(self, *words: str) -> None:
        line = " ".join(words)
        self.asked.append(line)  # type: ignore[attr-defined]
        if self.fails in line:  # type: ignore[attr-defined]
            raise Failed("no such wheel")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(equip, "_requirements", lambda: LINES)
    monkeypatch.setattr(equip, "_TRY", "")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path / "engine-build"


def asked(build: Build, **facts: Any) -> list[str]:
    recorder = Recorder(**facts)
    equip.equip(recorder, build, [])
    return recorder.asked  # type: ignore[attr-defined, no-any-return]


def test_the_engine_never_comes_as_source(environment: Path) -> None:
    others, engine = asked(named("wheel", ""))
    assert others == "--upgrade httpx>=0.27,<1"
    assert "--only-binary xllamacpp" in engine and environment.read_text() == "wheel"


def test_in_a_fresh_environment_all_comes_at_once(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equip, "_kept", lambda: None)
    (all_of_it,) = asked(named("wheel", ""))
    assert "--only-binary xllamacpp httpx" in all_of_it and "--force" not in all_of_it
    assert environment.read_text() == "wheel"
    assert "--force-reinstall" not in asked(named("cuda", ""))[1]


def test_without_a_wheel_that_fits_there_is_none(environment: Path) -> None:
    assert asked(choose(replace(PLAIN, glibc=False))) == ["--upgrade httpx>=0.27,<1"]


def test_another_build_of_the_same_version_takes_the_old_ones_place(environment: Path) -> None:
    assert "--force-reinstall" in asked(named("cuda", ""))[1]
    assert "--force-reinstall" not in asked(named("cuda", ""))[1]
    assert "--force-reinstall" in asked(named("vulkan", ""))[1]


def test_a_graphics_build_that_cannot_be_had_gives_way(environment: Path) -> None:
    _, tried, taken = asked(named("cuda", ""), fails="cu128")
    assert "whl/cu128" in tried and "--only-binary" in taken
    assert environment.read_text() == "wheel"
    with pytest.raises(Failed):
        asked(named("wheel", ""), fails="xllamacpp")
    assert len(asked(named("cuda", ""), links="/wheels")) == 2  # the folder's build is taken


def test_an_engine_that_cannot_be_imported_gives_way(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equip, "_TRY", "raise SystemExit(3)")
    with pytest.raises(Failed, match="imported"):
        asked(named("cuda", ""))
    assert not environment.exists()


def test_an_unknown_extra_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert equip.main(["--dry-run", "--with", "code,steam"]) == 1
    assert "steam" in capsys.readouterr().err
