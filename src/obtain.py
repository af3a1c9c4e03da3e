"""Model files from where they are to the folder of models: the hub, an address, this disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .errors import FetchError, HubUnreachable
from .models.fetch import fetch, known_sha256, sha256_of
from .models.gguf import check_whole
from .models.hub import find
from .models.source import LocalSource, Source, Wanted, WebSource
from .models.store import Address, Remote, place
from .settings import Settings

if TYPE_CHECKING:
    from .network.shelf import Shelf

_LOG = logging.getLogger("local_swarm.network")
OnDownload = Callable[[str, int, int | None], None]  # file, bytes done, bytes in all if known


def download(settings: Settings, wanted: Remote | Address, on_download: OnDownload) -> Path:
    """The file on this disk, downloaded if need be. Raises FetchError, or HubUnreachable."""
    if settings.offline:
        raise HubUnreachable(
            "HF_HUB_OFFLINE is set, and the model is not on this machine.",
            hint="`local-swarm run --demo` needs no network, nor does the path of a GGUF file.",
        )
    if isinstance(wanted, Remote):
        file = find(settings.hub, settings.hub_token, wanted)
        source = file.source(settings.hub, settings.hub_token)
        return _bring(settings, source, file.wanted, file.repo, on_download)
    web = WebSource(wanted.url, wanted.file, _token(settings, wanted.url))
    folder = (urlsplit(wanted.url).hostname or "web").replace(":", "-")
    there = place(settings.models, folder, wanted.file)
    if there.is_file() and wanted.sha256 in (None, known_sha256(there)):
        return there
    facts = Wanted(wanted.file, web.look(), wanted.sha256)
    return _bring(settings, web, facts, folder, on_download)


def copy(settings: Settings, path: Path, on_download: OnDownload) -> Path:
    """A file of this disk in the folder of models; one that lies there already stays.

    Raises ModelFileError, or FetchError.
    """
    check_whole(path)
    if path.resolve().is_relative_to(settings.models.resolve()):
        return path
    facts = Wanted(path.name, path.stat().st_size, sha256_of(path))
    return _bring(settings, LocalSource(path), facts, "local", on_download)


def _bring(
    settings: Settings, source: Source, wanted: Wanted, folder: str, on_download: OnDownload
) -> Path:
    target = place(settings.models, folder, wanted.name)

    def progress(done: int, total: int | None) -> None:
        on_download(wanted.name, done, total)

    # What an earlier call has brought may be a peer's as well.
    begun = target.with_suffix(".partial").exists()
    first = _shelf(settings, source, wanted)
    try:
        return fetch(first or source, wanted, target, progress)
    except HubUnreachable:
        raise
    except FetchError:
        gave = first.gave if first else set()
        if not gave and not begun:
            raise
        if gave:
            _LOG.warning("of %s, what %s gave is damaged", wanted.name, ", ".join(sorted(gave)))
        return fetch(source, wanted, target, progress)  # all of it, from where its hash is known


def _shelf(settings: Settings, source: Source, wanted: Wanted) -> Shelf | None:
    """The file from paired machines first, where its hash is known from elsewhere."""
    if wanted.sha256 is None or wanted.size is None or isinstance(source, LocalSource):
        return None
    from .network.shelf import Shelf, doors

    found = doors(settings.lan)
    return Shelf(found, wanted.sha256.lower(), wanted.size, source) if found else None


def _token(settings: Settings, url: str) -> str | None:
    """The hub's token is shown to the hub alone."""
    hub, there = urlsplit(settings.hub), urlsplit(url)
    return settings.hub_token if (hub.scheme, hub.netloc) == (there.scheme, there.netloc) else None
