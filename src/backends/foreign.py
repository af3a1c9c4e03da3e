"""Finds out what serves at an address: the program, its models, their context. Loads nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import httpx

from ..errors import EngineUnavailable, ModelNotFound, UsageError
from ..wire.address import host_and_port, is_loopback
from ..wire.client import key_header
from .openai_wire import plain

# Ollama, vLLM and llama-cpp-python, LM Studio, llama-server and mlx_lm, LlamaFarm.
USUAL_PORTS = (11434, 8000, 1234, 8080, 14345)
_OWNERS = {
    "library": "Ollama",
    "vllm": "vLLM",
    "llamacpp": "llama-server",
    "local-swarm": "Local Swarm",
    "organization_owner": "LM Studio",
}
_QUICK_S = 1.0
_MOST = 8 << 20  # bytes of a list of models
_NAME = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """A model of a server; `context` in tokens, None where the server does not tell."""

    id: str
    context: int | None = None

    @property
    def name(self) -> str:
        """What the swarm calls it: a path is no name, nor is what a terminal would obey."""
        if not self.id.isprintable() or len(self.id) > _NAME:
            return plain(self.id)[:_NAME].strip() or "unnamed"
        if self.id.startswith("/") or "\\" in self.id or self.id.endswith(".gguf"):
            return PurePath(self.id.replace("\\", "/")).name.removesuffix(".gguf")
        return self.id


@dataclass(frozen=True, slots=True)
class Found:
    """A server at `url` (without /v1) and the models that it can answer with, its choice first.

    It is `sure` to be one where its list of models is OpenAI's, not just any list.
    """

    url: str
    kind: str
    models: tuple[Offer, ...]
    sure: bool = True

    def choose(self, wanted: str | None) -> Offer:
        """The model `wanted`, else the first. Raises ModelNotFound, EngineUnavailable."""
        if not self.models:
            raise EngineUnavailable(f"{self.kind} at {self.url} serves no model.")
        if wanted is None:
            return self.models[0]
        for model in self.models:
            if wanted in (model.id, model.name):
                return model
        raise ModelNotFound(wanted, [model.id for model in self.models[:12]])

    @property
    def is_ours(self) -> bool:
        """Whether it is a Local Swarm node, whose choices are groups of a vote."""
        return self.kind == "Local Swarm"


def base_of(url: str) -> str:
    """`url` without /v1 and what follows it. Raises UsageError for what is no address."""
    plain = url.strip()
    if "://" not in plain:
        plain = f"http://{plain}"
    where = host_and_port(plain)
    parts = urlsplit(plain)
    if where is None or not where[0] or parts.scheme not in ("http", "https") or parts.username:
        raise UsageError(f"{url!r} is no address.", hint="Write http://127.0.0.1:11434.")
    path = parts.path.rstrip("/").removesuffix("/chat/completions").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def leaves_the_machine(url: str) -> bool:
    """Whether questions to `url` go over a network."""
    where = host_and_port(url)
    return where is None or not is_loopback(where[0])


def inspect(url: str, key: str | None = None, timeout_s: float = 10.0) -> Found:
    """Asks the server at `url` what it is. Raises EngineUnavailable, UsageError."""
    base = base_of(url)
    try:
        with httpx.Client(headers=key_header(key), timeout=timeout_s, trust_env=False) as http:
            deadline = time.monotonic() + timeout_s
            status, told, to = _asked(http, f"{base}/v1/models", deadline)
            if status in (401, 403):
                raise EngineUnavailable(
                    f"The server at {base} wants an API key.", hint="Give it with --endpoint-key."
                )
            if to:
                raise EngineUnavailable(
                    f"{base} sends us on to {to}.", hint="Give the address of the server itself."
                )
            entries = told.get("data") if isinstance(told, dict) else None
            if status != 200 or not isinstance(entries, list):
                raise EngineUnavailable(
                    f"What answers at {base} speaks no OpenAI API (/v1/models: status {status}).",
                    hint="Give the address of the server, like http://127.0.0.1:11434.",
                )
            entries = [entry for entry in entries if isinstance(entry, dict) and entry.get("id")]
            kind = _kind(entries)
            asks = kind == "llama-server"
            slot = _asked(http, f"{base}/props", deadline)[1] if asks else None
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            raise _silent(base, error) from None
        raise EngineUnavailable(
            f"The certificate of {base} is not trusted: {_why(error)}.",
            hint="Give it one of a known authority; in your own network http:// works too.",
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise _silent(base, error) from None
    models = [Offer(str(entry["id"]), _context(entry, slot)) for entry in entries]
    sure = told.get("object") == "list" or any(one.get("object") == "model" for one in entries)
    return Found(base, kind, tuple(sorted(models, key=lambda model: _last(model, kind))), sure)


def _silent(base: str, error: Exception) -> EngineUnavailable:
    told = plain(str(error)) or type(error).__name__
    return EngineUnavailable(
        f"No server answers at {base}: {told.rstrip('.')}.",
        hint="Is it running? Check the address.",
    )


def _why(error: Exception) -> str:
    """What is wrong with a certificate: "... failed: self-signed certificate (_ssl.c:1006)"."""
    return str(error).rpartition("failed: ")[2].partition(" (_ssl")[0]


def _asked(http: httpx.Client, url: str, deadline: float) -> tuple[int, Any, str | None]:
    """Status, JSON (None where it is none) and the address that a redirect tells. Whatever listens
    there may talk without end: raises ReadTimeout then."""
    said = b""
    with http.stream("GET", url) as response:
        for chunk in response.iter_bytes():
            said += chunk
            if len(said) > _MOST or time.monotonic() > deadline:
                raise httpx.ReadTimeout("its answer has no end")
    to = response.headers.get("location") if response.is_redirect else None
    try:
        told = json.loads(said)
    except (ValueError, RecursionError):
        told = None
    return response.status_code, told, to and plain(to)[:200]


def adopt(ports: Sequence[int] = USUAL_PORTS, besides: Sequence[int] = ()) -> list[Found]:
    """The servers on the usual loopback ports. Local Swarm nodes are left alone: two that adopt
    each other would ask in a circle."""

    def look(port: int) -> Found | None:
        try:
            found = inspect(f"http://127.0.0.1:{port}", timeout_s=_QUICK_S)
            return found if found.sure else None
        except (EngineUnavailable, UsageError):
            return None

    wanted = [port for port in ports if port not in besides]
    with ThreadPoolExecutor(len(USUAL_PORTS)) as pool:
        found = list(pool.map(look, wanted))
    return [one for one in found if one and one.models and not one.is_ours]


def _kind(entries: list[dict[str, Any]]) -> str:
    owners = {str(entry.get("owned_by")) for entry in entries}
    return next((_OWNERS[one] for one in sorted(owners) if one in _OWNERS), "OpenAI-compatible")


def _context(entry: dict[str, Any], props: Any) -> int | None:
    """Tokens of context by what vLLM, LM Studio, llama-server and Local Swarm say of it."""
    meta = entry.get("meta") if isinstance(entry.get("meta"), dict) else {}
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    told = [
        settings.get("n_ctx") if isinstance(settings, dict) else None,
        entry.get("max_model_len"),
        entry.get("max_context_length"),
        entry.get("context_length"),
        (meta or {}).get("n_ctx"),
    ]
    return next((size for size in told if isinstance(size, int) and size > 0), None)


def _last(model: Offer, kind: str) -> bool:
    """What answers no chat comes last, and the names by which a node of ours holds votes."""
    ours = kind == "Local Swarm" and model.id.startswith("local-swarm")
    return ours or "embed" in model.id.lower() or "rerank" in model.id.lower()
