"""Servers of somebody else: a bare llama.cpp server, and ones that speak OpenAI's wire badly."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local_swarm.backends.process import Child
from local_swarm.settings import clean_environment


@asynccontextmanager
async def llama_server(path: Path, *, slots: int = 8, key: str = "secret") -> AsyncIterator[str]:
    """llama.cpp's own server as a stranger would run it; yields its address."""
    config = {
        "path": str(path), "model": path.stem, "key": key, "slots": slots,
        "cells": 512 * slots, "threads": 2, "prompt_cache_mib": 0,
    }  # fmt: skip
    born: dict[str, Any] = {}

    async def check(birth: dict[str, Any]) -> None:
        born.update(birth)

    # Threads that spin take minutes where other tests run beside this one.
    environment = {"GOMP_SPINCOUNT": "2000", **clean_environment()}
    child = Child("local_swarm.backends.llama_child", config, environment, check)
    try:
        await child.start()
        yield born["url"]
    finally:
        await child.close()


@dataclass
class Awkward:
    """A server with manners of its own. `refuses` are fields that get a 400; `choices` is how many
    of the n asked for it gives; `breaks` how often it hangs up in the middle first."""

    refuses: frozenset[str] = frozenset()
    choices: int = 99
    breaks: int = 0
    words: tuple[str, ...] = ("Answer", ": ", "21")
    finish: str | None = "stop"
    events: tuple[str, ...] = ()
    models: tuple[dict[str, Any], ...] = ({"id": "stranger", "owned_by": "library"},)
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)
    open_now: int = 0

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append(body)
        for name in sorted(self.refuses & body.keys()):
            return JSONResponse({"error": {"message": f"`{name}` is not supported here"}}, 400)
        if self.status != 200:
            return JSONResponse({"detail": "this context of 900 tokens exceeds 512"}, self.status)
        return StreamingResponse(self._stream(body), media_type="text/event-stream")

    async def _stream(self, body: dict[str, Any]) -> AsyncIterator[str]:
        self.open_now += 1
        try:
            for event in self.events:
                yield f"data: {event}\n\n"
            if self.events:
                return
            for at, word in enumerate(self.words):
                for index in range(min(body.get("n", 1), self.choices)):
                    yield _chunk({"index": index, "delta": {"content": word}})
                if self.breaks and at == 1:
                    self.breaks -= 1
                    raise ConnectionError
                await asyncio.sleep(0)
            for index in range(min(body.get("n", 1), self.choices)):
                yield _chunk({"index": index, "delta": {}, "finish_reason": self.finish})
            if "stream_options" in body:
                usage = {"prompt_tokens": 17, "completion_tokens": 9}
                yield f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n"
            yield "data: [DONE]\n\n"
        finally:
            self.open_now -= 1

    async def list(self, request: Request) -> Response:
        return JSONResponse({"object": "list", "data": list(self.models)})

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Yields the address, without /v1."""
        routes = [
            Route("/v1/chat/completions", self.chat, methods=["POST"]),
            Route("/v1/models", self.list),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=0, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, name="stranger")
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
            port = server.servers[0].sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(10)


def _chunk(choice: dict[str, Any]) -> str:
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"
