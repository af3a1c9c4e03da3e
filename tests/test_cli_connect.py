"""`local-swarm connect`: what it prints is well-formed, and what is there stays there."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local_swarm.api.integrations import Client, clients

yaml = pytest.importorskip("yaml")
URL = "http://127.0.0.1:17777"
KNOWN = {client.id: client for client in clients(URL, 512, "secret")}


def connect(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "local_swarm", "connect", "--url", URL, *arguments]
    return subprocess.run(
        command, env={**os.environ, "HOME": str(home), "COLUMNS": "200"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("client", KNOWN.values(), ids=lambda client: client.id)
def test_every_snippet_has_the_address_and_is_well_formed(client: Client) -> None:
    assert URL in client.text and client.where
    ending = Path(client.file or "").suffix
    if ending == ".json":
        assert json.loads(client.text)
    elif ending == ".toml":
        told: dict[str, Any] = tomllib.loads(client.text)
        provider = told["model_providers"][told["model_provider"]]
        assert (provider["base_url"], provider["wire_api"]) == (f"{URL}/v1", "responses")
    elif ending in (".yaml", ".yml"):
        assert yaml.safe_load(client.text)
    if client.id == "openai-python":
        compile(client.text, "snippet", "exec")


def test_the_key_is_where_it_is_needed() -> None:
    without = {"codex", "llm", "zed"}  # these take it from elsewhere
    assert {id for id, client in KNOWN.items() if "secret" not in client.text} == without
    assert all("key" in KNOWN[id].note for id in without)


def test_vs_code_gets_models_that_fit_the_context() -> None:
    (provider,) = json.loads(KNOWN["vscode"].text)
    assert provider["vendor"] == "customendpoint"
    for model in provider["models"]:
        assert model["url"] == f"{URL}/v1/chat/completions" and model["toolCalling"]
        assert 0 < model["maxInputTokens"] + model["maxOutputTokens"] <= 512


def test_the_list_and_json(tmp_path: Path) -> None:
    listed = connect(tmp_path)
    assert listed.returncode == 0 and all(id in listed.stdout for id in KNOWN)
    told = json.loads(connect(tmp_path, "--json").stdout)
    assert [client["id"] for client in told] == list(KNOWN)


def test_a_file_is_written_once_and_kept_when_replaced(tmp_path: Path) -> None:
    done = connect(tmp_path, "aider", "--write")
    path = tmp_path / ".aider.conf.yml"
    assert done.returncode == 0 and f"openai-api-base: {URL}/v1" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "so already" in connect(tmp_path, "aider", "--write").stderr

    path.write_text("mine: true\n")
    refused = connect(tmp_path, "aider", "--write")
    assert refused.returncode == 1 and "nothing was changed" in refused.stderr
    assert path.read_text() == "mine: true\n"

    assert connect(tmp_path, "aider", "--write", "--yes").returncode == 0
    assert (tmp_path / ".aider.conf.yml.bak").read_text() == "mine: true\n"
    path.write_text("mine again\n")
    again = connect(tmp_path, "aider", "--write", "--yes")  # the first backup is not lost
    assert again.returncode == 2 and path.read_text() == "mine again\n"


@pytest.mark.parametrize("name, told", [
    ("aidr", "Did you mean aider?"), ("nonsense-of-mine", "There are: curl"),
])  # fmt: skip
def test_unknown_names(tmp_path: Path, name: str, told: str) -> None:
    done = connect(tmp_path, name)
    assert done.returncode == 2 and told in done.stderr


def test_what_has_no_file_says_where_it_belongs(tmp_path: Path) -> None:
    done = connect(tmp_path, "cline", "--write")
    assert done.returncode == 2 and "OpenAI Compatible" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / ".codex").write_text("")
    done = connect(tmp_path, "codex", "--write")
    assert done.returncode == 1 and "cannot be written" in done.stderr
