"""Which parts of the machine a sandboxed command may read: no one's own files."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

_SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
    "/run/current-system/sw",
)  # fmt: skip
_SETTINGS = (
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload", "ld-musl-x86_64.path",
    "alternatives", "passwd", "group", "nsswitch.conf", "localtime", "timezone", "mime.types",
    "ssl/certs", "ssl/openssl.cnf", "ca-certificates", "pki/tls/certs", "pki/ca-trust",
)  # fmt: skip
_NETWORK = ("resolv.conf", "hosts", "host.conf", "gai.conf", "services", "protocols")
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin"
DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))


def readable(*, network: bool) -> list[Path]:
    """Programs, libraries and the few settings that they need; symlinks not yet followed."""
    names = (*_SETTINGS, *(_NETWORK if network else ()))
    return [Path(each) for each in _SYSTEM] + [Path("/etc", name) for name in names]


def interpreter() -> tuple[Path, tuple[Path, ...]]:
    """A Python for sandboxed programs (real path), and what it must be able to read.

    It is the one below our virtual environment: none of our packages, and none of the user's.
    """
    program = Path(getattr(sys, "_base_executable", "") or sys.executable).resolve()
    base = Path(sys.base_prefix).resolve()
    if base == Path("/usr"):
        return program, ()
    if not Path.home().resolve().is_relative_to(base):
        return program, (base,)
    library = Path(sysconfig.get_config_var("LIBDIR") or base / "lib")
    shared = tuple(library.glob("libpython*"))
    return program, (program, Path(sysconfig.get_path("stdlib")).resolve(), *shared)


def mapped(paths: Iterable[Path]) -> tuple[list[str], dict[str, str]]:
    """The real paths of those that exist, outer ones alone, and the symlinks that lead there."""
    real: set[Path] = set()
    links: dict[str, str] = {}
    for path in paths:
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            continue
        if target != path:
            links[str(path)] = str(target)
        real.add(target)
    outer = [path for path in real if real.isdisjoint(path.parents)]
    return sorted(map(str, outer)), links
