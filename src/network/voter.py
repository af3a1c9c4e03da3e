"""A peer as a voter: asks it for ballots over its connection, and believes nothing it need not."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ..ballot import Ballot, Meter
from ..chat import ChatRequest
from ..errors import LanError
from ..swarm.voter import seed_of, worker
from . import protocol
from .protocol import Accepted, Cast, Commit, Heartbeat, Line, NotUnderstood
from .stream import ACCEPT_S, GAP_S, lines_of, streamed

if TYPE_CHECKING:
    import httpx

LAN = "lan"
CONNECT_S = 1.0
_BUSY_S = 2.0
_LONGEST_BUSY_S = 300.0


class PeerFailed(LanError):
    """A peer gave no (more) ballots; the text says why, and never what was asked."""

    code = "peer_failed"


class Heard(Protocol):
    """Told what became of a question (see members.Members and record.Record)."""

    def worked(self, id: str) -> None:
        """It cast a ballot."""

    def failed(self, id: str) -> None:
        """It broke off, was late, or not what was agreed."""

    def busy(self, id: str, retry_after_s: float) -> None:
        """It takes no question for so long."""

    def audited(self, id: str, why: str) -> None:
        """It broke its word."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A peer and what it is asked for: `label` is its machine's name in the verdict.

    `model` is None where it may answer with any of its models `known`. `seed_shift` keeps its
    seats from drawing what home's draw. What a peer says of its confidence is believed only of
    one that is `trusted`.
    """

    id: str
    label: str
    model: str | None
    known: tuple[str, ...] = ()
    seed_shift: int = 0
    trusted: bool = False


class PeerVoter:
    """See swarm.tiers.Voter. `client` is the kept connection to the peer, None without one."""

    def __init__(
        self, asked: Asked, client: Callable[[], httpx.AsyncClient | None], heard: Heard, scope: str
    ) -> None:
        """`scope` holds where the request names none."""
        self._asked, self._client, self._heard, self._scope = asked, client, heard, scope

    @property
    def name(self) -> str:
        return f"{self._asked.label}/{self._asked.model or 'any model'}"

    @property
    def machine(self) -> str:
        return self._asked.label

    @property
    def model(self) -> str | None:
        return self._asked.model

    async def vote(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        """See tiers.Voter.vote. Raises PeerFailed; a peer that is busy or refuses fails too, but
        is not held to have failed."""
        peer, started = self._asked, time.monotonic()
        request = self._reseeded(request)
        granted, promised, seen, voted = seats, dict[int, str](), set[int](), False
        accepted = False
        async with aclosing(self._lines(request, seats)) as lines:
            async for line in lines:
                if isinstance(line, Accepted):
                    granted, accepted = min(granted, line.seats), True
                    meter.grant(self.name, granted, 0, None)
                    continue
                if not accepted:
                    raise self._lied("it answered before it accepted")
                if isinstance(line, Heartbeat):
                    for seat, tokens in enumerate(line.tokens[:granted]):
                        self._count(meter, request, seat, tokens)
                elif isinstance(line, Commit):
                    if line.seat in promised:
                        raise self._lied("it committed itself twice for one seat")
                    promised[line.seat] = line.hash
                elif isinstance(line, Cast):
                    self._audit(line, request, granted, promised, seen)
                    seen.add(line.seat)
                    self._count(meter, request, line.seat, line.tokens)
                    if not voted:
                        self._heard.worked(peer.id)
                        voted = True
                    yield self._ballot(line, request, time.monotonic() - started)
                elif line.why not in ("done", "deadline"):
                    if line.why == "preempted":
                        self._heard.busy(peer.id, _BUSY_S)
                    raise PeerFailed(_ENDS[line.why])

    def _reseeded(self, request: ChatRequest) -> ChatRequest:
        seed = seed_of(request, self._asked.seed_shift)
        if seed is None:
            return request
        return replace(request, sampling={**request.sampling, "seed": seed})

    def _audit(
        self, line: Cast, request: ChatRequest, granted: int, promised: dict[int, str],
        seen: set[int],
    ) -> None:  # fmt: skip
        if line.seat >= granted or line.seat in seen:
            raise self._lied("it cast more ballots than it has seats")
        if promised.get(line.seat) != line.digest(request.id):
            raise self._lied("a ballot is not the one it had committed itself to")
        allowed = (self._asked.model,) if self._asked.model else self._asked.known
        if allowed and line.model not in allowed:
            raise self._broke("a ballot is of another model than it was asked for")

    def _lied(self, why: str) -> PeerFailed:
        self._heard.audited(self._asked.id, why)
        return self._broke(why)

    def _count(self, meter: Meter, request: ChatRequest, seat: int, tokens: int) -> None:
        bound = request.max_tokens or protocol.MAX_TOKENS
        before = meter.by_seat.get((self.name, seat), 0)
        meter.by_seat[self.name, seat] = max(before, min(tokens, bound))

    def _ballot(self, line: Cast, request: ChatRequest, seconds: float) -> Ballot:
        model = self._asked.model or line.model
        return Ballot(
            answer=line.answer,
            voter=worker(model, line.seat, self._asked.label),
            machine=self._asked.label,
            model=model,
            finish=line.ended,
            tokens=line.tokens,
            seconds=seconds,
            seed=seed_of(request, line.seat),
            confidence=line.confidence if self._asked.trusted else None,
        )

    async def _lines(self, request: ChatRequest, seats: int) -> AsyncGenerator[Line]:
        """The peer's lines; a connection that breaks before the first is tried once more."""
        import httpx

        left = request.swarm.deadline_s or protocol.MAX_DEADLINE_MS / 1000
        try:
            body = protocol.question(request, seats, left, self._asked.model)
        except ValueError as error:
            raise PeerFailed(f"it was not asked: {error}.") from None
        until = time.monotonic() + left + GAP_S
        for attempt in (1, 2):
            begun = False
            client = self._client()
            if client is None:
                raise PeerFailed("it cannot be reached.")
            try:
                async with open_stream(client, request, body, self._scope) as response:
                    self._check(response)
                    async with aclosing(lines_of(response, until)) as lines:
                        async for line in lines:
                            begun = True
                            yield line
                return
            except (TimeoutError, httpx.TimeoutException):
                raise self._broke("nothing was heard of it in time") from None
            except httpx.TransportError as error:
                if begun or attempt == 2:
                    why = f"the connection broke ({type(error).__name__})"
                    raise self._broke(why) from None
            except RuntimeError:  # its client was closed: it is a peer no longer
                raise PeerFailed("it cannot be reached.") from None
            except NotUnderstood as error:
                raise self._broke(f"its answer breaks the protocol ({error})") from None

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == 200 and "content-encoding" not in response.headers:
            return
        if status == 503:
            self._heard.busy(self._asked.id, _retry_after(response))
            raise PeerFailed("it is busy.")
        if status not in (400, 404, 409, 413, 426):
            self._heard.failed(self._asked.id)
        raise PeerFailed(_REFUSALS.get(status, f"it answers {status}."))

    def _broke(self, why: str) -> PeerFailed:
        self._heard.failed(self._asked.id)
        return PeerFailed(f"{why}.")


@asynccontextmanager
async def open_stream(
    client: httpx.AsyncClient, request: ChatRequest, body: bytes, scope: str
) -> AsyncIterator[httpx.Response]:
    """The only place that sends a request to another machine.

    Raises PeerFailed, and sends nothing, for one that must stay here. `scope` holds where the
    request names none.
    """
    import httpx

    if request.swarm.local_only or (request.swarm.scope or scope) != LAN:
        raise PeerFailed("the request must not leave this machine.")
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    patience = httpx.Timeout(GAP_S, connect=CONNECT_S, pool=CONNECT_S, read=ACCEPT_S + CONNECT_S)
    built = client.build_request(
        "POST", protocol.PATH, content=body, headers=headers, timeout=patience
    )
    async with streamed(client, built) as response:
        yield response


def _retry_after(response: httpx.Response) -> float:
    told = response.headers.get("retry-after", "")
    seconds = float(told) if told.isascii() and told.isdigit() and len(told) < 6 else _BUSY_S
    return min(max(seconds, 1.0), _LONGEST_BUSY_S)


_REFUSALS = {
    400: "it does not understand the question.",
    404: "it does not serve the model any more.",
    409: "it was asked this already.",
    413: "the question is too large for it.",
    426: "it speaks another version of the protocol.",
}
_ENDS = {
    "preempted": "its own user needs it.",
    "failed": "its engine failed.",
    "too_long": "the question does not fit its context.",
}
