"""`/mcp` by the real client of the protocol, against a real node."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import httpx
import mcp
import pytest
from mcp.shared.exceptions import MCPError

from .conftest import SUM, Running
from .scripted_api import Script

INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "t", "version": "0"},
    },
}  # fmt: skip
WRONG: list[dict[str, Any]] = [
    {}, {"question": " "}, {"question": "q", "seats": 65}, {"question": "q", "strategy": "best"},
    {"question": "word " * 5000},
]  # fmt: skip
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_swarm_is_a_tool(node: Running, mode: Any) -> None:
    async def use() -> None:
        async with mcp.Client(f"{node.url}/mcp", mode=mode) as client:
            [tool] = (await client.list_tools()).tools
            assert tool.name == "ask_swarm" and tool.annotations
            assert tool.annotations.read_only_hint
            made = await client.call_tool("ask_swarm", {"question": SUM, "seats": 3})
            assert not made.is_error and made.content[0].text.endswith("Answer: 21")  # type: ignore[union-attr]
            told = made.structured_content
            assert told["swarm"]["seats"] == 3 and told["swarm"]["status"] == "majority"
            for wrong in WRONG:
                made = await client.call_tool("ask_swarm", wrong)
                assert made.is_error and made.content[0].text  # type: ignore[union-attr]
            assert (await client.call_tool("fly", {})).is_error

    asyncio.run(use())


def test_what_the_node_knows(node: Running) -> None:
    async def use() -> dict[str, Any]:
        async with mcp.Client(f"{node.url}/mcp") as client:
            listed = [str(found.uri) for found in (await client.list_resources()).resources]
            assert listed == ["llm://models", "llm://nodes", "llm://performance"]
            read = {}
            for uri in listed:
                [content] = (await client.read_resource(uri)).contents
                read[uri] = json.loads(content.text)  # type: ignore[union-attr]
            with pytest.raises(MCPError, match="no resource"):
                await client.read_resource("llm://secrets")
            return read

    told = asyncio.run(use())
    assert "local-swarm-fast" in [card["id"] for card in told["llm://models"]]
    [home] = told["llm://nodes"]
    assert home["state"] == "ok" and home["engines"][0]["model"] == "demo"
    assert told["llm://performance"]["engines"][0]["slots"] > 0


def test_the_guard_stands_before_it(node: Running) -> None:
    post = node.http.post
    assert post("/mcp", json=INITIALIZE, headers=ACCEPT).status_code == 200
    foreign = {**ACCEPT, "Origin": "https://evil.example"}
    assert post("/mcp", json=INITIALIZE, headers=foreign).status_code == 403
    assert post("/mcp", json=INITIALIZE, headers={**ACCEPT, "Host": "evil"}).status_code == 403
    assert post("/mcp", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert post("/mcp", json={"no": "call"}, headers=ACCEPT).status_code == 400
    for method in ("GET", "DELETE"):
        assert node.http.request(method, "/mcp", headers=ACCEPT).status_code == 405


def test_a_hang_up_frees_the_seats(slow: Running) -> None:
    call = {
        "jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {"name": "ask_swarm", "arguments": {"question": "Tell me a story."}},
    }  # fmt: skip
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{slow.url}/mcp", json=call, headers=ACCEPT, timeout=1, trust_env=False)
    ends = time.monotonic() + 20
    while slow.node.status().engines[0].slots_busy:
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.types", None)
    answer = Script([]).ask("POST", "/mcp", INITIALIZE)
    assert answer.status_code == 501
    assert "local-swarm[mcp]" in answer.json()["error"]["message"]
