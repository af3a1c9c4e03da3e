"""Programs that try to get out of the sandbox: tests/_hostile.py, behind every mechanism."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_swarm.errors import SandboxUnavailable
from local_swarm.tools import probe, system
from local_swarm.tools.policy import Limits, Outcome, Policy
from local_swarm.tools.sandbox import Mechanism, Sandbox

from ._hostile import CASES, DEADLY, PRELUDE, World, world

ROOT = Path(__file__).resolve().parents[1]
HERE = [each for each in Mechanism if (each == "sandbox-exec") == (sys.platform == "darwin")]
Results = dict[str, str]


@pytest.fixture(scope="module", params=HERE, ids=str)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Each mechanism that works on this machine."""
    try:
        return asyncio.run(probe.find((request.param,)))
    except SandboxUnavailable as error:
        pytest.skip(error.message)


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


def attempt(sandbox: Sandbox, cases: dict[str, str], told: str, workspace: Path) -> Outcome:
    program, needs = system.interpreter()
    policy = Policy(workspace, readable=needs, limits=Limits(seconds=60, output=200_000))
    command = [str(program), "-I", "-S", "-c", PRELUDE, told, json.dumps(cases)]
    return asyncio.run(sandbox.run(command, policy))


def read(stdout: bytes) -> Results:
    return {name: text for name, _, text in map(json.loads, stdout.splitlines())}


@pytest.fixture(scope="module")
def results(
    sandbox: Sandbox, around: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Results]:
    """What each case that leaves the others alone printed, all from one sandbox."""
    cases = {name: source for name, source in CASES.items() if name not in DEADLY}
    outcome = attempt(sandbox, cases, around.told, tmp_path_factory.mktemp("workspace"))
    around.check()
    yield read(outcome.stdout)


@pytest.mark.parametrize("case", [name for name in CASES if name not in DEADLY])
def test_no_way_out(results: Results, case: str) -> None:
    assert "ESCAPED" not in results[case]
    assert "a secret" not in results[case]
    assert not results[case].rstrip().endswith("False"), "the case itself is broken"


@pytest.mark.parametrize("case", DEADLY)
def test_killing_reaches_nobody_outside(
    sandbox: Sandbox, around: World, case: str, tmp_path: Path
) -> None:
    attempt(sandbox, {case: CASES[case]}, around.told, tmp_path)
    around.check()


def test_the_cases_work_where_nothing_stops_them(around: World, tmp_path: Path) -> None:
    """Those that harm nobody, without a sandbox: else the tests above could not fail."""
    harmless = (
        "reads a file outside",
        "follows its own symlink",
        "climbs by dots",
        "climbs by /proc/self/root",
        "climbs by another's root",
        "climbs by another's folder",
        "reads another's environment",
        "reads another's command line",
        "signals another",
        "reads memory across",
        "opens another by pidfd",
        "connects by IPv6",
        "gives itself a set-user-id program",
    )
    cases = json.dumps({name: CASES[name] for name in harmless})
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PRELUDE, around.told, cases],
        cwd=tmp_path,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    told = read(done.stdout)
    assert [name for name in harmless if "ESCAPED" not in told[name]] == []


DRIVER = """
import asyncio, json, sys
from pathlib import Path
from local_swarm.tools import probe, system
from local_swarm.tools.policy import Limits, Policy
from local_swarm.tools.sandbox import Mechanism
async def main():
    mechanism, prelude, told, cases, workspace = json.load(sys.stdin)
    found = await probe.report((Mechanism(mechanism),))
    if not found.mechanism:
        print(json.dumps([str(found.refused), ""]))
        return
    program, needs = system.interpreter()
    policy = Policy(Path(workspace), needs, limits=Limits(seconds=60, output=200000))
    command = [str(program), "-I", "-S", "-c", prelude, told, json.dumps(cases)]
    outcome = await (await probe.find((Mechanism(mechanism),))).run(command, policy)
    print(json.dumps(["", outcome.stdout.decode()]))
asyncio.run(main())
"""


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that others may enter, as they may not enter pytest's own."""
    with tempfile.TemporaryDirectory(prefix="local-swarm-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("mechanism", HERE, ids=str)
def test_it_holds_for_a_user_without_rights_too(mechanism: Mechanism, public: Path) -> None:
    python, become = shutil.which("python3", path="/usr/bin"), shutil.which("setpriv")
    if not python or not become:
        pytest.skip("there is no /usr/bin/python3 that everybody may run, or no setpriv")
    package = public / "package"
    shutil.copytree(ROOT / "src" / "tools", package / "local_swarm" / "tools")
    for name in ("__init__.py", "errors.py"):
        shutil.copy(ROOT / "src" / name, package / "local_swarm")
    workspace = public / "workspace"
    workspace.mkdir()
    nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    with world(public) as made:
        for path in (made.outside, made.outside / "secret", workspace):
            os.chown(path, 65534, 65534)
        cases = {name: CASES[name] for name in CASES if name not in DEADLY}
        done = subprocess.run(
            [become, *nobody, python, "-c", DRIVER],
            input=json.dumps([mechanism, PRELUDE, made.told, cases, str(workspace)]),
            capture_output=True,
            text=True,
            cwd="/",
            env={"PYTHONPATH": str(package), "PATH": "/usr/bin:/bin"},
            timeout=100,
        )
        assert done.returncode == 0, done.stderr
        refused, stdout = json.loads(done.stdout)
        if refused:
            pytest.skip(refused)
        told = read(stdout.encode())
        assert set(told) == set(cases)
        assert {name: text for name, text in told.items() if "ESCAPED" in text} == {}
        made.check()
