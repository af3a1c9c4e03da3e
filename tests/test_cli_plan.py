"""`local-swarm plan` and `models` as a user meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.capacity import with_bandwidth
from local_swarm.cli.plan import Machine, described, plan_command
from local_swarm.cli.units import size
from local_swarm.errors import UsageError
from local_swarm.hardware.bandwidth import measure
from local_swarm.hardware.profile import HardwareProfile
from local_swarm.models.store import demo_path

from .conftest import settings_in

GIB = 1 << 30


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCAL_SWARM_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def planned(capsys: pytest.CaptureFixture[str], machine: Machine, **how: Any) -> Any:
    wishes = {
        "model": None, "seats": None, "context": None, "isolated": False, "min_speed": None,
        "kv": "f16", "explain": False, "as_json": True, **how,
    }  # fmt: skip
    plan_command(machine, **wishes)
    said = capsys.readouterr().out
    return json.loads(said) if wishes["as_json"] else said


def memory(text: str) -> Machine:
    return Machine(text, None, None)


@pytest.mark.parametrize(
    ("given", "size", "quant", "seats"),
    [("24GB", "14B", "Q4_K_M", (2, 3)), ("16GB", "7B", "Q4_K_M", (3, 4)),
     ("8GB", "3B", "Q6_K", (2, 3))],
)  # fmt: skip
def test_isolated_plans_of_the_table(
    capsys: pytest.CaptureFixture[str], given: str, size: str, quant: str, seats: tuple[int, int]
) -> None:
    made = planned(capsys, memory(given), isolated=True)
    assert (made["size"], made["quant"], made["isolated"]) == (size, quant, True)
    assert made["seats"] in seats
    assert made["bytes"]["budget"] == int(given[:-2]) * GIB
    shared = planned(capsys, memory(given))
    assert shared["score"]["total"] >= made["score"]["total"] and not shared["isolated"]


@pytest.mark.parametrize(
    "how", [{}, {"isolated": True}, {"seats": 3, "context": 5000, "kv": "q8_0"}]
)
@pytest.mark.parametrize("given", ["1GB", "8GB", "100GB"])
def test_json_and_explanation_sum_to_their_totals(
    capsys: pytest.CaptureFixture[str], given: str, how: dict[str, Any]
) -> None:
    made = planned(capsys, memory(given), **how)
    parts = made["bytes"]
    assert parts["total"] == sum(parts[name] for name in ("weights", "kv", "compute"))
    assert 0 < parts["kv_of_earlier_chats"] < parts["kv"]
    points = made["score"]
    assert points["total"] == sum(value for name, value in points.items() if name != "total")
    assert made["why"] and made["tokens_per_second"] > 0 and len(made["runners_up"]) == 3

    said = planned(capsys, memory(given), explain=True, as_json=False, **how)
    table = said.partition("Memory")[2].partition("Score")[0]
    numbers = [
        int(line.partition(" GB")[2].split(" bytes")[0].replace(",", ""))
        for line in table.splitlines()[1:]
        if " bytes" in line
    ]
    assert len(numbers) == 5 and sum(numbers[:-1]) == numbers[-1] == parts["total"]
    assert all(other["why"] in said for other in made["runners_up"])


def test_another_machine_goes_through_the_budget_rule(capsys: pytest.CaptureFixture[str]) -> None:
    ram = planned(capsys, Machine(None, "16GB", None))
    assert (ram["bytes"]["budget"], ram["device"]) == (12 * GIB, "cpu")
    assert ram["tokens_per_second"] >= 5
    small = planned(capsys, Machine(None, "4GB", None))
    assert small["bytes"]["budget"] == 4 * GIB * 6 // 10
    card = planned(capsys, Machine(None, "16GB", "24GB"), model="qwen2.5-7b")
    assert (card["device"], card["gpu_layers"]) == ("gpu", card["layers"])
    assert card["bytes"]["budget"] == 24 * GIB * 9 // 10
    part = planned(capsys, Machine(None, "32GB", "8GB"), model="qwen2.5-32b", seats=1)
    assert 0 < part["gpu_layers"] < part["layers"]


def test_a_file_is_planned_with_its_own_size(capsys: pytest.CaptureFixture[str]) -> None:
    made = planned(capsys, memory("1GB"), model=str(demo_path()))
    assert made["bytes"]["weights"] == demo_path().stat().st_size
    assert made["quant"] is None


def test_machines_that_contradict_themselves() -> None:
    for machine in (Machine("8GB", "16GB", None), Machine("8GB", None, "8GB"),
                    Machine(None, None, "8GB"), Machine("8", None, None)):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            described(machine)
        assert caught.value.hint
    assert described(Machine(None, None, None)) == (None, None)


@pytest.mark.parametrize(
    ("text", "bytes"),
    [("16GB", 16 * GIB), ("16 GiB", 16 * GIB), ("16g", 16 * GIB), ("0.5tb", 512 * GIB),
     ("1,5 GB", 3 * GIB // 2), ("512MB", GIB // 2), ("2048K", 2 << 20)],
)  # fmt: skip
def test_sizes_as_people_write_them(text: str, bytes: int) -> None:
    assert size(text, "--memory") == bytes


@pytest.mark.parametrize(
    "text",
    ["", "16", "GB", "-4GB", "0GB", "nan GB", "1e3GB", "16XB", "99999999TB", "1KB", "16GB16GB",
     "\u0661\u0666GB", "16 G B", "0x10GB", "inf"],
)  # fmt: skip
def test_impossible_sizes_are_told(text: str) -> None:
    with pytest.raises(UsageError, match="--ram"):
        size(text, "--ram")


@given(st.text(max_size=30))
def test_any_text_is_a_size_or_a_clear_error(text: str) -> None:
    try:
        assert 1 << 20 <= size(text, "--ram") <= 1 << 50
    except UsageError as error:
        assert error.hint


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local_swarm", *words], capture_output=True, text=True, timeout=60
    )


def test_the_command_plans_this_machine() -> None:
    done = run("plan", "--min-speed", "0")
    assert done.returncode == 0, done.stderr
    assert "budget" in done.stdout and "What else was weighed" in done.stdout
    assert json.loads(run("plan", "--json", "--min-speed", "0").stdout)["fits"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "--memory", "lots"), "no size"),
        (("plan", "--memory", "8GB", "--seats", "-3"), "-3 seats"),
        (("plan", "--memory", "8GB", "--model", "qwen2.5-77b"), "qwen2.5-7b"),
        (("plan", "--memory", "8GB", "--model", "qwen2.5-7b:Q11"), "Q4_K_M"),
        (("plan", "--memory", "8GB", "--kv", "q1"), "q8_0"),
        (("plan", "--model", "hf:owner/repo"), "local-swarm run hf:owner/repo"),
    ],
)
def test_bad_input_is_told_in_one_line(words: tuple[str, ...], said: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert said in done.stderr and done.stderr.startswith("Error: ")
    assert len(done.stderr.strip().splitlines()) == 1 and done.stdout == ""


def test_the_list_of_models(home: Path) -> None:
    (home / "models" / "me--mine").mkdir(parents=True)
    (home / "models" / "me--mine" / "mine.gguf").write_bytes(demo_path().read_bytes())
    told = json.loads(run("models", "--json").stdout)
    rows = {row["id"]: row for row in told["models"]}
    assert len(rows) > 20 and rows["demo"]["fits"] and rows["demo"]["file"]
    assert rows["qwen2.5-7b"]["licence"] == "Apache-2.0" and rows["qwen2.5-7b"]["quality_source"]
    assert told["files"] == [str(home / "models" / "me--mine" / "mine.gguf")]
    said = run("models", "--fits").stdout
    assert "demo *" in said and "On this disk" in said
    assert "too large" not in said


def test_bandwidth_is_measured_once_and_remembered(home: Path) -> None:
    settings = settings_in(home)
    profile = HardwareProfile("Linux", "x86_64", "CPU", 2, 8 * GIB, 8 * GIB)
    first = with_bandwidth(settings, profile)
    assert first.bandwidth and first.bandwidth > 10**8
    assert with_bandwidth(settings, profile).bandwidth == first.bandwidth
    kept = settings.state / "bandwidth"
    for broken in ("", "CPU, 2 cores: fast", "other, 2 cores: 5", "\0"):
        kept.write_text(broken)
        assert (with_bandwidth(settings, profile).bandwidth or 0) > 10**8
    assert measure(2, 1 << 20) is None  # there is no room to measure in
