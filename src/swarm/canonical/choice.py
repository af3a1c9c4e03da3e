"""The chosen option of a multiple choice, by its letter in all spellings or by its text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import number, text
from .fold import plain
from .key import Key
from .options import options

__all__ = ["key", "options"]

_LONGEST = 1000  # characters of an answer, from either end
_SAID = 400  # an option's text counts in a span, and in an answer that is no longer than this
_PREFIX = re.compile(
    r"(?:so|thus|therefore|hence|the|my|final|correct|right|best|most likely|answers?|ans|options?"
    r"|selected|chosen|definitely|probably|certainly|clearly|likely|choice|alternative|letter|statement|true|is|are"
    r"|would be|must be|it's|it|that|both|only"
    r"|(?:i(?:'d| would)? )?(?:choose|pick|select|think|believe|say|go(?:ing)? with))\b[\s:,.=]*"
    r"|[\s:=\"'$#>\u2192-]+",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?P<open>[(\[{\"']\s?)?(?P<name>[A-Ja-j]|[1-9]|[ivIV]{1,4})(?:(?P<close>\s?[)\]}\"']+\.?)"
    r"|(?P<mark>[.:,;!?](?![\w.])|\.(?=[A-Z][a-z]{2})|\s?[-\u2013\u2014](?=\s)|\s*(?:$|\n))"
    r"|(?=\s+(?:(?:because|since|is|as|are|which|due|would|and|or)\b|&)|\s?/|,[A-J](?!\w)))"
)
_BARE = re.compile(r"([A-J])\s+")
_JOINT = re.compile(r"\s*(?:,?\s*(?:and|&)\s+|[,/]\s*)(?:also\s+)?(?:options?\s+)?", re.IGNORECASE)
_OR = re.compile(r"\s*,?\s(?:or|nor)\s+(?:options?\s+)?[(\[]*(?:[A-J]|[1-9]|[IV]{1,4})(?!\w)")
_OPTION = (
    r"(?:(?:[Oo]ptions?|[Cc]hoice|[Aa]nswer|[Aa]lternative|[Ll]etter)\s+)?"
    r"(?P<{}>[(\[\"']{{0,3}}(?:[A-J]|[1-9]|[IV]{{1,4}})[)\]\"']{{0,3}})"
)
_CLOSING = re.compile(
    r"\b(?:(?:[Cc]orrect|[Rr]ight|[Bb]est|[Ff]inal|[Mm]y)\s"
    r"(?:answers?|options?|choice|one|statement)\s?(?:[a-z]{1,9}\s){0,2}"
    r"(?:is|are|:|=|would be|must be)"
    r"|(?:[Aa]nswers?|[Cc]hoice)\s?(?:is|are|:|=)|[Tt]herefore|[Tt]hus|[Hh]ence|[Ss]o"
    r"|[Cc]hoose|pick|select|go with|going with|settle on|leaves|[Oo]nly"
    r"|\u9009(?:\u62e9)?|\u9078)[\s:,]*"
    r"(?:(?:it|that|this|the|must|is|be|it's|I|choose|answer|correct|only|us|with)[\s:,]+){0,6}"
    + _OPTION.format("name")
    + r"(?=\s*(?:[.,;:!\n]|$|because|since|as\b|is\b|remains\b|fits\b|works\b))"
    + r"|[:=\u2192]\s*"
    + _OPTION.format("end")
    + r"(?=[\s.!]*\Z)|(?<![\w(\[])"
    + _OPTION.format("subject")
    + r"\s(?:is|must be|would be|seems)\s(?:the\s)?(?:only\s)?"
    r"(?:correct|right|best|true|answer|most)\b"
)
_BRACKETED = re.compile(r"[(\[]([A-J]|[1-9]|[ivIV]{1,4})[)\]]|\b[Oo]ption ([A-J]|[1-9])\b")
_LAST = re.compile(r"(?:\A|\n)[^\w\n]*([A-J])[^\w\n]*\Z")
_LINE = re.compile(r"^[^\w\n]*[A-J][^\w\n]*$", re.MULTILINE)
# "A dog" begins with an article, and "I" is who speaks.
_MENTION = re.compile(r"(?<![\w'.-])(A(?!\s+\w)|[B-HJ])(?![\w'+#&/-]|\.\w)")
_BEFORE = re.compile(r"[^\w\s(\[{<\"'$\\#]{1,8}\s*")  # emoji and the like
_BEHIND = re.compile(r"\s?[^\w\s)\]}>\"'.,;:!?$]{1,8}\Z")
_LISTED = re.compile(r"^\W{0,4}([A-J]|[1-9])[).:]\s", re.MULTILINE)
_INLINE = re.compile(r"(?:^|[,;.]\s)\(?([A-J]|[1-9])[):]\s", re.MULTILINE)
_IS_RIGHT = re.compile(r"\s+is\s+(?:the\s+)?(?:correct|right|best|true|answer)\b", re.IGNORECASE)
_NONE = re.compile(r"(?:neither|none|not|no|nothing)\b", re.IGNORECASE)
_BUT = re.compile(r"not\s.{1,40}?\sbut\s", re.IGNORECASE)  # "not A but B"
_NOT = re.compile(
    r"(?:\bnot|n't|\bneither|\bnor|\brather than|\binstead of)\s(?:\w+\s){0,2}\Z", re.IGNORECASE
)


def key(words: str, span: str | None, known: Mapping[str, str]) -> Key | None:
    """The key of the chosen option or options; None when none is named.

    `span` is the part marked as the answer, `known` the options by name. Where they are not
    known, any letter from A to J counts.
    """
    if span is not None:
        said = _marked(span)
        if found := _letters(said, known) or _by_text(said, known):
            return _key(found)
        if _NONE.match(said):
            return None
    if len(words) > 2 * _LONGEST:
        words = words[:_LONGEST] + "\n" + words[-_LONGEST:]
    said = _marked(words)
    return _key(
        _last_line(said, known)
        or _concluded(said, known)
        or _only_named(said, known)
        or _told(said, known)
        or _only_mentioned(said, known)
    )


def _key(found: list[str]) -> Key | None:
    return Key(f"choice:{','.join(sorted(set(found)))}") if found else None


def _marked(words: str) -> str:
    said = re.sub(r"[*`]+|(?<!\w)_+|_+(?!\w)", "", plain(words)).strip()
    before = _BEFORE.match(said)
    said = said[before.end() if before else 0 :]
    return said[:-10] + _BEHIND.sub("", said[-10:])


def _letters(said: str, known: Mapping[str, str]) -> list[str]:
    """The options that `said` begins with, by their names."""
    turned = _BUT.match(said)
    at = turned.end() if turned else 0
    while (prefix := _PREFIX.match(said, at)) and at < 200:
        at = prefix.end()
    name = _NAME.match(said, at)
    if name is None:
        return _before_text(said, at, known)
    first = _known(name["name"], known, bare=not (name["open"] and name["close"]))
    if first is None or (name["name"].islower() and not _delimited(name, said, at)):
        return []
    found, end = [first], name.end() if name["close"] else name.end("name")
    for _ in range(10):
        if _OR.match(said, end):
            return []
        joint = _JOINT.match(said, end)
        more = _NAME.match(said, joint.end()) if joint else None
        other = _known(more["name"], known, bare=not more["close"]) if more else None
        if not more or not other or (more["name"].islower() and not more["close"]):
            break
        found.append(other)
        end = more.end() if more["close"] else more.end("name")
    return found


def _delimited(name: re.Match[str], said: str, at: int) -> bool:
    """Whether a small letter is a name: "b)", "b.", "option b", "b" alone, not "a dog"."""
    if name["close"] or name["mark"] is not None:
        return True
    if re.search(r"(?:option|choice|answer|letter)\s\Z", said[:at], re.IGNORECASE):
        return True
    return bool(_IS_RIGHT.match(said, name.end("name")))


def _before_text(said: str, at: int, known: Mapping[str, str]) -> list[str]:
    """The B of "B the dog", where that is B's text."""
    bare = _BARE.match(said, at)
    if bare and bare[1] in known:
        option = text.plain(known[bare[1]])
        if option and text.plain(said[bare.end() :]).startswith(option):
            return [bare[1]]
    return []


def _known(name: str, known: Mapping[str, str], *, bare: bool) -> str | None:
    name = name.strip("()[]\"'").upper()
    if known:
        return name if name in known else None
    if name == "I" and bare:  # "I, for one"
        return None
    return name if len(name) == 1 and "A" <= name <= "J" else None


def _concluded(said: str, known: Mapping[str, str]) -> list[str]:
    """The option of the last conclusion, else of the opening, unless that opens a list."""
    concluded: list[str] = []
    for match in _CLOSING.finditer(said):
        group = next(name for name in ("name", "end", "subject") if match[name])
        part, start = match[group], match.start(group)
        if _NOT.search(said[max(0, match.start() - 30) : match.start()]):
            continue
        named = _letters(said[start : start + 80], known) if group == "name" else []
        one = _known(part, known, bare=part[0].isalnum())
        concluded = named or ([one] if one else concluded)
    if concluded:
        return concluded
    if len(set(_LISTED.findall(said))) > 1 or len(set(_INLINE.findall(said))) > 2:
        return []
    return [] if _NONE.match(said) and not _BUT.match(said) else _letters(said, known)


def _only_named(said: str, known: Mapping[str, str]) -> list[str]:
    """The one option that is named in brackets or as "option B"."""
    if _NONE.match(said):
        return []
    found = {_known(match[1] or match[2], known, bare=False) for match in _BRACKETED.finditer(said)}
    named = [name for name in found if name]
    return named if len(named) == 1 else []


def _last_line(said: str, known: Mapping[str, str]) -> list[str]:
    """The option that is all of the last line, unless other lines are one letter too."""
    last = _LAST.search(said[-20:]) if len(_LINE.findall(said)) == 1 else None
    name = _known(last[1], known, bare=False) if last else None
    return [name] if name else []


def _only_mentioned(said: str, known: Mapping[str, str]) -> list[str]:
    """The one option whose letter a short answer mentions, and does not deny."""
    if len(said) > _SAID or _NONE.match(said):
        return []
    marks = list(_MENTION.finditer(said))
    names = {_known(mark[1], known, bare=False) for mark in marks}
    denied = any(_NOT.search(said[max(0, mark.start() - 40) : mark.start()]) for mark in marks)
    return [] if len(names) != 1 or denied or None in names else [str(*names)]


def _told(said: str, known: Mapping[str, str]) -> list[str]:
    """The option whose text a short answer gives, or the last sentence of a long one."""
    if len(said) <= _SAID and (found := _by_text(said, known)):
        return found
    last = re.split(r"[.!?]\s|\n", said.rstrip(" .!?\n"))[-1]
    return _by_text(last[-_SAID:], known)


def _by_text(said: str, known: Mapping[str, str]) -> list[str]:
    """The option that `said` gives by its text, as a whole or as the only one inside it."""
    if not known:
        return []
    whole = text.bare(said)
    texts = {name: text.bare(option) for name, option in known.items()}
    if equal := [name for name, option in texts.items() if option and option == whole]:
        return equal if len(equal) == 1 else []
    if value := number.key(said[:_SAID]):
        values = {name: number.key(option, strict=True) for name, option in known.items()}
        same = [name for name, other in values.items() if other and _same(value, other)]
        if same:
            return same if len(same) == 1 else []
        if all(values.values()):
            return []
    return _inside(whole[:_SAID], texts)


def _same(one: Key, other: Key) -> bool:
    if one.alias and other.alias:
        return one.value == other.value
    return bool({one.value, one.alias} & {other.value, other.alias} - {None})


def _inside(whole: str, texts: Mapping[str, str]) -> list[str]:
    places: list[tuple[int, int, str]] = []
    for name, option in texts.items():
        at = whole.find(option) if option else -1
        while at >= 0 and len(places) < 100:
            end = at + len(option)
            if not whole[max(0, at - 1) : at].isalnum() and not whole[end : end + 1].isalnum():
                places.append((at, end, name))
            at = whole.find(option, at + 1)
    found = {
        name
        for at, end, name in places
        if not any(b <= at and end <= e and (b, e) != (at, end) for b, e, _ in places)
        and not _NOT.search(whole[max(0, at - 40) : at])
    }
    return sorted(found) if len(found) == 1 else []
