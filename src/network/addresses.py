"""Our own addresses, and which addresses of others may be dialled.

What a machine says of itself in multicast, or one member of another, is a hint that anybody on the
LAN can fake. It is followed only where it leads to a neighbour: an address on a network of one of
our interfaces. What the user has typed may lie elsewhere, and so may the address from which a peer
has just proved itself to us. The cloud's metadata services are asked by nobody.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

_METADATA = {ipaddress.ip_address(text) for text in ("169.254.169.254", "fd00:ec2::254")}
_SUSPENDED_S = 10.0  # wall time that passed while our clock stood still


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """One address of one of our interfaces that is up, with the network it is on."""

    name: str
    address: str

    @property
    def ip(self) -> Interface:
        return ipaddress.ip_interface(self.address)


def links() -> frozenset[Link]:
    """Our addresses now, without loopback. Interfaces without carrier have none."""
    import psutil

    up = {name for name, is_ in psutil.net_if_stats().items() if is_.isup}
    found = set()
    for name, entries in psutil.net_if_addrs().items():
        for entry in entries:
            if name not in up or entry.family not in (socket.AF_INET, socket.AF_INET6):
                continue
            host = entry.address.partition("%")[0]
            mask = entry.netmask or ("" if entry.family == socket.AF_INET else "64")
            try:
                ip = ipaddress.ip_interface(f"{host}/{_prefix(mask)}")
            except ValueError:
                continue
            if not ip.is_loopback:
                found.add(Link(name, str(ip)))
    return frozenset(found)


def telling(ours: Iterable[Link]) -> list[ipaddress.IPv4Address] | list[ipaddress.IPv6Address]:
    """Which of our addresses a person may type elsewhere: IPv4, and where there is none IPv6 that
    holds beyond one cable."""
    ips = [link.ip.ip for link in ours]
    four = [ip for ip in ips if isinstance(ip, ipaddress.IPv4Address)]
    six = [ip for ip in ips if isinstance(ip, ipaddress.IPv6Address) and not ip.is_link_local]
    return sorted(four) or sorted(six)


def split(address: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[IPv6%scope]:port". Raises ValueError."""
    host, _, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{address}: an IPv6 host stands in brackets")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{address}: no host and port")
    return host, int(port)


def join(host: str, port: int) -> str:
    """The address of a host and a port; an IPv4 host in IPv6 clothes is undressed."""
    try:
        ip = _plain(ipaddress.ip_address(host))
    except ValueError:
        return f"{host}:{port}"
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"


def neighbour(host: str, ours: Iterable[Link]) -> bool:
    """Whether an IP is a machine beside us, and none of our own addresses."""
    try:
        ip = _plain(ipaddress.ip_address(host))
    except ValueError:
        return False
    ours = tuple(ours)
    if not _unicast(ip) or ip.is_loopback:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.is_link_local:
        mine = {link.ip.ip for link in ours}
        # Without a scope it names no machine; with one it is never routed.
        return ip.scope_id is not None and ipaddress.ip_address(int(ip)) not in mine
    return any(_beside(ip, link.ip) for link in ours) and all(ip != link.ip.ip for link in ours)


def reachable(host: str) -> bool:
    """Whether an IP that the user typed, or from which a peer proved itself, may be dialled."""
    try:
        return _unicast(_plain(ipaddress.ip_address(host)))
    except ValueError:
        return False


async def dialable(address: str, ours: Iterable[Link], *, vouched: bool) -> tuple[str, ...]:
    """The "IP:port" behind an address that may be dialled. Only what is `vouched` for (typed by
    the user, or proved by the peer) may be a name or lie off our links."""
    try:
        host, port = split(address)
    except ValueError:
        return ()
    if not vouched:
        return (join(host, port),) if neighbour(host, ours) else ()
    if _is_ip(host):
        return (join(host, port),) if reachable(host) else ()
    try:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(2):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return ()
    hosts = dict.fromkeys(str(entry[4][0]) for entry in found)
    return tuple(join(host, port) for host in hosts if reachable(host))


async def changes(known: frozenset[Link], every: float = 1.0) -> AsyncGenerator[frozenset[Link]]:
    """Our addresses, each time they are no longer the `known` ones or the machine was suspended;
    looks every `every` seconds."""
    wall, clock = time.time(), time.monotonic()
    while True:
        await asyncio.sleep(every)
        now = links()
        slept = (time.time() - wall) - (time.monotonic() - clock)
        wall, clock = time.time(), time.monotonic()
        if now != known or slept > _SUSPENDED_S:
            known = now
            yield now


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _plain(ip: IP) -> IP:
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _unicast(ip: IP) -> bool:
    return not (
        ip.is_multicast
        or ip.is_unspecified
        or ipaddress.ip_address(int(ip) if ip.version == 4 else str(ip).partition("%")[0])
        in _METADATA
        or (ip.version == 4 and ip.is_reserved)  # 255.255.255.255 too
    )


def _beside(ip: IP, link: Interface) -> bool:
    network = link.network
    if ip.version != network.version or network.prefixlen == 0:
        return False
    if ip.version == 4 and network.prefixlen < 31:
        return ip in network and ip not in (network.network_address, network.broadcast_address)
    return ip in network


def _prefix(mask: str) -> str:
    """Prefix length or IPv4 mask as `ip_interface` takes them; psutil gives IPv6 masks whole."""
    if ":" not in mask:
        return mask or "32"
    return str(int(ipaddress.IPv6Address(mask)).bit_count())
