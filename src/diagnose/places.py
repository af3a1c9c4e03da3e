"""Stages about what lies around the engine: port, disk, files on it, and the hub."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from ..errors import ModelFileError
from ..hardware.numbers import GIB
from ..models.gguf import read_spec
from ..models.store import downloaded
from ..settings import DEFAULT_HOST, DEFAULT_PORT, Settings
from ..wire import runtime
from .check import Check, State

_LITTLE, _NOTHING = 5 * GIB, GIB // 4
_HUB_S = 8.0


async def port(settings: Settings) -> AsyncIterator[Check]:
    """Whether a node could listen where it is expected, or does already."""
    number = settings.port or DEFAULT_PORT
    url = f"http://{DEFAULT_HOST}:{number}"
    if any(node.url == url for node in runtime.running(settings.nodes)):
        yield Check("port", State.OK, f"a node of yours runs at {url}")
        return
    try:
        server = await asyncio.start_server(lambda *_: None, DEFAULT_HOST, number)
    except OSError as error:
        told = f"{DEFAULT_HOST}:{number} cannot be listened on ({error.strerror or error})"
        advice = "Choose another: `local-swarm run --port 0` takes any free one."
        yield Check("port", State.FAIL, told, advice)
        return
    server.close()
    await server.wait_closed()
    yield Check("port", State.OK, f"{DEFAULT_HOST}:{number} is free")


async def disk(settings: Settings) -> AsyncIterator[Check]:
    """Room for models, and whether the folders can be written."""
    models = settings.models
    there = next(folder for folder in (models, *models.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    told = f"{free / GIB:.1f} GiB free for models in {models}"
    if free < _NOTHING:
        advice = "Free some space: even small models need 0.5 GiB; the demo model needs none."
        yield Check("disk", State.FAIL, told, advice)
    elif free < _LITTLE:
        advice = "Small models fit (0.5 to 3 GiB); free some space for larger ones."
        yield Check("disk", State.WARN, told, advice)
    else:
        yield Check("disk", State.OK, told)
    for what, folder in (("models", models), ("state", settings.state)):
        if fault := _unwritable(folder):
            advice = "Give it to your user, or set LOCAL_SWARM_HOME to a folder of yours."
            yield Check(what, State.WARN, fault, advice)


def _unwritable(folder: Path) -> str | None:
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror})"


async def files(settings: Settings) -> AsyncIterator[Check]:
    """The models on disk: their headers are read, their bytes are not (`models verify` does)."""
    paths = downloaded(settings.models)
    bad = []
    for path in paths:
        try:
            await asyncio.to_thread(read_spec, path)
        except ModelFileError as error:
            if "embeddings" not in error.message:
                bad.append(path.name)
    begun = sorted(settings.models.glob("*/*.partial")) if settings.models.is_dir() else []
    told = f"{len(paths)} downloaded"
    if begun:
        told += f", {len(begun)} begun (the same command goes on with it)"
    if bad:
        told += f", damaged: {', '.join(bad[:5])}"
        yield Check("files", State.WARN, told, "Delete what is damaged and download it again.")
    else:
        yield Check("files", State.OK, told)


async def hub(settings: Settings) -> AsyncIterator[Check]:
    """Whether models can be downloaded. A node needs that once, or not at all."""
    offline = "Models on this disk and `local-swarm run --demo` work all the same."
    if settings.offline:
        yield Check("hub", State.SKIP, "HF_HUB_OFFLINE is set", offline)
        return
    proxy = "Is there a proxy? HTTPS_PROXY is honoured; HF_ENDPOINT names a mirror. " + offline
    try:
        async with httpx.AsyncClient(timeout=_HUB_S, follow_redirects=True) as client:
            response = await client.get(f"{settings.hub}/api/models?limit=1")
        models = response.json() if response.status_code == 200 else None
    except (httpx.HTTPError, httpx.InvalidURL, ImportError, ValueError) as error:
        told = f"the model hub does not answer ({type(error).__name__})"
        yield Check("hub", State.WARN, told, proxy)
        return
    if isinstance(models, list):
        yield Check("hub", State.OK, "the model hub answers")
    else:
        told = f"what answers in the hub's place is none (status {response.status_code})"
        yield Check("hub", State.WARN, told, proxy)
