"""Who may steer the node: whoever can read the control token in the runtime file of its owner."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Header

from ..errors import ControlRefused

Control = Callable[..., None]


def by_token(token: str) -> Control:
    """A dependency of routes that raises ControlRefused without the header X-Control-Token."""

    def check(x_control_token: Annotated[str, Header()] = "") -> None:
        if not hmac.compare_digest(x_control_token.encode(), token.encode()):
            raise ControlRefused

    return check
