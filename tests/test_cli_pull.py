"""`pull`, `models rm` and `models verify`: real processes, and a real hub on a loopback port."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_swarm.cli.units import shown
from local_swarm.models.fetch import known_sha256
from local_swarm.models.store import demo_path

from .conftest import Running

MIB = 1 << 20
OWN = """
[mine]
name = "Mine"
parameters = 3_000_000
layers = 2
kv_heads = 2
head_size = 32
context = 512
repo = "me/mine"
quants = { Q8_0 = [8.5, "mine-Q8_0.gguf"] }
"""


@dataclass
class Hub:
    """Serves `data` with Range; `sent` counts the bytes of bodies, a request each."""

    data: bytes
    url: str = ""
    slow_after: int | None = None  # bytes of a body after which it comes in drops
    sent: list[int] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)  # the drops wait for it

    def __post_init__(self) -> None:
        self.gate.set()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        if path == "/api/models/me/mine/tree/main":
            digest = hashlib.sha256(self.data).hexdigest()
            entry = {"path": "mine-Q8_0.gguf", "size": len(self.data), "lfs": {"oid": digest}}
            return self._reply(request, 200, json.dumps([entry]).encode(), {})
        if not path.endswith("mine-Q8_0.gguf"):
            return self._reply(request, 404, b"", {})
        first, _, last = (request.headers.get("Range") or "bytes=0-")[6:].partition("-")
        body = memoryview(self.data)[int(first) : int(last) + 1 if last else None]
        where = {"Content-Range": f"bytes {first}-{len(self.data) - 1}/{len(self.data)}"}
        return self._reply(request, 206, body, where)

    def _reply(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        body: bytes | memoryview,
        headers: dict[str, str],
    ) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()
        if status != 206:
            request.wfile.write(body)
            return
        self.sent.append(0)
        at = len(self.sent) - 1
        try:
            for start in range(0, len(body), MIB):
                if self.slow_after is not None and start >= self.slow_after:
                    self.open.set()
                    time.sleep(0.02)
                    self.gate.wait(60)
                request.wfile.write(body[start : start + MIB])
                self.sent[at] += len(body[start : start + MIB])
        except OSError:
            pass  # who asked is dead


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with one model: the demo model's file, and as many zeros as a test wants behind it."""
    made = Hub(demo_path().read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.serve(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


class Swarm:
    """`local-swarm` with a home of its own and `hub` as its hub."""

    def __init__(self, home: Path, hub: str) -> None:
        self.models = home / "models"
        self.models.mkdir()
        (self.models / "models.toml").write_text(OWN)
        ours = ("LOCAL_SWARM_", "XDG_", "HF_", "COLUMNS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment = kept | {
            "HOME": str(home), "LOCAL_SWARM_HOME": str(home), "HF_ENDPOINT": hub,
        }  # fmt: skip
        self.file = self.models / "me--mine" / "mine-Q8_0.gguf"

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "local_swarm", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, code: int = 0) -> str:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, out + err
        assert "Traceback" not in err
        return out if "--json" in words else out + err


@pytest.fixture
def swarm(tmp_path: Path, hub: Hub) -> Swarm:
    return Swarm(tmp_path, hub.url)


def test_a_pull_that_was_killed_goes_on_and_only_the_rest_is_sent(hub: Hub, swarm: Swarm) -> None:
    hub.data += bytes(200 * MIB - len(hub.data))
    hub.slow_after = 90 * MIB
    first = swarm.start("pull", "mine")
    assert hub.open.wait(60)
    partial = swarm.file.with_suffix(".partial")
    while partial.stat().st_size < 80 * MIB:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=30)
    have = partial.stat().st_size
    assert 80 * MIB <= have < len(hub.data) and not swarm.file.exists()

    hub.slow_after, hub.sent = None, []
    assert "Here now" in swarm("pull", "mine")
    assert hub.sent == [len(hub.data) - have]
    assert hashlib.sha256(swarm.file.read_bytes()).digest() == hashlib.sha256(hub.data).digest()
    assert {path.name for path in swarm.file.parent.iterdir()} == {
        "mine-Q8_0.gguf",
        "mine-Q8_0.gguf.sha256",
    }
    assert "here already" in swarm("pull", "mine") and len(hub.sent) == 1


def test_two_pulls_at_the_same_time_download_once(hub: Hub, swarm: Swarm) -> None:
    hub.data += bytes(20 * MIB)
    hub.slow_after = 0
    both = [swarm.start("pull", "mine", "--json") for _ in range(2)]
    told = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert hub.sent == [len(hub.data)]
    assert len({json.loads(out)["sha256"] for out, _ in told}) == 1


def test_an_address_and_a_file_become_models_with_a_name(
    hub: Hub, swarm: Swarm, tmp_path: Path
) -> None:
    digest = hashlib.sha256(hub.data).hexdigest()
    told = json.loads(swarm("pull", f"{hub.url}/some/mine-Q8_0.gguf#sha256={digest}", "--json"))
    assert told["sha256"] == digest and told["downloaded"]
    assert told["file"] == str(swarm.models / "127.0.0.1" / "mine-Q8_0.gguf")
    own = tmp_path / "own.gguf"
    own.write_bytes(hub.data)
    assert json.loads(swarm("pull", str(own), "--json"))["name"] == "own"
    listed = json.loads(swarm("models", "--json"))["disk"]
    assert {one["name"] for one in listed} == {"mine-Q8_0", "own"}


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("mine-Q8_0.gguf#sha256=" + "0" * 64, "damaged"),
        ("other.gguf", "no public other.gguf"),
        ("mine-Q8_0.bin", "no address of a GGUF file"),
        ("mine-Q8_0.gguf#sha256=12", "#sha256="),
    ],
)
def test_a_wrong_address_is_told_and_leaves_no_model(
    hub: Hub, swarm: Swarm, end: str, told: str
) -> None:
    code = 2 if "address" in told or told.startswith("#") else 1
    assert told in swarm("pull", f"{hub.url}/{end}", code=code)
    assert not list(swarm.models.glob("*/*"))


def test_what_is_no_model_gets_no_name(hub: Hub, swarm: Swarm) -> None:
    hub.data = b"<html>Please log in to this network</html>" * 100
    told = swarm("pull", f"{hub.url}/mine-Q8_0.gguf", code=1)
    assert "mine-Q8_0.gguf is no GGUF file" in told
    assert not list(swarm.models.glob("*/*"))


def test_models_are_verified_and_removed(hub: Hub, swarm: Swarm, tmp_path: Path) -> None:
    assert "no models" in swarm("models", "verify")
    swarm("pull", "mine")
    unknown = swarm.models / "me--mine" / "put-here.gguf"
    unknown.write_bytes(hub.data)
    said = swarm("models", "verify")
    assert "ok       mine-Q8_0.gguf" in said and "unknown  put-here.gguf" in said
    broken = bytearray(hub.data)
    broken[-1] ^= 1
    swarm.file.write_bytes(broken)
    (swarm.models / "me--mine" / "begun.partial").write_bytes(b"12")
    said = swarm("models", "verify", code=1)
    assert "damaged  mine-Q8_0.gguf" in said and "begun    begun.partial" in said
    rows = json.loads(swarm("models", "verify", "mine", "--json", code=1))["files"]
    assert [row["state"] for row in rows] == ["damaged"]

    assert "mine-Q8_0.gguf" in swarm("models", "rm", "mine:Q8_0")
    assert not swarm.file.exists() and known_sha256(swarm.file) is None
    swarm("models", "rm", "hf:me/mine")  # all that is left of it
    assert not swarm.file.parent.exists()


@pytest.mark.parametrize(
    "name", ["gpt-9", "demo", "outside.gguf", "../outside.gguf", "hf:a/b:Q8_0"]
)
def test_only_what_is_there_is_removed(swarm: Swarm, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside.gguf"
    outside.write_bytes(demo_path().read_bytes())
    where = str(tmp_path / "models" / name) if name.startswith("..") else name
    swarm("models", "rm", str(outside) if name == "outside.gguf" else where, code=2)
    assert outside.exists() and demo_path().exists()


def test_a_model_that_is_served_stays(node: Running, tmp_path: Path) -> None:
    swarm = Swarm(tmp_path, "http://127.0.0.1:9")
    folder = swarm.models / "me--mine"
    folder.mkdir()
    (folder / "served.gguf").symlink_to(demo_path())
    nodes = tmp_path / "state" / "nodes"
    nodes.parent.mkdir()
    nodes.symlink_to(node.settings.nodes)
    assert "local-swarm stop" in swarm("models", "rm", "served", code=2)
    assert (folder / "served.gguf").exists()


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 KiB"), (1023, "1 KiB"), (2_300_000, "2.2 MiB"), (2_050_000_000, "1.91 GiB")],
)
def test_sizes_are_told_in_the_unit_that_fits(count: int, text: str) -> None:
    assert shown(count) == text


def test_the_names_in_the_list_can_be_copied(swarm: Swarm) -> None:
    said = swarm("models")
    for name in ("qwen3-coder-30b-a3b", "qwen2.5-coder-1.5b", "gemma-4-26b-a4b"):
        assert f"\n{name} " in said
    head, *_ = said.splitlines()
    assert head.split()[:6] == ["model", "size", "quality", "here", "needs", "tokens/s"]
    assert "…" not in said  # a program gets whole lines
    swarm.environment |= {"TTY_COMPATIBLE": "1", "COLUMNS": "60"}
    lines = swarm("models").splitlines()[:20]
    assert max(map(len, lines)) == 60 and any(line.endswith("…") for line in lines)
    assert any(line.startswith("qwen3-coder-30b-a3b ") for line in swarm("models").splitlines())
