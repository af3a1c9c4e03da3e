"""`run --server-tools`: tasks for callers of the API, by the owner's file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from local_swarm.chat import ChatRequest, Event, Progress
from local_swarm.cli.run import allowed_by
from local_swarm.errors import QueueFull, UsageError
from local_swarm.models.store import demo_path
from local_swarm.serve import Listen
from local_swarm.tools.service import ServerTools, TaskService, policy_in

from .conftest import planned, running, settings_in

KEY = "a key"
READ = "Read the file notes.txt"
WRITE = 'Write "hello" to out.txt'


@dataclass(frozen=True)
class Served:
    """A node that does tasks, and where it does them."""

    url: str
    folder: Path
    kept: Path

    def __call__(self, task: str, key: str = KEY, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"}
        body = {"task": task, **more}
        return httpx.post(
            f"{self.url}/v1/agent", json=body, headers=headers, timeout=60, trust_env=False
        )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    folder = home / "work"
    folder.mkdir()
    (folder / "notes.txt").write_text("Buy milk.\n")
    allowed = ServerTools(folder, home / "kept", auto_edit=True, commands=("date",))
    made = replace(planned(demo_path(), seats=5))
    with running(home, made, demo_path(), api_key=KEY, server_tools=allowed) as node:
        yield Served(node.url, folder, home / "kept")


def test_a_task_is_done_and_told(served: Served) -> None:
    told = served(READ).json()
    assert (told["ending"], told["text"]) == ("done", "The file notes.txt says: Buy milk.")
    assert [act["name"] for act in told["actions"]] == ["read_file"]
    lines = (served.kept / told["task"] / "transcript.jsonl").read_text()
    assert '"by": "server"' in lines and '"ending": "done"' in lines


def test_what_the_file_allows_is_done_and_the_rest_refused(served: Served) -> None:
    assert served(WRITE).json()["ending"] == "done"
    assert (served.folder / "out.txt").read_text() == "hello"
    ran = served("Run the command date").json()
    assert ran["actions"][0]["by"] == "always" and ran["actions"][0]["ok"]
    told = served("Run the command pwd").json()
    assert told["ending"] == "refused" and told["actions"][0]["by"] is None


def test_steps_are_streamed(served: Served) -> None:
    lines = [line[6:] for line in served(READ, stream=True).text.split("\n") if line[:5] == "data:"]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line)["event"] for line in lines[:-1]]
    assert events[-1] == "ended" and "acted" in events and "voting" in events


def test_the_key_is_needed_and_the_body_is_checked(served: Served) -> None:
    assert served(READ, key="another").status_code == 401
    assert served("").status_code == 400


def test_one_task_at_a_time_and_hanging_up_stops_it(tmp_path: Path) -> None:
    class Silent:
        async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
            yield Progress(0, 5, 0)
            await asyncio.Event().wait()

    async def use() -> None:
        folder = tmp_path / "work"
        folder.mkdir()
        service = TaskService(Silent(), ServerTools(folder, tmp_path / "kept"))
        first: Any = service.work("Do it.")
        assert (await anext(first))["event"] == "voting"
        with pytest.raises(QueueFull):
            await anext(service.work("And this."))
        await first.aclose()
        [kept] = (tmp_path / "kept").glob("*/transcript.jsonl")
        assert '"ending": "stopped"' in kept.read_text()
        again: Any = service.work("Do it.")
        assert (await anext(again))["event"] == "voting"
        await again.aclose()

    asyncio.run(use())


def test_without_the_flag_there_is_no_such_route(tmp_path: Path) -> None:
    from .scripted_api import Script

    assert Script([]).ask("POST", "/v1/agent", {"task": READ}).status_code == 404


@pytest.mark.parametrize("text, told", [
    ("folder = 5", "must be a str"), ("", "names no folder"), ("x = 1", "there is no x"),
    ("folder = ", "is no TOML"), ('folder = "."\nsteps = 26', "steps are 1 to 25"),
    ('folder = "."\ncommands = [1]', "must be texts"), ('folder = "."\nnetwork = 1', "a bool"),
])  # fmt: skip
def test_a_policy_that_is_none_is_told(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        policy_in(file, tmp_path)


def test_a_policy_that_its_callers_could_change_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("work")
    for place, folder in (("work", "."), ("work/deep", ".."), ("link", "../work"), ("", "work/..")):
        file = tmp_path / place / "policy.toml"
        file.write_text(f'folder = "{folder}"')
        with pytest.raises(UsageError, match="callers could change it"):
            policy_in(file, tmp_path)
        file.unlink()


def test_a_policy_is_read_from_beside_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('folder = "work"\nauto_edit = true\ncommands = ["pytest"]\nseconds = 60\n')
    made = policy_in(file, tmp_path / "kept")
    assert (made.folder, made.auto_edit, made.network) == (tmp_path / "work", True, False)
    assert made.commands == ("pytest",) and made.budget.seconds == 60


@pytest.mark.parametrize("listen, told", [
    (Listen("127.0.0.1", 0), "needs an API key"), (Listen("0.0.0.0", 0, "k"), "needs loopback"),
])  # fmt: skip
def test_it_is_not_for_everybody(tmp_path: Path, listen: Listen, told: str) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('folder = "work"')
    with pytest.raises(UsageError, match=told):
        allowed_by(file, listen, settings_in(tmp_path))
    assert (
        allowed_by(file, Listen("127.0.0.1", 0, "k"), settings_in(tmp_path)).folder
        == tmp_path / "work"
    )
