"""A download in progress is shared: whole pieces only, and nothing is believed before the end."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from local_swarm import obtain
from local_swarm.errors import FetchError
from local_swarm.models import by_hash
from local_swarm.models.by_hash import by_sha256
from local_swarm.models.fetch import begun, fetch
from local_swarm.models.source import LocalSource, Stream, Wanted
from local_swarm.network import blobs, shelf
from local_swarm.network.shelf import Shelf

from .conftest import settings_in
from .lan_peers import Machine, serving
from .test_network_blobs import DATA, DIGEST, bring, door, giving, pairs, port, stock

__all__ = ["pairs"]

PIECE = 1 << 20
WANTED = Wanted("model.gguf", len(DATA), DIGEST)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_hash, "PIECE", PIECE)
    monkeypatch.setattr(shelf, "RANGE", PIECE)
    monkeypatch.setattr(shelf, "_LOOK_S", 0.05)
    monkeypatch.setattr(shelf, "_STALLED_S", 1.0)


def under_way(models: Path, data: bytes) -> Path:
    """What a download has left so far."""
    path = models / "owner--repo" / "model.partial"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_name("model.partial.sha256").write_text(f"{DIGEST} {len(DATA)}\n")
    return path


class Hub:
    """Where the hash is known from: counts the bytes that it gave."""

    def __init__(self, path: Path, turns: bool = True) -> None:
        self.path, self.gave, self.begun, self.resumes = path, 0, list[int](), turns

    @contextmanager
    def fetch(self, start: int) -> Iterator[Stream]:
        self.begun.append(start)
        with LocalSource(self.path).fetch(start if self.resumes else 0) as stream:
            yield Stream(stream.start, self._counted(stream.chunks))

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.gave += len(chunk)
            yield chunk


def test_whole_pieces_and_how_much_is_there(tmp_path: Path, pairs: tuple[Machine, Machine]) -> None:
    home, other = pairs
    under_way(tmp_path, DATA[: PIECE + 5])
    where = f"{blobs.PATH}sha256-{DIGEST}"

    async def main() -> None:
        async with (
            serving(other, giving(tmp_path)) as server,
            home.client(other, server.port) as http,
        ):
            first = await http.get(where, headers={"Range": f"bytes=0-{PIECE - 1}"})
            assert first.content == DATA[:PIECE]
            assert first.headers["content-range"] == f"bytes 0-{PIECE - 1}/{len(DATA)}"
            for wanted in (f"bytes=0-{PIECE}", f"bytes={PIECE}-{PIECE + 4}", None):
                more = await http.get(where, headers={"Range": wanted} if wanted else {})
                assert (more.status_code, more.headers[blobs.HAVE]) == (416, str(PIECE + 5))

    asyncio.run(main())


def test_a_download_leaves_a_note_while_it_lasts(tmp_path: Path) -> None:
    hub = Hub(stock(tmp_path / "hub"))
    target = tmp_path / "new" / "model.gguf"
    seen = []

    def look(done: int, total: int | None) -> None:
        held = by_sha256(tmp_path, DIGEST)
        assert held and held.size == len(DATA)
        seen.append(held.ready)

    fetch(hub, WANTED, target, look)
    assert seen == sorted(seen) and 0 < seen[0] < len(DATA)
    assert sorted(p.name for p in target.parent.iterdir()) == ["model.gguf", "model.gguf.sha256"]
    assert begun(target.with_suffix(".partial")) is None


def test_who_is_ahead_is_followed_and_the_hub_asked_once(
    tmp_path: Path, pairs: tuple[Machine, Machine]
) -> None:
    """The other machine downloads meanwhile, a piece at a time."""
    home, other = pairs
    models, hub = tmp_path / "models", Hub(stock(tmp_path / "hub"))
    path = under_way(models, DATA[: 2 * PIECE + 7])

    def goes_on() -> None:
        for end in range(3 * PIECE + 7, len(DATA) + PIECE, PIECE // 2):
            time.sleep(0.1)
            with path.open("ab") as out:
                out.write(DATA[path.stat().st_size : end])

    with port(other, giving(models)) as number:
        downloading = threading.Thread(target=goes_on)
        downloading.start()
        source = Shelf([door(home, other, number)], DIGEST, len(DATA), hub)
        assert bring(source, tmp_path / "new" / "model.gguf").read_bytes() == DATA
        downloading.join(20)
    assert hub.gave == 0


def test_who_has_stopped_is_left_behind(tmp_path: Path, pairs: tuple[Machine, Machine]) -> None:
    """What it has is taken, the rest comes from the hub, which is not asked for each piece."""
    home, other = pairs
    hub = Hub(stock(tmp_path / "hub"))
    under_way(tmp_path / "models", DATA[: 2 * PIECE + 7])
    with port(other, giving(tmp_path / "models")) as number:
        source = Shelf([door(home, other, number)], DIGEST, len(DATA), hub)
        assert bring(source, tmp_path / "new" / "model.gguf").read_bytes() == DATA
    assert (hub.begun, hub.gave) == ([2 * PIECE], len(DATA) - 2 * PIECE)


def test_a_hub_that_cannot_go_on_begins_again(
    tmp_path: Path, pairs: tuple[Machine, Machine]
) -> None:
    home, other = pairs
    hub = Hub(stock(tmp_path / "hub"), turns=False)
    under_way(tmp_path / "models", DATA[: 2 * PIECE + 7])
    with port(other, giving(tmp_path / "models")) as number:
        source = Shelf([door(home, other, number)], DIGEST, len(DATA), hub)
        assert bring(source, tmp_path / "new" / "model.gguf").read_bytes() == DATA
    assert hub.gave >= len(DATA)


def test_wrong_bytes_of_one_of_two_peers_are_never_under_the_name(
    tmp_path: Path,
    pairs: tuple[Machine, Machine],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One peer has the file, another a download of other bytes: the hub gives all of it anew."""
    home, other = pairs
    hub = Hub(stock(tmp_path / "hub"))
    stock(tmp_path / "right")
    under_way(tmp_path / "wrong", b"x" * (3 * PIECE))
    settings = replace(settings_in(tmp_path / "node"), data=tmp_path / "node")
    names: list[str] = []

    def told(name: str, done: int, total: int | None) -> None:
        names.extend(path.name for path in settings.models.glob("*/*.gguf"))

    with (
        port(other, giving(tmp_path / "right")) as right,
        port(other, giving(tmp_path / "wrong")) as wrong,
        caplog.at_level(logging.WARNING),
    ):
        found = [door(home, other, right), door(home, other, wrong)]
        monkeypatch.setattr(shelf, "doors", lambda folder: found)
        brought = obtain._bring(settings, hub, WANTED, "repo", told)
    assert brought.read_bytes() == DATA and not names
    assert hub.begun == [0]
    assert f"127.0.0.1:{wrong}" in caplog.text and "damaged" in caplog.text


def test_what_a_killed_download_had_of_a_peer_is_not_believed_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(stock(tmp_path / "hub"))
    settings = replace(settings_in(tmp_path / "node"), data=tmp_path / "node")
    begun_one = settings.models / "repo" / "model.partial"
    begun_one.parent.mkdir(parents=True)
    begun_one.write_bytes(b"x" * 99)
    brought = obtain._bring(settings, hub, WANTED, "repo", lambda *_: None)
    assert brought.read_bytes() == DATA and hub.begun == [99, 0]
    # damaged where it comes from: told once, not tried for ever
    with pytest.raises(FetchError, match="damaged"):
        obtain._bring(settings, hub, replace(WANTED, name="b.gguf", sha256="0" * 64), "repo",
                      lambda *_: None)  # fmt: skip
    assert hub.begun == [99, 0, 0]
