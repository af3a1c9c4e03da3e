"""Which file a model's name means, on this machine and on the hub."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_swarm.errors import (
    FetchError,
    HubUnreachable,
    ModelFileError,
    ModelNotFound,
    SwarmError,
    UsageError,
)
from local_swarm.models.catalog import DEMO, ModelSpec, catalog
from local_swarm.models.hub import HubFile, find
from local_swarm.models.store import (
    Remote,
    demo_path,
    downloaded,
    listed,
    local_file,
    place,
    resolve,
)

TREE: list[dict[str, Any]] = [
    {"type": "directory", "path": "extra", "size": 0},
    {"path": "README.md", "size": 10},
    {"path": "tiny-Q4_K_M-00001-of-00002.gguf", "size": 1},
    {"path": "mmproj-tiny-Q4_K_M.gguf", "size": 2},
    {"path": "mmproj-Q5_0.gguf", "size": 2},
    {"path": "extra/longer-name-Q4_K_M.gguf", "size": 3},
    {"path": "tiny-Q4_K_M.gguf", "size": 4, "lfs": {"oid": "ab12", "size": 4}},
    {"path": "tiny.Q8_0.gguf", "size": 5, "lfs": None},
    {"path": "tinyQ6_K.gguf", "size": 6},
]


class Handler(BaseHTTPRequestHandler):
    """A hub with one repository; it remembers tokens."""

    status, body = 200, b""
    tokens: list[str | None]

    def do_GET(self) -> None:
        type(self).tokens.append(self.headers.get("Authorization"))
        known = self.path.startswith("/api/models/owner/tiny/tree/main")
        self.send_response(self.status if known else 404)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    Handler.status, Handler.body, Handler.tokens = 200, json.dumps(TREE).encode(), []
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_listed_names() -> None:
    for name, spec in catalog().items():
        assert resolve(name, Path("nowhere")) == spec


@pytest.mark.parametrize(
    ("name", "remote"),
    [
        ("hf:owner/tiny:Q8_0", Remote("owner/tiny", "Q8_0")),
        ("hf:owner/tiny", Remote("owner/tiny", "Q4_K_M")),
        ("hf:o.w-n_er/Some.1-5B:IQ2_XS", Remote("o.w-n_er/Some.1-5B", "IQ2_XS")),
    ],
)  # fmt: skip
def test_names_of_the_hub(name: str, remote: Remote) -> None:
    assert resolve(name, Path("nowhere")) == remote


@pytest.mark.parametrize(
    "name", ["hf:", "hf:owner", "hf:owner/", "hf:a/b/c", "hf:a/b:", "hf:a b/c"]
)
def test_names_that_no_hub_has(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(name, Path("nowhere"))
    assert name in caught.value.message and "hf:owner/repo:quant" in caught.value.hint


def test_files_by_path_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place(tmp_path, "owner/tiny", "below/tiny-Q4_K_M.gguf")
    assert path == tmp_path / "owner--tiny" / "tiny-Q4_K_M.gguf"
    assert downloaded(tmp_path) == downloaded(tmp_path / "nowhere") == []
    path.parent.mkdir()
    shutil.copy(demo_path(), path)
    (path.parent / "other.partial").write_bytes(b"half")
    assert downloaded(tmp_path) == [path]
    monkeypatch.setenv("HOME", str(path.parent))
    monkeypatch.chdir(path.parent)
    for name in (str(path), "tiny-Q4_K_M", "tiny-Q4_K_M.gguf", "./tiny-Q4_K_M.gguf",
                 "~/tiny-Q4_K_M.gguf"):  # fmt: skip
        spec = resolve(name, tmp_path)
        assert isinstance(spec, ModelSpec)
        assert (spec.id, spec.file_bytes) == ("tiny-Q4_K_M", path.stat().st_size)


def test_unknown_names_tell_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="'gpt-9'") as caught:
        resolve("gpt-9", tmp_path)
    assert "hf:owner/repo:quant" in caught.value.hint and "local-swarm models" in caught.value.hint


def test_unknown_names_tell_the_nearest_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve("Qwen2.5-7", tmp_path)
    assert "There are: qwen2.5-7b, " in caught.value.hint


def test_a_quantization_of_a_listed_model(tmp_path: Path) -> None:
    spec = resolve("qwen2.5-7b:q6_k", tmp_path)
    assert isinstance(spec, ModelSpec) and [quant.name for quant in spec.quants] == ["Q6_K"]
    with pytest.raises(UsageError, match="no quantization 'Q9'") as caught:
        resolve("qwen2.5-7b:Q9", tmp_path)
    assert "Q4_K_M" in caught.value.hint


OWN = """
[mine]
name = "Mine"
parameters = 1_000_000_000
layers = 16
kv_heads = 8
head_size = 64
context = 8192
repo = "me/mine-GGUF"
quality = 0.4
quants = { Q4_K_M = [4.9, "mine-Q4_K_M.gguf"] }
"""


def test_models_of_the_users_own_join_the_list(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(OWN)
    spec = resolve("mine", tmp_path)
    assert isinstance(spec, ModelSpec) and spec.repo == "me/mine-GGUF"
    ids = list(listed(tmp_path))
    assert ids.index("qwen2.5-0.5b") < ids.index("mine") < ids.index("qwen2.5-1.5b")


def test_a_model_of_the_users_own_says_where_its_file_is(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(OWN.replace("repo", "report"))
    with pytest.raises(UsageError, match="mine has no repo"):
        listed(tmp_path)


@pytest.mark.parametrize("text", ["[", "[mine]", "mine = 3", "\0", '[mine]\nquants = { a = "b" }'])
def test_a_list_that_cannot_be_understood_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "models.toml").write_text(text)
    with pytest.raises(UsageError, match=r"models\.toml cannot be understood"):
        resolve("mine", tmp_path)


@pytest.mark.parametrize("name", ["./gpt-9", "gpt-9.gguf", "/gpt/9", "C:\\gpt-9"])
def test_paths_that_are_not_there(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no model file"):
        resolve(name, tmp_path)


def test_a_home_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SwarmError):
        resolve("~nobody-of-that-name/gpt-9.gguf", tmp_path)


def test_local_files_of_listed_models(tmp_path: Path) -> None:
    assert local_file(catalog()[DEMO], None, tmp_path) == demo_path()
    assert local_file(catalog()["demo-mini"], None, tmp_path) == demo_path("demo-mini")
    spec = catalog()["qwen2.5-0.5b"]
    small = spec.quants[-1]
    assert local_file(spec, small, tmp_path) is None
    assert spec.repo
    path = place(tmp_path, spec.repo, small.file)
    path.parent.mkdir()
    path.write_bytes(b"x")
    assert local_file(spec, small, tmp_path) == path
    assert local_file(spec, spec.quants[0], tmp_path) is None


@pytest.mark.parametrize(
    ("quant", "file", "found"),
    [
        ("Q4_K_M", None, HubFile("owner/tiny", "tiny-Q4_K_M.gguf", 4, "ab12")),
        ("q4_k_m", None, HubFile("owner/tiny", "tiny-Q4_K_M.gguf", 4, "ab12")),
        ("Q8_0", None, HubFile("owner/tiny", "tiny.Q8_0.gguf", 5, None)),
        ("?", "tinyQ6_K.gguf", HubFile("owner/tiny", "tinyQ6_K.gguf", 6, None)),
    ],
)
def test_the_hub_is_asked_for_one_file(
    hub: str, quant: str, file: str | None, found: HubFile
) -> None:
    assert find(hub, "hf_secret", Remote("owner/tiny", quant, file)) == found
    assert find(hub, None, Remote("owner/tiny", quant, file)) == found
    assert Handler.tokens == ["Bearer hf_secret", None]


def test_a_quantization_that_is_not_there(hub: str) -> None:
    for quant in ("Q6_K", "K_M", "Q5_0"):
        with pytest.raises(FetchError, match=quant) as caught:
            find(hub, None, Remote("owner/tiny", quant))
        assert "tiny-Q4_K_M.gguf" in caught.value.hint and "README" not in caught.value.hint
    with pytest.raises(FetchError, match="no single"):
        find(hub, None, Remote("owner/tiny", "?", "tiny-Q4_K_M-00001-of-00002.gguf"))


def test_a_repository_that_is_not_there(hub: str) -> None:
    with pytest.raises(FetchError, match="no public owner/other") as caught:
        find(hub, None, Remote("owner/other", "Q4_K_M"))
    assert not isinstance(caught.value, HubUnreachable)


def test_a_hub_in_trouble_is_like_none(hub: str) -> None:
    Handler.status = 503
    with pytest.raises(HubUnreachable, match="503"):
        find(hub, None, Remote("owner/tiny", "Q4_K_M"))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Please log in to the WLAN</html>",
        b'{"a": 1}',
        b"[1]",
        b"[" * 100_000,
        b'[{"path": "tiny-Q4_K_M.gguf", "size": -1}]',
        b'[{"path": "tiny-Q4_K_M.gguf", "size": "4"}]',
        b'[{"path": "a\\u001b[31m-Q4_K_M.gguf", "size": 4}]',
    ],
)
def test_an_answer_that_is_no_list_of_files_is_told(hub: str, body: bytes) -> None:
    Handler.body = body
    with pytest.raises(SwarmError):
        find(hub, None, Remote("owner/tiny", "Q4_K_M"))
