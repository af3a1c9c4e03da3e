"""Bytes: weights, KV cache of every kind of model, and what the engine takes beside them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._shapes import make
from local_swarm.models.catalog import ModelSpec, Quant, catalog
from local_swarm.models.footprint import (
    cell_bytes,
    kv_bytes,
    kv_cells,
    need,
    prompt_cache_bytes,
    weight_bytes,
    window_cell_bytes,
)
from local_swarm.models.gguf import read_spec
from local_swarm.models.store import exact

MIB = 1 << 20
SPEC = ModelSpec("s", "S", 1000, layers=3, kv_heads=5, head_size=7, context=4096)


def test_weights_are_the_file_or_parameters_times_bits() -> None:
    assert weight_bytes(SPEC, Quant("Q4", 4.5, "f")) == 562  # 1000 x 4.5 / 8, rounded down
    assert weight_bytes(SPEC, None) == 2000  # F16
    assert weight_bytes(replace(SPEC, file_bytes=777), Quant("Q4", 4.5, "f")) == 777


def test_a_need_is_the_sum_of_its_parts() -> None:
    empty, full = (need(SPEC, None, cells=cells, slots=2) for cells in (0, 1024))
    assert full.total - empty.total == full.kv == 1024 * 2 * 3 * 5 * 7 * 2
    assert full.total == full.weights + full.kv + full.compute + full.cache
    assert 16 * MIB < empty.compute < 128 * MIB
    double = need(SPEC, None, cells=1024, slots=2, copies=2)
    assert double.total == 2 * full.total


def test_the_prompt_is_kept_once_and_the_answer_once_a_seat() -> None:
    assert kv_cells(4096, 1) == 4096
    assert kv_cells(4096, 5) == 2048 + 5 * 2048


def test_the_cache_of_known_models() -> None:
    # Grouped-query attention: 28 layers x 4 heads x 128 x (key and value) x 2 bytes.
    assert cell_bytes(catalog()["qwen2.5-7b"]) == 57_344
    assert cell_bytes(catalog()["qwen2.5-7b"], "q8_0") == 57_344 * 34 // 64
    # A mixture of experts has the cache of its attention, whatever its experts weigh.
    assert cell_bytes(catalog()["qwen3-30b-a3b-2507"]) == 48 * 4 * 128 * 4


def test_layers_with_a_sliding_window_keep_that_window() -> None:
    gemma = catalog()["gemma-3-27b"]
    full, window = 10 * 16 * 128 * 4, 52 * 16 * 128 * 4
    assert (cell_bytes(gemma), window_cell_bytes(gemma)) == (full, window)
    assert kv_bytes(gemma, 32768, slots=1) == 32768 * full + (1024 + 512) * window
    assert kv_bytes(gemma, 512, slots=1) == 512 * (full + window)  # never more than the cache
    other = catalog()["gemma-4-26b-a4b"]
    assert (cell_bytes(other), window_cell_bytes(other)) == (5 * 2 * 512 * 4, 25 * 8 * 256 * 4)


def test_hybrids_keep_a_state_for_each_sequence() -> None:
    hybrid = catalog()["qwen3.5-4b"]
    assert cell_bytes(hybrid) == 8 * 4 * 256 * 4
    assert kv_bytes(hybrid, 4096, 10) - kv_bytes(hybrid, 4096, 2) == 8 * hybrid.state_bytes


@given(st.sampled_from(list(catalog().values())), st.integers(0, 200_000), st.integers(1, 128))
def test_more_cells_and_slots_never_need_less(spec: ModelSpec, cells: int, slots: int) -> None:
    here = need(spec, None, cells=cells, slots=slots).total
    assert need(spec, None, cells=cells + 256, slots=slots).total > here
    assert need(spec, None, cells=cells, slots=slots + 2).total >= here
    assert need(spec, None, cells=cells, slots=slots, kv="q8_0").total <= here


@given(st.integers(0, 1 << 42), st.integers(0, 1 << 42))
def test_earlier_chats_take_a_part_of_what_is_left(budget: int, left: int) -> None:
    taken = prompt_cache_bytes(budget, left)
    assert 64 * MIB <= taken <= 2048 * MIB
    assert taken <= max(64 * MIB, left)


def test_a_file_tells_what_the_catalogue_estimates(tmp_path: Path) -> None:
    path = make("tiny", folder=tmp_path)
    facts = read_spec(path)
    listed = replace(SPEC, window=None, quality=0.5)
    known = exact(listed, path)
    assert (known.file_bytes, known.layers) == (path.stat().st_size, facts.layers)
    assert (known.id, known.quality) == ("s", 0.5)
    # One number for all layers would be wrong here: the catalogue's stay.
    windowed = exact(replace(SPEC, window=128, window_layers=2), path)
    assert (windowed.layers, windowed.file_bytes) == (3, path.stat().st_size)


def test_a_header_tells_width_and_vocabulary(tmp_path: Path) -> None:
    facts = read_spec(make("tiny", folder=tmp_path))
    assert (facts.width, facts.ffn, facts.vocabulary) == (64, 128, 512)


@pytest.mark.parametrize("name", ["qwen2.5-0.5b", "gemma-3-27b", "llama-3.3-70b"])
def test_an_unknown_width_is_guessed_well_enough(name: str) -> None:
    spec = catalog()[name]
    blind = replace(spec, width=None, ffn=None, vocabulary=None)
    told, guessed = (need(s, None, cells=0, slots=2).compute for s in (spec, blind))
    assert 0.5 < guessed / told < 2
