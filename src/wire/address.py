"""Addresses of nodes: which are the same, and which only this machine can reach."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether `host` can only be reached from this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_and_port(url: str) -> tuple[str, int | None] | None:
    """The host name and port in `url`; None when it is malformed."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port
    except ValueError:
        return None


def same_place(one: str, other: str) -> bool:
    """Whether two addresses are the same: on loopback the port tells."""
    a, b = host_and_port(one), host_and_port(other)
    if a is None or b is None or a[1] != b[1]:
        return False
    return a[0] == b[0] or (is_loopback(a[0]) and is_loopback(b[0]))
