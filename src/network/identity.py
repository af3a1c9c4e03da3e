"""Who this machine is to its peers: a key, a certificate signed by that key, and its hash.

The certificate is no authority (CA:FALSE): where each certificate is trusted by itself, one that
might sign others would let its owner make members. It holds no name, because whoever reaches the
port is shown it, and it never expires, because clocks in a house are wrong.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import LanError
from . import private

_FILE, _MACHINE = "identity.pem", "machine"
_LARGEST = 4096  # bytes of a certificate; ours have about 450


@dataclass(frozen=True, slots=True)
class Identity:
    """`device_id` as `device_id_of` makes it, `certificate` in DER, `name` for people.

    `file` has key and certificate in PEM, as `ssl` wants them.
    """

    device_id: str
    certificate: bytes
    name: str
    file: Path


def device_id_of(certificate: bytes) -> str:
    """Base32 (RFC 4648, no padding) of the SHA-256 of a certificate in DER: 52 characters."""
    return base64.b32encode(hashlib.sha256(certificate).digest()).decode().rstrip("=")


def load(folder: Path) -> Identity:
    """This machine's identity, kept in `folder`; made on first use. Raises LanError when it cannot
    be kept or read, or came here with a copy of another machine's files."""
    private.folder(folder)
    path = folder / _FILE
    if not path.exists():
        private.write(folder / _MACHINE, _machine().encode())
        private.write(path, _create())
    _check_machine(folder)
    try:
        private.close(path)
        text = path.read_text(encoding="ascii")
        certificate = ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE-----") :])
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(path)  # the key is its own
    except (OSError, ValueError) as error:
        raise LanError(
            f"The identity of this machine in {path} cannot be read: {type(error).__name__}.",
            hint="Bring back a copy of the file, or delete it and pair with every machine anew.",
        ) from None
    return Identity(device_id_of(certificate), certificate, _name(), path)


def check(certificate: bytes) -> None:
    """Raises LanError for a certificate that no peer of ours would have: only P-256, signed by
    itself, no authority. What TLS does not look at in a trust anchor is looked at here."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        if len(certificate) > _LARGEST:
            raise ValueError("size")
        read = x509.load_der_x509_certificate(certificate)
        key = read.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            raise ValueError("key")
        read.verify_directly_issued_by(read)
        constraints = read.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = read.extensions.get_extension_for_class(x509.KeyUsage).value
        if constraints.ca or usage.key_cert_sign or not usage.digital_signature:
            raise ValueError("authority")
    except Exception as error:  # parsers of foreign bytes raise many things
        raise LanError(
            f"That is no certificate of a Local Swarm machine ({type(error).__name__}: {error}).",
            hint="Update Local Swarm on both machines and try again.",
        ) from None


def sign(me: Identity, statement: bytes) -> str:
    """Base64 of the signature (ECDSA, SHA-256) under a statement."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_private_key(me.file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return base64.b64encode(key.sign(statement, ec.ECDSA(hashes.SHA256()))).decode()


def signed(certificate: bytes, statement: bytes, signature: str) -> bool:
    """Whether whoever has the key of a certificate that `check` lets pass has signed that."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = x509.load_der_x509_certificate(certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        made = base64.b64decode(signature, validate=True)
        key.verify(made, statement, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _create() -> bytes:
    """A fresh key (P-256) and its certificate, in PEM."""
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "local-swarm")])
    public = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = {name: name == "digital_signature" for name in _USAGES}
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1970, 1, 1, tzinfo=UTC))
        # RFC 5280, 4.1.2.5: no well-defined end
        .not_valid_after(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
            critical=False,
        )
        .add_extension(public, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(public), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + certificate.public_bytes(serialization.Encoding.PEM)


_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
    "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def _name() -> str:
    told = "".join(c for c in socket.gethostname().partition(".")[0] if c.isprintable())
    return told.strip()[:64] or "unnamed"


def _check_machine(folder: Path) -> None:
    """Two machines with one identity would be one peer to all others, and never see each other."""
    path, here = folder / _MACHINE, _machine()
    with contextlib.suppress(OSError):
        if here and path.read_text(encoding="ascii").strip() not in ("", here):
            raise LanError(
                f"{folder} was copied from another machine, and so was its identity.",
                hint=f"If that machine still runs, delete {folder} here and pair anew; if this one "
                f"took its place, delete only {path}.",
            )


def _machine() -> str:
    """A hash that tells this installation of an operating system from others; empty where none
    can be had (many containers), so that nothing is noticed there."""
    found = ""
    with contextlib.suppress(OSError, AttributeError):
        if sys.platform == "win32":
            import winreg

            place = r"SOFTWARE\Microsoft\Cryptography"
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, place) as key:
                found = str(winreg.QueryValueEx(key, "MachineGuid")[0])
        elif sys.platform == "darwin":
            import ctypes

            uuid, wait = (ctypes.c_ubyte * 16)(), (ctypes.c_long * 2)(1, 0)
            if ctypes.CDLL(None).gethostuuid(uuid, wait) == 0:
                found = bytes(uuid).hex()
        else:
            found = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    return hashlib.sha256(f"local-swarm {found}".encode()).hexdigest() if found else ""
