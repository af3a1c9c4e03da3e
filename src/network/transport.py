"""How one machine speaks to another: TLS 1.3, and only with the one certificate that it expects."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from .book import Peer
from .identity import Identity

if TYPE_CHECKING:
    import httpx

CONNECT_S = 2.0
READ_S = 5.0
# Less than the server keeps an idle connection: the one who asks lets go first.
IDLE_S = 120.0


def client(identity: Identity, peer: Peer, address: str) -> httpx.AsyncClient:
    """A client for `peer` at "host:port". Nothing is sent before its certificate was checked.

    Whoever else answers there is an httpx.ConnectError; a peer that has removed us breaks off at
    the first answer (httpx.ReadError or RemoteProtocolError).
    """
    return _client(pinned(peer.certificate, identity), address)


def stranger(certificate: bytes, address: str) -> httpx.AsyncClient:
    """A client that shows no certificate, for a machine that does not know us yet."""
    return _client(pinned(certificate), address)


def pinned(certificate: bytes, identity: Identity | None = None) -> ssl.SSLContext:
    """Trusts `certificate` (DER) and nothing else, and shows that of `identity`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the certificate is the name
    context.load_verify_locations(cadata=certificate)
    if identity is not None:
        context.load_cert_chain(identity.file)
    return context


def serving(identity: Identity) -> ssl.SSLContext:
    """Asks for a certificate and lets in who has none; one that is not trusted breaks off.

    Who is trusted is added by `load_verify_locations(cadata=...)` and can never be taken out, so
    every connection is held to the book as well.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_OPTIONAL
    context.num_tickets = 0  # no connection is resumed: each shows its certificate
    context.load_cert_chain(identity.file)
    return context


def _client(context: ssl.SSLContext, address: str) -> httpx.AsyncClient:
    import httpx

    from . import sockets

    limits = httpx.Limits(max_connections=8, keepalive_expiry=IDLE_S)
    return httpx.AsyncClient(
        base_url=f"https://{address}",
        transport=sockets.transport(context, limits),
        trust_env=False,  # a proxy would be sent prompts
        follow_redirects=False,  # nor does a peer send us elsewhere
        timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
    )
