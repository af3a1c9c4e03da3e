"""Where the machine of an invitation may be, for `join`."""

from __future__ import annotations

import asyncio
import ipaddress

from ..settings import DEFAULT_PEER_PORT
from . import addresses, identity, pairing
from .code import Code
from .discovery import Discovery
from .pairing import Place

_FIND_S = 5.0  # a machine is heard of within 1.5 s where multicast works
_NEAR = range(DEFAULT_PEER_PORT, DEFAULT_PEER_PORT + 8)


async def places(code: Code, discovery: Discovery | None, own_port: int) -> list[Place]:
    """On this machine, where the usual ports are looked at, else wherever multicast DNS tells.

    A second node of this machine is kept as if its owner had typed where it is: what others tell of
    never leads to ourselves.
    """
    near = [addresses.join("127.0.0.1", port) for port in _NEAR if port != own_port]
    if found := await _shown(code, near):
        return [Place(found, listed=True)]
    if discovery is None:
        return []
    heard = await discovery.find(code.device, _FIND_S)
    links = addresses.links()
    ours = {link.ip.ip for link in links}
    result: dict[str, Place] = {}
    for address in heard:
        host, port = addresses.split(address)
        if ipaddress.ip_address(host.partition("%")[0]) in ours:
            if port != own_port:
                for one in (addresses.join("127.0.0.1", port), address):
                    result[one] = Place(one, listed=True)
            continue
        for one in await addresses.dialable(address, links, vouched=False):
            result[one] = Place(one)
    return list(result.values())


async def _shown(code: Code, near: list[str]) -> str | None:
    """Who of these shows the inviter's certificate. Nothing is sent to any."""
    seen = await asyncio.gather(*(pairing.shown(address) for address in near))
    for address, found in zip(near, seen, strict=True):
        if isinstance(found, bytes) and identity.device_id_of(found).startswith(code.device):
            return address
    return None
