"""`local-swarm pull`: a model's file, brought to this disk and checked."""

from __future__ import annotations

import json

from rich.console import Console

from .. import settings as configuration
from ..choose import pull
from ..models.fetch import known_sha256
from .progress import downloads
from .units import shown


def pull_command(model: str | None, as_json: bool) -> None:
    """See machine.pull."""
    console = Console(highlight=False, soft_wrap=True, markup=False, stderr=as_json)
    settings = configuration.read()
    came = False
    with downloads(console) as bar:

        def on_download(file: str, done: int, total: int | None) -> None:
            nonlocal came
            came = True
            bar(file, done, total)

        path = pull(settings, model, on_download)
    digest, size = known_sha256(path), path.stat().st_size
    if as_json:
        told = {"file": str(path), "name": path.stem, "bytes": size, "sha256": digest}
        print(json.dumps(told | {"downloaded": came}, ensure_ascii=False))
        return
    console.print(f"{'Here now' if came else 'It is here already'}: {path} ({shown(size)})")
    if digest:
        console.print(f"SHA-256 {digest}")
    console.print(f"Serve it: local-swarm run {model or path.stem}")
