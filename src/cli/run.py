"""`local-swarm run`: prints hardware, plan and progress, then serves."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from .. import settings as configuration
from ..backends.care import Care
from ..backends.tuning import Tuning
from ..choose import Wish
from ..enlist import Enlisted, Named, enlist
from ..errors import UsageError
from ..models.catalog import DEMO
from ..network.lan import Lan, LanConfig, place
from ..network.mode import Mode
from ..node import Vote
from ..obtain import OnDownload
from ..serve import Listen, bind
from ..swarm.strategies import check
from ..telemetry import traced
from ..tools.service import ServerTools, policy_in
from ..wire.address import is_loopback
from .meanwhile import Coming, without_notices
from .progress import downloads
from .serving import Service


@dataclass(frozen=True, slots=True)
class LanFlags:
    """See LanConfig; without a port the settings tell it."""

    mode: Mode
    host: str
    port: int | None
    discover: bool
    listed: Sequence[str] = ()
    scope: str = "lan"

    def config(self, settings: configuration.Settings) -> LanConfig:
        """With what the flags leave open."""
        port = self.port if self.port is not None else settings.peer_port
        port = port if port is not None else configuration.DEFAULT_PEER_PORT
        listed = tuple(place(at) for at in self.listed)
        if self.scope not in ("local", "lan"):
            raise UsageError(f"There is no scope {self.scope!r}.", hint="Say local or lan.")
        folder, scope = settings.lan, self.scope
        return LanConfig(folder, self.mode, self.host, port, self.discover, listed, scope)


def run(
    named: Sequence[Named],
    adopting: bool,
    wish: Wish,
    engine: str | None,
    tuning: Tuning,
    host: str,
    port: int | None,
    api_key: str | None,
    vote: Vote,
    lan: LanFlags,
    idle_unload: float | None = None,
    server_tools: Path | None = None,
    telemetry: str | None = None,
) -> None:
    """See app.run."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    settings = configuration.read()
    port = port if port is not None else settings.port or configuration.DEFAULT_PORT
    listen = Listen(host, port, api_key or settings.api_key)
    check(vote.strategy)
    allowed = allowed_by(server_tools, listen, settings) if server_tools else None
    config = lan.config(settings)
    care = Care(idle_s=idle_unload)
    sock = bind(listen)  # before anything is downloaded or loaded
    extras, bar = contextlib.ExitStack(), contextlib.ExitStack()

    def enlisted_by(on_download: OnDownload) -> Enlisted:
        return enlist(
            settings, named, wish, on_download, console.print, care=care,
            adopting=adopting, own_port=port, engine=engine, tuning=tuning,
        )  # fmt: skip

    try:
        around = extras.enter_context(traced(telemetry)) if telemetry else lambda node: node
        on_download = bar.enter_context(downloads(console))
        it = Service(console, settings, listen, sock, vote, care, allowed, around)
        nothing_named = [(one.model, one.url) for one in named] == [(None, None)]
        if nothing_named and not adopting and config.mode is not Mode.HEADLESS:
            coming = Coming(enlisted_by, on_download, console.print)
            quick = coming.wait()
            enlisted = quick or _stand_in(it, Lan(config), coming, wish.context)
            if enlisted is None:
                console.print("Stopped. The next start goes on with the download.")
                return
        else:
            quick = enlisted = enlisted_by(on_download)
        bar.close()
        it.serve(enlisted, Lan(config), hold=quick is None)
    finally:
        bar.close()
        extras.close()
        sock.close()
    console.print("Stopped.")


def allowed_by(path: Path, listen: Listen, settings: configuration.Settings) -> ServerTools:
    """What callers may have done. Raises UsageError where that could be anybody."""
    if not is_loopback(listen.host):
        raise UsageError("--server-tools needs loopback.", hint="Leave --host out.")
    if not listen.api_key:
        raise UsageError("--server-tools needs an API key.", hint="Give one with --api-key.")
    return policy_in(path, settings.state / "agent")


def _stand_in(it: Service, lan: Lan, coming: Coming, context: int | None) -> Enlisted | None:
    """Serves the bundled model until what was enlisted is here; None where it is stopped first."""
    it.console.print("Until it is here, the bundled demo model answers.")
    demo = enlist(it.settings, [Named(DEMO)], Wish(context=context), lambda *_: None)
    if not it.serve(without_notices(demo), lan, until=coming.here):
        coming.leave()
        return None
    it.console.print("The model is here and takes over.")
    return coming.here.result()
