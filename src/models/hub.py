"""The model hub: which file of a repository is meant.

Its wire is Hugging Face's: /api/models/{repo}/tree/main and /{repo}/resolve/main/{file}.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..errors import FetchError, HubUnreachable
from .source import Wanted, WebSource, client, raise_for
from .store import Remote

if TYPE_CHECKING:
    import httpx

_OFFLINE = "`local-swarm run --demo` needs no network."


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository; `sha256` is None where the hub does not tell it."""

    repo: str
    path: str
    size: int
    sha256: str | None

    @property
    def wanted(self) -> Wanted:
        """What must arrive."""
        return Wanted(self.path, self.size, self.sha256)

    def source(self, hub: str, token: str | None) -> WebSource:
        """Where it can be had."""
        return WebSource(f"{hub}/{self.repo}/resolve/main/{quote(self.path)}", self.path, token)


def find(hub: str, token: str | None, remote: Remote) -> HubFile:
    """Asks the hub for the file that `remote` means. Raises HubUnreachable or FetchError."""
    with client(token, hub) as http:
        entries = _tree(_send(http, f"/api/models/{remote.repo}/tree/main?recursive=1"))
    found = [entry for entry in entries if _matches(str(entry.get("path", "")), remote)]
    if not found:
        names = [e["path"] for e in entries if str(e.get("path", "")).endswith(".gguf")]
        raise FetchError(
            f"{remote.repo} has no single GGUF file for {remote.file or remote.quant}.",
            hint=f"There are: {', '.join(names[:12]) or 'none'}.",
        )
    entry = min(found, key=lambda e: len(e["path"]))
    lfs = entry.get("lfs")
    sha256 = lfs.get("oid") if isinstance(lfs, dict) else None
    return HubFile(remote.repo, entry["path"], entry["size"], sha256)


def _matches(path: str, remote: Remote) -> bool:
    if (
        not path.isprintable()
        or not path.endswith(".gguf")
        or "-of-0" in path
        or "mmproj" in path.lower()
    ):
        return False
    if remote.file is not None:
        return path == remote.file
    stem = Path(path).stem.lower()
    return stem.endswith((f"-{remote.quant.lower()}", f".{remote.quant.lower()}"))


def _tree(response: httpx.Response) -> list[dict[str, Any]]:
    """The files of a repository; a login page of a café's network is no such list."""
    try:
        entries = response.json()
        if all(isinstance(e["path"], str) and e.get("size", 0) >= 0 for e in entries):
            return [{"size": 0, **entry} for entry in entries]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise HubUnreachable("What answers in the hub's place is no model hub.")


def _send(http: httpx.Client, path: str) -> httpx.Response:
    import httpx

    try:
        response = http.get(path)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise HubUnreachable(f"The model hub does not answer ({error}).", hint=_OFFLINE) from None
    raise_for(response, path.split("/tree")[0].removeprefix("/api/models/"))
    return response
