"""The shape of every wire, against files in tests/golden: UPDATE_GOLDEN=1 writes them anew.

What differs from run to run (ids, times) is replaced before the comparison.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_swarm.ballot import Finish
from local_swarm.chat import Event
from local_swarm.errors import EngineError

from .scripted_api import CALL, PARTS, THOUGHT, WORDS, Script, vote

GOLDEN = Path(__file__).parent / "golden"
SCRIPT = Script([], PARTS)
USER = [{"role": "user", "content": "Is it?"}]
SAYS: dict[str, list[Event | Exception | float]] = {
    "words": [*vote(WORDS)],
    "thought": [*vote(THOUGHT)],
    "call": [*vote(CALL, Finish.TOOL_CALLS)],
    "cut": [*vote(WORDS, Finish.LENGTH)],
    "broken": [*vote(WORDS)[:3], EngineError("The engine died.", hint="Ask again.")],
}
CHATS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": USER, "model": "local-swarm"}),
    "responses": ("/v1/responses", {"input": "Is it?", "model": "local-swarm"}),
    "messages": ("/v1/messages", {"messages": USER, "model": "claude-x", "max_tokens": 99}),
    "ollama_chat": ("/api/chat", {"messages": USER, "model": "local-swarm"}),
    "ollama_generate": ("/api/generate", {"prompt": "Is it?", "model": "local-swarm"}),
}
NO_TOOLS = ("ollama_generate", "call")
TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "completions": ("/v1/completions", {"prompt": "def f():", "logprobs": 1}),
    "fim": ("/v1/fim/completions", {"prompt": "def f():", "suffix": "#"}),
    "infill": ("/infill", {"input_prefix": "def f():", "input_suffix": "#"}),
    "ollama_raw": ("/api/generate", {"prompt": "def f():", "raw": True, "model": "demo"}),
}
LISTS = {
    "models": "/v1/models",
    "model": "/v1/models/demo",
    "tags": "/api/tags",
    "props": "/props",
}


SAID = [(wire, says) for wire in CHATS for says in SAYS if (wire, says) != NO_TOOLS]


def told(says: list[Event | Exception | float]) -> Script:
    SCRIPT.says = says
    return SCRIPT


def shown(response: httpx.Response, stream: bool) -> str:
    """What a client gets: a plain answer with an indent, for eyes."""
    if stream:
        return steady(response.text)
    return json.dumps(json.loads(steady(json.dumps(response.json()) + "\n")), indent=1) + "\n"


def steady(text: str) -> str:
    """`text` without what differs from run to run, and without the verdict, which is not the
    wire's."""
    text = "".join(_without_verdict(line) for line in text.splitlines(keepends=True))
    text = re.sub(r"[0-9a-f]{32}", "ID", text)
    text = re.sub(r'("created(?:_at)?": )\d+', r"\g<1>0", text)
    text = re.sub(r'("created_at": )"[^"]*"', r'\g<1>"TIME"', text)
    text = re.sub(r'("(?:total|prompt_eval|eval|load)_duration": )\d+', r"\g<1>0", text)
    return re.sub(r"local-swarm \d[\w.]*", "local-swarm VERSION", text)


def _without_verdict(line: str) -> str:
    prefix, brace, rest = line.partition("{")
    if not brace or not line.endswith("}\n"):
        return line
    made = json.loads(brace + rest)
    for holder in (made, made.get("response")):
        if isinstance(holder, dict) and "swarm" in holder:
            holder["swarm"] = sorted(set(holder["swarm"]) & {"status", "policy"})
    return f"{prefix}{json.dumps(made)}\n"


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path} differs; UPDATE_GOLDEN=1 writes it anew"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("wire", "says"), SAID)
def test_chats(wire: str, says: str, stream: bool) -> None:
    path, body = CHATS[wire]
    response = told(SAYS[says]).ask("POST", path, {**body, "stream": stream})
    assert response.status_code == (500 if says == "broken" and not stream else 200)
    compare(f"{wire}_{says}_{'stream' if stream else 'plain'}.txt", shown(response, stream))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wire", TEXTS)
def test_texts(wire: str, stream: bool) -> None:
    path, body = TEXTS[wire]
    response = told([]).ask("POST", path, {**body, "stream": stream})
    compare(f"{wire}_{'stream' if stream else 'plain'}.txt", shown(response, stream))


@pytest.mark.parametrize("name", LISTS)
def test_lists(name: str) -> None:
    compare(f"{name}.txt", shown(told([]).ask("GET", LISTS[name]), False))


def test_n_choices() -> None:
    body: Any = {"messages": USER, "n": 2}
    plain = told(SAYS["words"]).ask("POST", "/v1/chat/completions", body)
    compare("chat_n_plain.txt", shown(plain, False))
    options = {"stream": True, "stream_options": {"include_usage": True}}
    stream = told(SAYS["words"]).ask("POST", "/v1/chat/completions", {**body, **options})
    compare("chat_n_stream.txt", shown(stream, True))


def test_no_golden_file_is_left_over() -> None:
    hows = ("plain", "stream")
    names = {f"{wire}_{says}_{how}.txt" for wire in CHATS for says in SAYS for how in hows}
    names -= {f"ollama_generate_call_{how}.txt" for how in hows}
    names |= {f"{wire}_{how}.txt" for wire in (*TEXTS, "chat_n") for how in hows}
    assert {path.name for path in GOLDEN.iterdir()} == names | {f"{name}.txt" for name in LISTS}
