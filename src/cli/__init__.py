"""The command line: flags become settings, one call, and print."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line. Exit codes: 0 done, 1 failure, 2 usage, 130 interrupted."""
    from ..errors import SwarmError, UsageError
    from .app import app

    try:
        app()
    except SwarmError as error:
        print(f"Error: {error.full}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left; nobody is there to be told
        sys.exit(1)
