"""`local-swarm agent list` and `agent rm`: the tasks that are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..errors import UsageError
from ..tools import tasks, transcript
from ..tools.visible import visible
from .units import shown

_LONGEST = 50  # letters of a task


def listed(folder: Path, as_json: bool) -> None:
    """Prints what is kept in `folder`, the last first."""
    found = [tasks.past(task) for task in tasks.every(folder)]
    if as_json:
        print(json.dumps({"folder": str(folder), "tasks": [asdict(one) for one in found]}))
        return
    if not found:
        print('No task was done yet. Begin with: local-swarm agent "TASK"')
        return
    for one in found:
        state = "running" if one.running else one.ending or "broken off"
        words = visible(" ".join(one.begun.split()))
        words = words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
        print(f"{one.id}  {state:<10}  {shown(one.bytes):>8}  {words}")
        undo = f", {one.changed} changed: --undo {one.id}" if one.changed else ""
        print(f"    in {visible(one.workspace or '?')}{undo}")
    total = shown(sum(one.bytes for one in found))
    print(f"\n{len(found)} tasks, {total} in {folder}")
    print("Go on with one: local-swarm agent resume ID. Remove: local-swarm agent rm ID, or rm all")


def removed(folder: Path, names: Sequence[str], as_json: bool) -> None:
    """Removes tasks by their ids, or `all` that are not under way. Raises UsageError."""
    if not names:
        raise UsageError("Which task?", hint="local-swarm agent rm ID, or rm all; see agent list.")
    if list(names) == ["all"]:
        asked = [task for task in tasks.every(folder) if not tasks.past(task).running]
    else:
        asked = [transcript.find(folder, name) for name in dict.fromkeys(names)]
    for task in asked:
        tasks.remove(task)
    ids = [task.id for task in asked]
    if as_json:
        print(json.dumps({"removed": ids}))
    else:
        print(f"Removed: {', '.join(ids) or 'nothing'}. They cannot be undone or resumed any more.")
