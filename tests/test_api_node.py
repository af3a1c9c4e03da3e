"""openai-node against a real node. It is stricter than openai-python: its helper throws where a
role, a type or a finish_reason never comes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import SUM, Running

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / ".cache" / "npm" / "node_modules"


def test_openai_node_gets_everything(node: Running) -> None:
    if not (shutil.which("node") and (MODULES / "openai").is_dir()):
        assert "LOCAL_SWARM_CI" not in os.environ
        pytest.skip("node or its package openai is not here (.ci/npm.txt)")
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("openai_node.cjs"))],
        env={**os.environ, "NODE_PATH": str(MODULES), "QUESTION": SUM,
             "BASE_URL": f"{node.url}/v1"},
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for name in ("plain", "streamed", "response"):
        assert told[name].endswith("Answer: 21"), name
    assert (told["verdict"], told["finish"], told["usage"]) == ("majority", "stop", True)
    assert told["sameDeltas"]
    assert told["call"]["name"] == "read_file"
    assert json.loads(told["call"]["arguments"]) == {"path": "notes.txt"}
    assert (told["callFinish"], told["loop"]) == ("tool_calls", "stop")
    assert told["unit"]
    assert len(set(told["dimensions"])) == 1
    assert told["dimensions"][0] > 100
    assert told["models"][0] == "local-swarm"
    assert told["error"] == [404, "model_not_found", "NotFoundError"]
