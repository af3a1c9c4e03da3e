"""The line that pairs two machines: who invites, and a secret that works once."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import LanError, UsageError

VALID_S = 600.0
_TRIES, _WITHIN_S = 5, 60.0
_OPEN = 16  # invitations at once
_CODE = re.compile(r"LS1-([A-Z2-7]{26})-([A-Z2-7]{16})")


@dataclass(frozen=True, slots=True)
class Code:
    """`device` is the start of the inviter's id (130 bits of the hash of its certificate),
    `secret` 80 random bits."""

    device: str
    secret: str

    def __str__(self) -> str:
        return f"LS1-{self.device}-{self.secret}"


def parse(text: str) -> Code:
    """Raises UsageError for what is no code."""
    found = _CODE.fullmatch(text.strip().upper())
    if found is None:
        raise UsageError(
            "That is no code to join with.",
            hint="Run `local-swarm invite` on the other machine and copy the whole line.",
        )
    return Code(found[1], found[2])


class CodeRefused(LanError):
    """`status` is that of HTTP."""

    code = "code_refused"

    def __init__(self, status: int, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Invitations:
    """The secrets that are out. All of them are forgotten when the node ends."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: dict[str, tuple[float, bool]] = {}  # secret: until when, trusted
        self._wrong: deque[float] = deque(maxlen=_TRIES)

    def issue(self, device_id: str, *, trust: bool) -> Code:
        """A fresh code for this machine; of too many the oldest ends."""
        self._sweep()
        while len(self._open) >= _OPEN:
            del self._open[next(iter(self._open))]
        secret = base64.b32encode(secrets.token_bytes(10)).decode()
        self._open[secret] = (self._clock() + VALID_S, trust)
        return Code(device_id[:26], secret)

    def redeem(self, secret: str) -> bool:
        """Uses a secret up; whether its owner trusts who comes with it. Raises CodeRefused for one
        that is wrong, used or old, and for everybody after five of those within a minute."""
        self._sweep()
        now = self._clock()
        if len(self._wrong) == _TRIES and now - self._wrong[0] < _WITHIN_S:
            raise CodeRefused(429, "Too many wrong codes were tried.", "Wait a minute.")
        for known in self._open:
            if hmac.compare_digest(known.encode(), secret.encode()):
                return self._open.pop(known)[1]
        self._wrong.append(now)
        raise CodeRefused(
            403,
            "The code is wrong, was used already, or is older than 10 minutes.",
            "Get a new one with `local-swarm invite` on the other machine.",
        )

    def _sweep(self) -> None:
        now = self._clock()
        self._open = {secret: kept for secret, kept in self._open.items() if now < kept[0]}
