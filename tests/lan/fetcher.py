"""Fetches a model file from the peers of its host, and says which files have which names then:
python -m tests.lan.fetcher LAN_FOLDER TARGET SHA256 SIZE

For each line of JSON on its standard input: {"why": null or what went wrong, "found": the SHA-256
of the file under its name, or null}. What was found is removed for the next time.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local_swarm.errors import HubUnreachable, SwarmError
from local_swarm.models.fetch import fetch
from local_swarm.models.source import Stream, Wanted
from local_swarm.network import shelf


class _Nowhere:
    """There is no internet here."""

    @contextmanager
    def fetch(self, start: int) -> Iterator[Stream]:
        raise HubUnreachable("There is no internet here.")
        yield


def _done(folder: Path, target: Path, wanted: Wanted) -> dict[str, Any]:
    assert wanted.sha256 and wanted.size
    why = None
    try:
        source = shelf.Shelf(shelf.doors(folder), wanted.sha256, wanted.size, _Nowhere())
        fetch(source, wanted, target, lambda *_: None, 0.0)
    except SwarmError as error:
        why = error.message
    found = hashlib.sha256(target.read_bytes()).hexdigest() if target.exists() else None
    target.unlink(missing_ok=True)
    return {"why": why, "found": found}


if __name__ == "__main__":
    shelf.RANGE = 1 << 20  # so that one file comes from several
    shelf._READ_S = 3.0
    folder, target = Path(sys.argv[1]), Path(sys.argv[2])
    wanted = Wanted(target.name, int(sys.argv[4]), sys.argv[3])
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(_done(folder, target, wanted)), flush=True)
