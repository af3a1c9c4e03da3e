"""Planning: the budget, the bytes that a model needs, and plans that keep to both."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.errors import UsageError
from local_swarm.hardware.budget import GIB, budget
from local_swarm.hardware.profile import Budget, HardwareProfile
from local_swarm.models.catalog import DEMO, ModelSpec, Quant, catalog
from local_swarm.models.footprint import cell_bytes, footprint, kv_cells, weight_bytes
from local_swarm.models.planner import MAX_SEATS, Plan, plan

MIB = 1 << 20
LISTED = list(catalog().values())
SPEC = ModelSpec("s", "S", 1000, layers=3, kv_heads=5, head_size=7, context=4096)
SIZES = st.integers(256 * MIB, 300 * GIB)
SEATS = st.none() | st.integers(1, MAX_SEATS)
CONTEXTS = st.none() | st.integers(128, 200_000)


def machine(total: float, available: float | None = None, cores: int = 16) -> HardwareProfile:
    free = total if available is None else available
    return HardwareProfile("Linux", "x86_64", "CPU", cores, int(total * GIB), int(free * GIB))


def made(
    gib: float,
    specs: list[ModelSpec] = LISTED,
    cores: int = 16,
    seats: int | None = None,
    context: int | None = None,
) -> Plan:
    given = Budget(int(gib * GIB), "cpu", "as given")
    return plan(machine(512, cores=cores), given, specs, seats=seats, context=context)


@pytest.mark.parametrize(
    ("total", "planned"), [(64, 60), (16, 12), (8, 4), (7, 4.2), (4, 2.4), (2, 1.2)]
)
def test_budget_of_an_idle_machine(total: float, planned: float) -> None:
    spend = budget(machine(total, available=total))
    assert abs(spend.bytes - planned * GIB) <= 1
    assert spend.device == "cpu" and f"{total:.1f} GiB RAM" in spend.reason


@pytest.mark.parametrize(("total", "available"), [(64, 10), (16, 3), (8, 1), (4, 0.5)])
def test_what_is_available_wins_when_it_is_less(total: float, available: float) -> None:
    spend = budget(machine(total, available))
    assert 0 < spend.bytes < available * GIB
    assert f"{available:.1f} GiB RAM are free now" in spend.reason


@given(st.integers(1, 1 << 44), st.integers(1, 1 << 44))
def test_budget_is_never_more_than_there_is(total: int, available: int) -> None:
    profile = replace(machine(1), memory_total=total, memory_available=min(total, available))
    spend = budget(profile)
    assert 0 <= spend.bytes <= profile.memory_available
    more = budget(replace(profile, memory_available=total))
    assert spend.bytes <= more.bytes


def test_footprint_is_weights_and_cache_and_buffers() -> None:
    assert cell_bytes(SPEC) == 2 * 3 * 5 * 7 * 2
    assert weight_bytes(SPEC, Quant("Q4", 4.5, "f")) == 562  # 1000 x 4.5 / 8, rounded down
    assert weight_bytes(SPEC, None) == 2000  # F16
    assert weight_bytes(replace(SPEC, file_bytes=777), Quant("Q4", 4.5, "f")) == 777
    empty, full = (footprint(SPEC, None, cells) for cells in (0, 1000))
    assert full - empty == 1000 * 2 * 3 * 5 * 7 * 2
    assert 64 * MIB < empty - 2000 < 512 * MIB


def test_the_prompt_is_kept_once_and_the_answer_once_a_seat() -> None:
    assert kv_cells(4096, 1) == 4096
    assert kv_cells(4096, 5) == 2048 + 5 * 2048


@given(SIZES, st.integers(1, 128), SEATS, CONTEXTS)
def test_a_chosen_plan_never_exceeds_its_budget(
    size: int, cores: int, seats: int | None, context: int | None
) -> None:
    chosen = made(size / GIB, cores=cores, seats=seats, context=context)
    assert chosen.bytes <= size
    assert chosen.bytes == footprint(chosen.spec, chosen.quant, chosen.cells)
    assert chosen.seats in ((1, 3, 5) if seats is None else (seats,))
    assert chosen.slots == 2 * chosen.seats and chosen.threads == cores
    assert chosen.context <= chosen.spec.context
    if context is not None:
        assert chosen.context == min(context, chosen.spec.context)
    assert chosen.quant in chosen.spec.quants or chosen.spec.id == DEMO


@given(SIZES, SIZES)
def test_more_memory_is_never_a_smaller_model(one: int, other: int) -> None:
    less, more = (made(size / GIB, cores=64) for size in sorted((one, other)))
    assert less.spec.parameters <= more.spec.parameters


@given(st.sampled_from(LISTED), SIZES, SEATS, CONTEXTS)
def test_one_model_is_planned_even_where_it_does_not_fit(
    spec: ModelSpec, size: int, seats: int | None, context: int | None
) -> None:
    chosen = made(size / GIB, [spec], seats=seats, context=context)
    assert chosen.spec == spec
    told = any("more than the budget" in line for line in chosen.why)
    assert told is (chosen.bytes > size)


@given(SIZES, st.integers(1, 8), st.integers(128, 8192).map(lambda half: 2 * half))
def test_the_cache_holds_a_full_context(size: int, seats: int, context: int) -> None:
    chosen = made(size / GIB, [catalog()["qwen2.5-7b"]], seats=seats, context=context)
    assert chosen.cells >= chosen.context


def test_the_cache_holds_a_full_context_of_an_odd_size() -> None:
    chosen = made(5.2, [catalog()["qwen2.5-7b"]], seats=1, context=2049)
    assert chosen.cells >= chosen.context


@pytest.mark.parametrize("seats", [0, -1, MAX_SEATS + 1, 10_000])
def test_impossible_seats(seats: int) -> None:
    with pytest.raises(UsageError, match=f"{seats} seats"):
        made(60, seats=seats)


@pytest.mark.parametrize("context", [127, 5, 0, -4096])
def test_impossible_contexts(context: int) -> None:
    with pytest.raises(UsageError, match=f"context of {context} "):
        made(60, context=context)


def test_the_user_may_ask_for_two_seats() -> None:
    assert made(60, seats=2).seats == 2


def test_a_large_machine_gets_the_largest_model_and_says_why() -> None:
    chosen = made(60, cores=32)
    assert (chosen.spec.id, chosen.seats, chosen.context) == ("qwen2.5-14b", 5, 8192)
    told = "\n".join(chosen.why)
    for fact in ("60.0 GiB", "as given", "Q4_K_M", "largest listed", "5 seats", "32 threads"):
        assert fact in told


def test_a_small_machine_gets_a_small_model() -> None:
    assert 0 < made(2.4, cores=4).spec.parameters < 3_000_000_000


def test_few_cores_get_a_model_that_answers_in_good_time() -> None:
    assert made(60, cores=1).spec.parameters < made(60, cores=32).spec.parameters


def test_where_nothing_else_fits_the_demo_model_runs() -> None:
    assert made(0.25).spec.id == DEMO
    assert made(0.01).spec.id == DEMO
    assert made(60).spec.id != DEMO


def test_memory_in_plenty_gives_every_slot_its_whole_context() -> None:
    roomy, tight = made(60, [catalog()[DEMO]], seats=4), made(0.2, [catalog()[DEMO]], seats=4)
    assert roomy.cells == roomy.slots * roomy.context
    assert tight.cells == kv_cells(tight.context, 4) < roomy.cells


def test_the_list_is_sound() -> None:
    for id, spec in catalog().items():
        assert spec.id == id and spec.layers and spec.kv_heads and spec.head_size and spec.context
        assert id == DEMO or (spec.repo and spec.quants and spec.licence)
        bits = [quant.bits for quant in spec.quants]
        assert bits == sorted(bits, reverse=True)  # the planner tries them in this order
        assert all(quant.name in quant.file for quant in spec.quants)
