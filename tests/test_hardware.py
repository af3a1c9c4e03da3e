"""Detection: what captured machines are, and that no tool can break it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.capacity import unused
from local_swarm.cli.units import printable
from local_swarm.hardware import amd, apple, cpu, intel, nvidia, probe, qualcomm
from local_swarm.hardware.budget import GIB, budget
from local_swarm.hardware.detect import detect
from local_swarm.hardware.numbers import MIB, parsed, sized, whole
from local_swarm.hardware.profile import Device, HardwareProfile

from .captures import Captured, captured, names, text_of


def seen(name: str) -> HardwareProfile:
    return detect(captured(name))


def only(name: str) -> Device:
    (device,) = seen(name).devices
    return device


@pytest.mark.parametrize("name", names())
def test_every_capture_says_where_its_shape_comes_from(name: str) -> None:
    head = [line for line in text_of(name).splitlines() if line.startswith("#")]
    assert len(head) >= 2
    assert any(word in " ".join(head) for word in ("issue", "request", "documentation", "Shape"))


@pytest.mark.parametrize("name", names())
def test_every_captured_machine_has_a_profile_and_a_budget(name: str) -> None:
    profile = seen(name)
    spend = budget(profile)
    assert spend.bytes > 0 and 0 <= spend.vram <= spend.bytes and spend.reason
    reachable = profile.memory_available + sum(d.dedicated or 0 for d in profile.devices)
    assert spend.bytes <= reachable


def test_one_nvidia_card() -> None:
    assert only("nvidia-one-card") == Device(
        "nvidia", "NVIDIA GeForce RTX 3090", 24576 * MIB, 9249 * MIB, False, 24576 * MIB
    )
    spend = budget(seen("nvidia-one-card"))
    assert spend.vram == (9249 - 256) * MIB  # the rest of the card is in use
    assert "9.0 GiB of NVIDIA GeForce RTX 3090 are free now" in (spend.vram_reason or "")


def test_several_cards_are_added_up() -> None:
    first, second = seen("nvidia-two-cards").devices
    assert (first.name, second.name) == ("NVIDIA GeForce RTX 5090", "NVIDIA GeForce RTX 3090")
    spend = budget(seen("nvidia-two-cards"))
    assert spend.vram == 32607 * MIB * 9 // 10 + (754 - 256) * MIB
    told = spend.vram_reason or ""
    assert "90 % of 31.8 GiB of NVIDIA GeForce RTX 5090 + 0.7 GiB" in told
    assert budget(seen("nvidia-two-cards"), gpus=False).vram == 0


def test_a_card_without_memory_of_its_own_shares_the_ram() -> None:
    device = only("nvidia-unified")
    assert device.unified and device.dedicated is None
    assert device.memory_total == seen("nvidia-unified").memory_total
    assert budget(seen("nvidia-unified")).vram == 0


def test_an_amd_card_counts_its_own_memory_and_not_what_the_driver_lends() -> None:
    device = only("amd-discrete")
    assert device.name == "Radeon RX 7900 XT" and not device.unified
    assert device.memory_total == device.dedicated == 21458059264
    assert device.memory_free == 21458059264 - 27856896


def test_an_amd_apu_counts_the_ram_that_it_is_lent() -> None:
    device = only("amd-apu")
    assert device.unified and device.dedicated == 512 * MIB
    assert device.memory_total == 512 * MIB + 8068792320
    spend = budget(seen("amd-apu"))
    assert spend.vram == 0  # that memory is RAM: counted once
    assert spend.bytes == pytest.approx(16136536064 - 4 * GIB, abs=GIB)


def test_an_amd_apu_with_most_of_the_memory_carved_out() -> None:
    device = only("amd-apu-carved")
    assert device.name == "AMD Radeon 8060S Graphics" and device.unified
    assert device.dedicated == 96 * GIB
    assert budget(seen("amd-apu-carved")).vram == 96 * GIB * 9 // 10


def test_an_amd_card_beside_an_apu() -> None:
    card, inside = seen("amd-card-and-apu").devices
    assert not card.unified and card.dedicated == 17163091968
    assert inside.unified and inside.dedicated == 67108864
    assert budget(seen("amd-card-and-apu")).vram == 17163091968 * 9 // 10


def test_amd_smi_before_rocm_7_is_a_plain_list() -> None:
    old = '[{"gpu": 0, "asic": {"market_name": "RX"}, "vram": {"size": "16368 MB"}}]'
    assert [card.vram for card in amd.parse_amd_smi(old)] == [16368 * MIB]


def test_an_arc_card_beside_integrated_graphics() -> None:
    card, inside = sorted(seen("intel-arc").devices, key=lambda d: d.unified)
    assert (card.name, card.unified) == ("Intel(R) Arc(TM) A770 Graphics", False)
    assert card.memory_total == card.dedicated == 17079205888
    assert (inside.name, inside.unified) == ("Intel(R) UHD Graphics 630", True)


def test_an_arc_card_whose_memory_only_the_tool_tells() -> None:
    device = only("intel-arc-xpu-smi")
    assert not device.unified
    assert (device.memory_total, device.memory_free) == (25669140480, 25447600128)


def test_integrated_intel_graphics_share_the_ram() -> None:
    profile = seen("intel-igpu")
    device = only("intel-igpu")
    assert (device.name, device.unified) == ("Intel(R) Arc(TM) Graphics", True)
    assert device.memory_total == profile.memory_total
    assert profile.performance_cores == 6  # 12 threads, two on each core
    assert budget(profile).vram == 0


def test_apple_silicon() -> None:
    small, large = seen("apple-m1-8gb"), seen("apple-m3-max-64gb")
    assert (small.cpu, small.performance_cores, small.memory_total) == ("Apple M1", 4, 8 * GIB)
    assert small.instructions == ("neon",) and small.bandwidth == 68 * 10**9
    assert (large.cpu, large.performance_cores) == ("Apple M3 Max", 12)
    assert large.instructions == ("neon", "dotprod", "i8mm", "bf16")
    (chip,) = large.devices
    assert chip.unified and chip.memory_total == 64 * GIB and chip.dedicated is None
    assert budget(small).device == "apple" and budget(large).bytes == pytest.approx(
        (45 - 0.5) * GIB, rel=0.02
    )


def test_a_snapdragon_in_termux() -> None:
    profile = seen("snapdragon-termux")
    assert profile.cpu == "Cortex-A510 + Cortex-A715 + Cortex-X3"
    assert profile.instructions == ("neon", "dotprod", "i8mm", "bf16")
    assert profile.performance_cores == 5
    assert only("snapdragon-termux").name == "Adreno 740v2 (SM8550)"


def test_an_old_processor_without_avx() -> None:
    profile = seen("core2-no-avx")
    assert profile.cpu == "Intel(R) Core(TM)2 Quad CPU    Q8300  @ 2.50GHz"
    assert profile.instructions == ()  # known to have none of them, which is not unknown
    assert budget(profile).bytes == profile.memory_available - GIB // 2


def test_a_raspberry_pi() -> None:
    profile = seen("raspberry-pi-5")
    assert profile.cpu == "Raspberry Pi 5 Model B Rev 1.0 (Cortex-A76)"
    assert profile.instructions == ("neon", "dotprod")
    assert profile.performance_cores is None and profile.devices == ()


@pytest.mark.parametrize(
    ("name", "limit", "available", "cores", "cpus"),
    [
        ("container-2gb", 2147483648, 2147483648 - 734003200 + 209715200, 1, 1.5),
        ("container-v1", 2147483648, 2147483648 - 1073741824 + 268435456, 4, 4.0),
        ("slice-above-us", 12 * GIB, 8 * GIB, 8, None),
    ],
)
def test_a_container_is_a_machine_of_its_limits(
    name: str, limit: int, available: int, cores: int, cpus: float | None
) -> None:
    profile = seen(name)
    assert (profile.memory_total, profile.memory_limit) == (limit, limit)
    assert profile.memory_available == available
    assert (profile.cores, profile.cpu_limit) == (cores, cpus)
    assert budget(profile).bytes < available


def test_no_tools_and_no_files_are_a_normal_outcome() -> None:
    profile = detect(Captured("Plan9", "riscv64", (GIB, GIB), (1, 1), {}))
    assert profile.devices == () and profile.instructions is None
    assert profile.performance_cores is None and profile.memory_limit is None


PARSERS = [
    nvidia.parse,
    amd.parse_rocm_smi,
    amd.parse_amd_smi,
    intel.parse_xpu_smi,
    intel.parse_sycl_ls,
    apple.parse,
    qualcomm.parse,
    cpu.parse_cpuinfo,
]
PIECES = [section for name in names() for section in captured(name).sections.values()]


@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join), st.integers(0, 4000))
def test_garbage_is_no_device_and_no_error(text: str, cut: int) -> None:
    for parse in PARSERS:
        parse(text)
        parse(text[:cut])
        parse(text[cut:] + text[:cut])


@pytest.mark.parametrize("text", ["", "No devices were found\n", "NVIDIA-SMI has failed, a, b\n"])
def test_messages_of_nvidia_smi_are_no_cards(text: str) -> None:
    assert nvidia.parse(text) == []


def test_bandwidth_of_a_card() -> None:
    assert nvidia.bandwidth(9751, 384) == 936_096_000_000  # an RTX 3090: 936 GB/s
    assert nvidia.bandwidth(None, 384) is None


def test_numbers_of_tools() -> None:
    assert [whole(text) for text in (" 12 ", "[N/A]", "-1", "1e3", None, 7)] == [
        12, None, None, None, None, 7
    ]  # fmt: skip
    assert [sized(*pair) for pair in [(2, "GB"), ("3 MB", ""), ("x", "MB"), (1, "furlong")]] == [
        2 * GIB, 3 * MIB, None, None
    ]  # fmt: skip
    assert parsed('warning [x]\n{"a": 1} trailing') == {"a": 1}
    assert parsed("nothing") is None and parsed("[" * 100_000) is None


def script(folder: Path, body: str) -> str:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def gone(pid: int) -> bool:
    """Whether a process has ended; where nobody is init, it stays as a zombie."""
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


posix = pytest.mark.skipif(os.name == "nt", reason="shell scripts")


@posix
def test_a_tool_that_answers(tmp_path: Path) -> None:
    assert probe.run([script(tmp_path, "echo fine")], 5) == "fine\n"
    assert probe.run([script(tmp_path, "echo half; exit 3")], 5) is None
    assert probe.run([str(tmp_path / "absent")], 5) is None
    assert probe.run([str(tmp_path)], 5) is None


@posix
def test_a_tool_that_prints_latin_1(tmp_path: Path) -> None:
    assert probe.run([script(tmp_path, r"printf 'Gr\374n\n'")], 5) == "Gr\ufffdn\n"


@posix
def test_a_tool_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    command = script(tmp_path, f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    assert probe.run([command], 1) is None
    assert gone(int((tmp_path / "pid").read_text()))


@posix
def test_a_tool_that_leaves_a_child_holding_its_output(tmp_path: Path) -> None:
    command = script(tmp_path, f"sleep 60 & echo $! > {tmp_path}/pid; echo told")
    assert probe.run([command], 1) is None
    assert gone(int((tmp_path / "pid").read_text()))


@posix
def test_a_tool_that_prints_without_end(tmp_path: Path) -> None:
    assert probe.run([script(tmp_path, "yes")], 5) is None


@posix
def test_the_real_machine_is_detected_with_broken_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("nvidia-smi", "rocm-smi", "amd-smi", "xpu-smi", "sycl-ls", "getprop"):
        path = tmp_path / tool
        path.write_text("#!/bin/sh\nprintf '\\377\\376 {\"card0\": [[[' ; exit 0\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    host = probe.ThisMachine()
    profile = detect(host)
    assert profile.cores >= 1 and 0 < profile.memory_available <= profile.memory_total
    assert "$ getprop" in host.raw and "\ufffd" in host.raw["$ getprop"]
    assert not [thread for thread in threading.enumerate() if thread.name == "probe"]


def command(*words: str) -> str:
    made = subprocess.run(
        [sys.executable, "-m", "local_swarm", "hardware", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return made.stdout


def test_the_command_tells_the_machine_and_its_budget() -> None:
    facts = json.loads(command("--json"))
    assert facts["os"] and facts["cores"] >= 1 and isinstance(facts["devices"], list)
    assert 0 < facts["budget"]["bytes"] <= facts["memory_available"] + facts["budget"]["vram"]
    said = command("--raw")
    assert "Budget " in said and "of RAM for models: " in said
    if Path("/proc/cpuinfo").exists():
        assert "--- /proc/cpuinfo" in said


def test_run_warns_of_graphics_that_the_engine_cannot_use() -> None:
    told = unused(seen("nvidia-two-cards")) or ""
    assert "RTX 5090 and NVIDIA GeForce RTX 3090 found" in told and "processor only" in told
    assert unused(seen("apple-m1-8gb")) is None
    assert unused(seen("raspberry-pi-5")) is None


def test_a_hostile_name_of_a_device_reaches_no_terminal() -> None:
    assert printable("a\x1b[2Jb\u202ec\n") == "a?[2Jb?c\n"
