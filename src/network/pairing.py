"""Two machines become peers, by a code that one owner carries from one to the other.

The code pins the inviter: the joiner compares the certificate that it is shown with the code before
it sends anything, then sends the secret, its own certificate, and a signature that shows that it
has the key. The answer tells all other members.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import httpx
from pydantic import BaseModel, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ..errors import LanError, UsageError
from . import identity, replies, transport
from .book import ADDRESSES, Book, Peer
from .code import Code, CodeRefused, Invitations
from .identity import Identity
from .membership import MOST, Certificate, View, learn, peer_of, view
from .replies import Reply
from .strict import json_of

PATH = "/peer/v1/pair"
_SEEN_S = 3.0  # to be shown a certificate
_ANSWER_S = 15.0
_LOG = logging.getLogger("local_swarm.network")


class _Ask(BaseModel):
    secret: Annotated[str, StringConstraints(max_length=64)]
    certificate: Certificate
    proof: Annotated[str, StringConstraints(max_length=256)]
    name: Annotated[str, StringConstraints(max_length=256)]
    port: Annotated[int, Field(gt=0, lt=65536)]


class _Reply(View):
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """An address to look for the inviter; `listed` when the owner has typed it."""

    address: str
    listed: bool = False


def routes(
    me: Identity, book: Book, invitations: Invitations, paired: Callable[[Peer], None]
) -> list[Route]:
    """The one route for strangers. `paired` is told of who became a peer."""

    async def pair(request: Request) -> JSONResponse:
        try:
            ask = _Ask.model_validate_json(await request.body())
        except ValidationError:
            raise HTTPException(400, "That is no request to pair.") from None
        try:
            trusted = invitations.redeem(ask.secret)
        except CodeRefused as error:
            _LOG.warning("somebody tried to pair: %s", error.message)
            raise HTTPException(error.status, error.full) from None
        peer = peer_of(ask.certificate, ask.name, _addresses(request, ask.port))
        if peer.id == me.device_id:
            raise HTTPException(409, _same(me))
        statement = _statement(me.device_id, ask.secret)
        if not identity.signed(peer.certificate, statement, ask.proof):
            raise HTTPException(403, "The joining machine does not have its certificate's key.")
        peer = _kept(book, peer, trusted)
        _LOG.info("paired with %s, %s", peer.name, peer.id[:12])
        paired(peer)
        reply = _Reply(name=me.name, **view(book).model_dump())
        return JSONResponse(reply.model_dump())

    return [Route(PATH, pair, methods=["POST"])]


async def join(
    me: Identity, book: Book, code: Code, places: Sequence[Place], port: int, *, trust: bool
) -> Peer:
    """Becomes a peer of the inviter and of all members that it tells of. `port` is our peer port.

    Raises UsageError for a code of our own, CodeRefused, and LanError when the inviter is not to be
    found at `places` (then nothing was sent to anybody).
    """
    if me.device_id.startswith(code.device):
        raise UsageError(_same(me))
    place, certificate = await _find(code, places)
    ask = _Ask(
        secret=code.secret,
        certificate=base64.b64encode(me.certificate).decode(),
        proof=identity.sign(me, _statement(identity.device_id_of(certificate), code.secret)),
        name=me.name,
        port=port,
    )
    try:
        async with transport.stranger(certificate, place.address) as http:
            body = ask.model_dump_json().encode()
            answer = await replies.ask(http, "POST", PATH, body, most=MOST, within_s=_ANSWER_S)
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        raise LanError(
            f"The machine at {place.address} broke off: {type(error).__name__}.", hint="Try again."
        ) from None
    if answer.status != 200:
        raise CodeRefused(answer.status, _message(answer), "")
    try:
        reply = _Reply.model_validate_json(answer.body)
    except ValidationError:
        raise LanError(
            f"The machine at {place.address} gives an answer that is none of ours.",
            hint="Update Local Swarm on both machines.",
        ) from None
    encoded = base64.b64encode(certificate).decode()
    inviter = peer_of(encoded, reply.name, [place.address])
    if place.listed:
        inviter = replace(inviter, listed=(place.address,))
    inviter = _kept(book, inviter, trust)
    learn(book, me.device_id, reply, inviter.id)
    return inviter


def _kept(book: Book, peer: Peer, trusted: bool) -> Peer:
    """Puts a peer into the book; what its owner has said of it before still holds."""
    known = book.get(peer.id) or peer
    addresses = dict.fromkeys((*peer.addresses, *known.addresses))
    peer = replace(
        peer,
        name=known.name,
        trusted=trusted or known.trusted,
        addresses=tuple(addresses)[:ADDRESSES],
        listed=tuple(dict.fromkeys((*peer.listed, *known.listed)))[:ADDRESSES],
    )
    book.put(peer)
    return peer


async def _find(code: Code, places: Sequence[Place]) -> tuple[Place, bytes]:
    """The place where the machine of `code` answers, and its certificate."""
    if not places:
        raise LanError(
            "The inviting machine was not found in this network.",
            hint="Is `local-swarm run` still on there? Then say where it is, with the address that "
            "`invite` has printed: local-swarm join LS1-... --at 192.168.1.20:17601. "
            "`local-swarm doctor --lan` tells whether multicast works.",
        )
    seen = await asyncio.gather(*(shown(place.address) for place in places))
    for place, certificate in zip(places, seen, strict=True):
        found = isinstance(certificate, bytes) and identity.device_id_of(certificate)
        if found and found.startswith(code.device):
            assert isinstance(certificate, bytes)
            identity.check(certificate)
            return place, certificate
    told = "; ".join(
        f"{place.address}: {'another machine answers' if isinstance(found, bytes) else found}"
        for place, found in zip(places, seen, strict=True)
    )
    raise LanError(
        f"The inviting machine is not there ({told}).",
        hint="Is `local-swarm run` on, and its peer port not kept shut by a firewall? "
        "--at HOST:PORT says where it is.",
    )


async def shown(address: str) -> bytes | str:
    """The certificate (DER) that is shown at an address, else why there is none. Sends nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # compared by who asks
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(_SEEN_S):
            _, writer = await asyncio.open_connection(
                host.strip("[]"), int(port), ssl=context, server_hostname=""
            )
    except TimeoutError:
        return "no answer"
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or type(error).__name__
    try:
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return found if isinstance(found, bytes) else "no certificate"
    finally:
        writer.transport.abort()


def _addresses(request: Request, port: int) -> list[str]:
    """Where the joiner can be reached: where it called from, at the port that it tells."""
    if request.client is None:
        return []
    try:
        # without a scope, which is an interface of ours and may be another after a restart
        host = ipaddress.ip_address(request.client.host.partition("%")[0])
    except ValueError:
        return []
    if isinstance(host, ipaddress.IPv6Address) and host.ipv4_mapped:
        host = host.ipv4_mapped
    return [f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"]


def _statement(inviter: str, secret: str) -> bytes:
    return f"local-swarm pair 1 {inviter} {secret}".encode()


def _same(me: Identity) -> str:
    return (
        "Both machines have the same identity: it is one machine, or one is a copy of the other. "
        f"On the copy, delete {me.file.parent} and pair anew."
    )


def _message(answer: Reply) -> str:
    try:
        told = str(json_of(answer.body)["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return f"The inviting machine answers {answer.status}."
    return "".join(letter for letter in told if letter.isprintable())
