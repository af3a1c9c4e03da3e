"""Planning: the budget, and plans that keep to it, explain themselves and only get better."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_swarm.errors import UsageError
from local_swarm.hardware.budget import GIB, budget
from local_swarm.hardware.profile import Budget, Device, HardwareProfile
from local_swarm.models.catalog import DEMO, ModelSpec, Quant, catalog
from local_swarm.models.footprint import kv_cells, weight_bytes
from local_swarm.models.objective import quantization_loss, vote_gain
from local_swarm.models.planner import MAX_SEATS, MIN_SPEED, Plan, Wishes, plan
from local_swarm.models.speed import tokens_per_second

LISTED = list(catalog().values())
# Enough for properties: small and large, dense and not, with windows and without.
FEW = [catalog()[id] for id in ("demo", "qwen2.5-0.5b", "qwen2.5-3b", "gemma-3-12b", "qwen2.5-32b",
                                "qwen3-30b-a3b-2507")]  # fmt: skip
SIZES = st.integers(256 << 20, 300 * GIB)
SEATS = st.none() | st.integers(1, MAX_SEATS)
CONTEXTS = st.none() | st.integers(128, 200_000)
BANDWIDTHS = st.integers(2, 400).map(lambda gb: gb * 10**9)
quick = settings(max_examples=40)


def machine(total: float, available: float | None = None, bandwidth: int = 60) -> HardwareProfile:
    free = total if available is None else available
    return HardwareProfile(
        "Linux", "x86_64", "CPU", 16, int(total * GIB), int(free * GIB), bandwidth=bandwidth * 10**9
    )


def made(
    gib: float, specs: list[ModelSpec] = LISTED, wishes: Wishes | None = None, bandwidth: int = 60
) -> Plan:
    given = Budget(int(gib * GIB), "cpu", "as given")
    return plan(machine(512, bandwidth=bandwidth), given, specs, wishes)


def worse(one: Plan, other: Plan, floor: float = MIN_SPEED) -> bool:
    """Whether `one` is what the planner promises never to make of more memory than `other` has."""
    fast, faster = one.tokens_per_second >= floor, other.tokens_per_second >= floor
    if fast or faster:
        return fast < faster or one.score.total < other.score.total
    slower = one.tokens_per_second < other.tokens_per_second
    return slower and one.score.total < other.score.total


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


@quick
@given(SIZES, SEATS, CONTEXTS, BANDWIDTHS, st.sampled_from(["f16", "q8_0"]))
def test_a_chosen_plan_never_exceeds_its_budget(
    size: int, seats: int | None, context: int | None, bandwidth: int, kv: str
) -> None:
    chosen = made(size / GIB, FEW, Wishes(seats, context, kv=kv), bandwidth // 10**9)
    if chosen.spec.id != DEMO:  # which runs even where it should not
        assert chosen.bytes <= size
    assert chosen.bytes == chosen.need.total
    assert chosen.seats in (1, 3, 4, 5, 7, 9) if seats is None else chosen.seats == seats
    assert chosen.slots == 2 * chosen.seats and chosen.threads == 16
    assert kv_cells(chosen.context, chosen.seats) <= chosen.cells <= chosen.slots * chosen.context
    assert chosen.context <= chosen.spec.context
    if context is not None:
        assert chosen.context == min(context, chosen.spec.context)
    assert chosen.quant in chosen.spec.quants or chosen.spec.id == DEMO
    assert chosen.bytes - chosen.need.cache + chosen.prompt_cache <= max(size, chosen.bytes)


@quick
@given(SIZES, SIZES, BANDWIDTHS)
def test_more_memory_is_never_a_worse_plan(one: int, other: int, bandwidth: int) -> None:
    less, more = (
        made(size / GIB, FEW, bandwidth=bandwidth // 10**9) for size in sorted((one, other))
    )
    if less.spec.id != DEMO:
        assert not worse(more, less)


@quick
@given(st.lists(st.integers(0, 100 * GIB), min_size=2, max_size=2), st.integers(GIB, 100 * GIB))
def test_a_larger_card_is_never_a_worse_plan(cards: list[int], ram: int) -> None:
    def planned(vram: int) -> Plan:
        return plan(machine(512), Budget(ram + vram, "gpu", "ram", vram, "cards"), FEW)

    less, more = (planned(vram) for vram in sorted(cards))
    if less.spec.id != DEMO:
        assert not worse(more, less)


@quick
@given(SIZES, st.booleans(), st.none() | st.sampled_from([0.0, 5.0, 50.0]))
def test_every_plan_is_explained(size: int, isolated: bool, floor: float | None) -> None:
    chosen = made(size / GIB, FEW, Wishes(floor=floor, isolated=isolated))
    told = "\n".join(chosen.why)
    shown = f"{size / GIB:.1f} GiB" if size >= GIB else f"{size / 2**20:,.0f} MiB"
    assert f"budget {shown}: as given" in told
    assert f"{chosen.bytes / GIB:.2f} GiB" in told and "tokens/s" in told
    assert chosen.score.total == sum(value for _, value in chosen.score.terms())
    parts = (chosen.need.weights, chosen.need.kv, chosen.need.compute, chosen.need.cache)
    assert chosen.bytes == sum(parts)
    assert len(chosen.runners_up) == 3
    for other in chosen.runners_up:
        assert other.why
        assert (other.spec, other.quant, other.seats, other.context) != (
            chosen.spec, chosen.quant, chosen.seats, chosen.context
        )  # fmt: skip


@quick
@given(st.sampled_from(FEW), SIZES, SEATS, CONTEXTS)
def test_one_model_is_planned_even_where_it_does_not_fit(
    spec: ModelSpec, size: int, seats: int | None, context: int | None
) -> None:
    chosen = made(size / GIB, [spec], Wishes(seats, context))
    assert chosen.spec == spec
    told = any("more than the budget" in line for line in chosen.why)
    assert told is (chosen.bytes > size)


@given(SIZES, st.integers(1, 8), st.integers(128, 8192).map(lambda half: 2 * half))
def test_the_cache_holds_a_full_context(size: int, seats: int, context: int) -> None:
    chosen = made(size / GIB, [catalog()["qwen2.5-7b"]], Wishes(seats, context))
    assert chosen.cells >= chosen.context


def test_the_cache_holds_a_full_context_of_an_odd_size() -> None:
    chosen = made(5.2, [catalog()["qwen2.5-7b"]], Wishes(1, 2049))
    assert chosen.cells >= chosen.context


@pytest.mark.parametrize("seats", [0, -1, MAX_SEATS + 1, 10_000])
def test_impossible_seats(seats: int) -> None:
    with pytest.raises(UsageError, match=f"{seats} seats"):
        made(60, wishes=Wishes(seats))


@pytest.mark.parametrize("context", [127, 5, 0, -4096])
def test_impossible_contexts(context: int) -> None:
    with pytest.raises(UsageError, match=f"context of {context} "):
        made(60, wishes=Wishes(context=context))


@pytest.mark.parametrize(
    "wishes", [Wishes(kv="q2_x"), Wishes(floor=-1), Wishes(floor=float("nan"))]
)
def test_other_impossible_wishes(wishes: Wishes) -> None:
    with pytest.raises(UsageError):
        made(60, wishes=wishes)


def test_the_user_may_ask_for_two_seats() -> None:
    assert made(60, wishes=Wishes(2)).seats == 2


@pytest.mark.parametrize("unit", [1 << 30, 10**9], ids=["GiB", "GB"])
@pytest.mark.parametrize(
    ("memory", "size", "quant", "seats"),
    [(24, "14B", "Q4_K_M", (2, 3)), (16, "7B", "Q4_K_M", (3, 4)), (8, "3B", "Q6_K", (2, 3))],
)
@pytest.mark.parametrize("bandwidth", [5, 60, 900])
def test_the_table_of_isolated_workers(
    memory: int, size: str, quant: str, seats: tuple[int, int], unit: int, bandwidth: int
) -> None:
    gib = memory * unit / GIB
    chosen = made(gib, wishes=Wishes(floor=None, isolated=True), bandwidth=bandwidth)
    assert chosen.quant
    assert (chosen.spec.size, chosen.quant.name) == (size, quant)
    assert chosen.seats in seats
    assert chosen.need.weights == chosen.seats * weight_bytes(chosen.spec, chosen.quant)
    assert chosen.bytes <= memory * unit


@pytest.mark.parametrize("memory", [4, 8, 16, 24, 48])
def test_sharing_the_weights_is_at_least_as_good_as_isolation(memory: int) -> None:
    shared = made(memory, wishes=Wishes(floor=None))
    isolated = made(memory, wishes=Wishes(floor=None, isolated=True))
    assert shared.score.total >= isolated.score.total
    assert (shared.spec.quality or 0) >= (isolated.spec.quality or 0)


def test_isolated_workers_have_a_copy_each() -> None:
    one, three = (
        made(400, [catalog()["qwen2.5-7b"]], Wishes(seats, isolated=True)) for seats in (1, 3)
    )
    assert three.bytes == 3 * one.bytes
    assert three.tokens_per_second == pytest.approx(one.tokens_per_second / 3, abs=0.1)


def test_one_larger_model_may_beat_several_votes_of_a_small_one() -> None:
    chosen = made(3)
    assert chosen.seats == 1 and chosen.spec.parameters > 3e9
    smaller = made(3, [catalog()["qwen2.5-1.5b"]])
    assert smaller.seats == 5 and smaller.score.total < chosen.score.total


def test_a_large_machine_gets_a_large_model_and_says_why() -> None:
    chosen = made(60, bandwidth=200)
    assert chosen.spec.parameters > 20e9 and chosen.seats == 5
    told = "\n".join(chosen.why)
    for fact in ("60.0 GiB", "as given", "Q4_K_M", "best of the listed", "5 seats", "16 threads"):
        assert fact in told


def test_a_small_machine_gets_a_small_model() -> None:
    assert 0 < made(2.4).spec.parameters < 4_000_000_000


def test_a_slow_machine_gets_a_model_that_answers_in_good_time() -> None:
    slow, fast = made(60, bandwidth=8), made(60, bandwidth=200)
    assert slow.spec.parameters < fast.spec.parameters
    assert slow.tokens_per_second >= MIN_SPEED
    assert any("under the floor of 5" in other.why for other in slow.runners_up)


def test_where_nothing_is_fast_enough_the_fastest_is_taken_and_says_so() -> None:
    chosen = made(60, wishes=Wishes(floor=1000))
    assert any("nothing that fits reaches 1000" in line for line in chosen.why)
    assert chosen.spec.parameters < 1e9 and chosen.seats == 1


def test_what_is_slow_anyway_is_not_cut_down_for_next_to_nothing() -> None:
    [large] = [spec for spec in LISTED if spec.id == "qwen2.5-14b"]
    chosen = made(20, [large], bandwidth=8)
    assert chosen.tokens_per_second < MIN_SPEED
    assert chosen.context >= 8192


def test_where_nothing_else_fits_the_demo_model_runs() -> None:
    assert made(0.25).spec.id == DEMO
    assert made(0.01).spec.id == DEMO
    assert made(60).spec.id != DEMO
    assert "more than the budget" in made(0.25).runners_up[0].why


def test_the_demo_model_votes_with_five() -> None:
    assert made(8, [catalog()[DEMO]]).seats == 5


def test_models_that_need_to_be_asked_for_are_not_chosen() -> None:
    asked = [spec for spec in LISTED if not spec.automatic or spec.quality is None]
    assert len(asked) > 5
    for gib in (4, 8, 16, 32, 64, 128):
        assert made(gib, bandwidth=900).spec not in asked


def test_layers_go_to_the_card_as_far_as_it_reaches() -> None:
    card = Device("nvidia", "card", 24 * GIB, 24 * GIB, False, 24 * GIB, 900 * 10**9)
    profile = replace(machine(32), devices=(card,))
    spend = budget(profile)
    spec = catalog()["qwen2.5-7b"]
    whole = plan(profile, spend, [spec])
    assert (whole.gpu_layers, whole.budget.device) == (spec.layers, "gpu")
    assert whole.bytes <= whole.budget.bytes == 24 * GIB * 9 // 10
    large = catalog()["qwen2.5-32b"]
    split = plan(profile, replace(spend, bytes=spend.bytes - 12 * GIB, vram=10 * GIB), [large])
    assert 0 < split.gpu_layers < large.layers
    assert any("layers lie on graphics cards, the others in RAM" in line for line in split.why)
    alone = plan(profile, budget(profile, gpus=False), [spec])
    assert alone.gpu_layers == 0 and alone.tokens_per_second < whole.tokens_per_second


def test_memory_in_plenty_gives_every_slot_its_whole_context() -> None:
    demo = [catalog()[DEMO]]
    roomy, tight = made(60, demo, Wishes(4)), made(0.2, demo, Wishes(4))
    assert roomy.cells == roomy.slots * roomy.context
    assert tight.cells == kv_cells(tight.context, 4) < roomy.cells


def test_a_quantized_cache_leaves_room() -> None:
    spec = [catalog()["qwen2.5-14b"]]
    plain, small = (made(60, spec, Wishes(5, 8192, kv=kv)) for kv in ("f16", "q8_0"))
    assert small.need.kv == pytest.approx(plain.need.kv * 34 / 64, rel=0.001)


def test_the_gain_of_votes_is_the_measured_one() -> None:
    gains = [vote_gain(seats) for seats in (1, 2, 3, 4, 5, 9, 64)]
    assert gains == sorted(gains) and gains[0] == 0
    assert gains[1] < 20 and gains[2] > 300  # two votes decide nothing, three do
    assert gains[5] == gains[6]


def test_quantization_costs_more_the_coarser_and_the_smaller() -> None:
    small, large = catalog()["qwen2.5-0.5b"], catalog()["qwen2.5-32b"]
    quants = [Quant("Q", bits, "f") for bits in (8.5, 6.56, 5.69, 4.85, 3.9, 3.3)]
    for spec in (small, large):
        losses = [quantization_loss(spec, quant) for quant in quants]
        assert losses == sorted(losses) and losses[0] <= 1
    assert quantization_loss(small, quants[3]) > quantization_loss(large, quants[3])
    assert quantization_loss(small, None) == 0


def test_speed_follows_the_weights_that_work() -> None:
    dense, experts = catalog()["qwen2.5-32b"], catalog()["qwen3-30b-a3b-2507"]
    one = tokens_per_second(dense, 20 * 10**9, 1, host=50e9)
    assert one == pytest.approx(2.5)
    assert tokens_per_second(dense, 20 * 10**9, 7, host=50e9) == pytest.approx(one / 2)
    assert tokens_per_second(dense, 20 * 10**9, 7, host=50e9, isolated=True) == one / 7
    assert tokens_per_second(experts, 20 * 10**9, 1, host=50e9) > 5 * one
    thinking = replace(dense, thinking=True)
    assert tokens_per_second(thinking, 20 * 10**9, 1, host=50e9) == one / 4
    assert tokens_per_second(dense, 20 * 10**9, 1, host=50e9, card=500e9, on_card=1) == 10 * one


def test_fast_cores_alone_compute() -> None:
    profile = replace(machine(32), performance_cores=6)
    assert plan(profile, budget(profile), LISTED).threads == 6


def test_the_list_is_sound() -> None:
    sizes = [spec.parameters for spec in LISTED]
    assert sizes == sorted(sizes) and sizes[-1] > 70e9
    for id, spec in catalog().items():
        assert spec.id == id and spec.layers and spec.kv_heads and spec.head_size and spec.context
        assert spec.bundled or (spec.repo and spec.quants and spec.licence and spec.mlx)
        assert spec.size and spec.strengths
        bits = [quant.bits for quant in spec.quants]
        assert all(left > right for left, right in pairwise(bits))
        assert all(quant.name in quant.file for quant in spec.quants)
        assert all(quant.sha256 is None or len(quant.sha256) == 64 for quant in spec.quants)
        assert (spec.quality is None) == (spec.quality_source is None)
        assert spec.quality is None or 0.1 < spec.quality < 1
        assert (spec.window is None) == (spec.window_layers == 0) < spec.layers
        assert spec.active is None or spec.active < spec.parameters
    families = {spec.size for spec in LISTED if spec.isolated}
    assert {"3B", "7B", "14B"} <= families
