"""Model files from paired machines: by hash, resumed, checked, else from the hub."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from local_swarm import obtain
from local_swarm.errors import FetchError, HubUnreachable
from local_swarm.models.by_hash import Held, by_sha256
from local_swarm.models.fetch import fetch
from local_swarm.models.source import LocalSource, Stream, Wanted
from local_swarm.network import blobs, shelf, transport
from local_swarm.network.shelf import Door, Shelf

from .conftest import settings_in
from .lan_peers import Machine, machine, pair, serving

DATA = bytes(range(256)) * 20_000  # 5 MB
DIGEST = hashlib.sha256(DATA).hexdigest()


def stock(models: Path, data: bytes = DATA, digest: str = DIGEST) -> Path:
    """A downloaded model in a folder of models."""
    path = models / "owner--repo" / "model.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_name("model.gguf.sha256").write_text(f"{digest}  model.gguf\n")
    return path


def giving(models: Path, busy: Callable[[], bool] = lambda: False) -> Sequence[BaseRoute]:
    return blobs.routes(partial(by_sha256, models), busy, lambda: None)


@contextmanager
def port(of: Machine, routes: Sequence[BaseRoute]) -> Iterator[int]:
    """The peer port of a machine, served from a thread of its own."""
    ready, over, told = threading.Event(), asyncio.Event(), list[object]()

    async def main() -> None:
        async with serving(of, routes) as server:
            told.extend((server.port, asyncio.get_running_loop()))
            ready.set()
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(20)
    number, loop = told
    assert isinstance(number, int) and isinstance(loop, asyncio.AbstractEventLoop)
    try:
        yield number
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Machine, Machine]:
    home, other = machine(tmp_path / "home"), machine(tmp_path / "other")
    pair(home, other)
    return home, other


def door(home: Machine, other: Machine, number: int) -> Door:
    return Door(f"127.0.0.1:{number}", transport.pinned(other.identity.certificate, home.identity))


class Nowhere:
    """A hub that cannot be reached; counts who asks."""

    asked = 0

    @contextmanager
    def fetch(self, start: int) -> Iterator[Stream]:
        self.asked += 1
        raise HubUnreachable("There is no network.")
        yield


def bring(source: Shelf, target: Path) -> Path:
    return fetch(source, Wanted("model.gguf", len(DATA), DIGEST), target, lambda *_: None, 0.0)


def test_a_file_by_its_hash_in_ranges(
    tmp_path: Path, pairs: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = pairs
    stock(tmp_path / "models")
    monkeypatch.setattr(shelf, "RANGE", 1 << 20)
    with port(other, giving(tmp_path / "models")) as number:
        hub = Nowhere()
        source = Shelf([door(home, other, number)], DIGEST, len(DATA), hub)
        target = bring(source, tmp_path / "new" / "model.gguf")
        assert target.read_bytes() == DATA and source.gave and not hub.asked
        # what was begun is gone on with
        partial_file = tmp_path / "more" / "model.partial"
        partial_file.parent.mkdir()
        partial_file.write_bytes(DATA[:3_000_000])
        again = Shelf([door(home, other, number)], DIGEST, len(DATA), hub)
        assert bring(again, tmp_path / "more" / "model.gguf").read_bytes() == DATA


def test_two_sources_and_one_of_them_dies(
    tmp_path: Path, pairs: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the hub has the rest."""
    home, other = pairs
    path = stock(tmp_path / "models")
    monkeypatch.setattr(shelf, "RANGE", 1 << 20)
    served = []

    async def one_range(request: Request) -> Response:
        served.append(request.headers["range"])
        if len(served) > 1:
            return Response(status_code=500)
        first, last = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
        headers = {"Content-Range": f"bytes {first}-{last}/{len(DATA)}"}
        return Response(DATA[first : last + 1], 206, headers)

    with port(other, [Route(blobs.PATH + "{x}", one_range)]) as number:
        dead = Door("127.0.0.1:1", door(home, other, number).context)
        source = Shelf([dead, door(home, other, number)], DIGEST, len(DATA), LocalSource(path))
        assert bring(source, tmp_path / "new" / "model.gguf").read_bytes() == DATA
    assert served == ["bytes=0-1048575", "bytes=1048576-2097151"]


@pytest.mark.parametrize("lie", ["other bytes", "more bytes", "another range", "no range", "short"])
def test_a_peer_that_lies_never_makes_a_file(
    tmp_path: Path, pairs: tuple[Machine, Machine], lie: str
) -> None:
    home, other = pairs

    async def lying(request: Request) -> Response:
        told = f"bytes 0-{len(DATA) - 1}/{len(DATA)}"
        if lie == "another range":
            told = f"bytes 1-{len(DATA)}/{len(DATA)}"
        body = {"other bytes": b"x" * len(DATA), "more bytes": b"x" * (len(DATA) + 5)}.get(
            lie, DATA[:99]
        )
        return Response(body, 200 if lie == "no range" else 206, {"Content-Range": told})

    target = tmp_path / "new" / "model.gguf"
    with port(other, [Route(blobs.PATH + "{x}", lying)]) as number:
        source = Shelf([door(home, other, number)], DIGEST, len(DATA), Nowhere())
        with pytest.raises(FetchError):
            bring(source, target)
    assert not target.exists()
    if "bytes" in lie:
        assert not target.with_suffix(".partial").exists()


def test_the_hub_has_the_last_word(
    tmp_path: Path, pairs: tuple[Machine, Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer sends something else under the hash: the file comes from where it was known."""
    home, other = pairs
    path = stock(tmp_path / "hub")
    stock(tmp_path / "models", b"x" * len(DATA))  # its note says otherwise
    settings = replace(settings_in(tmp_path / "node"), data=tmp_path / "node")
    wanted = Wanted("model.gguf", len(DATA), DIGEST)

    class Hub:
        def fetch(self, start: int) -> object:
            return LocalSource(path).fetch(start)

    with port(other, giving(tmp_path / "models")) as number:
        found = [door(home, other, number)]
        monkeypatch.setattr(shelf, "doors", lambda folder: found)
        brought = obtain._bring(settings, Hub(), wanted, "repo", lambda *_: None)  # type: ignore[arg-type]
    assert brought.read_bytes() == DATA


def test_where_nobody_is_paired_nothing_is_made_or_asked(tmp_path: Path) -> None:
    assert shelf.doors(tmp_path / "lan") == []
    assert not (tmp_path / "lan").exists()


def test_doors_are_where_peers_were_and_may_be_dialled(tmp_path: Path) -> None:
    home, other = machine(tmp_path / "home"), machine(tmp_path / "other")
    home.book.put(
        replace(
            other.as_peer,
            addresses=("127.0.0.1:22", "169.254.169.254:80", "127.0.0.1:17601"),
            listed=("127.0.0.1:17601",),
        )
    )
    assert [one.address for one in shelf.doors(home.folder)] == ["127.0.0.1:17601"]


def test_hashes_only(tmp_path: Path) -> None:
    path = stock(tmp_path)
    assert by_sha256(tmp_path, DIGEST) == Held(path, len(DATA), len(DATA))
    for wrong in (DIGEST.upper(), "0" * 64, "../model", "", DIGEST + "0"):
        assert by_sha256(tmp_path, wrong) is None
    path.unlink()
    assert by_sha256(tmp_path, DIGEST) is None


def test_ranges_places_and_refusals(tmp_path: Path, pairs: tuple[Machine, Machine]) -> None:
    home, other = pairs
    stock(tmp_path)
    where = f"{blobs.PATH}sha256-{DIGEST}"
    busy = [True]

    async def main() -> None:
        routes = giving(tmp_path, lambda: busy[0])
        async with serving(other, routes) as server, home.client(other, server.port) as http:

            async def get(told: str | None = None, path: str = where) -> httpx.Response:
                return await http.get(path, headers={"Range": told} if told else {})

            assert (await http.head(where)).headers["content-length"] == str(len(DATA))
            waiting = asyncio.create_task(get())
            await asyncio.sleep(0.1)
            second = await get("bytes=0-9")
            assert (second.status_code, second.headers["retry-after"]) == (503, "2")
            assert not waiting.done()  # the engine works: the bytes wait
            busy[0] = False
            assert (await waiting).content == DATA
            part = await get("bytes=5-9")
            assert (part.status_code, part.content) == (206, DATA[5:10])
            assert part.headers["content-range"] == f"bytes 5-9/{len(DATA)}"
            assert (await get(f"bytes={len(DATA) - 1}-")).content == DATA[-1:]
            for wrong in (
                "bytes=9-5",
                f"bytes={len(DATA)}-",
                "bytes=-5",
                "lines=1-2",
                "bytes=0-1,3-4",
            ):
                assert (await get(wrong)).status_code == 416
            for path in (
                "sha256-" + "0" * 64,
                "sha256-..%2f..%2fx",
                "model.gguf",
                "sha512-" + DIGEST,
            ):
                assert (await get(path=blobs.PATH + path)).status_code == 404

    asyncio.run(main())
