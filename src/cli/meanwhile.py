"""A model of gigabytes takes its time to come: meanwhile the bundled one answers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from ..enlist import Enlisted
from ..errors import SwarmError
from ..models.store import demo_path
from ..obtain import OnDownload

_PATIENCE_S = 2.0


class _Left(BaseException):
    """Ends a download whose waiter is gone; no `except Exception` on the way keeps it."""


class Coming:
    """Models that are planned and downloaded by a thread of their own.

    `tell` hears why they will not come, where somebody answers in their stead by then.
    """

    def __init__(
        self,
        enlist: Callable[[OnDownload], Enlisted],
        on_download: OnDownload,
        tell: Callable[[str], None],
    ) -> None:
        self.here: Future[Enlisted] = Future()  # set once there is something better to serve
        self._outcome: Future[Enlisted] = Future()
        self._enlist, self._on_download, self._tell = enlist, on_download, tell
        self._slow, self._left = threading.Event(), False
        # A daemon: a download that hangs holds nobody up. What it has stays on the disk, and the
        # next start goes on from there.
        threading.Thread(target=self._work, name="download", daemon=True).start()

    def wait(self) -> Enlisted | None:
        """What was enlisted, or None where a download goes on longer than anybody wants to wait
        for a first answer. Raises SwarmError."""
        self._slow.wait()
        return None if not self._outcome.done() else self._outcome.result()

    def leave(self) -> None:
        """Ends the download at its next bytes."""
        self._left = True

    def _work(self) -> None:
        patience: threading.Timer | None = None

        def progress(file: str, done: int, total: int | None) -> None:
            nonlocal patience
            if self._left:
                raise _Left
            if patience is None:
                patience = threading.Timer(_PATIENCE_S, self._slow.set)
                patience.daemon = True
                patience.start()
            self._on_download(file, done, total)

        try:
            found = self._enlist(progress)
        except _Left:
            return
        except BaseException as error:
            self._outcome.set_exception(error)
            if self._slow.is_set():
                why = error.full if isinstance(error, SwarmError) else type(error).__name__
                self._tell(f"The model does not come: {why}\nThe bundled one goes on.")
        else:
            self._outcome.set_result(found)
            if not self._slow.is_set() or _is_better(found):
                self.here.set_result(found)
            else:
                for choice in found.choices:
                    self._tell(f"The download broke off. {choice.notice or ''}".strip())
        finally:
            if patience:
                patience.cancel()
            self._slow.set()


def _is_better(found: Enlisted) -> bool:
    """Whether it is more than the bundled model, which the planner takes where the hub is gone."""
    return any(choice.path != demo_path() for choice in found.choices)


def without_notices(enlisted: Enlisted) -> Enlisted:
    """The stand-in says nothing of graphics cards: the model that comes will."""
    choices = [replace(choice, notice=None) for choice in enlisted.choices]
    return Enlisted(choices, enlisted.crews, [])
