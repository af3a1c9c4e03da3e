"""The file of the book of peers: what a record is, and how it is written and read back."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import LanError
from . import private
from .identity import device_id_of

NAME = "peers.json"
ADDRESSES = 8  # kept for each peer
MEMBERS, REMOVED = 512, 4096  # that others may tell of
_MARK = re.compile(r"[A-Z2-7]{52}\.[0-9a-f]{16}")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+(%[\w.-]+)?\]|[\w.-]+):[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Peer:
    """A machine whose certificate (DER) we know; `id` is its hash.

    `addresses` are "host:port", the one that worked last first; `listed` those that its owner has
    typed. `trusted` is the owner's word. `version` is that of the book when this was last changed.
    """

    id: str
    name: str
    certificate: bytes
    addresses: tuple[str, ...] = ()
    trusted: bool = False
    version: int = 0
    listed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """The whole book. A mark is an id and a random number; `forgiven` are those of `marks` that
    the owner has overruled here."""

    version: int = 0
    peers: dict[str, Peer] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()
    forgiven: frozenset[str] = frozenset()


def is_address(text: str) -> bool:
    """Whether `text` is "host:port", an IPv6 host in brackets."""
    return bool(_ADDRESS.fullmatch(text)) and 0 < int(text.rpartition(":")[2]) < 65536


def is_mark(text: str) -> bool:
    """Whether `text` is the mark of a removal."""
    return bool(_MARK.fullmatch(text))


def check(peer: Peer) -> None:
    """Raises LanError for a record that could not be read back, or names another's certificate."""
    if device_id_of(peer.certificate) != peer.id:
        raise LanError("The id of a peer does not belong to its certificate.")
    if not peer.name or len(peer.name) > 64 or not peer.name.isprintable():
        raise LanError("A peer's name has 1 to 64 printable characters.")
    if not all(is_address(address) for address in (*peer.addresses, *peer.listed)):
        raise LanError("A peer's address is host:port.")


def write(path: Path, kept: Kept) -> None:
    """Writes all or nothing. Raises LanError."""
    private.folder(path.parent)
    content = {
        "version": kept.version,
        "peers": [_to_json(peer) for peer in kept.peers.values()],
        "removed": sorted(kept.marks),
        "forgiven": sorted(kept.forgiven),
    }
    private.write(path, json.dumps(content, indent=1).encode())


def read(path: Path) -> Kept:
    """The book at `path`, an empty one where there is no file. Raises LanError."""
    try:
        content = json.loads(path.read_bytes())
        peers = [_from_json(entry) for entry in content["peers"]]
        kept = Kept(
            content["version"],
            {peer.id: peer for peer in peers},
            frozenset(content["removed"]),
            frozenset(content["forgiven"]),
        )
        if type(kept.version) is not int or not all(map(is_mark, kept.marks | kept.forgiven)):
            raise ValueError
    except FileNotFoundError:
        return Kept()
    except OSError as error:
        raise LanError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, LanError):
        raise LanError(
            f"The list of peers in {path} is damaged.",
            hint="Bring back a copy of it, or delete it and pair with every machine anew.",
        ) from None
    return kept


def _to_json(peer: Peer) -> dict[str, Any]:
    return {
        "id": peer.id,
        "name": peer.name,
        "certificate": base64.b64encode(peer.certificate).decode(),
        "addresses": list(peer.addresses),
        "trusted": peer.trusted,
        "version": peer.version,
        "listed": list(peer.listed),
    }


def _from_json(entry: dict[str, Any]) -> Peer:
    peer = Peer(
        entry["id"],
        entry["name"],
        base64.b64decode(entry["certificate"], validate=True),
        tuple(entry["addresses"]),
        entry["trusted"] is True,
        int(entry["version"]),
        tuple(entry["listed"]),
    )
    check(peer)
    return peer
