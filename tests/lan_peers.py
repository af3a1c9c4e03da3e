"""Machines for the tests of the LAN: identities, books and peer servers on loopback."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from local_swarm.network import identity, transport
from local_swarm.network.book import Book, Peer
from local_swarm.network.identity import Identity
from local_swarm.network.server import PEER, PeerServer


async def _who(request: Request) -> JSONResponse:
    return JSONResponse({"peer": request.scope[PEER]})


WHO = Route("/peer/v1/who", _who)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine with its folder; `server` is there inside `serving`."""

    folder: Path
    identity: Identity
    book: Book

    @property
    def as_peer(self) -> Peer:
        return Peer(self.identity.device_id, self.identity.name, self.identity.certificate)

    def client(self, other: Machine, port: int | None) -> httpx.AsyncClient:
        """How this one speaks to `other`."""
        return transport.client(self.identity, other.as_peer, f"127.0.0.1:{port}")


def machine(folder: Path) -> Machine:
    """A new machine."""
    return Machine(folder, identity.load(folder), Book(folder))


def pair(*machines: Machine) -> None:
    """Makes them all know each other."""
    for one in machines:
        for other in machines:
            if one is not other:
                one.book.put(other.as_peer)


@asynccontextmanager
async def serving(
    it: Machine, routes: Sequence[BaseRoute] = (WHO,), strangers: Sequence[BaseRoute] = ()
) -> AsyncIterator[PeerServer]:
    """The peer port of a machine on loopback."""
    server = PeerServer(it.identity, it.book, routes, strangers)
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.close()


@dataclass(frozen=True, slots=True)
class Forged:
    """A certificate of our own making with its key, as `ssl` wants them."""

    certificate: bytes
    key: ec.EllipticCurvePrivateKey
    file: Path

    @property
    def identity(self) -> Identity:
        return Identity(identity.device_id_of(self.certificate), self.certificate, "x", self.file)


def forge(
    file: Path, *, ca: bool = False, by: Forged | Identity | None = None, size: int = 256,
    days: tuple[int, int] = (-1, 1), like: Identity | None = None,
) -> Forged:  # fmt: skip
    """A certificate as an attacker would make it: an authority, or signed by `by`, good from and
    until so many `days` from now, with the names and numbers of `like`."""
    key = ec.generate_private_key(ec.SECP256R1() if size == 256 else ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local-swarm")])
    signer = key
    issuer_key: ec.EllipticCurvePublicKey = key.public_key()
    if by is not None:
        loaded = serialization.load_pem_private_key(by.file.read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        signer, issuer_key = loaded, loaded.public_key()
    now = datetime.now(UTC)
    serial, subject_key = x509.random_serial_number(), key.public_key()
    if like is not None:
        other = x509.load_der_x509_certificate(like.certificate)
        its_key = other.public_key()
        assert isinstance(its_key, ec.EllipticCurvePublicKey)
        serial, subject_key, issuer_key = other.serial_number, its_key, its_key
    usage = {
        "digital_signature": True, "content_commitment": False, "key_encipherment": False,
        "data_encipherment": False, "key_agreement": False, "key_cert_sign": ca,
        "crl_sign": False, "encipher_only": False, "decipher_only": False,
    }  # fmt: skip
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier(
                x509.SubjectKeyIdentifier.from_public_key(issuer_key).digest, None, None
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject_key), critical=False)
        .sign(signer, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return Forged(
        ssl.PEM_cert_to_DER_cert(made.public_bytes(serialization.Encoding.PEM).decode()), key, file
    )
