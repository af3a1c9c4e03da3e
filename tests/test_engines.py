"""Which engine serves a model: what is installed, what runs here, and what is tried next."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from local_swarm.backends.base import Piece, Served
from local_swarm.backends.llama_server import LlamaConfig, LlamaServer
from local_swarm.backends.process import Child
from local_swarm.backends.tuning import Tuning, flags, lora
from local_swarm.capacity import engine_budget
from local_swarm.chat import ChatRequest
from local_swarm.crew import of_plan
from local_swarm.engines import (
    KINDS,
    LIBRARY,
    PROGRAM,
    Kind,
    candidates,
    explained,
    installed,
    remember,
)
from local_swarm.errors import EngineUnavailable, UsageError
from local_swarm.hardware.detect import detect
from local_swarm.hardware.profile import Device
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

from .conftest import SUM, planned, settings_in

pytestmark = pytest.mark.skipif(os.name == "nt", reason="programs and signals of POSIX")
GREEDY = ChatRequest("r", ({"role": "user", "content": SUM},), sampling={"temperature": 0})
MODEL = Path("model.gguf")


def program(folder: Path, *, lacks: bool = False) -> Kind:
    """A llama-server in `folder`."""
    script = folder / "llama-server"
    dead = "export LACKS=AVX512; " if lacks else ""
    script.write_text(f'#!/bin/sh\n{dead}exec {sys.executable} -m tests._llama_server "$@"\n')
    script.chmod(0o755)
    return Kind(PROGRAM, script)


@asynccontextmanager
async def started(engine: Served) -> AsyncIterator[Served]:
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


async def said(engine: Served, asked: ChatRequest = GREEDY) -> str:
    items = [item async for item in engine.sample(asked, 1)]
    return "".join(item.text for item in items if isinstance(item, Piece))


def served(*kinds: Kind, tuning: Tuning | None = None) -> tuple[str, str, dict[str, str | None]]:
    """The answer of the first of `kinds` that starts, its name, and what was heard of each."""
    heard: dict[str, str | None] = {}
    path = demo_path()
    crew = of_plan(
        planned(path, seats=3), path, clean_environment(),
        kinds=kinds, tuning=tuning, told=heard.__setitem__,
    )  # fmt: skip

    async def main() -> tuple[str, str]:
        async with started(crew.engines[0]) as engine:
            text = await said(engine)
            assert crew.text is not None
            tokens = await crew.text.tokenize("hello", add_special=False)
            assert await crew.text.detokenize([token.id for token in tokens]) == "hello"
            return text, engine.status().engine

    before = set(psutil.Process().children(recursive=True))
    text, name = asyncio.run(main())
    assert set(psutil.Process().children(recursive=True)) <= before
    return text, name, heard


def test_a_llama_server_on_path_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = program(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    settings = settings_in(tmp_path / "home")
    assert kind in installed(settings, detect())
    text, name, _ = served(kind)
    assert text.endswith("Answer: 21") and name == PROGRAM


def test_where_instructions_lack_the_next_engine_is_tried(tmp_path: Path) -> None:
    text, name, heard = served(program(tmp_path, lacks=True), Kind(LIBRARY))
    assert text.endswith("Answer: 21") and name == LIBRARY
    assert "lacks instructions" in str(heard[PROGRAM]) and heard[LIBRARY] is None


@pytest.mark.parametrize(
    ("dies", "told"),
    [
        ("kill -ILL $$", "lacks instructions"),
        ("echo '  what():  Resource temporarily unavailable' >&2; exit 3", "memory or threads"),
        ("echo \"terminate called after throwing 'std::bad_alloc'\" >&2; exit 3", "enough memory"),
    ],
    ids=["instructions", "threads", "memory"],
)
def test_why_a_child_dies_is_told_in_words(tmp_path: Path, dies: str, told: str) -> None:
    """The program answers --help, and dies where it computes."""
    script = tmp_path / "dies"
    script.write_text(f"#!/bin/sh\n{dies}\n")
    script.chmod(0o755)

    async def main() -> str:
        async def never(birth: object) -> None:
            raise AssertionError

        config = {"command": [str(script)], "key": "k"}
        module = "local_swarm.backends.launch_child"
        child = Child(module, config, clean_environment(), never)
        with pytest.raises(EngineUnavailable) as caught:
            await child.start()
        await child.close()
        assert child.restarts == 0  # it would do the same again
        return caught.value.message

    assert told in asyncio.run(main())


def test_a_program_that_knows_the_card_is_preferred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = "Available devices:\\n  CUDA0: NVIDIA H200 (143771 MiB, 143250 MiB free)\\n"
    script = tmp_path / "llama-server"
    script.write_text(f'#!/bin/sh\n[ "$1" = --list-devices ] && printf "{listed}"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    card = Device("nvidia", "H200", 141 << 30, 140 << 30, False, 141 << 30)
    settings = settings_in(tmp_path / "home")
    kinds = installed(settings, replace(detect(), devices=(card,)))
    assert candidates(kinds, None, MODEL)[0] == Kind(
        PROGRAM, script, cards=("CUDA0 (NVIDIA H200)",)
    )
    assert engine_budget(replace(detect(), devices=(card,)), cards=True).vram > 100 << 30
    without = installed(settings, replace(detect(), devices=()))
    assert candidates(without, None, MODEL)[0] == Kind(LIBRARY)


def test_all_that_fail_are_told(tmp_path: Path) -> None:
    gone = Kind("llama-cpp-python", tmp_path / "python")
    with pytest.raises(EngineUnavailable, match=r"lacks instr.*Other engines: llama-cpp-python"):
        served(program(tmp_path, lacks=True), gone)


def test_the_program_dies_with_its_launcher(tmp_path: Path) -> None:
    kind = program(tmp_path)

    async def main() -> None:
        crew = of_plan(
            planned(demo_path(), seats=3), demo_path(), clean_environment(), kinds=[kind]
        )
        async with started(crew.engines[0]) as engine:
            status = engine.status()
            assert status.pid and status.rss
            launcher = psutil.Process(status.pid)
            [behind] = launcher.children()
            assert status.rss > launcher.memory_info().rss
            launcher.send_signal(signal.SIGKILL)
            await asyncio.to_thread(psutil.wait_procs, [behind], 10)
            assert not behind.is_running()
            assert (await said(engine)).endswith("Answer: 21")  # it was started again

    asyncio.run(main())


def test_who_is_tried_in_which_order() -> None:
    kinds = [Kind(LIBRARY), Kind(PROGRAM, Path("/bin/x")), Kind("llama-cpp-python", fault="no")]
    assert [kind.name for kind in candidates(kinds, None, MODEL)] == [LIBRARY, PROGRAM]
    kinds[0] = Kind(LIBRARY, fault="it died", failed=True)
    assert [kind.name for kind in candidates(kinds, None, MODEL)] == [PROGRAM, LIBRARY]
    assert [kind.name for kind in candidates(kinds, LIBRARY, MODEL)] == [LIBRARY]
    assert explained(kinds)[1] == "llama-server: ready (/bin/x)"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [("ollama", "no engine"), ("llama-cpp-python", "not installed"), ("mlx", "does not serve")],
)
def test_what_cannot_be_chosen(wanted: str, told: str) -> None:
    kinds = [
        Kind(LIBRARY),
        Kind("llama-cpp-python", fault="it is not installed"),
        Kind("mlx", MODEL),
    ]
    with pytest.raises(UsageError, match=told):
        candidates(kinds, wanted, MODEL)


def test_what_failed_is_remembered_until_it_works(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)

    def of(name: str) -> Kind:
        return next(kind for kind in installed(settings, detect()) if kind.name == name)

    assert of(LIBRARY) == Kind(LIBRARY)
    remember(settings, LIBRARY, "it died")
    assert of(LIBRARY).failed and of(LIBRARY).fault == "it died"
    remember(settings, LIBRARY, None)
    assert of(LIBRARY) == Kind(LIBRARY)
    (settings.state / "engines.json").write_text("[1")
    assert of(LIBRARY) == Kind(LIBRARY)


def test_a_processor_without_avx2_gets_another_engine(tmp_path: Path) -> None:
    old = replace(detect(), arch="x86_64", instructions=("sse4.2",))
    kinds = installed(settings_in(tmp_path), old)
    assert [kind.name for kind in kinds] == list(KINDS)
    assert "AVX2" in str(kinds[0].fault)
    with pytest.raises(UsageError, match="AVX2"):
        candidates([kinds[0]], None, MODEL)


@pytest.mark.parametrize(
    "tuning",
    [
        Tuning(ngram=True),
        Tuning(draft=str(demo_path("demo-mini"))),
        Tuning(flash="on", kv="q8_0"),
        Tuning(flash="off", gpu_layers=0, cpu_moe=True, numa="distribute"),
    ],
    ids=["ngram", "draft", "kv", "rest"],
)
def test_speed_options_reach_the_engine_and_change_no_greedy_answer(tuning: Tuning) -> None:
    tuning.check()

    async def main(tuning: Tuning) -> str:
        config = LlamaConfig("demo", demo_path(), 2, 512, 1024, 2, 0, tuning)
        async with started(LlamaServer(config, clean_environment())) as engine:
            return await said(engine)

    assert asyncio.run(main(tuning)).endswith("Answer: 21")


def test_speed_options_as_flags_of_llama_server() -> None:
    every = Tuning(33, "on", "q8_0", "d.gguf", False, (("a.gguf", 0.5),), 4, "isolate", True)
    assert " ".join(flags(every)) == (
        "--flash-attn on --n-gpu-layers 33 --cache-type-k q8_0 --cache-type-v q8_0 "
        "--model-draft d.gguf --lora-scaled a.gguf:0.5 --numa isolate --cpu-moe"
    )
    assert "LoRA a.gguf x 0.5" in every.told and not Tuning().told
    assert [lora(text) for text in ("a", "a:2", "C:a.gguf")] == [
        ("a", 1.0), ("a", 2.0), ("C:a.gguf", 1.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "tuning",
    [
        Tuning(flash="maybe"), Tuning(kv="q3"), Tuning(kv="q8_0", flash="off"), Tuning(threads=0),
        Tuning(draft="none.gguf"), Tuning(lora=(("none", 1.0),)), Tuning(gpu_layers=-1),
        Tuning(numa="all"), Tuning(draft=str(demo_path()), ngram=True),
    ],
)  # fmt: skip
def test_speed_options_that_cannot_be(tuning: Tuning) -> None:
    with pytest.raises(UsageError):
        tuning.check()
