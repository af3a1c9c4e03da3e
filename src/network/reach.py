"""One poll of a peer, and the search for the address where it answers."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from ..errors import SwarmError
from . import hello, replies
from .hello import Health
from .replies import Reply

_ANSWER_S = 2.5  # a poll is answered by an event loop, which may share a busy processor
# The client's own timeouts come first: cancelled while it connects, it would leak the connection.
_LONGEST_S = 8.0
_MOST = 64 << 10  # bytes: what a machine tells of itself has some 6 KB at most
_STAGGER_S = 0.25  # RFC 8305, 5: the delay between two attempts
_OTHER_VERSION = "it speaks another version: update Local Swarm on both machines"

FAULTS = (
    httpx.HTTPError,
    httpx.InvalidURL,
    ssl.SSLError,
    OSError,
    TimeoutError,
    ValueError,
    SwarmError,
)


@dataclass(frozen=True, slots=True)
class Knock:
    """An attempt at one address ("IP:port"). A `fresh` client is closed when it is not kept."""

    address: str
    client: httpx.AsyncClient
    fresh: bool


async def poll(client: httpx.AsyncClient) -> Health:
    """How a peer is. Raises one of FAULTS."""
    try:
        reply = await _asked(client, "GET", hello.HEALTH)
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
        # an idle connection that the other side had just closed
        reply = await _asked(client, "GET", hello.HEALTH)
    return _understood(reply)


async def first(
    targets: Sequence[str], knock: Callable[[str], Knock], me: Health
) -> tuple[Knock, Health]:
    """Says hello at every address, one a quarter of a second after the other; the first that
    answers wins, the others' clients are closed. Raises one of FAULTS when none answers."""
    body = me.model_dump_json().encode()
    made: list[Knock] = []

    async def greet(address: str, delay: float) -> tuple[Knock, Health]:
        await asyncio.sleep(delay)
        attempt = knock(address)
        made.append(attempt)
        return attempt, _understood(await _asked(attempt.client, "POST", hello.HELLO, body))

    loop, kept = asyncio.get_running_loop(), None
    tasks = [
        loop.create_task(greet(address, place * _STAGGER_S))
        for place, address in enumerate(targets)
    ]
    try:
        last: BaseException = ValueError("no address")
        for task in asyncio.as_completed(tasks):
            try:
                kept, health = await task
            except FAULTS as error:
                last = error
                continue
            return kept, health
        raise last
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for attempt in made:
            if attempt.fresh and attempt is not kept:
                with contextlib.suppress(Exception):
                    await attempt.client.aclose()


def why(error: BaseException) -> str:
    """What to tell of a failed attempt; never what was sent."""
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return "it does not answer"
    if isinstance(error, httpx.ConnectError):
        if "CERTIFICATE" in str(error).upper():
            return "somebody else answers at its address"
        return "it refuses the connection, or there is no way to it"
    if isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)):
        return "it breaks the connection off: it may have removed this machine"
    return str(error) or type(error).__name__


async def _asked(
    client: httpx.AsyncClient, method: str, path: str, body: bytes | None = None
) -> Reply:
    return await replies.ask(
        client, method, path, body, most=_MOST, within_s=_LONGEST_S, pause_s=_ANSWER_S
    )


def _understood(reply: Reply) -> Health:
    """Raises ValueError with the reason for an answer that is none."""
    if reply.status == 426:
        raise ValueError(_OTHER_VERSION)
    if reply.status in (401, 403):
        raise ValueError("it does not take this machine for a peer")
    if reply.status != 200:
        raise ValueError(f"it answered with HTTP {reply.status}")
    health = hello.read(reply.body)
    if not health.speaks:
        raise ValueError(_OTHER_VERSION)
    return health
