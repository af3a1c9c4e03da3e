"""The wire of chat completions, checked once at entry and turned into a ChatRequest."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..chat import ChatRequest, SwarmOptions
from ..errors import InvalidRequest
from .conversation import chosen, ordered

# What passes through to the engine untouched.
PASSED = (
    "temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "stop", "logit_bias",
    "presence_penalty", "frequency_penalty", "repeat_penalty", "repeat_last_n", "ignore_eos",
    "top_n_sigma", "xtc_probability", "xtc_threshold", "dry_multiplier", "dry_base",
    "dry_allowed_length", "dry_penalty_last_n", "mirostat", "mirostat_tau", "mirostat_eta",
    "samplers", "grammar", "json_schema", "chat_template_kwargs", "parallel_tool_calls",
)  # fmt: skip
MAX_SEATS = 64


class Loose(BaseModel):
    """Clients send what they like: unknown names are no error."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class Part(Loose):
    """A part of a message's content; the engine says which types it understands."""

    type: str = "text"
    text: str | None = None


class Message(Loose):
    """One message, in OpenAI's form."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    tool_calls: list[dict[str, Any]] | None = None


class Function(Loose):
    """A function that the model may call; `parameters` is a JSON schema."""

    name: str = Field(min_length=1)
    parameters: dict[str, Any] | None = None


class Tool(Loose):
    """A tool of the type `function`; other types are skipped."""

    type: str | None = "function"
    function: Function | None = None


class SwarmBody(Loose):
    """How the vote is held; all of it is optional."""

    seats: int | None = Field(None, ge=1, le=MAX_SEATS)
    strategy: str | None = None
    deadline_s: float | None = Field(None, gt=0, le=86400)
    early_stop: bool | None = None
    include_ballots: bool | None = None
    epsilon: float | None = Field(None, ge=0, le=0.5)
    by_confidence: bool | None = None
    waves: bool | None = None
    escalate: bool | None = None
    draft: bool | None = None
    scope: Literal["local", "lan"] | None = None
    local_only: bool | None = None


class StreamOptions(Loose):
    """OpenAI's stream options."""

    include_usage: bool | None = None


class ChatBody(Loose):
    """The body of POST /v1/chat/completions."""

    model: str | None = None
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=0)
    max_completion_tokens: int | None = Field(None, ge=0)
    n: int | None = Field(None, ge=1, le=MAX_SEATS)
    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, ge=0, le=1)
    seed: int | None = None
    stop: str | list[str] | None = None
    logit_bias: dict[str, bool | float] | list[list[Any]] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    grammar: str | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    tools: list[Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(None, ge=0, le=20)
    swarm: SwarmBody | None = None

    @field_validator("tools", mode="before")
    @classmethod
    def _functions(cls, value: Any) -> Any:
        """Tools of types that we do not know are skipped, whatever they look like."""
        if not isinstance(value, list):
            return value
        return [
            tool
            for tool in value
            if not isinstance(tool, dict) or (tool.get("type") or "function") == "function"
        ]

    @field_validator("response_format")
    @classmethod
    def _known_format(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        known = ("text", "json_object", "json_schema")
        if value is not None and value.get("type") not in known:
            raise ValueError(f"type must be one of {', '.join(known)}")
        if value is not None and value["type"] == "json_schema":  # else the engine takes any text
            inner = value.get("json_schema")
            if not isinstance(inner, dict) or not isinstance(inner.get("schema", {}), dict):
                raise ValueError(
                    'json_schema must be an object like {"name": ..., "schema": {...}}'
                )
        return value

    def request(self) -> ChatRequest:
        """The same in our own words. Raises InvalidRequest for what is not served."""
        if self.top_logprobs is not None and not self.logprobs:
            raise InvalidRequest(
                "top_logprobs needs logprobs.", param="top_logprobs", hint="Set logprobs to true."
            )
        offered = [_offered(tool) for tool in self.tools or () if tool.function]
        tools, choice = chosen(offered, self.tool_choice)
        limit = self.max_completion_tokens or self.max_tokens
        given = self.model_dump(exclude_none=True)
        swarm = self.swarm or SwarmBody.model_validate({})
        return ChatRequest(
            id=f"chatcmpl-{uuid.uuid4().hex}",
            messages=ordered([m.model_dump(exclude_none=True) for m in self.messages]),
            model=self.model or "local-swarm",
            tools=tools,
            tool_choice=choice,
            response_format=self.response_format,
            max_tokens=limit or None,
            top_logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            sampling={name: given[name] for name in PASSED if name in given},
            swarm=SwarmOptions(
                seats=swarm.seats,
                strategy=swarm.strategy,
                deadline_s=swarm.deadline_s,
                early_stop=swarm.early_stop is not False,
                include_ballots=bool(swarm.include_ballots),
                epsilon=swarm.epsilon or 0.0,
                by_confidence=bool(swarm.by_confidence),
                waves=swarm.waves,
                escalate=swarm.escalate,
                draft=bool(swarm.draft),
                scope=swarm.scope,
                local_only=bool(swarm.local_only),
            ),
        )


def _offered(tool: Tool) -> dict[str, Any]:
    """The tool with `properties`, even if there are none: chat templates look for them."""
    made = tool.model_dump(exclude_none=True)
    given = made["function"].get("parameters")
    if given is None:  # OpenAI: a function that takes nothing
        made["function"]["parameters"] = {"type": "object", "properties": {}}
    elif given.get("type", "object") == "object" and "properties" not in given:
        # The same schema, said in full: any object.
        whole = {"type": "object", "properties": {}, "additionalProperties": True}
        made["function"]["parameters"] = {**whole, **given}
    return made
