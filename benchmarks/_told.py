"""A node whose engine can be asked behind its back: python -m benchmarks._told FILE run MODEL ...

Writes the address and the key of the engine to FILE, which nobody else needs to read.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from local_swarm.backends.llama_http import LlamaHttp
from local_swarm.cli import main

_PROBE = LlamaHttp.probe


def _tell(file: Path) -> None:
    async def probe(http: LlamaHttp, birth: dict[str, Any]) -> None:
        await _PROBE(http, birth)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            json.dump({"url": http.url, "key": http.key}, out)

    LlamaHttp.probe = probe  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    _tell(Path(sys.argv.pop(1)))
    main()
