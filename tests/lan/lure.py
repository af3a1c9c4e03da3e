"""Announces a machine of ours at addresses that it does not have, as anybody on a LAN can:
python -m tests.lan.lure DEVICE_ID PORT ADDRESS..."""

from __future__ import annotations

import asyncio
import ipaddress
import sys

from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from local_swarm.network.discovery import SERVICE, short


async def main(device_id: str, port: int, places: list[str]) -> None:
    name = f"ls-{short(device_id)}"
    info = AsyncServiceInfo(
        SERVICE,
        f"{name}.{SERVICE}",
        port=port,
        addresses=[ipaddress.ip_address(place).packed for place in places],
        server=f"{name}-lure.local.",
    )
    zeroconf = AsyncZeroconf()
    await (await zeroconf.async_register_service(info, cooperating_responders=True))
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
