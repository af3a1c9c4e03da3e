"""The peers of this machine, and who may never be one again without its owner's word.

A removal outlives every introduction: other machines may tell of new peers (`learn`), but only
the owner, by pairing, brings back one that was removed (`put`).
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import LanError
from . import private
from .identity import device_id_of

_FILE = "peers.json"
ADDRESSES = 8  # kept for each peer
MEMBERS, REMOVED = 512, 4096  # that others may tell of
_ID = re.compile(r"[A-Z2-7]{52}")
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


def is_address(text: str) -> bool:
    """Whether `text` is "host:port", an IPv6 host in brackets."""
    return bool(_ADDRESS.fullmatch(text)) and 0 < int(text.rpartition(":")[2]) < 65536


class Book:
    """Kept in `folder`, whole or not at all, readable by its owner alone.

    What cannot be written is not done: all changes raise LanError, and leave the book as it was.
    """

    def __init__(self, folder: Path) -> None:
        """Raises LanError for a damaged file: an empty book in its place would forget removals."""
        self._path = folder / _FILE
        self._watchers: list[Callable[[], None]] = []
        self._peers: dict[str, Peer] = {}
        self._removed: dict[str, int] = {}  # id: when, in Unix seconds
        self._version = 0
        self._read()

    @property
    def version(self) -> int:
        """Grows with every change of who is a member, over restarts too."""
        return self._version

    def peers(self) -> tuple[Peer, ...]:
        """All peers, in the order in which they came."""
        return tuple(self._peers.values())

    def get(self, id: str) -> Peer | None:
        """The peer of that id."""
        return self._peers.get(id)

    def find(self, start: str) -> Peer:
        """The peer of that name, or whose id begins so. Raises LanError for none and several."""
        wanted = start.upper().replace("-", "")
        found = [
            peer
            for peer in self.peers()
            if peer.name == start or (len(wanted) > 3 and peer.id.startswith(wanted))
        ]
        if len(found) == 1:
            return found[0]
        told = f"{len(found)} peers are" if found else "No peer is"
        raise LanError(f"{told} called '{start}'.", hint="`local-swarm peers` shows their ids.")

    @property
    def removed(self) -> frozenset[str]:
        """The ids of those who were removed here or elsewhere."""
        return frozenset(self._removed)

    def put(self, peer: Peer) -> None:
        """Adds or replaces a peer by its owner's word, a removed one too."""
        _check(peer)
        known = self._peers.get(peer.id)
        if known is not None and replace(known, version=peer.version) == peer:
            return
        peers = {**self._peers, peer.id: replace(peer, version=self._version + 1)}
        self._change(peers, {id: at for id, at in self._removed.items() if id != peer.id})

    def learn(self, peers: Iterable[Peer], removed: Iterable[str] = ()) -> bool:
        """What another member tells: takes out who was removed, adds who is new and was not;
        whether anything changed. Who is known stays as it is, who is new is not trusted."""
        gone, now = dict(self._removed), int(time.time())
        for id in removed:
            if _ID.fullmatch(id) and len(gone) < REMOVED:
                gone.setdefault(id, now)
        kept = {id: peer for id, peer in self._peers.items() if id not in gone}
        for peer in peers:
            _check(peer)
            if peer.id not in gone and len(kept) < MEMBERS:
                new = replace(peer, trusted=False, listed=(), version=self._version + 1)
                kept.setdefault(peer.id, new)
        if kept == self._peers and gone == self._removed:
            return False
        self._change(kept, gone)
        return True

    def remove(self, id: str) -> bool:
        """Removes for good; False when that had been done. A stranger is kept out as well."""
        if id in self._removed:
            return False
        if not _ID.fullmatch(id):
            raise LanError(f"'{id}' is no id of a machine.")
        peers = {other: peer for other, peer in self._peers.items() if other != id}
        self._change(peers, {**self._removed, id: int(time.time())})
        return True

    def good_address(self, id: str, address: str) -> None:
        """Remembers where a peer answered last. No change of membership; a disk that does not
        take it is no reason to fail."""
        peer = self._peers.get(id)
        if peer is None or not is_address(address) or peer.addresses[:1] == (address,):
            return
        others = tuple(known for known in peer.addresses if known != address)
        addresses = (address, *others)[:ADDRESSES]
        self._peers[id] = replace(peer, addresses=addresses)
        with contextlib.suppress(LanError):
            self._write(self._version, self._peers, self._removed)

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` after every change of membership; returns what undoes that."""
        self._watchers.append(callback)
        return lambda: self._watchers.remove(callback)

    def _change(self, peers: dict[str, Peer], removed: dict[str, int]) -> None:
        self._write(self._version + 1, peers, removed)
        self._version, self._peers, self._removed = self._version + 1, peers, removed
        for watcher in tuple(self._watchers):
            watcher()

    def _write(self, version: int, peers: dict[str, Peer], removed: dict[str, int]) -> None:
        private.folder(self._path.parent)
        content = {
            "version": version,
            "peers": [_to_json(peer) for peer in peers.values()],
            "removed": removed,
        }
        private.write(self._path, json.dumps(content, indent=1).encode())

    def _read(self) -> None:
        try:
            content = json.loads(self._path.read_bytes())
            version, removed = content["version"], content["removed"]
            peers = [_from_json(entry) for entry in content["peers"]]
            if type(version) is not int or not all(
                _ID.fullmatch(id) and type(at) is int for id, at in removed.items()
            ):
                raise ValueError
        except FileNotFoundError:
            return
        except OSError as error:
            raise LanError(f"{self._path} cannot be read: {error.strerror}.") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, LanError):
            raise LanError(
                f"The list of peers in {self._path} is damaged.",
                hint="Bring back a copy of it, or delete it and pair with every machine anew.",
            ) from None
        self._version, self._removed = version, removed
        self._peers = {peer.id: peer for peer in peers}


def _check(peer: Peer) -> None:
    """Raises LanError for a record that could not be read back, or names another's certificate."""
    if not _ID.fullmatch(peer.id) or device_id_of(peer.certificate) != peer.id:
        raise LanError("The id of a peer does not belong to its certificate.")
    if not peer.name or len(peer.name) > 64 or not peer.name.isprintable():
        raise LanError("A peer's name has 1 to 64 printable characters.")
    if not all(is_address(address) for address in (*peer.addresses, *peer.listed)):
        raise LanError("A peer's address is host:port.")


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
    _check(peer)
    return peer
