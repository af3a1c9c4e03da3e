"""A plan is tried before it is served: measured, kept, used by the next one, and made smaller."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm import crew, trial
from local_swarm.backends.llama_server import LlamaConfig
from local_swarm.choose import Choice, Wish, choose
from local_swarm.hardware import busy
from local_swarm.hardware.budget import budget
from local_swarm.hardware.detect import detect
from local_swarm.models.gguf import read_spec
from local_swarm.models.measured import Entry, keep, learned, machine_of, read, surplus
from local_swarm.models.planner import plan
from local_swarm.settings import Settings, clean_environment
from local_swarm.status import Measured
from local_swarm.trial import Tried, settle

from .conftest import settings_in


def built(choice: Choice) -> crew.Crew:
    return crew.of_plan(choice.plan, choice.path, clean_environment())


TRIED = Tried(built, "xllamacpp 1")
GOOD = Entry("m", "e", "a.gguf", 1 << 30, 5, 4096, 10, 2 << 30, 2 << 30, 8.0, 5.0, 10.0)
Said = list[str]


def choice_of(settings: Settings, path: Path, wish: Wish) -> Choice:
    return choose(settings, replace(wish, model=str(path)), lambda *_: None)


@pytest.fixture
def settled(
    tmp_path: Path, slow_model: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Choice, Said]]:
    """Tries a plan of 3 seats for the model of 135M, and tells what was said."""
    monkeypatch.setattr(trial, "_ANSWER_S", 0.5)
    settings = settings_in(tmp_path)

    def settle_it(wish: Wish = Wish(seats=3, context=512)) -> tuple[Choice, Said]:  # noqa: B008
        said: Said = []
        choice = choice_of(settings, slow_model, wish)
        (found,) = settle(settings, [choice], [wish], TRIED, lambda *_: None, said.append)
        return found, said

    return settle_it


def test_a_plan_is_tried_once_and_what_was_measured_is_kept(
    settled: Callable[..., tuple[Choice, Said]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice, said = settled()
    found = choice.measured
    assert found is not None and found.resident is not None and len(said) == 1
    assert 0.8 < found.predicted / found.resident < 1.2 and found.seats == 3
    (kept,) = json.loads((tmp_path / "state" / "measured.json").read_text())
    assert (kept["resident"], kept["one"]) == (found.resident, found.one)
    monkeypatch.setattr(trial, "busy", lambda: True)
    again, said = settled()
    assert again.measured == found and said == []
    monkeypatch.setattr(trial, "busy", lambda: False)
    assert bool(settled()[1]) == (found.one is None)  # only a speed that is missing is measured


def test_a_plan_for_which_there_is_no_memory_is_made_smaller(
    settled: Callable[..., tuple[Choice, Said]], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LlamaConfig

    def hungry(**given: object) -> object:  # a KV cache that no machine has, for plans with seats
        slots = given["slots"]
        return real(**given | ({"cells": 4_000_000} if slots != 2 else {}))  # type: ignore[arg-type]

    monkeypatch.setattr(crew, "LlamaConfig", hungry)
    choice, said = settled()
    assert choice.plan.seats == 1 and choice.measured is not None, said
    steps = [line for line in said if "stepping down" in line]
    assert steps and "3 seats" in steps[0] and "could not get its memory" in steps[0]


def short_of_memory_once() -> Callable[[], Awaitable[str]]:
    """A watch over memory that speaks up at the first trial only."""
    lives = iter([True, False])

    async def watch() -> str:
        if next(lives):
            return "12 MiB of RAM were left"
        await asyncio.sleep(60)
        return "never"

    return watch


def test_a_machine_that_runs_out_of_memory_is_not_swapped_to_death(
    settled: Callable[..., tuple[Choice, Said]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "watch", short_of_memory_once())
    choice, said = settled()
    assert choice.measured is not None and choice.plan.bytes < 400 << 20
    assert "12 MiB of RAM were left" in said[1] and "stepping down" in said[1]


def test_the_watch_sees_that_memory_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil

    real = psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: real._replace(available=1 << 20))
    assert "1 MiB" in asyncio.run(asyncio.wait_for(busy.watch(), 5))


def test_a_damaged_model_is_left_for_the_node_to_tell(tmp_path: Path, slow_model: Path) -> None:
    broken = tmp_path / "broken.gguf"
    shutil.copy(slow_model, broken)
    settings, said = settings_in(tmp_path), Said()
    choice = choice_of(settings, broken, Wish(seats=3, context=512))
    with broken.open("r+b") as file:
        file.truncate(1 << 20)
    found = settle(settings, [choice], [Wish()], TRIED, lambda *_: None, said.append)
    assert found == [choice] and not any("stepping" in line for line in said)


def test_isolated_workers_are_tried_together_and_tell_nothing_of_other_plans(
    settled: Callable[..., tuple[Choice, Said]], tmp_path: Path
) -> None:
    choice, _ = settled(Wish(seats=2, context=512, isolated=True))
    found = choice.measured
    assert found is not None and found.seats == 2 and found.resident is not None
    (kept,) = read(tmp_path / "state", choice.profile)
    assert not kept.plain and kept.predicted > 2 * (80 << 20)  # two copies of the weights
    assert surplus(kept.file, kept.file_bytes, [replace(kept, resident=1 << 40)]) == 0
    assert learned(choice.profile, [replace(kept, file_bytes=1 << 30)]).pace is None


def test_several_models_are_tried_together_and_the_largest_steps_down(
    tmp_path: Path, slow_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_ANSWER_S", 0.3)
    settings, said = settings_in(tmp_path), Said()
    wishes = [Wish(seats=1, context=256, engines=2), Wish(seats=3, context=1024, engines=2)]
    choices = [choice_of(settings, slow_model, wish) for wish in wishes]
    monkeypatch.setattr(trial, "watch", short_of_memory_once())
    small, large = settle(settings, choices, wishes, TRIED, lambda *_: None, said.append)
    assert small.plan == choices[0].plan and small.measured is not None
    assert large.plan.bytes < choices[1].plan.bytes and large.measured is not None
    assert "3 seats" in said[1] and "stepping down" in said[1]
    assert large.plan.threads == choices[1].plan.threads  # its share of the cores
    assert len(read(settings.state, small.profile)) == 2


def test_what_was_tuned_is_measured_anew(
    settled: Callable[..., tuple[Choice, Said]], tmp_path: Path
) -> None:
    first = settled(Wish(seats=1, context=256))[0]
    assert trial._known(settings_in(tmp_path), first, replace(TRIED, label="tuned")) is None


def test_the_next_plan_uses_what_was_measured(tmp_path: Path, slow_model: Path) -> None:
    settings = settings_in(tmp_path)
    wish = Wish(seats=3, context=512)
    first = choice_of(settings, slow_model, wish)
    took = Entry(
        machine_of(first.profile), "e", slow_model.name, first.plan.need.weights, 3, 1024, 6,
        predicted=1000, resident=5000, one=1.0, all=0.5, expected=2.0,
    )  # fmt: skip
    keep(settings.state, took)
    keep(settings.state, replace(took, machine="another", resident=1 << 40))
    again = choice_of(settings, slow_model, wish)
    assert again.plan.bytes == first.plan.bytes + 4000
    keep(settings.state, replace(took, file="large.gguf", file_bytes=1 << 30))
    slower = choice_of(settings, slow_model, wish)  # half as fast, and each further seat costs half
    ratio = 0.5 * (1 + 2 / 6) / (1 + 2 / 2)
    assert slower.plan.tokens_per_second == pytest.approx(
        first.plan.tokens_per_second * ratio, rel=0.05
    )


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"machine": 1}]', '[{"machine": "m"}]', "{}"])
def test_what_cannot_be_read_is_as_if_nothing_was_measured(tmp_path: Path, text: str) -> None:
    (tmp_path / "measured.json").write_text(text)
    profile = detect()
    assert read(tmp_path, profile) == []
    keep(tmp_path, replace(GOOD, machine=machine_of(profile)))
    assert len(read(tmp_path, profile)) == 1


def test_the_same_plan_is_kept_once_and_not_without_end(tmp_path: Path) -> None:
    profile = detect()
    entry = replace(GOOD, machine=machine_of(profile))
    for one in (1.0, 2.0):
        keep(tmp_path, replace(entry, one=one))
    assert [kept.one for kept in read(tmp_path, profile)] == [2.0]
    for seats in range(120):
        keep(tmp_path, replace(entry, seats=seats))
    assert len(read(tmp_path, profile)) == 100


def test_a_disk_that_cannot_be_written_is_no_reason_not_to_start(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    keep(tmp_path / "state", GOOD)


speeds = st.none() | st.floats(0.01, 1e4)


@given(st.lists(st.builds(replace, st.just(GOOD), one=speeds, all=speeds), max_size=5))
def test_whatever_was_measured_the_plan_stays_sound(entries: list[Entry]) -> None:
    profile = learned(replace(detect(), bandwidth=10**10), entries)
    assert profile.pace is None or 0.1 <= profile.pace <= 3
    assert profile.seat_cost is None or 0.02 <= profile.seat_cost <= 1
    assert surplus("a.gguf", 1 << 30, entries) == 0


def test_a_small_model_tells_nothing_of_the_machine() -> None:
    assert learned(detect(), [replace(GOOD, file_bytes=1 << 20)]).pace is None
    found = learned(detect(), [GOOD])
    assert found.pace == pytest.approx(0.8) and found.seat_cost == pytest.approx(0.15)


def test_a_surplus_is_part_of_the_plan(slow_model: Path) -> None:
    profile, spec = detect(), read_spec(slow_model)
    spend = budget(profile)
    plain = plan(profile, spend, [spec], seats=1, context=512)
    more = plan(profile, spend, [replace(spec, surplus=7 << 20)], seats=1, context=512)
    assert more.bytes == plain.bytes + (7 << 20)


def test_status_tells_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    from local_swarm.cli.control import _measured

    told = _measured(
        {"resident": 300 << 20, "predicted": 290 << 20, "one": 12.34, "all": 9.8, "seats": 5}
    )
    assert "300 MiB (290 MiB planned)" in told
    assert "12.3 tokens/s for one answer, 9.8 for each of 5" in told
    unknown = asdict(Measured(None, 1 << 20, None, None, 1))
    assert "unknown (1 MiB planned), no speed: others were busy" in _measured(unknown)
