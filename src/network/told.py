"""What a peer looks like to the user of this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..status import PeerStatus

if TYPE_CHECKING:
    from .book import Peer
    from .member import Member
    from .patience import Patience
    from .record import Record


def status_of(
    peer: Peer, member: Member | None, record: Record, patience: Patience | None
) -> PeerStatus:
    """What is kept of a peer, and how it is now where it is watched."""
    credit = record.of(peer.id)
    status = PeerStatus(
        peer.id,
        peer.name,
        peer.addresses,
        peer.trusted,
        ballots=credit.ballots,
        agreed=credit.agreed,
        proven=credit.proven,
        audit=credit.audit or None,
    )
    if member is None:
        return status
    return replace(
        status,
        state=member.state.value,
        models=member.models,
        seats=member.seats,
        tokens_per_s=member.tokens_per_s,
        version=member.version,
        seen_s=None if member.seen_s is None else round(member.seen_s, 1),
        trouble=member.trouble,
        sits_out=member.rests or (patience.told(peer.id) if patience else None),
    )
