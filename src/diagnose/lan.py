"""Why a peer is not there: the stages between two machines, each tried by itself."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..settings import DEFAULT_PEER_PORT, Settings
from ..wire import runtime
from ..wire.client import key_header
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


@dataclass(frozen=True, slots=True)
class _Node:
    """What the running node says: its peer port (None: shut, for the reason `trouble`), and which
    peers it sees there, with their addresses."""

    port: int | None
    trouble: str | None
    there: Mapping[str, tuple[str, ...]]


async def lan(settings: Settings) -> AsyncIterator[Check]:
    """The network, the peer port, multicast, then each peer."""
    from ..network import addresses, identity
    from ..network.book import Book

    peers = Book(settings.lan).peers()
    if not peers:
        told = "this machine has no peers: it opens no port and announces nothing"
        yield Check("lan", State.SKIP, told, _PAIR.replace("Pair anew", "To have some"))
        return
    me, ours = identity.load(settings.lan), addresses.links()
    if ours:
        v4 = (f"{link.name} {link.ip.ip}" for link in sorted(ours) if link.ip.version == 4)
        yield Check("network", State.OK, ", ".join(v4) or f"{len(ours)} addresses, IPv6 alone")
    else:
        told = "no interface has an address: only machines in this one can be reached"
        yield Check("network", State.WARN, told, "Plug in a cable or join a Wi-Fi.")
    node = await _running(settings)
    listens = await _listens(settings, node)
    yield listens
    heard, trouble = await _multicast(me.device_id, peers)
    open_ = listens.state is State.OK
    yield _told_of_multicast(me.device_id, peers, heard, trouble, open_)
    for peer in peers:
        there = node.there.get(peer.id) if node else None
        yield await _peer(me, peer, heard.get(peer.id, ()), ours, there)


async def _running(settings: Settings) -> _Node | None:
    """The LAN as this user's running node sees it; None without one."""
    import httpx

    headers = key_header(settings.api_key)
    async with httpx.AsyncClient(timeout=5, trust_env=False, headers=headers) as client:
        for entry in runtime.running(settings.nodes):
            token = {"X-Control-Token": entry.token}
            try:
                reply = await client.get(f"{entry.url}/swarm/peers", headers=token)
                told = reply.raise_for_status().json()
                there = {
                    peer["id"]: tuple(peer["addresses"])
                    for peer in told["peers"]
                    if peer["state"] in ("up", "busy")
                }
                return _Node(told["port"], told["trouble"], there)
            except (httpx.HTTPError, ValueError, KeyError, TypeError):
                continue  # it starts, ends, or is of another version
    return None


async def _listens(settings: Settings, node: _Node | None) -> Check:
    if node is not None and node.port is None:
        told = f"shut: {node.trouble or 'the node is standalone'}"
        return Check("peer port", State.WARN, told, "Start the node without --mode standalone.")
    port = node.port if node and node.port else settings.peer_port or DEFAULT_PEER_PORT
    if node is not None or await _tcp("127.0.0.1", port) is None:
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


async def _peer(
    me: Identity,
    peer: Peer,
    hints: tuple[str, ...],
    ours: frozenset[Link],
    there: tuple[str, ...] | None,
) -> Check:
    """How far one gets with a peer, at the address where that is farthest. `there` are its
    addresses where the running node sees it, for which the node vouches."""
    from ..network import addresses

    name = f"peer {peer.name}"
    known = dict.fromkeys((*(there or ()), *peer.addresses, *peer.listed, *hints))
    tried: list[tuple[int, str, str]] = []
    for address in known:
        vouched = address in peer.listed or address in (there or ())
        for target in await addresses.dialable(address, ours, vouched=vouched):
            began = time.monotonic()
            stage = await _try(me, peer, target)
            if not isinstance(stage, tuple):
                return _works(name, target, stage, (time.monotonic() - began) * 1000)
            tried.append((stage[0], f"{target}: {stage[1]}", stage[2]))
    if there is not None:
        return Check(name, State.OK, "the running node sees it")
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
