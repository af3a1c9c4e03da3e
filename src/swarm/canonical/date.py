"""Dates and times of day, in the form of ISO 8601 as far as they are told.

March 1, 2026   date:2026-03-01        March 2026   date:2026-03      1 March   date:--03-01
5 pm            date:T17:00            5 pm UTC     date:T17:00 utc   alias date:T17:00
3/1/2026        date:3/1/2026          day or month first, nobody knows: a key of its own
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from .asking import prose
from .fold import plain
from .key import Key

_LONGEST = 1200  # characters of an answer, from its end
_SPAN = 80  # in a text of more characters two unlike dates are no answer
_NAMES = (
    "january jan januar j\u00e4nner janvier enero gennaio janeiro",
    "february feb februar f\u00e9vrier febrero febbraio fevereiro",
    "march mar m\u00e4rz mars marzo mar\u00e7o",
    "april apr avril abril aprile",
    "may mai mayo maggio maio",
    "june jun juni juin junio giugno junho",
    "july jul juli juillet julio luglio julho",
    "august aug ao\u00fbt agosto",
    "september sep sept septembre septiembre settembre setembro",
    "october oct oktober octobre octubre ottobre outubro",
    "november nov novembre noviembre novembro",
    "december dec dezember d\u00e9cembre diciembre dicembre dezembro",
)
_MONTHS = MappingProxyType(
    {name: at for at, names in enumerate(_NAMES, 1) for name in names.split()}
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = "(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.|\u00b0)?"
_YEAR = r"(?P<year>\d{4})(?![\d:])"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\d./-])(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?!\d|[-/]\d)",
        r"(?P<year>\d{4})\s?\u5e74(?:\s?(?P<month>\d{1,2})\s?\u6708(?:\s?(?P<day>\d{1,2})\s?\u65e5)?)?",
        r"(?<![\d./-])(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})(?!\d)",
        r"(?<![\d./-])(?P<one>\d{1,2})([-/])(?P<other>\d{1,2})\2(?P<short>\d{4}|\d{2})(?!\d|[-/]\d)",
        rf"(?<!\w){_MONTH}\s?(?:the\s)?{_DAY}(?!\d)(?:,?\s(?:of\s)?{_YEAR})?",
        rf"(?<![\d.,/-]){_DAY}\s?(?:of\s|de\s|-)?{_MONTH}(?:,?[\s-](?:of\s|del?\s)?{_YEAR})?",
        rf"(?<!\w){_MONTH},?\s(?:of\s|del?\s)?{_YEAR}",
        r"(?<!\w)(?:ad|a\.d\.)\s(?P<new>\d{1,4})(?!\w)",
        r"(?<![\w.,$\u20ac\u00a3-])(?P<old>\d{1,4})"
        r"(?P<after>\s?(?:bce?|b\.c\.(?:e\.)?|ce|ad|a\.d\.|c\.e\.))(?!\w)",
        r"(?<![\w.,$\u20ac\u00a3-])(?P<decade>\d{3}0)'?s\b",
        r"(?<![\w.,])(?P<century>\d{1,2})(?:st|nd|rd|th)\scentury\b",
        r"(?<![\w.,:$\u20ac\u00a3/])(?P<year>[12]\d{3})(?![\w%]|[.,:/]\d|\s?(?:km|m|kg|years)\b)",
    )
)
_ZONE = r"(?:\s?(?P<zone>z|utc|gmt|[ecmp][sd]?t|cest|bst|ist|jst|[+-]\d\d:?\d\d)(?!\w))?"
_TIMES = (
    re.compile(
        r"(?<![\w.,:])(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?(?::(?P<second>\d\d))?\s?"
        rf"(?P<half>[ap])\.?\s?m\b\.?{_ZONE}"
    ),
    re.compile(
        r"(?<![\w.,:])(?P<hour>\d{1,2})(?:[:h](?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?"
        rf"(?:\s?(?:uhr|h|o'clock))?|\s?uhr)(?![\d:]){_ZONE}"
    ),
    re.compile(rf"(?<=\dt)(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?{_ZONE}"),
    re.compile(rf"\b(?:12 )?(?P<name>noon|midnight)\b{_ZONE}"),
)
_ASKS = re.compile(
    r"(?:^|[.!?,:;\n]\s*|\band )(?:(?:on|in|at|by|since|until)\s)?(?:(?:exactly|about)\s)?(?:"
    r"when(?:'s|\s(?:is|was|were|did|does|do|will|are|has|had|should|can))\b(?!\s(?:i|you|we|one)\b)"
    r"|(?:what|which)\s(?:\w+\s)?(?:year|month|date|day|weekday|decade|century)\b(?!\s?s)"
    r"|what(?:'s| is| was| will be) the (?:\w+ )?(?:date|time)\b|(?:at )?what time\b"
    r"|give (?:me )?the (?:exact )?(?:date|year)\b)",
    re.IGNORECASE,
)
_FULL = re.compile(r"\d{4}-\d\d-\d\d")
_BESIDE = re.compile(
    rf"(?:{'|'.join(_WEEKDAYS)}|\b(?:on|the|it was|it is)\b|[\x00\s.,*_`\"'()]|0(?![1-9]))*"
)
_HOW_MANY = re.compile(r"\bhow (?:many|much|long|old)\b", re.IGNORECASE)


def is_asked(question: str) -> bool:
    """Whether `question` asks for a date, a year, a weekday or a time of day."""
    asked = plain(question[-2000:]).strip()
    return bool(_ASKS.search(asked)) and not _HOW_MANY.search(asked) and not prose(question)


def key(words: str) -> Key | None:
    """The key of the one date or time that `words` tell; None when there is none, or several.

    A year alone is no second date beside a day of that year; weekdays beside a date do not
    count. A short text may be a span of two dates: "1914-1918".
    """
    said = plain(words[-_LONGEST:])[-_LONGEST:].casefold()
    days, left = _days(said)
    times = dict.fromkeys(_times(left))
    if not days and not times:
        return _named(said)
    if len(days) > 1 and (len(said) > _SPAN or times):
        return None
    if len(times) > 1:
        return None
    value, zone = next(iter(times), ("", ""))
    told = f"{'..'.join(days)}{'T' if value else ''}{value}"
    return Key(f"date:{told} {zone}", f"date:{told}") if zone else Key(f"date:{told}")


def day(words: str) -> Key | None:
    """The key of a full date that `words` are and nothing else, but for a weekday; else None."""
    if len(words) > _SPAN:
        return None
    days, left = _days(plain(words).casefold())
    if len(days) != 1 or _FULL.fullmatch(days[0]) is None:
        return None
    return Key(f"date:{days[0]}") if _BESIDE.fullmatch(left) else None


def _days(said: str) -> tuple[list[str], str]:
    """The dates in their order, without those that another one tells better; and the rest."""
    found: list[tuple[int, str]] = []
    left = said
    for pattern in _DATES:
        for match in pattern.finditer(left):
            value = _day(match)
            if value is not None:
                found.append((match.start(), value))
                # What is used is blanked; a "T" stays for the time behind an ISO date.
                blank = "\x00" * (len(match[0]) - 1) + "0"
                left = left[: match.start()] + blank + left[match.end() :]
        if len(found) > 16:
            break
    values = list(dict.fromkeys(value for _, value in sorted(found)))
    kept = [one for one in values if not any(two.startswith(one) and two != one for two in values)]
    return kept, left


def _day(match: re.Match[str]) -> str | None:
    parts = match.groupdict()
    if parts.get("short"):
        return _either(int(parts["one"]), int(parts["other"]), parts["short"])
    if parts.get("new"):
        return str(int(parts["new"]))
    if parts.get("old"):
        return f"{'-' if parts['after'].strip().startswith('b') else ''}{int(parts['old'])}"
    if parts.get("decade"):
        return f"{parts['decade']}s"
    if parts.get("century"):
        return f"century {int(parts['century'])}"
    name, year, day = parts.get("month"), parts.get("year"), parts.get("day")
    month = _MONTHS.get(name) or int(name) if name else None
    if month is None:
        return year
    if day is None:
        return f"{year}-{month:02}" if 1 <= month <= 12 else None
    return _iso(year, month, int(day))


def _iso(year: str | None, month: int, day: int) -> str:
    """Also of a day that no calendar has: who says February 31 says nothing else."""
    return f"{year or '-'}-{month:02}-{day:02}"


def _either(one: int, other: int, year: str) -> str:
    """3/1/2026: known only if one of both is no month, or both are the same."""
    if len(year) == 4 and (one > 12 or one == other):
        return _iso(year, other, one)
    if len(year) == 4 and other > 12:
        return _iso(year, one, other)
    return f"{one}/{other}/{year}"


def _times(said: str) -> Iterator[tuple[str, str]]:
    for pattern in _TIMES:
        for match in list(pattern.finditer(said))[:8]:
            parts = match.groupdict()
            zone = (parts["zone"] or "").replace("gmt", "utc").replace("z", "utc")
            if parts.get("name"):
                yield ("12:00" if parts["name"] == "noon" else "00:00"), zone
                continue
            hour, minute = int(parts["hour"]), int(parts["minute"] or 0)
            if half := parts.get("half"):
                if not 1 <= hour <= 12:
                    continue
                hour = hour % 12 + (12 if half == "p" else 0)
            second = parts["second"] or "00"
            if hour < 24 and minute < 60 and second < "60":
                tail = f":{second}" if second != "00" else ""
                yield f"{hour:02}:{minute:02}{tail}", zone
        said = pattern.sub(" ", said)


def _named(said: str) -> Key | None:
    """A weekday, or a month alone."""
    words = set(re.findall(r"[^\W\d_]+", said))
    days = [day for day in _WEEKDAYS if day in words]
    if len(days) == 1:
        return Key(f"date:{days[0]}")
    months = {_MONTHS[word] for word in words if word in _MONTHS}
    alone = len(words) == 1 or (len(words) == 2 and "in" in words)
    return Key(f"date:--{months.pop():02}") if len(months) == 1 and alone else None
