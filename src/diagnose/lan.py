"""Why a peer is not there: the stages between two machines, each tried by itself."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from .check import Check, State

if TYPE_CHECKING:
    from ..network.addresses import Link
    from ..network.book import Peer
    from ..network.hello import Health
    from ..network.identity import Identity

_LISTEN_S = 3.0  # an answer to multicast comes within 1.5 s where it comes at all
_TCP_S = 2.0
_CLOCK_S = 300.0  # certificates do not mind; logs of two machines that far apart do
_PAIR = "Pair anew: `local-swarm invite` on one machine, the line that it prints on the other."


async def lan(folder: Path, port: int) -> AsyncIterator[Check]:
    """The network, the peer port, multicast, then each peer. `folder` has identity and peers."""
    from ..network import addresses, identity
    from ..network.book import Book

    peers = Book(folder).peers()
    if not peers:
        told = "this machine has no peers: it opens no port and announces nothing"
        yield Check("lan", State.SKIP, told, _PAIR.replace("Pair anew", "To have some"))
        return
    me, ours = identity.load(folder), addresses.links()
    if not ours:
        told = "no interface has an address"
        yield Check("network", State.FAIL, told, "Plug in a cable or join a Wi-Fi.")
        return
    shown = ", ".join(f"{link.name} {link.ip.ip}" for link in sorted(ours) if link.ip.version == 4)
    yield Check("network", State.OK, shown or f"{len(ours)} addresses, IPv6 alone")
    runs = await _tcp("127.0.0.1", port) is None
    yield _listens(port, runs)
    heard, trouble = await _multicast(me.device_id, peers)
    yield _told_of_multicast(me.device_id, peers, heard, trouble, runs)
    for peer in peers:
        yield await _peer(me, peer, heard.get(peer.id, ()), ours)


def _listens(port: int, runs: bool) -> Check:
    if runs:
        return Check("peer port", State.OK, f"{port} is open")
    told = f"nothing listens on {port}: peers cannot ask this machine"
    return Check("peer port", State.WARN, told, "Start the node with `local-swarm run`.")


async def _multicast(own: str, peers: tuple[Peer, ...]) -> tuple[dict[str, tuple[str, ...]], str]:
    """Who announces what, by device id, and why nothing can be heard."""
    from ..network.discovery import Discovery

    wanted = [own, *(peer.id for peer in peers)]
    async with Discovery(own, None) as discovery:
        told = await asyncio.gather(*(discovery.find(id, _LISTEN_S) for id in wanted))
        heard = {id: hosts for id, hosts in zip(wanted, told, strict=True) if hosts}
        return heard, discovery.trouble or ""


def _told_of_multicast(
    own: str,
    peers: tuple[Peer, ...],
    heard: dict[str, tuple[str, ...]],
    trouble: str,
    runs: bool,
) -> Check:
    if trouble:
        told = f"no question could be sent: {trouble}"
        advice = "Peers are found at known addresses alone: `local-swarm join CODE --at HOST`."
        return Check("multicast", State.WARN, told, advice)
    others = sum(peer.id in heard for peer in peers)
    told = f"sent, and heard from {others} of {len(peers)} peers"
    if others == len(peers):
        return Check("multicast", State.OK, told)
    if runs and own not in heard and not others:
        told += ", not even from this machine"
        return Check("multicast", State.WARN, told, f"Let it in: {_firewall(5353, 'UDP')}.")
    advice = (
        "Machines that are off announce nothing. Guest Wi-Fi, VLANs, containers and WSL keep "
        "multicast away: there `local-swarm join CODE --at HOST` does without."
    )
    return Check("multicast", State.WARN, told, advice)


async def _peer(me: Identity, peer: Peer, hints: tuple[str, ...], ours: frozenset[Link]) -> Check:
    """How far one gets with a peer, at the address where that is farthest."""
    from ..network import addresses

    name = f"peer {peer.name}"
    known = dict.fromkeys((*peer.addresses, *peer.listed, *hints))
    tried: list[tuple[int, str, str]] = []
    for address in known:
        vouched = address in peer.listed
        for target in await addresses.dialable(address, ours, vouched=vouched):
            began = time.monotonic()
            stage = await _try(me, peer, target)
            if not isinstance(stage, tuple):
                return _works(name, target, stage, (time.monotonic() - began) * 1000)
            tried.append((stage[0], f"{target}: {stage[1]}", stage[2]))
    if not tried:
        far = ", ".join(known)
        told = f"only {far} is known, on no network of this machine" if far else "no address known"
        advice = "Are both on one network? `local-swarm join CODE --at HOST` takes any address."
        return Check(name, State.FAIL, told, advice)
    _, told, advice = max(tried, key=lambda it: it[0])
    return Check(name, State.FAIL, told, advice)


def _works(name: str, address: str, health: Health, milliseconds: float) -> Check:
    told = f"answers at {address} in {milliseconds:.0f} ms, version {health.version or '?'}"
    off = 0.0 if health.clock is None else abs(health.clock - time.time())
    if off > _CLOCK_S:
        told += f", its clock is {off / 60:.0f} minutes off"
        return Check(name, State.WARN, told, "Let both machines set their clocks from the network.")
    if health.load.free_in_s:
        told += f", takes no questions now ({health.load.why or 'busy'})"
    return Check(name, State.OK, told)


async def _try(me: Identity, peer: Peer, address: str) -> Health | tuple[int, str, str]:
    """How the peer is, or the number of the stage that failed, what was seen, what to do."""
    from ..network import addresses, reach, transport

    host, port = addresses.split(address)
    if told := await _tcp(host, port):
        where = "On that machine: does `local-swarm status` say that it runs? If so, its firewall: "
        return 1, f"TCP: {told}", f"{where}{_firewall(port, 'TCP', everywhere=True)}."
    async with transport.client(me, peer, address) as client:
        try:
            return await reach.poll(client)
        except reach.FAULTS as error:
            told = reach.why(error)
    if "somebody else" in told:
        return 2, f"TLS: {told}, with another certificate", f"If it was installed anew: {_PAIR}"
    if "breaks the connection" in told or "does not take" in told:
        return 3, f"TLS: {told}", _PAIR
    if "version" in told:
        return 4, told, "Update Local Swarm on both machines."
    return 2, told, "See the log of that machine, and start its node anew."


async def _tcp(host: str, port: int) -> str | None:
    """What was seen instead of a connection; None for a connection."""
    try:
        async with asyncio.timeout(_TCP_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "no answer"
    except ConnectionRefusedError:
        return "refused, nothing listens there"
    except OSError as error:
        # asyncio puts words of its own in the place of the system's
        return f"no answer ({os.strerror(error.errno) if error.errno else type(error).__name__})"
    writer.close()
    try:
        await writer.wait_closed()
    except (OSError, ssl.SSLError):
        return None
    return None


def _firewall(port: int, kind: str, *, everywhere: bool = False) -> str:
    """How to open a port, here or wherever one may be."""
    ways = {
        "linux": f"`sudo ufw allow {port}/{kind.lower()}` or "
        f"`sudo firewall-cmd --permanent --add-port={port}/{kind.lower()}` and `--reload`",
        "darwin": "System Settings, Network, Firewall, and Privacy & Security, Local Network",
        "win32": f"`New-NetFirewallRule -DisplayName 'Local Swarm' -Direction Inbound "
        f"-Protocol {kind} -LocalPort {port} -Profile Private -Action Allow`",
    }
    names = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}
    if everywhere:
        return "; ".join(f"{names[system]}: {way}" for system, way in ways.items())
    return ways.get(sys.platform, f"open {kind} port {port}")
