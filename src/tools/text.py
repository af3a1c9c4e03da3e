"""Files as text: UTF-8, with or without a byte order mark, with either kind of line ending."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ToolError
from .atomic import File

_BOM = b"\xef\xbb\xbf"
_LOOKED_AT = 8192  # bytes in which a NUL makes a file binary, as in git


@dataclass(frozen=True, slots=True)
class Text:
    """`text` has the line endings of the file; `crlf`: most of them are CR LF."""

    text: str
    bom: bool = False
    crlf: bool = False

    def fitted(self, text: str) -> str:
        """`text` with the line endings of this file, if it has no CR LF of its own."""
        return text.replace("\n", "\r\n") if self.crlf and "\r\n" not in text else text

    def encoded(self, text: str) -> bytes:
        """`text` as the bytes of this file."""
        return (_BOM if self.bom and not text.startswith("\ufeff") else b"") + text.encode()


def binary(data: bytes) -> bool:
    """Whether these are the first bytes of what is no text."""
    return b"\0" in data[:_LOOKED_AT]


def decoded(file: File, *, strict: bool) -> Text:
    """The text of a file. Raises ToolError for a binary one, and where `strict` for all but UTF-8.

    Where not, bytes that are no UTF-8 become U+FFFD.
    """
    if binary(file.data):
        raise ToolError(f"{file.path} is binary ({file.size} bytes).")
    bom = file.data.startswith(_BOM)
    data = file.data.removeprefix(_BOM)
    try:
        text = data.decode("utf-8", "strict" if strict else "replace")
    except UnicodeDecodeError:
        raise ToolError(f"{file.path} is no UTF-8 text, so it cannot be edited.") from None
    return Text(text, bom, 2 * text.count("\r\n") > text.count("\n"))
