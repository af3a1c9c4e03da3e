"""Whether the installed engine can use the graphics of a machine, and what follows for the plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local_swarm import capacity
from local_swarm.backends import devices
from local_swarm.backends.tuning import Tuning
from local_swarm.capacity import engine_budget, unused
from local_swarm.crew import tuned
from local_swarm.hardware.budget import budget
from local_swarm.hardware.detect import detect
from local_swarm.hardware.profile import Device, HardwareProfile
from local_swarm.models.catalog import catalog
from local_swarm.models.planner import Plan, plan
from local_swarm.settings import clean_environment

CARD = Device("nvidia", "RTX 4090", 24 << 30, 23 << 30, unified=False, dedicated=24 << 30)


def with_card(card: Device = CARD) -> HardwareProfile:
    plenty = 64 << 30
    return replace(detect(), devices=(card,), memory_total=plenty, memory_available=plenty)


@pytest.fixture(params=[(), ("RTX 4090",)], ids=["processor only", "sees the card"])
def sees(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, ...]]:
    monkeypatch.setattr(capacity, "graphics", lambda: request.param)
    yield request.param


def engine(folder: Path, code: str) -> dict[str, str]:
    """An environment in which this is the engine's package: ours here was built without cards."""
    (folder / "xllamacpp.py").write_text(code)
    return clean_environment() | {"PYTHONPATH": str(folder)}


LISTS = """
import enum
class Type(enum.Enum):
    GGML_BACKEND_DEVICE_TYPE_CPU = 0
    GGML_BACKEND_DEVICE_TYPE_GPU = 1
    GGML_BACKEND_DEVICE_TYPE_IGPU = 2
def get_device_info():
    print("ggml_cuda_init: found 1 CUDA devices")
    cpu, gpu, igpu = Type
    return [
        {"name": "CUDA0", "description": "RTX 4090", "type": gpu},
        {"name": "Vulkan1", "description": "", "type": igpu},
        {"name": "CPU", "description": "Ryzen", "type": cpu},
    ]
"""


def test_the_engine_is_asked_what_it_computes_on(tmp_path: Path) -> None:
    assert devices.ask(engine(tmp_path, LISTS)) == ("RTX 4090", "Vulkan1")
    assert devices.ask(clean_environment()) == ()  # the wheel for processors, really asked


@pytest.mark.parametrize(
    "code",
    [
        "raise ImportError('libcuda.so.1')",
        "import os, signal; os.kill(os.getpid(), signal.SIGILL)",
        "",
    ],
)
def test_an_engine_that_dies_sees_nothing(tmp_path: Path, code: str) -> None:
    assert devices.ask(engine(tmp_path, code)) == ()


def test_a_card_is_spent_or_the_user_is_told(sees: tuple[str, ...]) -> None:
    profile = with_card()
    assert (engine_budget(profile).vram > 0) == bool(sees)
    assert (unused(profile) is None) == bool(sees)
    if not sees:
        assert "RTX 4090 found, but" in (unused(profile) or "")


def test_without_graphics_the_engine_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "graphics", lambda: pytest.fail("asked"))
    profile = replace(detect(), devices=(), os="Linux")
    assert engine_budget(profile).vram == 0 and unused(profile) is None


def planned(sees: tuple[str, ...], model: str, card: Device = CARD) -> Plan:
    profile = with_card(card)
    return plan(profile, engine_budget(profile), [catalog()[model]])


def test_the_engine_lays_the_planned_layers_on_the_card(sees: tuple[str, ...]) -> None:
    small = planned(sees, "qwen2.5-7b")
    assert small.offload == (29 if sees else None)  # 28 and the output
    assert tuned(small).gpu_layers == small.offload
    assert tuned(small, Tuning(gpu_layers=3)).gpu_layers == 3
    little = replace(CARD, memory_total=8 << 30, memory_free=8 << 30, dedicated=8 << 30)
    large = planned(sees, "qwen2.5-32b", little)
    assert large.offload == (large.gpu_layers if sees else None)
    assert (0 < large.gpu_layers < 64) == bool(sees)


def test_many_seats_on_a_processor_do_without_flash_attention() -> None:
    profile = replace(with_card(), devices=())
    made = plan(profile, budget(profile), [catalog()["qwen2.5-1.5b"]], seats=8, context=2048)
    assert tuned(made).flash == "off"
    assert tuned(replace(made, seats=5)).flash == "auto"
    assert tuned(replace(made, isolated=True)).flash == "auto"
    assert tuned(made, Tuning(flash="on")).flash == "on"
    assert tuned(made, Tuning(kv="q8_0")).flash == "auto"  # which needs it
    assert tuned(made, Tuning(gpu_layers=9)).flash == "auto"
    assert tuned(replace(made, bytes=made.budget.bytes)).flash == "auto"  # no room for its scores
    assert tuned(replace(made, cells=made.cells * 64)).flash == "auto"
    apple = replace(made, budget=replace(made.budget, device="apple"))
    assert tuned(apple).flash == "auto"
