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
    state: str  # loading | ready | restarting | failed | stopped
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
class NodeStatus:
    """The whole node. `uptime_s` in seconds; `seats` and `context` as planned."""

    version: str
    state: str  # loading | ok | failed
    url: str
    pid: int
    uptime_s: float
    seats: int
    context: int
    strategy: str
    requests_total: int
    engines: tuple[EngineStatus, ...]
    plan: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model id that requests may name. `context` in tokens."""

    id: str
    context: int
    model: str
    description: str


class StatusSource(Protocol):
    """Asked by the API for facts about the node; never blocks."""

    def status(self) -> NodeStatus: ...

    def cards(self) -> tuple[ModelCard, ...]: ...
