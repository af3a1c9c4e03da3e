"""Numbers, exactly: 0.75, 3/4 and 75 % are the same key; 0.8 and 0.75 never are.

3/4          number:3/4
1.5 km       number:1500 m    alias number:3/2
75 %         number:3/4       alias number:75
$5           number:5 $       alias number:5
3, 4         number:3,4       a list, no one number
5-7 days     number:432000..604800 s
2*sqrt(3)    number:2*sqrt(3)
"""

from __future__ import annotations

import re

from . import asking, formula, numeral, quantity, spoken
from .fold import plain
from .key import Key
from .phrase import LONGEST, bare, head, sides, split
from .quantity import Quantity, show

_LONE = 60  # characters of an answer that is a number and its unit
_STEP = re.compile(r"\s*(?:\d{1,2}[.)]|[-*\u2022]|\(?[a-z]\)|step\b|first\b)\s", re.IGNORECASE)
_RELATION = re.compile(
    r"(?:[a-zA-Z]\s?)?(?P<sign><=|>=|[<>\u2264\u2265])\s?"
    r"|(?P<least>at least|no less than|minimum of)\s|(?P<most>at most|up to|no more than)\s"
    r"|(?P<more>(?:more|greater|larger|higher|over) than|over|above)\s"
    r"|(?P<less>(?:less|fewer|smaller|lower) than|under|below)\s",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"[,;:.]?\s+(?:because|since|which|where|as|after|given|when|so|assuming|due to|for a total"
    r"|not|rather than|instead of|i\.e\.|that is|with|if|but)\b",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\s*[(\[].*", re.DOTALL)
_REST = re.compile(r"[\s.,;:!?)\]}*_`\"'$~]*")
_WORDS = re.compile(r"(?:\s?/\s?|\s)[^\W\d_]")
_AFTER = re.compile(r"\s(?:plus|minus|times|divided|multiplied|over|to|through|bis|until|pi"
    r"|[x-z])\b"
    r"|(?:.*\s(?:and|or|to)|.*[,;&])\s*[-+$]?\d", re.IGNORECASE | re.DOTALL)  # fmt: skip
_RANGE = re.compile(
    r"\s?(?:-|\.\.\.?|[\u00b1\u00d7*]|x(?=\s?\d))\s?|\s(?:to|through|bis|until|and)\s",
    re.IGNORECASE,
)
_AND = re.compile(r"(?:,?\s(?:and|or|und|oder|et|ou|y)|[,;&\n])\s+|[;&]", re.IGNORECASE)
_EACH = re.compile(r"(?:\s(?:and|or)|[,;])\s*[a-zA-Z]\w{0,9}\s?=")  # "x = 3 or x = 4"
_OR = re.compile(r"\s(?:or|oder|ou)\s", re.IGNORECASE)
_RATIO = re.compile(r"(\d{1,9})\s?:\s?(\d{1,9})((?::\d{1,9})*)(?=[\s.,;!?)]|$)(?!\s?[ap]\.?m)")
_MORE = re.compile(
    r"(?:\s[a-z]+)?\sor\s(?:(more|greater|higher|above)|less|fewer|lower|below)\b", re.IGNORECASE
)
_OUT_OF = re.compile(r"\s(?:out of|von)\s(?:the\s)?(\d{1,9})\b", re.IGNORECASE)
_HUGE = re.compile(
    r"([-+]?)(\d{1,40})(?:\.(\d{1,40}))?\s?(?:[eE]|[x\u00d7*\u00b7]\s?10\s?\^\s?\(?)([-+]?\d{1,18})\)?\s*\.?"
)
_BOTH = re.compile(r"\u00b1\s?(\d[\d.,]*\d|\d)\W*")
_INFINITE = re.compile(r"([-+]?)\s?(?:\u221e|infinity|infinite|inf)\W*", re.IGNORECASE)
# A digit, or a sign that NFKC makes one, and none behind it.
_DIGIT = (
    "\\d\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2089\u2150-\u2189"
    "\u2460-\u24ff\u2776-\u2793\u3251-\u33ff"
)
_LAST = re.compile(f"([{_DIGIT}])[^{_DIGIT}]*\\Z")
_SO = re.compile(r"=.*\b(?:so|then|thus|hence|therefore)\b.*=", re.IGNORECASE)  # a derivation
_ITEM = re.compile(r"(?m)^[ \t]*\d{1,2}[.)][ \t]+(?=\S)")


def is_asked(question: str) -> bool:
    """Whether `question` asks for a number."""
    return asking.number(question)


def key(span: str, *, strict: bool = False) -> Key | None:
    """The key of a final answer that begins with a number, or is a list or range of some.

    Of an equation (`x = 18`, `12 + 3 = 15`) the right side counts. `strict` allows no words but
    units: "7 samurai" is a number to who asked how many, and none to who asked for a title.
    """
    words, brackets = bare(plain(head(span)))
    if brackets and "," in words and not _grouped(words):
        listed = _several(words, strict, exact=True)
        if listed is None or brackets in ("()", "{}"):
            return listed
        return Key(f"number:{brackets[0]}{listed.value[7:]}{brackets[1]}")  # an interval
    if special := _special(words):
        return special
    if not strict and (counted := spoken.whole(words)) is not None:
        return Key(f"number:{counted}")
    found = _one(words, strict) or _several(words, strict, exact=False)
    return found or formula.key(sides(_WHY.split(words, maxsplit=1)[0])[0].rstrip(" .,;:!?"))


def lone(words: str) -> Key | None:
    """The key of an answer that is a number and little else, or has a line that is only one.

    Of several lines the last counts, then the first, unless it is a step of a derivation: some
    answer first and then explain.
    """
    lines = [
        line
        for line in (words[:LONGEST].splitlines() + words[-LONGEST:].splitlines())
        if line.strip()
    ]
    if len(words) <= _LONE and "\n" not in words.strip():
        return None if _SO.search(words) else key(words)
    # A step of the way is no answer: "1. Add 3 and 4", "16 - 7 = 9".
    first = [line for line in lines[:1] if "=" not in line and not _STEP.match(line)]
    for line in lines[-1:] + first:
        if len(line) <= _LONE and (found := key(line, strict=True)):
            return found
    return None


def last(words: str) -> Key | None:
    """The key of the last number in free prose, or None."""
    written = _LAST.search(words[-8000:])
    if written is None:
        return None
    at = max(0, len(words) - 8000) + written.start(1)
    tail = _ITEM.sub("", plain(words[max(0, at - 500) : at + 200]))
    end = max(tail.rfind(digit) for digit in "0123456789")
    found = None
    for one in quantity.every(tail[max(0, end - 160) : end + 80]):
        found = one
    return found.key() if found else None


def only(words: str) -> Key | None:
    """The key of the one number in a short answer; None when it holds none or several."""
    found = {one.key() for one in quantity.every(plain(head(words)))}
    return found.pop() if len(found) == 1 else None


def _grouped(words: str) -> bool:
    return bool(re.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?", words))


def _special(words: str) -> Key | None:
    side = sides(words)[0]
    if infinite := _infinite(side):
        return infinite
    if (both := _BOTH.fullmatch(side)) and (size := numeral.read(both[1], 0)):
        values = sorted((show(size.value), show(-size.value)))  # as "3 or -3" is
        return Key(f"number:{','.join(values)}") if size.value else Key("number:0")
    if ratio := _RATIO.match(side):
        return Key(f"number:{int(ratio[1])}:{int(ratio[2])}{ratio[3]}")
    if (huge := _HUGE.fullmatch(side)) and abs(int(huge[4])) > 400:
        return _huge(huge)
    return None


def _infinite(words: str) -> Key | None:
    found = _INFINITE.fullmatch(words.strip())
    return Key(f"number:{found[1].strip('+')}inf") if found else None


def _huge(found: re.Match[str]) -> Key:
    sign, whole, decimals, exponent = found.groups()
    digits = (whole + (decimals or "")).lstrip("0")
    if not digits:
        return Key("number:0")
    short = digits.rstrip("0")
    power = int(exponent) - len(decimals or "") + len(digits) - len(short)
    return Key(f"number:{sign.strip('+')}{short}e{power}")


def _one(words: str, strict: bool) -> Key | None:
    words = _WHY.split(words, maxsplit=1)[0]
    if _EACH.search(words):
        return None
    if (found := _RELATION.match(words)) and found["sign"] and "=" in words[found.end() :]:
        return None
    keys = (_first(bare(side)[0], strict) for side in sides(words))
    return next((key for key in keys if key), None)


def _first(side: str, strict: bool) -> Key | None:
    """The key of words that begin with a number."""
    relation = _RELATION.match(side)
    sign = _related(relation) if relation else ""
    at = relation.end() if relation else 0
    between = re.match(r"(?:from|between)\s", side[at:], re.IGNORECASE)
    at += between.end() if between else 0
    first = quantity.read(side, at, spell=not strict)
    if first is None:
        return None
    if out := _OUT_OF.match(side, first.end):
        if not int(out[1]) or not _rest(side, out.end(), strict):
            return None
        return Key(f"number:{show(first.value / int(out[1]))}", f"number:{show(first.value)}")
    if joint := _RANGE.match(side, first.end):
        second = quantity.read(side, joint.end(), spell=joint[0].strip().isalpha() and not strict)
        if second and "and" in joint[0] and not between:
            return None
        if second and _rest(side, second.end, strict):
            return _range(first, second, joint[0].strip())
    if more := _MORE.match(side, first.end):
        sign = ">=" if more[1] else "<="
    elif not _rest(side, first.end, strict):
        return None
    key = first.key()
    return Key(f"number:{sign}{key.value[7:]}") if sign else key


def _related(found: re.Match[str]) -> str:
    if found["sign"]:
        return found["sign"].replace("\u2264", "<=").replace("\u2265", ">=")
    names = {"least": ">=", "most": "<=", "more": ">", "less": "<"}
    return next(sign for name, sign in names.items() if found[name])


def _range(first: Quantity, second: Quantity, joint: str) -> Key:
    sign = "\u00b1" if joint == "\u00b1" else "*" if joint in ("x", "\u00d7", "*") else ".."
    if second.alias and first.alias is None and not first.dimensions:  # "5-7 km", "5-10 %"
        factor = second.value / second.alias
        first = first._replace(value=first.value * factor, dimensions=second.dimensions)
    unit = f" {second.dimensions}".rstrip()
    return Key(f"number:{show(first.value)}{sign}{show(second.value)}{unit}")


def _several(words: str, strict: bool, *, exact: bool) -> Key | None:
    """A list; `exact` says that commas without a space part it too."""
    parts = split(words) if exact else _AND.split(words)
    if not exact and len(parts) == 1 and re.fullmatch(r"[-+.\d]+(?:,[-+.\d]+)+\W*", words):
        parts = words.rstrip(" .;").split(",")
    if len(parts) < 2 or len(parts) > 32:
        return None
    found: list[Key] = []
    for at, part in enumerate(parts):
        item = _one(bare(part)[0], strict=True) or (_one(part, strict) if not at else None)
        item = (
            item
            or _infinite(part)
            or _counted(part)
            or formula.key(sides(bare(part)[0])[0].rstrip(" .,;:!?"))
        )
        if item is None and (exact or not at or strict or _short_number(part)):
            return None
        if item:
            found.append(item)
    values = [item.value[7:] for item in found]
    if len(set(values)) == 1 and not exact:  # "150 minutes, or 2.5 hours"
        return found[0]
    if _OR.search(words):  # the solutions of an equation have no order
        values.sort()
    return Key(f"number:{','.join(values)}")


def _short_number(part: str) -> bool:
    return len(part.split()) <= 3 and any(sign.isdigit() for sign in part)


def _counted(part: str) -> Key | None:
    """An item such as "4 pears"; more words than that are prose."""
    return _one(part, strict=False) if len(part.split()) <= 3 else None


def _rest(words: str, at: int, strict: bool) -> bool:
    """Whether what follows a number leaves it the answer."""
    marks = _REST.match(words, at)
    end = marks.end() if marks else at
    if end == len(words):
        return True
    if _REMARK.fullmatch(words, at):
        return True
    if strict or not _WORDS.match(words, end - 1 if end > at else at):
        return False
    return not _AFTER.match(words, at)
