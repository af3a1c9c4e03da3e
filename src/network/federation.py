"""Which peers vote on a question, with how many seats, and what their ballots may weigh."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from ..ballot import Absent, Verdict
from ..chat import ChatRequest
from ..swarm.asking import LATE
from ..swarm.extras import Allies
from ..swarm.tiers import Voter
from ..swarm.weights import HOME, Caps
from . import protocol
from .patience import Patience
from .record import Record
from .voter import LAN, Asked, PeerVoter

if TYPE_CHECKING:
    import httpx

_MOST_SEATS = 16  # of a peer that nobody has vouched for: together they weigh 1 at first anyway
_SEED_SHIFT = 4096  # between two machines: no two seats draw the same
_OURS = "local-swarm"
# Strategies that look at one ballot's quality or speed, which no cap bounds: for trusted peers.
_TRUSTING = ("fastest", "quality")


class Peer(Protocol):
    """See book.Peer."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def trusted(self) -> bool: ...


class Load(Protocol):
    """See hello.Load."""

    @property
    def running(self) -> int: ...
    @property
    def waiting(self) -> int: ...


class Member(Protocol):
    """See members.Member."""

    @property
    def peer(self) -> Peer: ...
    @property
    def askable(self) -> bool: ...
    @property
    def rests(self) -> str | None: ...
    @property
    def load(self) -> Load: ...
    @property
    def models(self) -> tuple[str, ...]: ...
    @property
    def seats(self) -> int: ...
    @property
    def tokens_per_s(self) -> float | None: ...


class Members(Protocol):
    """See members.Members."""

    def states(self) -> Sequence[Member]: ...
    def client(self, id: str) -> httpx.AsyncClient | None: ...
    def worked(self, id: str) -> None: ...
    def failed(self, id: str) -> None: ...
    def busy(self, id: str, retry_after_s: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How peers are asked: the `scope` where a request names none, how many at most, whether caps
    hold, and the grace: so many seconds beyond the local answer, or that share of its time."""

    scope: str = LAN
    peers: int = 6
    caps: bool = True
    grace_s: float = 2.0
    grace_share: float = 0.5

    def grace(self, local_s: float) -> float:
        """How many seconds peers get beyond the `local_s` that home took."""
        return max(self.grace_s, self.grace_share * local_s)


class Federation:
    """Finds the allies of a question; see swarm.extras.Allies."""

    def __init__(
        self,
        members: Members,
        record: Record,
        terms: Terms | None = None,
        models: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        """`models` are home's own: peers with others are asked first."""
        self._members, self._record = members, record
        self._terms, self._models = terms or Terms(), models
        self.patience = Patience()

    def allies(self, request: ChatRequest, strategy: str) -> Allies | None:
        """The peers for a request that `strategy` decides; None where it stays at home, and where
        there are none."""
        if not may_leave(request, self._terms.scope):
            return None
        able, resting = self._able(request, strategy)
        if not able and not resting:
            return None
        chosen = self._chosen(able)
        labels = named([*chosen, *(member for member, _ in resting)])
        voters: list[tuple[Voter, int]] = []
        for place, member in enumerate(chosen, start=1):
            voter = self._voter(member, labels[member.peer.id], request, place)
            asked = min(request.swarm.seats or member.seats, member.seats)
            most = protocol.MAX_SEATS if member.peer.trusted else _MOST_SEATS
            voters.append((voter, min(asked, most)))
        ids = {label: id for id, label in labels.items()}
        names = {voter.name: ids[voter.machine] for voter, _ in voters}
        told = partial(self._told, request, ids, names)
        absent = [Absent(labels[member.peer.id], why) for member, why in resting]
        return Allies(voters, self._caps(chosen, labels), self._terms.grace, told, absent)

    def worked(self, id: str) -> None:
        """See voter.Heard."""
        self._members.worked(id)

    def failed(self, id: str) -> None:
        """See voter.Heard."""
        self._members.failed(id)

    def busy(self, id: str, retry_after_s: float) -> None:
        """See voter.Heard."""
        self._members.busy(id, retry_after_s)

    def audited(self, id: str, why: str) -> None:
        """See voter.Heard."""
        self._record.audited(id, why)

    def _able(
        self, request: ChatRequest, strategy: str
    ) -> tuple[list[Member], list[tuple[Member, str]]]:
        """Who can be asked this, and who could but sits it out, with the reason."""
        options = request.swarm
        # Who waits for all ballots until a deadline is not made late by anybody.
        patient = not options.early_stop and options.deadline_s is not None
        able, resting = list[Member](), list[tuple[Member, str]]()
        for member in self._members.states():
            if not member.seats or not (_any_model(request) or request.model in member.models):
                continue
            if strategy in _TRUSTING and not member.peer.trusted:
                continue
            why = member.rests
            if member.askable and not patient:
                why = self.patience.turn(member.peer.id, request)
            if why is not None:
                resting.append((member, why))
            elif member.askable:
                able.append(member)
        return able, resting

    def _chosen(self, able: list[Member]) -> list[Member]:
        """At most `terms.peers`: one after the other who adds most to those before."""
        chosen: list[Member] = []
        known = Counter(self._models())
        while able and len(chosen) < self._terms.peers:
            best = min(able, key=lambda member: _cost(member, known))
            able.remove(best)
            chosen.append(best)
            known.update(best.models)
        return chosen

    def _voter(self, member: Member, label: str, request: ChatRequest, place: int) -> PeerVoter:
        peer, known = member.peer, member.models
        model = known[0] if len(known) == 1 else None
        if not _any_model(request):
            model = request.model
        asked = Asked(peer.id, label, model, known, place * _SEED_SHIFT, peer.trusted)
        return PeerVoter(asked, partial(self._members.client, peer.id), self, self._terms.scope)

    def _caps(self, chosen: Sequence[Member], labels: dict[str, str]) -> Caps | None:
        trusted = frozenset(labels[m.peer.id] for m in chosen if m.peer.trusted)
        if not self._terms.caps or len(trusted) == len(chosen):
            return None
        proven = {labels[m.peer.id] for m in chosen if self._record.of(m.peer.id).proven}
        return Caps(proven=frozenset(proven) - trusted, trusted=trusted)

    def _told(
        self, request: ChatRequest, ids: dict[str, str], names: dict[str, str], verdict: Verdict
    ) -> None:
        late = {names[one.worker] for one in verdict.absent
                if one.why == LATE and one.worker in names}  # fmt: skip
        voted = {ids[ballot.machine] for ballot in verdict.ballots if ballot.machine in ids}
        for id in late:
            self.patience.late(id, request)
        for id in voted - late:
            self.patience.in_time(id, request)
        self._record.heard(verdict, ids)


def may_leave(request: ChatRequest, scope: str) -> bool:
    """Whether peers may see this request; `scope` holds where it names none."""
    options = request.swarm
    if options.local_only or (options.scope or scope) != LAN or options.seats == 1:
        return False
    if request.top_logprobs is not None:  # ballots carry no probabilities of single tokens
        return False
    return all(protocol.is_text(message.get("content")) for message in request.messages)


def named(members: Sequence[Member]) -> dict[str, str]:
    """The name of each machine in a verdict, by id: what its owner calls it and the start of its
    id, which nobody can choose; never the same for two, and never home."""
    labels: dict[str, str] = {}
    for member in members:
        id = member.peer.id
        name = "".join(c for c in member.peer.name if c.isalnum() or c in "-_. ").strip()[:32]
        label = f"{name or 'peer'} ({id[:7].lower()})"
        if label in labels.values() or label == HOME:
            label = id
        labels[id] = label
    return labels


def _any_model(request: ChatRequest) -> bool:
    return request.model == _OURS or request.model.startswith(_OURS + "-")


def _cost(member: Member, known: Counter[str]) -> tuple[int, int, float, str]:
    """Who is asked first: idle before busy, models that nobody has yet, then speed."""
    seen = min((known[model] for model in member.models), default=0)
    busy = min(member.load.running + member.load.waiting, 2)
    return busy, seen, -(member.tokens_per_s or 0.0), member.peer.id
