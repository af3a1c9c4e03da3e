"""Machines that vote together in the tests: real peer ports on loopback, seats that say what a
test wants, and a home swarm that asks them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from starlette.routing import BaseRoute

from local_swarm.ballot import Answer, Ballot, Finish, Meter
from local_swarm.caller import caller
from local_swarm.chat import ChatRequest, Done, SwarmOptions
from local_swarm.network import serving
from local_swarm.network.book import Peer
from local_swarm.network.desk import Desk
from local_swarm.network.federation import Federation, Terms
from local_swarm.network.record import Record
from local_swarm.swarm.manager import Defaults, Extras, Swarm

from .lan_peers import Machine, machine, pair
from .lan_peers import serving as port_of
from .scripted import SILENCE
from .test_manager import ScriptedEngine

COUNT = "How many hens are there?"


@dataclass
class Seats:
    """What a peer's own machine says: see scripted.Scripted."""

    script: Sequence[str]
    model: str = "m"
    asked: list[ChatRequest] = field(default_factory=list)
    running: int = 0
    callers: list[str] = field(default_factory=list)

    async def cast(self, request: ChatRequest, seats: int, meter: Meter) -> AsyncIterator[Ballot]:
        self.asked.append(request)
        self.callers.append(caller.get())
        self.running += 1
        meter.grant("home/a", 1, 10, None)  # as of two engines, one after the other
        meter.grant("home/b", seats - 1, 10, None)
        try:
            for seat, item in enumerate(self.script[:seats]):
                if item is SILENCE:
                    await asyncio.Event().wait()
                words, _, sure = item.partition(" @")
                yield Ballot(
                    Answer(words), f"home/m#{seat}", "home", self.model, Finish.STOP, 3, 0.1,
                    confidence=float(sure) if sure else None,
                )  # fmt: skip
        finally:
            self.running -= 1


@dataclass
class Stranger:
    """A peer whose port serves `routes`, whatever these do."""

    machine: Machine
    port: int
    client: httpx.AsyncClient
    desk: Desk


@dataclass(frozen=True, slots=True)
class Load:
    """See hello.Load."""

    running: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """See members.Member."""

    peer: Peer
    seats: int
    models: tuple[str, ...] = ("m",)
    askable: bool = True
    load: Load = field(default_factory=Load)
    tokens_per_s: float | None = None
    rests: str | None = None


@dataclass
class Watched:
    """See members.Members; notes what it is told."""

    seen: list[Seen] = field(default_factory=list)
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)
    heard: list[tuple[str, ...]] = field(default_factory=list)

    def states(self) -> Sequence[Seen]:
        return self.seen

    def client(self, id: str) -> httpx.AsyncClient | None:
        return self.clients.get(id)

    def worked(self, id: str) -> None:
        self.heard.append(("worked", self.name(id)))

    def failed(self, id: str) -> None:
        self.heard.append(("failed", self.name(id)))

    def busy(self, id: str, retry_after_s: float) -> None:
        self.heard.append(("busy", self.name(id), str(retry_after_s)))

    def name(self, id: str) -> str:
        return next(one.peer.name for one in self.seen if one.peer.id == id)


@dataclass
class House:
    """A home, and its peers by their names."""

    folder: Path
    stack: AsyncExitStack
    home: Machine
    members: Watched
    record: Record
    engine: ScriptedEngine
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        self.federation = Federation(self.members, self.record, self.terms, lambda: ["small"])

    async def peer(
        self,
        name: str,
        seats: Seats | Sequence[BaseRoute],
        *,
        count: int | None = None,
        trusted: bool = False,
        willing: Callable[[], str | None] = lambda: None,
        models: tuple[str, ...] = ("m",),
        most: int = 64,
    ) -> Stranger:
        """Opens the port of a further machine, paired with home."""
        other = machine(self.folder / name)
        pair(self.home, other)
        desk = Desk()
        routes: Sequence[BaseRoute] = (
            serving.routes(seats.cast, lambda: models, desk, willing, lambda: most)
            if isinstance(seats, Seats)
            else seats
        )
        server = await self.stack.enter_async_context(port_of(other, routes))
        assert server.port
        client = self.home.client(other, server.port)
        await self.stack.enter_async_context(client)
        told = Peer(other.identity.device_id, name, other.identity.certificate, trusted=trusted)
        number = count or (len(seats.script) if isinstance(seats, Seats) else 3)
        self.members.seen.append(Seen(told, number, models))
        self.members.clients[told.id] = client
        return Stranger(other, server.port, client, desk)

    def id(self, name: str) -> str:
        return next(one.peer.id for one in self.members.seen if one.peer.name == name)

    async def ask(self, question: str = COUNT, id: str = "r-1", **options: object) -> Done:
        """One question to the home swarm."""
        swarm = Swarm(
            self.engine,
            Defaults(len(self.engine.says), escalate=False),
            Extras(allies=self.federation.allies),
        )
        chosen = SwarmOptions(**options)  # type: ignore[arg-type]
        request = ChatRequest(id, ({"role": "user", "content": question},), swarm=chosen)
        events = [event async for event in swarm.respond(request)]
        assert isinstance(events[-1], Done)
        return events[-1]


@asynccontextmanager
async def house(folder: Path, says: Sequence[str], **terms: object) -> AsyncIterator[House]:
    """A home whose seats say `says`, each one thing."""
    async with AsyncExitStack() as stack, asyncio.timeout(20):
        yield House(
            folder, stack, machine(folder / "home"), Watched(), Record(folder / "home"),
            ScriptedEngine(says), Terms(**terms),  # type: ignore[arg-type]
        )  # fmt: skip
        await stack.aclose()
