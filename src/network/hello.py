"""What a machine tells its peers of itself, and the two routes where it does.

`GET /peer/v1/health` is the poll. `POST /peer/v1/hello` opens an acquaintance: the caller tells
the same of itself, so that the one who was called knows where to call back, even where multicast
went one way only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import addresses
from .server import PEER

HELLO, HEALTH = "/peer/v1/hello", "/peer/v1/health"
OLDEST, NEWEST = 1, 1  # versions of the protocol that we speak


def _shown(text: str) -> str:
    """What is shown in a terminal and a page: without what would steer them."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


_Name = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_shown)]
_Count = Annotated[int, Field(ge=0, le=1 << 20)]


class Load(BaseModel):
    """Questions of all who ask: `running` and `waiting`. `free_in_s` is 0 while the machine takes
    peers' questions, else in how many seconds to ask again; `why` says what keeps it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    running: _Count = 0
    waiting: _Count = 0
    free_in_s: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0
    why: Annotated[str, Field(max_length=64), AfterValidator(_shown)] | None = None


class Health(BaseModel):
    """One machine as it is now. `port` is where it serves peers, `membership` the fingerprint of
    what it knows of who is a member (see `membership.fingerprint`), `tokens_per_s` what one
    question got lately, `clock` its Unix time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    oldest: _Count = OLDEST
    newest: _Count = NEWEST
    version: Annotated[str, Field(max_length=64), AfterValidator(_shown)] = ""
    port: Annotated[int, Field(gt=0, lt=65536)]
    models: Annotated[tuple[_Name, ...], Field(max_length=32)] = ()
    seats: Annotated[int, Field(ge=0, le=256)] = 0
    tokens_per_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    load: Load = Load()
    membership: Annotated[int, Field(ge=0, lt=1 << 53)] = 0
    clock: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @property
    def speaks(self) -> bool:
        """Whether it and we have a version of the protocol in common."""
        return self.oldest <= NEWEST and self.newest >= OLDEST


class Heard(Protocol):
    """Told of every call: who called, from which address it can be called back (None where that
    is not known), and what it said of itself (None for a poll)."""

    def __call__(self, id: str, address: str | None, health: Health | None) -> None: ...


def read(body: bytes) -> Health:
    """What another machine said. Raises ValueError for what is not to be understood."""
    try:
        return Health.model_validate_json(body)
    except ValidationError:
        raise ValueError("not the words of a machine of ours") from None


def routes(me: Callable[[], Health], heard: Heard) -> list[Route]:
    """For the peer port: answered from the event loop, whatever the engine does."""

    async def health(request: Request) -> Response:
        heard(_caller(request), None, None)
        return _told(me())

    async def hello(request: Request) -> Response:
        try:
            caller = read(await request.body())
        except ValueError as error:
            return _refused(400, "bad_hello", str(error))
        if not caller.speaks:
            told = f"it speaks {caller.oldest} to {caller.newest}, we {OLDEST} to {NEWEST}"
            return _refused(426, "version", told)
        heard(_caller(request), _address(request, caller.port), caller)
        return _told(me())

    return [Route(HEALTH, health, methods=["GET"]), Route(HELLO, hello, methods=["POST"])]


def _caller(request: Request) -> str:
    return str(request.scope[PEER])


def _address(request: Request, port: int) -> str | None:
    """Where the caller can be called back: from where it came, at the port it names."""
    if request.client is None:
        return None
    address = addresses.join(request.client.host, port)
    host, _ = addresses.split(address)
    # uvicorn does not tell on which link a link-local caller is
    return None if host.lower().startswith("fe80:") and "%" not in host else address


def _told(health: Health) -> Response:
    return Response(health.model_dump_json(), media_type="application/json")


def _refused(status: int, code: str, message: str) -> Response:
    body: dict[str, Any] = {"error": {"code": code, "message": message}}
    return JSONResponse(body, status)
