"""What a machine does for its peers, and what it asks of them."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """`standalone` opens nothing beyond loopback. A `participant` asks its peers and answers them,
    a `provider` only answers; `headless` is a provider without page and API."""

    STANDALONE = "standalone"
    PARTICIPANT = "participant"
    PROVIDER = "provider"
    HEADLESS = "headless"

    @property
    def asks(self) -> bool:
        """Whether questions of this machine go to peers."""
        return self is Mode.PARTICIPANT
