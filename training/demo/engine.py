"""The engine that ships, around one GGUF: the same child process that a node starts."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from .paths import CHILD
from .sample import Turn
from .template import TOOLS

SLOTS = 16
WHOLE = {"start_line", "max_lines", "timeout_s"}
"""The tools' arguments that are numbers."""


class Engine:
    """A running engine; use it as a context manager."""

    def __init__(self, model: Path, context: int) -> None:
        self.key = secrets.token_urlsafe(16)
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        config = {
            "path": str(model),
            "model": "demo",
            "key": self.key,
            "slots": SLOTS,
            "threads": 1,
            "cells": SLOTS * context,
            "prompt_cache_mib": 0,
        }
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(config).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the engine did not start")
        self.client = httpx.Client(
            base_url=json.loads(line)["url"],
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=600,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.client.close()
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """One request; raises on an error status."""
        answer = self.client.post(path, json=body)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()

    def chat(
        self, turns: list[dict[str, Any]], tools: tuple[str, ...] = (), **more: Any
    ) -> list[dict[str, Any]]:
        """The messages that `/v1/chat/completions` answers with, greedy unless told otherwise."""
        body = {"messages": turns, "max_tokens": 220, "temperature": 0, **more}
        if tools:
            body["tools"] = schemas(tools)
        return [choice["message"] for choice in self.post("/v1/chat/completions", body)["choices"]]

    def many(self, work: Any, items: list[Any]) -> list[Any]:
        """`work` on every item, as many at once as there are slots."""
        with ThreadPoolExecutor(SLOTS) as pool:
            return list(pool.map(work, items))


def schemas(tools: tuple[str, ...]) -> list[dict[str, Any]]:
    """The tools as a request lists them."""
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": name,
                "parameters": {
                    "type": "object",
                    "properties": {
                        key: {"type": "integer" if key in WHOLE else "string"}
                        for key in TOOLS[name]
                    },
                },
            },
        }
        for name in tools
    ]


def messages(turns: tuple[Turn, ...]) -> list[dict[str, Any]]:
    """Turns as a request carries them; calls become `tool_calls`."""
    made: list[dict[str, Any]] = []
    for role, text in turns:
        message: dict[str, Any] = {"role": role, "content": text}
        call = call_in(text) if role == "assistant" else None
        if call:
            function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
            message = {
                "role": role,
                "content": "",
                "tool_calls": [
                    {"id": f"call_{len(made)}", "type": "function", "function": function}
                ],
            }
        if role == "tool":
            message["tool_call_id"] = made[-1]["tool_calls"][0]["id"]
        made.append(message)
    return made


def call_in(text: str) -> dict[str, Any] | None:
    """The call that a generated assistant turn is."""
    if not text.startswith("<tool_call>"):
        return None
    call: dict[str, Any] = json.loads(text.removeprefix("<tool_call>").removesuffix("</tool_call>"))
    return call


def made_call(message: dict[str, Any]) -> dict[str, Any] | None:
    """The one call of an answer, if there is exactly one with readable arguments."""
    calls = message.get("tool_calls") or []
    if len(calls) != 1:
        return None
    function = calls[0]["function"]
    try:
        return {"name": function["name"], "arguments": json.loads(function["arguments"])}
    except ValueError:
        return None
