"""Where a file's bytes come from: one seam for the hub, any address, this disk, later a peer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..errors import FetchError, HubUnreachable

if TYPE_CHECKING:
    import httpx

CHUNK = 1 << 20
AGAIN = "Run the same command again: it goes on where it stopped."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as its source describes it; `size` in bytes, None where that is not told."""

    name: str
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Stream:
    """A file's bytes from `start` on, which is 0 where the source cannot begin later."""

    start: int
    chunks: Iterator[bytes]


class Source(Protocol):
    """One file that can be had again from any byte on."""

    def fetch(self, start: int) -> AbstractContextManager[Stream]:
        """The bytes from `start` on. Raises HubUnreachable where it is worth to try again, also
        while the chunks come, and FetchError where it is not."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A file on this machine."""

    path: Path

    @contextmanager
    def fetch(self, start: int) -> Iterator[Stream]:
        """See Source. Raises OSError."""
        with self.path.open("rb") as file:
            file.seek(start)
            yield Stream(start, iter(lambda: file.read(CHUNK), b""))


@dataclass(frozen=True, slots=True)
class WebSource:
    """A file behind an address; `token` is sent to its server alone, not to where that points."""

    url: str
    what: str
    token: str | None = None

    @contextmanager
    def fetch(self, start: int) -> Iterator[Stream]:
        """See Source."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        with client(self.token) as http, self._answer(http, headers) as response:
            if response.status_code == 416 or _begin(response) not in (None, start):
                yield Stream(0, iter(()))  # what is here is no part of that file: all of it again
                return
            begun = start if response.status_code == 206 else 0
            yield Stream(begun, self._chunks(response))

    def look(self) -> int | None:
        """The file's size, as far as its server tells. Raises HubUnreachable or FetchError."""
        with client(self.token) as http, self._answer(http, {"Range": "bytes=0-0"}) as response:
            told = response.headers.get("Content-Length", "")
            if response.status_code == 206:
                told = response.headers.get("Content-Range", "").rpartition("/")[2]
            return int(told) if told.isdecimal() else None

    @contextmanager
    def _answer(self, http: httpx.Client, headers: dict[str, str]) -> Iterator[httpx.Response]:
        import httpx

        # A body that was packed on the way has other bytes and another length.
        headers = {**headers, "Accept-Encoding": "identity"}
        try:
            with http.stream("GET", self.url, headers=headers) as response:
                if response.status_code != 416 or "Range" not in headers:
                    raise_for(response, self.what)
                yield response
        except (httpx.TooManyRedirects, httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            told = f"{self.what} cannot be had from there: {error}"
            raise FetchError(f"{told.rstrip('.')}.", hint="Check the address.") from None
        except httpx.HTTPError as error:
            raise broken(error) from None

    def _chunks(self, response: httpx.Response) -> Iterator[bytes]:
        import httpx

        try:
            yield from response.iter_bytes(CHUNK)
        except httpx.HTTPError as error:
            raise broken(error) from None


def broken(error: Exception) -> HubUnreachable:
    """What a line that broke is told as."""
    hint = AGAIN
    if "CERTIFICATE" in str(error):
        hint = "Is the clock right? A proxy's own certificate is taken from SSL_CERT_FILE."
    return HubUnreachable(f"The download broke off: {error or type(error).__name__}.", hint=hint)


def _begin(response: httpx.Response) -> int | None:
    """Where a part of a file begins, as its server says; None where it does not."""
    if response.status_code != 206:
        return None
    told = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(told) if told.isascii() and told.isdecimal() else None


def client(token: str | None, base: str = "") -> httpx.Client:
    """A client for downloads. Raises HubUnreachable for a proxy that is not understood."""
    import httpx

    from .. import __version__

    headers = {"User-Agent": f"local-swarm/{__version__}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    timeout = httpx.Timeout(30, connect=4)
    try:
        return httpx.Client(base_url=base, headers=headers, timeout=timeout, follow_redirects=True)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise HubUnreachable(f"The model hub cannot be asked: {error}.") from None


def raise_for(response: httpx.Response, what: str) -> None:
    """Raises HubUnreachable for a server in trouble, FetchError where it has no such file."""
    status = response.status_code
    if status in (401, 403, 404):
        raise FetchError(
            f"There is no public {what} there.",
            hint="Check the name; HF_TOKEN opens gated ones.",
        )
    if status >= 500 or status == 429:
        raise HubUnreachable(f"The server answers {status}.", hint=AGAIN)
    if status >= 400:
        raise FetchError(f"The server answers {status} for {what}.")
