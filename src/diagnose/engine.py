"""Stages about the engine: can it be imported, and does it write a token?"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

from ..backends.base import Piece
from ..backends.llama_server import LlamaConfig, LlamaServer
from ..chat import ChatRequest
from ..models.gguf import read_spec
from ..models.store import demo_path
from .check import Check, State

_IMPORT = (
    "import importlib.metadata as m, xllamacpp; print('xllamacpp', m.version('xllamacpp'), end='')"
)
_IMPORT_S, _START_S = 60.0, 90.0
_AGAIN = "Install again: ./install.sh (or: pip install --force-reinstall xllamacpp)."


async def kinds(known: Sequence[tuple[str, str | None]]) -> AsyncIterator[Check]:
    """Which engines `run` would try, in that order; `known` are (name, what speaks against it)."""
    usable = [name for name, fault in known if fault is None]
    others = "; ".join(f"{name}: {fault}" for name, fault in known if fault is not None)
    told = f"{', '.join(usable) or 'none'}" + (f" (not: {others})" if others else "")
    if usable:
        yield Check("engines", State.OK, told)
    else:
        yield Check("engines", State.FAIL, told, _AGAIN)


async def importing(environment: Mapping[str, str]) -> AsyncIterator[Check]:
    """The engine's package, imported in a process of its own: one that was built for another
    processor dies by it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _IMPORT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), _IMPORT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        told = f"importing xllamacpp takes longer than {_IMPORT_S:.0f} s"
        yield Check("engine", State.FAIL, told, "Is the disk very slow? Try once more.")
        return
    code = process.returncode or 0
    if code == 0:
        yield Check("engine", State.OK, out.decode(errors="replace"))
    elif -code == getattr(signal, "SIGILL", None):
        told = "xllamacpp was built for instructions that this processor lacks"
        advice = "It needs AVX2 on x86: run the node on a newer machine of yours."
        yield Check("engine", State.FAIL, told, advice)
    else:
        last = err.decode(errors="replace").strip().splitlines()[-1:] or [f"it ended with {code}"]
        yield Check("engine", State.FAIL, f"xllamacpp cannot be imported: {last[0]}", _AGAIN)


async def absent(fault: str, instead: str) -> AsyncIterator[Check]:
    """The package is not used here, and need not be: another engine serves."""
    yield Check("engine", State.SKIP, f"{fault}; {instead} serves instead")


async def starting(
    environment: Mapping[str, str], threads: int, program: tuple[str, str] | None = None
) -> AsyncIterator[Check]:
    """A real answer of the bundled demo model by a real engine: the package, or a llama-server
    (its path and help text)."""
    path = demo_path()
    spec = read_spec(path)
    config = LlamaConfig(
        spec.id,
        path,
        slots=1,
        context=512,
        cells=512,
        threads=threads,
        prompt_cache_mib=0,
        program=program,
    )
    server = LlamaServer(config, environment)
    began = time.monotonic()
    try:
        async with asyncio.timeout(_START_S):
            await server.start()
            loaded = time.monotonic()
            words, tokens = await _answer(server)
            seconds = time.monotonic() - loaded
            measured = server.status().pss or server.status().rss
    except TimeoutError:
        told = f"the demo model gave no answer in {_START_S:.0f} s"
        advice = "Is the machine very busy? Look with `top`, and try once more."
        yield Check("answer", State.FAIL, told, advice)
        return
    finally:
        await server.close()
    if not words.strip():
        yield Check("answer", State.FAIL, "the demo model answered nothing", _AGAIN)
        return
    took = f", {measured / (1 << 20):.0f} MiB" if measured else ""
    yield Check(
        "answer",
        State.OK,
        f"the demo model loaded in {loaded - began:.1f} s and wrote {tokens} tokens in "
        f"{seconds:.2f} s{took}",
    )


async def _answer(server: LlamaServer) -> tuple[str, int]:
    """(text, tokens) of one answer."""
    messages = ({"role": "user", "content": "What is 17 + 25?"},)
    asked = ChatRequest(id="doctor", messages=messages, max_tokens=32)
    words, tokens = "", 0
    async with aclosing(server.sample(asked, 1)) as stream:  # type: ignore[type-var]
        async for piece in stream:
            if isinstance(piece, Piece):
                words += piece.text
                tokens = piece.tokens or tokens
    return words, tokens
