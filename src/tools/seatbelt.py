"""The profile for sandbox-exec of macOS, whose language is Scheme (sandbox(7)).

Written from the profiles that the system itself ships; it has never been run by our tests on
Linux, so sandbox.py tries it on the spot before it trusts it.
"""

from __future__ import annotations

from collections.abc import Iterable

from .hiding import Plan

_BASE = """(version 1)
(deny default)
(allow process-exec process-fork)
(allow signal (target same-sandbox))
(allow sysctl-read)
(allow file-read-metadata)
(allow file-read* (literal "/"))
(allow file-read* file-write-data (literal "/dev/null") (literal "/dev/zero"))
(allow file-read* (literal "/dev/random") (literal "/dev/urandom") (subpath "/dev/fd"))
(allow file-read* file-map-executable (subpath "/System") (subpath "/Library/Apple")
  (subpath "/private/var/db/dyld") (subpath "/private/var/db/timezone")
  (subpath "/opt/homebrew/Cellar") (subpath "/opt/homebrew/opt") (subpath "/opt/homebrew/lib")
  (subpath "/Library/Developer/CommandLineTools"))
"""


def profile(read: Iterable[str], write: Iterable[str], hidden: Plan, *, network: bool) -> str:
    """The profile as text; all paths are real ones. Of two rules the later one counts."""
    lines = [f"(allow file-read* file-map-executable {_path(each)})" for each in read]
    lines += [f"(allow file-read* file-write* {_path(each)})" for each in write]
    lines += [f"(deny file-read-data file-write* {_path(each)})" for each in hidden.paths]
    lines += [f"(deny file-write* {_path(each)})" for each in hidden.fixed]
    lines += [f"(deny file-write-unlink {_path(each, 'literal')})" for each in hidden.held]
    if network:
        lines.append('(allow network-outbound (remote ip "*:*"))')
        lines.append('(allow mach-lookup (global-name "com.apple.dnssd.service"))')
    return _BASE + "\n".join(lines) + "\n"


def _path(path: str, how: str = "subpath") -> str:
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'({how} "{quoted}")'
