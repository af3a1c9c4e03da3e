"""What `run` will serve: a wish, the disk and a hub become a plan and a file."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks._shapes import make
from local_swarm.choose import Wish, choose, specs_of
from local_swarm.errors import FetchError, UsageError
from local_swarm.models.store import demo_path

from .conftest import settings_in

OWN = """
[mine]
name = "Mine"
parameters = 3_000_000
layers = 2
kv_heads = 2
head_size = 32
context = 512
repo = "me/mine"
quants = { Q8_0 = [8.5, "%s"] }
"""


@pytest.fixture
def hub() -> Iterator[str]:
    """A hub with one file: the demo model as mine-Q8_0.gguf."""
    data = demo_path().read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    tree = [{"path": "mine-Q8_0.gguf", "size": len(data), "lfs": {"oid": digest}}]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bodies = {
                "/api/models/me/mine/tree/main": json.dumps(tree).encode(),
                "/me/mine/resolve/main/mine-Q8_0.gguf": data,
            }
            body = bodies.get(self.path.partition("?")[0])
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("file", ["mine-Q8_0.gguf", "old-name-Q8_0.gguf"])
def test_a_listed_model_is_fetched_even_where_its_file_was_renamed(
    tmp_path: Path, hub: str, file: str
) -> None:
    settings = replace(settings_in(tmp_path), hub=hub)
    settings.models.mkdir()
    (settings.models / "models.toml").write_text(OWN % file)
    seen: list[int] = []
    choice = choose(settings, Wish("mine", seats=3), lambda _, done, all: seen.append(done))
    assert choice.path.read_bytes() == demo_path().read_bytes()
    assert seen[-1] == choice.plan.need.weights == demo_path().stat().st_size
    assert (choice.plan.spec.id, choice.plan.seats) == ("mine", 3)


def test_a_quantization_that_the_hub_does_not_have_is_told(tmp_path: Path, hub: str) -> None:
    settings = replace(settings_in(tmp_path), hub=hub)
    settings.models.mkdir()
    (settings.models / "models.toml").write_text((OWN % "mine-Q4_0.gguf").replace("Q8_0", "Q4_0"))
    with pytest.raises(FetchError) as caught:
        choose(settings, Wish("mine"), lambda *_: None)
    assert "mine-Q8_0.gguf" in caught.value.hint


def test_offline_the_larger_of_two_models_on_disk_is_served(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    for name, path in (("a-small", demo_path()), ("large", make("tiny"))):
        folder = settings.models / f"me--{name}"
        folder.mkdir(parents=True)
        shutil.copy(path, folder / f"{name}.gguf")
    (settings.models / "me--large" / "broken.gguf").write_bytes(b"GGUF")
    choice = choose(settings, Wish(), lambda *_: None)
    sizes = {path.stem: path.stat().st_size for path in settings.models.glob("*/*.gguf")}
    assert sizes[choice.path.stem] == max(sizes.values())
    assert "No network" in (choice.notice or "")
    here = choose(replace(settings, hub="http://no.hub.is.asked"), Wish(here=True), lambda *_: None)
    assert here.path == choice.path and not here.notice


def test_a_plan_downloads_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert [spec.id for spec in specs_of(settings, "qwen2.5-7b")] == ["qwen2.5-7b"]
    assert len(specs_of(settings, None)) > 20
    with pytest.raises(UsageError, match="size is not known"):
        specs_of(settings, "hf:owner/repo:Q4_K_M")
    assert not settings.models.exists()
