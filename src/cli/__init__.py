"""The command line: flags become settings, one call, and print."""

from __future__ import annotations

import io
import logging
import sys


def main() -> None:
    """Runs the command line. Exit codes: 0 done, 1 failure, 2 usage, 130 interrupted; of
    `agent` 3, where something had to be asked and nobody was there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows no umlauts gets "?"
            stream.reconfigure(errors="replace")
    # What fails is told in one line; the log goes to its file, and never beside that line.
    logging.getLogger("local_swarm").addHandler(logging.NullHandler())
    try:
        _run()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left; nobody is there to be told
        sys.exit(1)
    except OSError as error:
        print(f"Error: {error.strerror or error}.", file=sys.stderr)
        sys.stdout = None  # or Python would try to flush it once more, and fail aloud
        sys.exit(1)


def _run() -> None:
    from ..errors import SwarmError, UsageError
    from .app import app
    from .units import printable

    try:
        app()
        if sys.stdout:
            sys.stdout.flush()
    except SwarmError as error:
        # a hub, a peer or a model file may have chosen some of the words
        print(f"Error: {printable(error.full)}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
