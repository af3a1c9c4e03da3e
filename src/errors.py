"""Every error that Local Swarm raises on purpose, drawn once.

SwarmError                      has a message, a stable code and a hint: what to do next
├── UsageError                  the caller asked for something impossible (CLI exit code 2)
│   ├── InvalidRequest          a request body that cannot be served        (HTTP 400)
│   │   └── ContextOverflow     the prompt is longer than the context       (HTTP 400)
│   ├── ControlRefused          no control token, or a wrong one            (HTTP 403)
│   ├── ModelNotFound           no model of that name                       (HTTP 404)
│   └── ModelFileError          a model file is missing, truncated, no GGUF
├── EngineError                 the engine failed                           (HTTP 500)
│   ├── EngineUnavailable       it is loading, dead or stopped              (HTTP 503)
│   └── NoAnswer                nobody finished before the deadline         (HTTP 503)
├── QueueFull                   too many requests wait already              (HTTP 429)
├── PortTaken                   another program listens on the port
├── FetchError                  a model could not be downloaded
│   └── HubUnreachable          there is no network, or the hub does not answer
├── SandboxUnavailable          there is no sandbox, so a command was not run
├── ToolError                   a tool could not do what a model asked of it
├── LanError                    identity, peers or pairing failed           (HTTP 502)
└── NodeUnreachable             no running node answers

HTTP status codes are chosen in api/errors.py alone, exit codes in cli/ alone.
"""

from __future__ import annotations


class SwarmError(Exception):
    """Base of all: `str(error)` is one sentence, `hint` says what to do next (or is empty)."""

    code = "internal_error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def full(self) -> str:
        """The message and the hint in one line."""
        return f"{self.message} {self.hint}".strip()


class UsageError(SwarmError):
    code = "usage_error"


class InvalidRequest(UsageError):
    code = "invalid_request"

    def __init__(self, message: str, *, param: str | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.param = param


class ContextOverflow(InvalidRequest):
    """A prompt of `prompt_tokens` tokens does not fit a context of `context` tokens."""

    code = "context_length_exceeded"

    def __init__(self, prompt_tokens: int, context: int) -> None:
        super().__init__(
            f"This model's maximum context length is {context} tokens. "
            f"However, your messages resulted in {prompt_tokens} tokens, "
            "which exceeds the available context size.",
            param="messages",
            hint="Shorten the messages, or start the node with a larger --context.",
        )
        self.prompt_tokens = prompt_tokens
        self.context = context


class ControlRefused(UsageError):
    code = "forbidden_control"

    def __init__(self) -> None:
        super().__init__(
            "The control token is missing or wrong; `local-swarm` commands of the node's owner "
            "know it."
        )


class ModelNotFound(UsageError):
    code = "model_not_found"

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(
            f"The model '{name}' does not exist here.", hint=f"There are: {', '.join(known)}."
        )
        self.name = name


class ModelFileError(UsageError):
    code = "model_file_error"


class EngineError(SwarmError):
    code = "engine_error"


class EngineUnavailable(EngineError):
    code = "engine_unavailable"


class NoAnswer(EngineError):
    code = "no_answer"


class QueueFull(SwarmError):
    """`waiting` requests wait, all of one client with `own`; try again in `retry_s` seconds."""

    code = "queue_full"

    def __init__(self, waiting: int, *, retry_s: float = 2.0, own: bool = False) -> None:
        self.retry_s = min(60, max(1, round(retry_s)))
        whose = " of this client" if own else ""
        again = "in a few seconds" if self.retry_s < 5 else f"in {self.retry_s} seconds"
        super().__init__(f"{waiting} requests{whose} wait already.", hint=f"Try again {again}.")


class PortTaken(SwarmError):
    code = "port_taken"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} on {host} is taken by another program.",
            hint="Choose one with --port N, or --port 0 for any free one "
            "(`local-swarm status` tells whether a node runs already).",
        )


class FetchError(SwarmError):
    code = "fetch_error"


class HubUnreachable(FetchError):
    code = "hub_unreachable"


class NodeUnreachable(SwarmError):
    code = "node_unreachable"


class ToolError(SwarmError):
    """A tool's failure, in words for the model that called it."""

    code = "tool_error"

    @property
    def result(self) -> str:
        """What goes back to the model as the tool's result."""
        return f"error: {self.full}"


class LanError(SwarmError):
    code = "lan_error"


class SandboxUnavailable(SwarmError):
    """`what` is the sandbox that could not be set up, `why` what the system said."""

    code = "sandbox_unavailable"

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"There is no {what} to run a command in: {why}.",
            hint="`local-swarm doctor` says what is missing; nothing was run.",
        )
