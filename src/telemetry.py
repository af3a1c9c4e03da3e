"""OpenTelemetry traces, for who runs a collector: a span a chat, never a word of it.

Off unless asked for (`run --telemetry URL`), and an extra: `pip install local-swarm[telemetry]`.
Names of attributes follow OpenTelemetry's conventions for generative AI where these have one;
times are the exporter's, counts are tokens or seats.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from . import __version__
from .chat import ChatRequest, Done, Event, Responder
from .errors import SwarmError, UsageError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_FLUSH_MS = 3000


@contextlib.contextmanager
def traced(url: str) -> Iterator[Callable[[Responder], Responder]]:
    """Gives what puts tracing before a responder; spans go to the OTLP collector at `url`, by
    HTTP, in the background. What is left is sent at the end, for 3 seconds at most.

    Raises UsageError where the extra is not installed, or `url` is none.
    """
    if not url.startswith(("http://", "https://")):
        raise UsageError(
            f"{url} is no address of a collector.", hint="Give one like http://127.0.0.1:4318."
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise UsageError(
            "--telemetry needs OpenTelemetry.", hint="pip install 'local-swarm[telemetry]'"
        ) from None
    # Only this: the SDK's own detectors would add the machine's name and the command line.
    resource = Resource({"service.name": "local-swarm", "service.version": __version__})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces", timeout=_FLUSH_MS / 1000)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("local_swarm", __version__)
    try:
        yield lambda responder: Traced(responder, tracer)
    finally:
        provider.force_flush(_FLUSH_MS)
        provider.shutdown()


class Traced:
    """A Responder that leaves a span for every request of the one behind it."""

    def __init__(self, responder: Responder, tracer: Tracer) -> None:
        self._responder, self._tracer = responder, tracer

    async def respond(self, request: ChatRequest) -> AsyncIterator[Event]:
        """See Responder.respond."""
        span = self._tracer.start_span(f"chat {request.model}")
        span.set_attributes(
            {"gen_ai.operation.name": "chat", "gen_ai.request.model": request.model}
        )
        ended = "cancelled"  # where nothing else is said, the caller left
        try:
            events: Any = self._responder.respond(request)
            async with aclosing(events):
                async for event in events:
                    if isinstance(event, Done):
                        ended = ""
                        _tell(span, event)
                    yield event
        except SwarmError as error:
            ended = type(error).__name__
            raise
        finally:
            if ended:
                _failed(span, ended)
            span.end()


def _tell(span: Span, done: Done) -> None:
    verdict, winner = done.verdict, done.verdict.winner
    span.set_attributes(
        {
            "gen_ai.response.model": winner.model if winner else "",
            "gen_ai.response.finish_reasons": (done.finish.value,),
            "gen_ai.usage.input_tokens": verdict.prompt_tokens,
            "gen_ai.usage.output_tokens": winner.tokens if winner else 0,
            "local_swarm.status": verdict.status.value,
            "local_swarm.strategy": verdict.strategy,
            "local_swarm.kind": verdict.kind,
            "local_swarm.share": verdict.share,
            "local_swarm.seats": verdict.asked,
            "local_swarm.ballots": verdict.cast,
            "local_swarm.cancelled": verdict.cancelled,
            "local_swarm.abstained": verdict.abstained,
            "local_swarm.machines": verdict.machines,
            "local_swarm.rounds": len(verdict.rounds),
            "local_swarm.tokens.total": verdict.total_tokens,
            "local_swarm.tokens.saved": verdict.saved_tokens,
        }
    )


def _failed(span: Span, kind: str) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_attribute("error.type", kind)
    if kind != "cancelled":
        span.set_status(Status(StatusCode.ERROR))
