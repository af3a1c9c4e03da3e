"""`POST /v1/agent`: a task done with tools on this machine. Served only with `--server-tools`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from ..capabilities import TaskRunner
from ..errors import SwarmError
from .answer import AnswerResponse
from .errors import fault_of, object_of
from .schema import Loose

_Event = Mapping[str, Any]


class TaskBody(Loose):
    """The body of POST /v1/agent."""

    task: str = Field(min_length=1)
    stream: bool | None = None


def routes(tasks: TaskRunner) -> APIRouter:
    """The route."""
    router = APIRouter()

    @router.post("/v1/agent", response_model=None)
    async def agent(body: TaskBody) -> AnswerResponse[_Event]:
        return AnswerResponse(lambda: tasks.work(body.task), _Wire(), stream=bool(body.stream))

    return router


class _Wire:
    """One object at the end, or every event as it comes. See answer.Wire."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self) -> None:
        self._acts: list[_Event] = []

    def whole(self, event: _Event) -> dict[str, Any] | None:
        """See Wire."""
        if event["event"] == "acted":
            self._acts.append(event)
        return {**event, "actions": self._acts} if event["event"] == "ended" else None

    def opened(self) -> str:
        """See Wire."""
        return ""

    def said(self, event: _Event) -> tuple[str, bool]:
        """See Wire."""
        done = "data: [DONE]\n\n" if event["event"] == "ended" else ""
        return f"data: {json.dumps(event)}\n\n{done}", True

    def alive(self, *, seen: bool) -> str:
        """See Wire."""
        return ": waiting\n\n"

    def broken(self, error: SwarmError) -> str:
        """See Wire."""
        return f"data: {json.dumps(object_of(fault_of(error), ''))}\n\n"
