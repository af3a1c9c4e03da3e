"""Downloads from a real hub on a loopback port: resumed, checked, and never half there."""

from __future__ import annotations

import hashlib
import shutil
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local_swarm.errors import FetchError, HubUnreachable
from local_swarm.models.fetch import OnProgress, _Partial, fetch, known_sha256, noted
from local_swarm.models.hub import HubFile
from local_swarm.models.source import WebSource
from local_swarm.models.store import place
from local_swarm.network.identity import load

DATA = bytes(range(256)) * 12_000  # three chunks
REPO, NAME = "owner/some-GGUF", "some-Q4_K_M.gguf"
FILE = HubFile(REPO, NAME, len(DATA), hashlib.sha256(DATA).hexdigest())


@dataclass
class Hub:
    """What the hub has and does, and `asked`: the Range of each request."""

    url: str = ""
    data: bytes = DATA
    resumes: bool = True
    tells_length: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes after which a body breaks off
    statuses: list[int] = field(default_factory=list)  # errors to answer first
    headers: dict[str, str] = field(default_factory=dict)
    shift: int = 0  # how far beside the asked range it answers, as it says itself
    asked: list[str | None] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, bytes, int]:
        """Status, body, and how many bytes of it are sent."""
        where = request.headers.get("Range")
        self.asked.append(where)
        if self.statuses:
            return self.statuses.pop(0), b"no", 2
        if request.path != f"/{REPO}/resolve/main/{NAME}":
            return 404, b"no", 2
        first = int(where[len("bytes=") : -1]) if where and self.resumes else 0
        if first > len(self.data):
            return 416, b"", 0
        first += self.shift if first else 0
        self.headers["Content-Range"] = f"bytes {first}-{len(self.data) - 1}/{len(self.data)}"
        body = self.data[first:]
        return 206 if first else 200, body, self.cuts.pop(0) if self.cuts else len(body)


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, sent = made.answer(self)
            self.send_response(status)
            for name, text in made.headers.items():
                self.send_header(name, text)
            if made.tells_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:sent])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address that is taken, but where nobody listens: connections are refused."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return place(tmp_path, REPO, NAME)


def pull(
    hub: Hub, target: Path, file: HubFile = FILE, progress: OnProgress = lambda *_: None
) -> Path:
    return fetch(file.source(hub.url, None), file.wanted, target, progress, pause_s=0)


def begun(target: Path, size: int, data: bytes = DATA) -> Path:
    """An earlier download that broke off after `size` bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_bytes(data[:size])
    return partial


def test_a_download_arrives_whole_and_tells_its_progress(hub: Hub, target: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    assert pull(hub, target, progress=lambda *step: steps.append(step)) == target
    assert target.read_bytes() == DATA and {*target.parent.iterdir()} == {target, noted(target)}
    assert known_sha256(target) == FILE.sha256
    assert steps == sorted(steps) and steps[-1] == (len(DATA), len(DATA)) and len(steps) > 1


def test_what_is_there_is_not_asked_for(hub: Hub, target: Path) -> None:
    pull(hub, target)
    assert pull(hub, target) == target and len(hub.asked) == 1
    target.write_bytes(b"of another size")
    assert pull(hub, target).read_bytes() == DATA


def test_a_partial_file_is_gone_on_with(hub: Hub, target: Path) -> None:
    begun(target, 1_000_000)
    assert pull(hub, target).read_bytes() == DATA and hub.asked == ["bytes=1000000-"]


def test_a_partial_file_that_is_whole_is_only_checked(hub: Hub, target: Path) -> None:
    begun(target, len(DATA))
    assert pull(hub, target).read_bytes() == DATA and not hub.asked


def test_a_hub_that_cannot_resume_sends_all_again(hub: Hub, target: Path) -> None:
    hub.resumes = False
    begun(target, 1_000_000, bytes(len(DATA)))
    assert pull(hub, target).read_bytes() == DATA


@pytest.mark.parametrize("tells_length", [True, False])
def test_a_cut_connection_is_taken_up(hub: Hub, target: Path, tells_length: bool) -> None:
    hub.tells_length = tells_length
    hub.cuts = [2_000_000, 500_000]
    assert pull(hub, target).read_bytes() == DATA
    starts = [int(asked[6:-1]) for asked in hub.asked if asked]
    assert len(hub.asked) == 3 and 0 < starts[0] <= 2_000_000 and starts[0] <= starts[1]


def test_a_line_that_stays_bad_keeps_what_came(hub: Hub, target: Path) -> None:
    hub.cuts = [1_100_000] + [0] * 20
    with pytest.raises(HubUnreachable, match="broke off") as caught:
        pull(hub, target)
    assert "again" in caught.value.hint and not target.exists()
    hub.cuts.clear()
    assert pull(hub, target).read_bytes() == DATA
    assert hub.asked[-1]  # the rest alone


@pytest.mark.parametrize("start", [0, 1_000_000, len(DATA), len(DATA) + 5])
def test_damaged_bytes_never_get_the_name(hub: Hub, target: Path, start: int) -> None:
    partial = begun(target, start, data=b"\1" * (len(DATA) + 5))
    hub.data = DATA[:-1] + b"\0"
    with pytest.raises(FetchError, match="damaged"):
        pull(hub, target)
    assert not target.exists() and not partial.exists()
    hub.data = DATA
    assert pull(hub, target).read_bytes() == DATA


def test_without_a_checksum_the_size_is_checked(hub: Hub, target: Path) -> None:
    with pytest.raises(FetchError, match="longer"):
        pull(hub, target, HubFile(REPO, NAME, len(DATA) - 1, None))


def test_a_server_that_sends_more_than_it_announced_fills_no_disk(hub: Hub, target: Path) -> None:
    hub.data = DATA * 2
    with pytest.raises(FetchError, match="longer than"):
        pull(hub, target)
    assert target.with_suffix(".partial").stat().st_size == 0 and not target.exists()


def test_a_part_that_the_server_has_not_is_fetched_anew(hub: Hub, target: Path) -> None:
    begun(target, len(DATA) - 1, DATA)
    hub.data = DATA[: len(DATA) // 2]  # the file became shorter: 416, and again from zero
    with pytest.raises(HubUnreachable):
        pull(hub, target)
    assert hub.asked[:2] == [f"bytes={len(DATA) - 1}-", None]


def test_a_part_from_another_place_is_not_taken(hub: Hub, target: Path) -> None:
    begun(target, 1000)
    hub.shift = 7
    assert pull(hub, target).read_bytes() == DATA
    assert hub.asked == ["bytes=1000-", None]


def test_redirects_without_end_are_told_at_once(hub: Hub, target: Path) -> None:
    hub.statuses, hub.headers = [302] * 99, {"Location": f"/{REPO}/resolve/main/{NAME}"}
    with pytest.raises(FetchError, match="redirects"):
        pull(hub, target)
    assert len(hub.asked) < 30


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://["])
def test_a_redirect_to_elsewhere_is_told_at_once(hub: Hub, target: Path, location: str) -> None:
    hub.statuses, hub.headers = [302] * 9, {"Location": location}
    with pytest.raises((FetchError, HubUnreachable)):
        pull(hub, target)
    assert not target.exists()


def test_a_certificate_that_nobody_vouches_for_is_told_with_what_to_do(
    tmp_path: Path, target: Path
) -> None:
    key = load(tmp_path / "someone").file
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):
                context.wrap_socket(server.accept()[0], server_side=True).close()

        thread = threading.Thread(target=answer)
        thread.start()
        web = WebSource(f"https://127.0.0.1:{server.getsockname()[1]}/a.gguf", "a.gguf")
        with pytest.raises(HubUnreachable, match="CERTIFICATE") as caught:
            web.look()
        thread.join()
    assert "SSL_CERT_FILE" in caught.value.hint


def test_a_disk_that_fills_up_keeps_what_a_later_call_can_use(
    hub: Hub, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = 2 << 20
    real = _Partial.write

    def write(self: _Partial, chunk: bytes) -> None:
        if self.size + len(chunk) > room:
            raise OSError(28, "No space left on device")
        real(self, chunk)

    monkeypatch.setattr(_Partial, "write", write)
    with pytest.raises(FetchError, match="No space left"):
        pull(hub, target)
    partial = target.with_suffix(".partial")
    kept = partial.stat().st_size
    assert 0 < kept <= room
    unknown = replace(FILE.wanted, size=None)
    with pytest.raises(FetchError, match="No space left"):
        fetch(FILE.source(hub.url, None), unknown, target, lambda *_: None, pause_s=0)
    assert partial.stat().st_size == 0  # nobody could go on with that
    monkeypatch.undo()
    assert pull(hub, target).read_bytes() == DATA


def test_what_the_hub_has_not_is_no_outage(hub: Hub, target: Path) -> None:
    with pytest.raises(FetchError, match="no public") as caught:
        pull(hub, target, HubFile("no/repo", NAME, 9, None))
    assert not isinstance(caught.value, HubUnreachable)
    assert len(hub.asked) == 1  # no use in trying again


def test_a_hub_in_trouble_is_tried_again(hub: Hub, target: Path) -> None:
    hub.statuses = [502, 503]
    assert pull(hub, target).read_bytes() == DATA and len(hub.asked) == 3


def test_no_hub_is_told(nowhere: str, target: Path) -> None:
    with pytest.raises(HubUnreachable):
        fetch(FILE.source(nowhere, None), FILE.wanted, target, lambda *_: None, pause_s=0)
    assert not target.exists()


def test_a_full_disk_is_told_before_anything_is_asked(
    hub: Hub, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2_000_000))
    with pytest.raises(FetchError, match=r"3,072,000 bytes, 2,000,000 are free"):
        pull(hub, target)
    assert not hub.asked
    begun(target, 1_500_000)  # the rest fits
    assert pull(hub, target).read_bytes() == DATA


def test_a_place_that_cannot_be_written_is_told(hub: Hub, target: Path) -> None:
    target.parent.write_text("a file where the folder should be")
    with pytest.raises(FetchError, match="cannot be written"):
        pull(hub, target)
