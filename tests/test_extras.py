"""What an engine loads beside its model: adapters, draft models, experts; and what does not fit."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks._shapes import adapter, make
from local_swarm.backends import llama_cpp_python
from local_swarm.backends.base import Piece
from local_swarm.backends.extras import check_fit, planned
from local_swarm.backends.llama_cpp_python import NAME, check
from local_swarm.backends.llama_server import LlamaConfig, LlamaServer
from local_swarm.backends.tuning import Tuning, lora
from local_swarm.choose import Wish
from local_swarm.enlist import Named, enlist
from local_swarm.errors import UsageError
from local_swarm.models.footprint import need
from local_swarm.models.gguf import read_spec
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

from ._kinds import python_of
from .conftest import settings_in
from .test_engines import GREEDY, said, started


def answered(
    tuning: Tuning, path: Path | None = None, tokens: int = 60, **more: Any
) -> tuple[str, dict[str, Any]]:
    """A greedy answer of the real engine, and the timings that it told at the end."""
    path = path or demo_path()
    config = LlamaConfig(path.stem, path, 2, 512, 1024, 2, 0, tuning)
    told: dict[str, Any] = {}

    async def main() -> str:
        async with started(LlamaServer(config, clean_environment())) as engine:
            assert isinstance(engine, LlamaServer)
            heard = engine._http.events

            async def spy(path: str, asked: dict[str, Any]) -> Any:
                async with aclosing(heard(path, asked)) as events:
                    async for event in events:
                        told.update(json.loads(event).get("timings") or {})
                        yield event

            engine._http.events = spy  # type: ignore[method-assign]
            asked = replace(GREEDY, max_tokens=tokens, sampling={"temperature": 0, **more})
            items = [item async for item in engine.sample(asked, 1)]
            return "".join(item.text for item in items if isinstance(item, Piece))

    return asyncio.run(main()), told


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with adapters and what is none."""
    folder = tmp_path_factory.mktemp("adapters")
    adapter(demo_path(), folder / "own.gguf", strength=0.3)
    adapter(demo_path(), folder / "other.gguf", of="qwen2")
    adapter(make("tiny", folder=folder), folder / "small.gguf")
    (folder / "cut.gguf").write_bytes((folder / "own.gguf").read_bytes()[:-4000])
    (folder / "text.gguf").write_text("no GGUF")
    return folder


def test_an_adapter_changes_the_answer_by_its_scale(adapters: Path) -> None:
    own = str(adapters / "own.gguf")
    plain, _ = answered(Tuning())
    none, _ = answered(Tuning(lora=((own, 0.0),)))
    whole, _ = answered(Tuning(lora=((own, 1.0),)))
    assert plain.endswith("Answer: 21") and none == plain != whole
    halves, _ = answered(Tuning(lora=((own, 0.5), (own, -0.5))))  # all of them count
    assert halves == plain


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("small.gguf", "is for a llama model of another size than demo"),
        ("other.gguf", "is for qwen2 models, and .* is llama"),
        ("cut.gguf", "truncated"),
        ("text.gguf", "no GGUF file"),
        ("random-tiny-q8_0.gguf", "no LoRA adapter"),
    ],
)
def test_what_is_no_adapter_for_the_model(adapters: Path, file: str, told: str) -> None:
    tuning = Tuning(lora=((str(adapters / file), 1.0),))
    tuning.check()
    with pytest.raises(UsageError, match=told):
        check_fit(tuning, demo_path())


@pytest.mark.parametrize("scale", ["half", "", "1,5"])
def test_a_scale_is_a_number(adapters: Path, scale: str) -> None:
    with pytest.raises(UsageError, match="is no scale"):
        lora(f"{adapters / 'own.gguf'}:{scale}")


@pytest.mark.parametrize("scale", ["nan", "inf", "-inf"])
def test_a_scale_is_finite(adapters: Path, scale: str) -> None:
    with pytest.raises(UsageError, match="is no scale"):
        Tuning(lora=(lora(f"{adapters / 'own.gguf'}:{scale}"),)).check()


def test_a_draft_model_guesses_and_changes_nothing() -> None:
    plain, without = answered(Tuning())
    guessed, timings = answered(Tuning(draft=str(demo_path("demo-mini"))))
    assert guessed == plain
    assert "draft_n" not in without and timings["draft_n"] >= timings["draft_n_accepted"] > 0


def test_guesses_from_the_text_so_far() -> None:
    """It needs 24 tokens that were said before: a model that may not stop repeats itself."""
    plain, _ = answered(Tuning(), tokens=300, ignore_eos=True)
    guessed, timings = answered(Tuning(ngram=True), tokens=300, ignore_eos=True)
    assert guessed == plain
    assert timings["draft_n_accepted"] > 0


def test_a_draft_model_with_other_tokens(adapters: Path) -> None:
    tuning = Tuning(draft=str(adapters / "random-tiny-q8_0.gguf"))
    with pytest.raises(UsageError, match=r"has 512 tokens, and demo.gguf 1024"):
        check_fit(tuning, demo_path())


def test_experts_in_ram_change_nothing(tmp_path: Path) -> None:
    path = make("tiny-moe", "f16", tmp_path)
    plain, _ = answered(Tuning(), path)
    kept, _ = answered(Tuning(cpu_moe=True), path)
    assert kept == plain != ""


def test_what_is_loaded_beside_the_model_is_planned(adapters: Path, tmp_path: Path) -> None:
    own, mini = adapters / "own.gguf", demo_path("demo-mini")
    draft, bytes = planned(Tuning(draft=str(mini), lora=((str(own), 1.0),)))
    assert draft and draft.id == "demo-mini" and bytes == own.stat().st_size
    spec = read_spec(demo_path())
    plain = need(spec, None, cells=4096, slots=4, kv="q8_0")
    beside = need(spec, None, cells=4096, slots=4, kv="q8_0", draft=draft, adapters=bytes)
    small = need(draft, None, cells=4096, slots=4)
    assert small.kv + mini.stat().st_size < beside.total - plain.total - bytes < small.total
    twice = need(spec, None, cells=4096, slots=1, copies=2, adapters=bytes)
    assert twice.beside == 2 * bytes

    tuning = Tuning(lora=((str(own), 1.0),))
    enlisted = enlist(
        settings_in(tmp_path), [Named("demo", 3)], Wish(), lambda *_: None, tuning=tuning
    )
    plan = enlisted.choices[0].plan
    assert plan.need.beside == bytes and plan.bytes == plan.need.total
    assert any("LoRA own.gguf x 1" in line for line in enlisted.crews[0].why)


@pytest.mark.parametrize("named", [Named("folder"), Named(None, url="http://127.0.0.1:9")])
def test_an_adapter_without_a_model_of_ours(adapters: Path, tmp_path: Path, named: Named) -> None:
    (tmp_path / "folder").mkdir()
    if named.model:
        named = replace(named, model=str(tmp_path / "folder"))
    tuning = Tuning(lora=((str(adapters / "own.gguf"), 1.0),))
    with pytest.raises(UsageError, match="go with GGUF models"):
        enlist(settings_in(tmp_path), [named], Wish(), lambda *_: None, tuning=tuning)


def test_llama_cpp_python_takes_one_adapter(adapters: Path) -> None:
    one = (str(adapters / "own.gguf"), 1.0)
    check(Tuning(lora=(one,)))
    half = Tuning(lora=((one[0], 0.5),))
    for more in (Tuning(lora=(one, one)), half, Tuning(mmproj=one[0])):
        with pytest.raises(UsageError, match="serves no"):
            check(more)


@pytest.mark.engines
def test_what_llama_cpp_python_takes(adapters: Path) -> None:
    """An adapter counts there too, beside the other options that it has."""
    python, more = python_of(NAME), Tuning(kv="q8_0", ngram=True)

    async def said_with(tuning: Tuning) -> str:
        engine = llama_cpp_python.engine(
            python, demo_path(), "demo", slots=2, context=512, threads=2,
            environment=clean_environment(), tuning=tuning,
        )  # fmt: skip
        async with started(engine):
            return await said(engine, replace(GREEDY, max_tokens=40))

    assert asyncio.run(said_with(more)).endswith("Answer: 21")
    with_adapter = replace(more, lora=((str(adapters / "own.gguf"), 1.0),))
    assert not asyncio.run(said_with(with_adapter)).endswith("Answer: 21")
