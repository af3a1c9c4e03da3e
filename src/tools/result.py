"""What a tool tells a model: never more than its share, and nothing that forges a turn."""

from __future__ import annotations

import re

LARGEST = 16 * 1024  # bytes of a result, in UTF-8

# What chat templates put between turns. Engines read it as such wherever it stands, so a file that
# holds it could speak in the user's voice.
_TURNS = re.compile(
    r"<(?=\|[^|<>\n]{1,40}\|>|\uff5c[^<>\n]{1,60}\uff5c>"  # ChatML, Llama 3, Phi; DeepSeek
    r"|/?(?:s|bos|eos|pad|unk)>|(?:start|end)_of_turn>|<?/?SYS>>"  # Llama 2, Mistral, Gemma
    r"|/?(?:tool_calls?|tool_responses?|tools|think)>)"
    r"|\[(?=/?(?:INST|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|SYSTEM_PROMPT)\])",
    re.IGNORECASE,
)
_BROKEN = "[a space was put into what chat templates would take for a turn]"


def result(text: str, most: int = LARGEST) -> str:
    """`text` for a model: head and tail of at most `most` bytes, marks between turns broken."""
    text = shortened(text, most)
    broken = unmarked(text)
    return broken if broken == text else f"{broken}\n{_BROKEN}"


def unmarked(text: str) -> str:
    """`text` with a space in each mark between turns."""
    return _TURNS.sub(lambda found: found[0] + " ", text)


def shortened(text: str, most: int) -> str:
    """Head and tail of `text` where it is longer than `most` bytes, and how much was cut out."""
    data = text.encode("utf-8", "replace")
    if len(data) <= most:
        return text
    head, tail = data[: most // 2], data[-(most // 2) :]
    note = f"\n[{len(data) - len(head) - len(tail)} bytes left out]\n"
    return head.decode("utf-8", "ignore") + note + tail.decode("utf-8", "ignore")
