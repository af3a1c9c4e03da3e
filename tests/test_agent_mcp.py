"""Tools of MCP servers, over both transports, by the real package."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from string import ascii_letters, digits
from typing import Any

import pytest
import uvicorn

from local_swarm.errors import SwarmError, ToolError, UsageError
from local_swarm.tools import mcp as mcp_client
from local_swarm.tools import transcript
from local_swarm.tools.agent import Agent
from local_swarm.tools.base import AnyTool, Kind, wire
from local_swarm.tools.consent import Policy
from local_swarm.tools.mcp import Server, connected, servers_in
from local_swarm.tools.task import Ending
from local_swarm.tools.workspace import Workspace

from . import mcp_hostile, mcp_tools
from .scripted_workers import Workers, all_say

PROGRAM = str(Path(mcp_tools.__file__))
STDIO = Server("own", command=sys.executable, args=(PROGRAM,), env={"EXTRA": "1"}, allow=("add",))


@contextlib.contextmanager
def over_http() -> Iterator[Server]:
    app = mcp_tools.server.streamable_http_app()
    sock = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[sock])))
    thread.start()
    try:
        yield Server("far", url=f"http://127.0.0.1:{sock.getsockname()[1]}/mcp", allow=("add",))
    finally:
        running.should_exit = True
        thread.join(20)
        sock.close()


async def result(tool: AnyTool, arguments: str, folder: Path) -> str:
    return await tool.run(tool.parse(arguments), Workspace(folder))


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param == "stdio":
        yield STDIO
    else:
        with over_http() as far:
            yield far


def test_tools_of_a_server_are_tools(server: Server, tmp_path: Path) -> None:
    async def use() -> None:
        async with connected([server]) as tools:
            add = tools[f"{server.name}__add"]
            assert add.description == "It does add."
            assert await result(add, '{"a": "2", "b": 3}', tmp_path) == "5"
            with pytest.raises(ToolError, match="b is missing"):
                add.parse('{"a": 2}')
            with pytest.raises(ToolError, match="it is Sunday"):
                await result(tools[f"{server.name}__fail"], "{}", tmp_path)
            flood = await result(tools[f"{server.name}__flood"], "{}", tmp_path)
            assert len(flood) < 20_000 and "left out" in flood

    asyncio.run(use())


def test_what_a_server_may_and_what_it_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")

    async def use() -> None:
        async with connected([STDIO]) as tools:
            workspace = Workspace(tmp_path)
            add, note = tools["own__add"], tools["own__note"]
            # Only the user says what is harmless.
            assert add.risk(add.parse('{"a": 1, "b": 1}'), workspace).kind is Kind.READ
            call = note.parse('{"text": "\\u001b[2J"}')
            assert note.risk(call, workspace).kind is Kind.COMMAND and note.changes
            assert "\x1b" not in note.preview(call, workspace)
            # It gets no secrets of ours.
            told = (await result(tools["own__environment"], "{}", tmp_path)).split()
            assert "EXTRA" in told and "PATH" in told and "HF_TOKEN" not in told
            # When it dies, its calls fail.
            with pytest.raises(ToolError, match="own__crash failed"):
                await result(tools["own__crash"], "{}", tmp_path)
            raise UsageError("an error inside comes out as it is")

    with pytest.raises(UsageError, match="comes out as it is"):
        asyncio.run(use())


@pytest.mark.parametrize("server", [
    Server("gone", command="/nowhere/program"), Server("far", url="http://127.0.0.1:9/mcp"),
    Server("quits", command=sys.executable, args=("-c", "")),
])  # fmt: skip
def test_a_server_that_does_not_answer_is_named(server: Server) -> None:
    async def use() -> None:
        async with connected([server]):
            raise AssertionError

    with pytest.raises(SwarmError, match=f"MCP server {server.name} cannot be used"):
        asyncio.run(use())


def test_consent_and_votes_hold_for_them(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    call = 'own__note({"text": "milk"})'
    divided = [call, call, 'own__note({"text": "a"})', "No.", "x"]
    runs = [
        (Policy(yolo=True), all_say(call), Ending.DONE, ["noted milk"]),
        (Policy(), all_say(call), Ending.REFUSED, []),
        # The server calls it read-only; without a majority it is not done all the same.
        (Policy(yolo=True), divided, Ending.DONE, []),
    ]

    async def use() -> None:
        async with connected([STDIO]) as tools:
            for policy, said, ending, noted in runs:
                kept = transcript.begin(tmp_path / "state")
                workers = Workers([said, all_say("Done.")])
                agent = Agent(workers, tools, Workspace(folder), policy, kept.write)
                acts: list[Any] = []
                ended = await agent.work("Note it.", tell=acts.append)
                assert ended.ending is ending
                assert [act.result for act in acts if getattr(act, "ok", False)] == noted

    asyncio.run(use())


def test_a_file_of_servers(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    told = {"mcpServers": {
        "a": {"command": "x", "args": ["-v"], "env": {"K": 1}, "allow": ["look"]},
        "b": {"url": "https://example.org/mcp", "headers": {"Authorization": "Bearer x"}},
    }}  # fmt: skip
    file.write_text(json.dumps(told))
    a, b = servers_in(file)
    assert (a.command, a.args, dict(a.env), a.allow) == ("x", ("-v",), {"K": "1"}, ("look",))
    assert b.url == "https://example.org/mcp" and dict(b.headers) == {"Authorization": "Bearer x"}


@pytest.mark.parametrize("text", [
    "", "{}", "[]", '{"mcpServers": []}', '{"mcpServers": {"a b": {"command": "x"}}}',
    '{"mcpServers": {"a": {}}}', '{"mcpServers": {"a": {"command": "x", "url": "http://y"}}}',
    '{"mcpServers": {"a": {"url": "file:///etc"}}}', '{"mcpServers": {"a": {"command": 5}}}',
    '{"mcpServers": {"a": {"command": "x", "args": "-v"}}}', '{"mcpServers": {"a": 5}}',
])  # fmt: skip
def test_a_file_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mcp.json"
    file.write_text(text)
    with pytest.raises(UsageError, match="is no list of MCP servers"):
        servers_in(file)
    with pytest.raises(UsageError, match="cannot be read"):
        servers_in(tmp_path / "nowhere.json")


def hostile(way: str) -> Server:
    return Server("bad", command=sys.executable, args=(mcp_hostile.__file__, way))


@pytest.mark.parametrize("way, told", [
    ("hangs", "TimeoutError"), ("garbage", "TimeoutError"), ("dies", "cannot be used"),
    ("refuses", r"no \\x1b\]0;owned"), ("many", "too many or too large"),
    ("large", "too many or too large"), ("no schema", "cannot be used"),
    ("twins", "Two tools of MCP servers are called bad__a_b"),
])  # fmt: skip
def test_a_server_that_means_no_good_is_told_and_ends(
    way: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_client, "_START_S", 0.5 if told == "TimeoutError" else 20)

    async def main() -> None:
        async with connected([hostile(way)]):
            raise AssertionError("it was taken")

    with pytest.raises(SwarmError, match=told) as error:
        asyncio.run(main())
    assert "\x1b" not in error.value.message and "\u202e" not in error.value.message


def test_what_a_server_says_of_itself_is_neither_obeyed_nor_shown_raw(tmp_path: Path) -> None:
    async def main() -> None:
        async with connected([hostile("speaks")]) as tools:
            [(name, tool)] = tools.items()
            assert name.startswith("bad__execute_bash_") and len(name) <= 64
            assert set(name) <= set(ascii_letters + digits + "_-")
            offered = json.dumps(wire(tool), ensure_ascii=False)
            assert "<|im" not in offered and "\x1b" not in offered and "\u202e" not in offered
            assert len(tool.description) <= 400
            call = tool.parse(json.dumps({"x": mcp_hostile.ESCAPE}))
            assert "\x1b" not in tool.preview(call, Workspace(tmp_path))
            told = await tool.run(call, Workspace(tmp_path))
            assert "<|im" not in told and len(told) < 20_000

    asyncio.run(main())
