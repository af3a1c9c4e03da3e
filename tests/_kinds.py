"""One builder a kind of engine, each serving the bundled model: what the contract is tried on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from local_swarm.backends import llama_cpp_python, mlx
from local_swarm.backends.base import Served
from local_swarm.backends.endpoint import Endpoint, EndpointConfig
from local_swarm.backends.foreign import inspect
from local_swarm.backends.llama_server import LlamaConfig, LlamaServer
from local_swarm.crew import of_endpoint
from local_swarm.engines import program_of
from local_swarm.models.store import demo_path
from local_swarm.settings import clean_environment

from ._folder import as_folder
from ._foreign import llama_server
from .conftest import planned, running
from .test_engines import program

ENGINES = Path(__file__).resolve().parents[1] / ".cache" / "engines"
SLOTS, CONTEXT = 4, 512
Kind = Callable[[Path], AbstractAsyncContextManager[Served]]


@asynccontextmanager
async def started(engine: Served) -> AsyncIterator[Served]:
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


def library(home: Path) -> AbstractAsyncContextManager[Served]:
    """llama.cpp from the wheel."""
    config = LlamaConfig("demo", demo_path(), SLOTS, CONTEXT, SLOTS * CONTEXT, 2, 0)
    return started(LlamaServer(config, clean_environment()))


def on_path(home: Path) -> AbstractAsyncContextManager[Served]:
    """A llama-server that is installed on the machine."""
    known = program_of(program(home))
    config = LlamaConfig("demo", demo_path(), SLOTS, CONTEXT, SLOTS * CONTEXT, 2, 0, program=known)
    return started(LlamaServer(config, clean_environment()))


@asynccontextmanager
async def foreign_llama(home: Path) -> AsyncIterator[Served]:
    """A llama-server of somebody else."""
    async with llama_server(demo_path(), slots=SLOTS) as url:
        found = await asyncio.to_thread(inspect, url, "secret")
        model = found.choose(None)
        config = EndpointConfig(
            url, model.id, model.name, SLOTS, found.kind, "secret", model.context
        )
        async with started(Endpoint(config)) as engine:
            yield engine


@asynccontextmanager
async def foreign_node(home: Path) -> AsyncIterator[Served]:
    """Another Local Swarm node."""
    enter = running(home, planned(demo_path(), seats=3), demo_path())
    node = await asyncio.to_thread(enter.__enter__)
    try:
        found = await asyncio.to_thread(inspect, node.url)
        [engine] = of_endpoint(found, found.choose("demo"), SLOTS // 2).engines
        async with started(engine):
            yield engine
    finally:
        await asyncio.to_thread(enter.__exit__, None, None, None)


def python_of(name: str) -> Path:
    """The interpreter of an engine's environment; skips the test where it was not made."""
    python = llama_cpp_python.python_of(ENGINES, name)
    if python is None or not os.environ.get("LOCAL_SWARM_ENGINES"):
        if os.environ.get("LOCAL_SWARM_ENGINES"):
            raise AssertionError(f"{ENGINES / name} is missing: scripts/engines")
        pytest.skip("scripts/test --all tries it")
    return python


def source_built(home: Path) -> AbstractAsyncContextManager[Served]:
    """llama-cpp-python, built from source."""
    engine = llama_cpp_python.engine(
        python_of(llama_cpp_python.NAME), demo_path(), "demo",
        slots=SLOTS, context=CONTEXT, threads=2, environment=clean_environment(),
    )  # fmt: skip
    return started(engine)


def apple(home: Path) -> AbstractAsyncContextManager[Served]:
    """MLX, by its CPU build on Linux."""
    folder = as_folder(demo_path(), home / "demo")
    engine = mlx.engine(
        python_of(mlx.NAME), folder, "demo",
        slots=SLOTS, context=CONTEXT, environment=clean_environment(),
    )  # fmt: skip
    return started(engine)


LIGHT: dict[str, Kind] = {
    "llama.cpp": library,
    "llama-server": on_path,
    "foreign-llama-server": foreign_llama,
    "foreign-node": foreign_node,
}
HEAVY: dict[str, Kind] = {"llama-cpp-python": source_built, "mlx": apple}
KINDS = [
    *(pytest.param(kind, id=name) for name, kind in LIGHT.items()),
    *(pytest.param(kind, id=name, marks=pytest.mark.engines) for name, kind in HEAVY.items()),
]
Case = Callable[[Served], Awaitable[None]]
