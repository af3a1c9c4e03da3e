"""Finds the running node: --url, LOCAL_SWARM_PORT, the runtime file, the default port."""

from __future__ import annotations

from typing import Any

import httpx

from ..errors import UsageError
from ..settings import DEFAULT_HOST, DEFAULT_PORT, Settings
from ..wire import runtime
from ..wire.address import host_and_port, same_place
from ..wire.client import error_of, key_header, unreachable


def address(settings: Settings, url: str | None) -> str:
    """Where the node should be; whether one is there is another question."""
    if url:
        if not url.startswith(("http://", "https://")) or host_and_port(url) is None:
            raise UsageError(f"{url!r} is no address.", hint="Write http://127.0.0.1:17600.")
        return url.rstrip("/").removesuffix("/v1")
    if settings.port:
        return f"http://{DEFAULT_HOST}:{settings.port}"
    running = runtime.running(settings.nodes)
    return running[0].url if running else f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"


def owned(settings: Settings, url: str | None) -> runtime.Runtime | None:
    """The running node with its control token; None when no node is there. Raises UsageError for
    the node of somebody else."""
    where = address(settings, url)
    nodes = runtime.running(settings.nodes)
    running = next((node for node in nodes if same_place(node.url, where)), None)
    if running is None and fetch_status(where, settings.api_key) is not None:
        raise UsageError(
            f"The node at {where} was started by someone else, or could not write to its data "
            "folder: its control token is not here.",
            hint="Steer it, or stop it with Ctrl-C, where it runs.",
        )
    return running


def fetch_status(url: str, api_key: str | None) -> dict[str, Any] | None:
    """The status of the node at `url`; None when no node is there. Raises SwarmError."""
    try:
        response = httpx.get(
            f"{url}/swarm/status", headers=key_header(api_key), timeout=5, trust_env=False
        )
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError):
        return None
    if response.status_code != 200:
        raise error_of(response.status_code, response.content)
    try:
        status = response.json()
    except ValueError:
        raise unreachable(url) from None
    return status if isinstance(status, dict) and "engines" in status else None
