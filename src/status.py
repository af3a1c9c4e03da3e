"""What a running node tells about itself. Values only; unknown is None."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Measured:
    """What a plan took on this machine when it was tried: bytes of memory and what was predicted,
    tokens a second of `one` answer alone and of each answer while `all` of the `seats` write."""

    resident: int | None
    predicted: int
    one: float | None
    all: float | None
    seats: int


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """One engine process. Memory in bytes; `pss` counts shared pages once among their users.

    `file` is the path of the model on the node's machine. `engine` is the kind of program, `seats`
    what it has in a vote of all; `url` is the address of somebody else's server, which has no
    process of ours.
    """

    model: str
    pid: int | None
    state: str  # loading | ready | restarting | idle | crashing | failed | stopped
    restarts: int
    rss: int | None
    pss: int | None
    slots: int
    slots_busy: int
    kv_cells: int
    kv_reserved: int
    queue: int
    tokens_total: int
    tokens_per_second: float | None
    why: str | None = None
    file: str | None = None
    engine: str = "llama.cpp"
    seats: int | None = None
    url: str | None = None
    measured: Measured | None = None


@dataclass(frozen=True, slots=True)
class PeerSeen:
    """A paired machine as it is seen now; `tokens_per_s` is what one question got there lately."""

    name: str
    state: str  # up | busy | suspect | down
    models: tuple[str, ...]
    seats: int
    tokens_per_s: float | None


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """The whole node. `uptime_s` in seconds; `seats` and `context` as planned. `peers` are paired
    machines that are looked for, `peers_up` those of them that answer, `machines` all of them."""

    version: str
    state: str  # loading | ok | restarting | failed | stopped
    url: str
    pid: int
    uptime_s: float
    seats: int
    context: int
    strategy: str
    requests_total: int
    engines: tuple[EngineStatus, ...]
    plan: tuple[str, ...] = ()
    peers: int = 0
    peers_up: int = 0
    machines: tuple[PeerSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model id that requests may name. `context` in tokens; `sees`: it takes images."""

    id: str
    context: int
    model: str
    description: str
    sees: bool = False


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """A paired machine. `state` is None where the LAN is not open here; `tokens_per_s` is what one
    question got there lately, `seen_s` how many seconds ago it answered, `trouble` why it does not.

    `ballots` were cast for this machine and could be compared with its own, `agreed` of them did;
    `audit` is how the peer broke its word last, `sits_out` what it is not asked now, and why.
    """

    id: str
    name: str
    addresses: tuple[str, ...]
    trusted: bool
    state: str | None = None
    models: tuple[str, ...] = ()
    seats: int = 0
    tokens_per_s: float | None = None
    version: str | None = None
    seen_s: float | None = None
    trouble: str | None = None
    ballots: int = 0
    agreed: int = 0
    proven: bool = False
    audit: str | None = None
    sits_out: str | None = None


@dataclass(frozen=True, slots=True)
class LanStatus:
    """This machine among its peers. `port` is None while the peer port is shut, and `trouble` says
    why, where it should be open. `discovery` says why machines are not found by themselves,
    `twin` which machine is a copy of this one."""

    mode: str
    id: str | None
    name: str | None
    port: int | None
    paused: bool
    peers: tuple[PeerStatus, ...]
    removed: tuple[str, ...]
    trouble: str | None = None
    discovery: str | None = None
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code to join with for `seconds`, and the addresses of this machine."""

    code: str
    seconds: float
    addresses: tuple[str, ...]


class LanControl(Protocol):
    """Pairing and peers, asked by whoever has the control token. All raise LanError, and UsageError
    for what cannot be; `who` is a peer's name or the start of its id."""

    async def invite(self, *, trust: bool) -> Invitation: ...

    async def join(self, code: str, at: str | None, *, trust: bool) -> PeerStatus: ...

    def peers(self) -> LanStatus: ...

    def remove(self, who: str) -> PeerStatus: ...

    def rename(self, who: str, name: str) -> PeerStatus: ...

    def trust(self, who: str, trusted: bool) -> PeerStatus: ...

    def pause(self, paused: bool) -> None: ...


class StatusSource(Protocol):
    """Asked by the API for facts about the node. That of the engines' `memory` takes the kernel
    milliseconds, so no answer waits for it."""

    def status(self, *, memory: bool = True) -> NodeStatus: ...

    def cards(self) -> tuple[ModelCard, ...]: ...
