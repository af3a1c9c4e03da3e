"""Who is a member, told from machine to machine: each tells all that it knows, and both learn.

Any member may introduce and remove. What was removed stays out everywhere, whoever tells of it
again; only pairing on a machine brings it back there.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Sequence
from typing import Annotated

import httpx
from pydantic import BaseModel, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..errors import LanError
from . import identity, replies
from .book import ADDRESSES, MEMBERS, REMOVED, Book, Peer, is_address

PATH = "/peer/v1/members"
MOST = 8 << 20  # bytes of a list: as the peer port takes (server)
_ANSWER_S = 15.0
_LOG = logging.getLogger("local_swarm.network")

Mark = Annotated[str, StringConstraints(pattern=r"^[A-Z2-7]{52}\.[0-9a-f]{16}$")]
Certificate = Annotated[str, StringConstraints(max_length=4096)]


class Told(BaseModel):
    """One member, as another tells of it. `certificate` is base64 of DER."""

    name: str
    certificate: Certificate
    addresses: list[str] = []

    def peer(self) -> Peer:
        """Raises LanError for a certificate that no machine of ours has."""
        return peer_of(self.certificate, self.name, self.addresses)


class View(BaseModel):
    """All that one machine knows of who is a member, and the marks of who was removed."""

    members: list[Told] = Field(default=[], max_length=MEMBERS)
    removed: list[Mark] = Field(default=[], max_length=REMOVED)


def peer_of(certificate: str, name: str, addresses: Sequence[str] = ()) -> Peer:
    """A peer from what it, or another, tells of it. Raises LanError."""
    try:
        der = base64.b64decode(certificate, validate=True)
    except ValueError:
        raise LanError("A certificate is no base64.") from None
    identity.check(der)
    shown = "".join(letter for letter in name if letter.isprintable()).strip()[:64] or "unnamed"
    good = tuple(address for address in addresses if is_address(address))[:ADDRESSES]
    return Peer(identity.device_id_of(der), shown, der, good)


def view(book: Book) -> View:
    """What this machine knows; nothing of whom it trusts."""
    members = [
        Told(
            name=peer.name,
            certificate=base64.b64encode(peer.certificate).decode(),
            addresses=list(peer.addresses),
        )
        for peer in book.peers()[:MEMBERS]
    ]
    return View(members=members, removed=sorted(book.marks)[:REMOVED])


def fingerprint(book: Book, own_id: str) -> int:
    """The same number (of 53 bits) on all machines that know the same members and removals, this
    one included: they have nothing to tell each other."""
    known = sorted({own_id, *(peer.id for peer in book.peers())}) + sorted(book.marks)
    return int.from_bytes(hashlib.sha256(" ".join(known).encode()).digest()[:8], "big") >> 11


def learn(book: Book, own_id: str, told: View, by: str) -> bool:
    """Takes over what the member `by` has told; whether anything was new. Raises LanError when
    the disk does not take it."""
    peers = []
    for entry in told.members:
        try:
            peers.append(entry.peer())
        except LanError as error:
            _LOG.warning("%s told of a member that is none: %s", by[:12], error.message)
    if any(mark.startswith(own_id) for mark in told.removed):
        _LOG.warning("%s says that this machine was removed; pair anew where it is missed", by[:12])
    return book.learn(
        [peer for peer in peers if peer.id != own_id],
        [mark for mark in told.removed if not mark.startswith((own_id, by))],
    )


def routes(book: Book, own_id: str) -> list[Route]:
    """The route by which a member tells and is told."""

    async def members(request: Request) -> JSONResponse:
        try:
            told = View.model_validate_json(await request.body())
        except ValidationError:
            raise HTTPException(400, "That is no list of members.") from None
        learn(book, own_id, told, request.scope["local_swarm.peer"])
        return JSONResponse(view(book).model_dump())

    return [Route(PATH, members, methods=["POST"])]


async def exchange(http: httpx.AsyncClient, book: Book, own_id: str, peer_id: str) -> bool:
    """Tells the peer what we know and learns what it knows; whether anything was new. Raises
    httpx.HTTPError when it does not answer, LanError when its answer or our disk is bad."""
    body = view(book).model_dump_json().encode()
    try:
        reply = await replies.ask(http, "POST", PATH, body, most=MOST, within_s=_ANSWER_S)
        if reply.status != 200:
            raise httpx.RemoteProtocolError(f"it answers {reply.status}")
        told = View.model_validate_json(reply.body)
    except TimeoutError:
        raise httpx.ReadTimeout("it takes too long") from None
    except ValueError as error:
        why = "no list of members" if isinstance(error, ValidationError) else str(error)
        raise LanError(f"{peer_id[:12]} was asked for its members: {why}.") from None
    return learn(book, own_id, told, peer_id)
