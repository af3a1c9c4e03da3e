"""Downloads a model file: resumed where it broke off, checked, and never half there.

The hub's wire is Hugging Face's: /api/models/{repo}/tree/main and /{repo}/resolve/main/{file}.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FetchError, HubUnreachable
from .store import Remote, place

if TYPE_CHECKING:
    import httpx

OnProgress = Callable[[int, int], None]  # bytes done, bytes in all
_CHUNK = 1 << 20
_TRIES = 5


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository; `sha256` is None where the hub does not tell it."""

    repo: str
    path: str
    size: int
    sha256: str | None


def find(hub: str, token: str | None, remote: Remote) -> HubFile:
    """Asks the hub for the file that `remote` means. Raises HubUnreachable or FetchError."""
    with _client(hub, token) as client:
        response = _send(client, f"/api/models/{remote.repo}/tree/main?recursive=1")
        entries = _tree(response)
    found = [entry for entry in entries if _matches(str(entry.get("path", "")), remote)]
    if not found:
        names = [e["path"] for e in entries if str(e.get("path", "")).endswith(".gguf")]
        raise FetchError(
            f"{remote.repo} has no single GGUF file for {remote.file or remote.quant}.",
            hint=f"There are: {', '.join(names[:12]) or 'none'}.",
        )
    entry = min(found, key=lambda e: len(e["path"]))
    return HubFile(
        remote.repo, entry["path"], int(entry["size"]), (entry.get("lfs") or {}).get("oid")
    )


def _matches(path: str, remote: Remote) -> bool:
    if not path.endswith(".gguf") or "-of-0" in path or "mmproj" in path.lower():
        return False
    if remote.file is not None:
        return path == remote.file
    stem = Path(path).stem.lower()
    return stem.endswith((f"-{remote.quant.lower()}", f".{remote.quant.lower()}"))


def fetch(hub: str, token: str | None, file: HubFile, models: Path, progress: OnProgress) -> Path:
    """Brings `file` to disk and returns its path; a file that is there already is not asked for.

    The bytes go to `NAME.partial`, which a later call goes on with; only a whole and verified
    file gets its name. Raises HubUnreachable, or FetchError (no space, wrong checksum).
    """
    target = place(models, file.repo, file.path)
    if target.is_file() and target.stat().st_size == file.size:
        return target
    partial = target.with_suffix(".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        have = partial.stat().st_size if partial.exists() else 0
        free = shutil.disk_usage(target.parent).free
        if file.size - have > free:
            raise FetchError(
                f"{file.path} needs {file.size - have:,} bytes, {free:,} are free on the disk.",
                hint="Free some space, or choose a smaller model.",
            )
        with _client(hub, token) as client:
            for attempt in range(_TRIES):
                try:
                    _pull(client, file, partial, progress)
                    break
                except HubUnreachable:
                    if attempt == _TRIES - 1:
                        raise
        _verify(file, partial)
        partial.replace(target)
    except OSError as error:
        raise FetchError(f"{target} cannot be written: {error.strerror}.") from None
    return target


def _pull(client: httpx.Client, file: HubFile, partial: Path, progress: OnProgress) -> None:
    import httpx

    with partial.open("ab") as out:
        have = out.tell()
        if have >= file.size:
            return
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with client.stream(
                "GET", f"/{file.repo}/resolve/main/{file.path}", headers=headers
            ) as response:
                _raise_for(response, file.path)
                if response.status_code == 200 and have:  # this server does not resume
                    out.truncate(0)
                    have = 0
                for chunk in response.iter_bytes(_CHUNK):
                    out.write(chunk)
                    have += len(chunk)
                    progress(have, file.size)
        except httpx.HTTPError as error:
            raise HubUnreachable(f"The download broke off: {error}.", hint=_AGAIN) from None
        out.flush()
        os.fsync(out.fileno())
        if have < file.size:
            raise HubUnreachable("The download broke off.", hint=_AGAIN)


_OFFLINE = "`local-swarm run --demo` needs no network."
_AGAIN = "Run the same command again: it goes on where it stopped."


def _verify(file: HubFile, partial: Path) -> None:
    digest = hashlib.sha256()
    with partial.open("rb") as data:
        while block := data.read(_CHUNK):
            digest.update(block)
    size = partial.stat().st_size
    if size != file.size or (file.sha256 and digest.hexdigest() != file.sha256):
        partial.unlink()
        raise FetchError(f"{file.path} arrived damaged.", hint="Run the same command again.")


def _client(hub: str, token: str | None) -> httpx.Client:
    import httpx

    from .. import __version__

    headers = {"User-Agent": f"local-swarm/{__version__}"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    timeout = httpx.Timeout(30, connect=4)
    try:
        return httpx.Client(base_url=hub, headers=headers, timeout=timeout, follow_redirects=True)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # a proxy that is not understood
        raise HubUnreachable(f"The model hub cannot be asked: {error}.") from None


def _tree(response: httpx.Response) -> list[dict[str, Any]]:
    """The files of a repository; a login page of a café's network is no such list."""
    try:
        entries = response.json()
        if all(isinstance(e["path"], str) and isinstance(e.get("size", 0), int) for e in entries):
            return list(entries)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise HubUnreachable("What answers in the hub's place is no model hub.")


def _send(client: httpx.Client, path: str) -> httpx.Response:
    import httpx

    try:
        response = client.get(path)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise HubUnreachable(f"The model hub does not answer ({error}).", hint=_OFFLINE) from None
    _raise_for(response, path.split("/tree")[0].removeprefix("/api/models/"))
    return response


def _raise_for(response: httpx.Response, what: str) -> None:
    if response.status_code in (401, 403, 404):
        raise FetchError(
            f"The model hub has no public {what}.",
            hint="Check the name; HF_TOKEN opens gated ones.",
        )
    if response.status_code >= 500:
        raise HubUnreachable(f"The model hub answers {response.status_code}.")
    if response.status_code >= 400:
        raise FetchError(f"The model hub answers {response.status_code} for {what}.")
