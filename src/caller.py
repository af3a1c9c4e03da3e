"""Who asks: said by whoever takes a request in, read by the queue in front of an engine alone."""

from __future__ import annotations

from contextvars import ContextVar

# Any text that tells clients apart. Tasks that a request starts inherit it.
caller: ContextVar[str] = ContextVar("caller", default="")
