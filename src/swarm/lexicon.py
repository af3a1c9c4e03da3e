"""Words for comparing free texts: tokens, light stems, stop words, opposites, synonyms. Pure.

English first; of other languages only the commonest negations are known.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import chain

from .canonical.span import strip_thoughts

LONGEST = 16_000  # characters of a text that are looked at: half from its start, half from its end


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_HAN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_FENCE = re.compile(r"^[ \t]*(?:```|~~~).*$", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t].*$", re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*(?:>[ \t]*)*(?:[-*+\u2022]|\d{1,3}[.)])?[ \t]+(?=\S)", re.MULTILINE)
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\u2010\u2011\u2212\u00ad", "''\"\"---\u200b")
_SPACES = re.compile(r"[^\S\n]+")
_CLOSED = re.compile(r"\b([Ee])-(?=mail|book|bike)")  # "e-mail" is "email"
_WORD = re.compile(rf"[{_HAN}]|[^\W\d_{_HAN}]+(?:'[^\W\d_]+)?")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=\S)|(?<=[\u3002\uff01\uff1f])|\n+")


def plain(text: str) -> str:
    """`text` in NFKC without thoughts, headings, markdown marks and typographic quotes."""
    words = strip_thoughts(text)
    if len(words) > LONGEST:
        words = words[: LONGEST // 2] + "\n" + words[-LONGEST // 2 :]
    words = unicodedata.normalize("NFKC", words).translate(_QUOTES).replace("\u200b", "")
    words = _SPACES.sub(" ", words)
    body = _HEADING.sub("", words)
    words = body if body.strip() else words.replace("#", " ")
    words = _BULLET.sub("", _FENCE.sub("", words))
    return _CLOSED.sub(r"\1", words.replace("**", "").replace("__", "")).strip()


def sentences(words: str) -> list[str]:
    """The sentences and lines of a plain text."""
    return [part for piece in _SENTENCE.split(words) if (part := piece.strip())]


def tokens(words: str) -> list[str]:
    """Words as written; of scripts without spaces, characters. No numbers, no signs."""
    return _WORD.findall(words)


def content(words: str) -> list[str]:
    """The stems of the words that carry meaning, in order; of texts of stop words only, all."""
    said = [token.casefold() for token in tokens(words)]
    return [stem(w) for w in said if w not in STOP] or [
        stem(part) for word in said for part in _parted(word)
    ]


def _parted(word: str) -> tuple[str, ...]:
    """A negated auxiliary in two words: "can't" and "cannot" are "can not"."""
    if word in ("cannot", "can't", "won't", "shan't"):
        return {"w": "will", "s": "shall"}.get(word[0], "can"), "not"
    return (word.removesuffix("n't"), "not") if word.endswith("n't") else (word,)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """One form for the inflections, spellings and commonest synonyms of a word in lower case."""
    bare = _inflected(word.removesuffix("'s").removesuffix("'"))
    return _SAME.get(bare, bare)


def _inflected(word: str) -> str:
    if len(word) <= 3 or not word.isascii():
        return word
    word = _IRREGULAR.get(word, word)
    for ending, kept, new in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= kept:
            word = word[: len(word) - len(ending)] + new
            break
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "lsaeiou":
        word = word[:-1]  # "stopp" of "stopped"
    for british, american in (("our", "or"), ("is", "iz"), ("ys", "yz"), ("tre", "ter")):
        if len(word) > 5 and word.endswith(british):
            word = word.removesuffix(british) + american
    return word.removesuffix("e") if len(word) > 3 else word


# ending, letters that must stay before it, what replaces it; the first that fits
_ENDINGS = (
    ("sses", 2, "ss"), ("ies", 2, "y"), ("ied", 2, "y"), ("ically", 3, "ic"), ("ily", 2, "y"),
    ("ations", 3, "at"), ("ation", 3, "at"), ("ness", 3, ""), ("ally", 3, "al"), ("ly", 3, ""),
    ("ings", 3, ""), ("ing", 3, ""), ("eed", 3, "eed"), ("ed", 3, ""), ("ches", 2, "ch"),
    ("shes", 2, "sh"), ("xes", 1, "x"), ("iest", 2, "y"), ("ier", 2, "y"), ("us", 1, "us"),
    ("ss", 1, "ss"), ("s", 2, ""), ("y", 3, "y"),
)  # fmt: skip
_FORMS = (
    "gray: grey", "write: wrote written", "give: gave given", "take: took taken", "run: ran",
    "make: made", "say: said", "go: went gone", "begin: began begun", "find: found", "keep: kept",
    "lose: lost", "win: won", "sell: sold", "buy: bought", "build: built", "send: sent",
    "hold: held", "grow: grew grown", "rise: rose risen", "fall: fell fallen",
    "freeze: froze frozen", "speak: spoke spoken", "break: broke broken", "choose: chose chosen",
    "child: children", "man: men", "woman: women", "foot: feet", "mouse: mice",
    "index: indices indexes", "fast: faster fastest", "slow: slower slowest",
    "high: higher highest", "low: lowest", "large: larger largest", "big: bigger biggest",
    "small: smaller smallest", "cheap: cheaper cheapest", "close: closest", "near: nearest",
    "tall: taller tallest", "long: longer longest", "short: shorter shortest",
    "old: older oldest", "new: newer newest", "early: earlier earliest", "late: later",
    "strong: stronger", "weak: weaker", "warm: warmer", "cold: colder", "hot: hotter",
    "safe: safer",
)  # fmt: skip
_IRREGULAR = {
    form: base
    for row in _FORMS
    for base, _, forms in [row.partition(":")]
    for form in forms.split()
}

STOP = _set(
    "a an the this that these those is are was were be been being am do does did done has have had "
    "having will would shall should may might must can could to of in on at by for from with as "
    "into onto about and or but so if then than too very just also it its he she they them his her "
    "their him i you we me my your our us who whom which what when where why how there here such "
    "some any each every both all own other another same only even still yet because since while "
    "though although however therefore thus hence indeed really quite no not nor never none don't "
    "doesn't didn't isn't aren't wasn't weren't can't cannot couldn't won't wouldn't shouldn't "
    "hasn't haven't hadn't it's that's there's he's she's what's who's here's i'm you're we're "
    "they're let's one ones yes well "
    "please let know simply actually basically sadly unfortunately luckily fortunately great "
    "question sure certainly course hope helps answer der die das den dem des ein eine einen einem "
    "einer und oder ist sind war im am zu le la les un une des du et ou est sont el los las una y "
    "o es son que en de se"
)

_GROUPS = (
    "big large huge", "small little tiny", "fast quick rapid swift", "begin start commence",
    "end finish", "buy purchase", "car automobile", "doctor physician", "ill sick",
    "shut close", "show display", "get obtain receive", "need require", "use utilize",
    "help assist", "main chief principal", "error mistake", "reboot restart", "depart leave",
    "delete remove erase", "picture image photo", "movie film", "company firm", "main mostly",
    "choose pick select", "allow permit let", "forbid prohibit ban", "buy purchase",
    "build construct", "happen occur", "try attempt", "near close", "hard difficult", "easy simple",
    "happy glad", "sad unhappy", "correct right", "wrong incorrect", "fix repair mend",
    "answer reply respond", "speak talk", "look appear seem", "rise increase raise grow",
    "fall decrease reduce decline shrink drop", "convert turn transform", "call invoke",
    "function method routine", "folder directory", "world earth", "tall high", "novel book",
    "forever endless", "illegal unlawful", "often frequent", "rare seldom", "free gratis",
    "enough sufficient", "long length", "tall height", "wide width", "deep depth",
)  # fmt: skip
_SAME = {
    _inflected(word): min(map(_inflected, group.split()))
    for group in _GROUPS
    for word in group.split()
}

# Words that begin an order, and so are no names there.
_ORDERS = (
    "add apply ask bake boil build call change check choose clean click close compile copy "
    "create cut delete do download drink eat enable ensure enter find fix follow get give go "
    "hold import install keep leave look make mix move open pass place pour press pull push put "
    "read reboot remove replace restart return run save select send set start stir stop store "
    "switch take tell test try turn type update upgrade use wait wash water write "
)
ORDERS = frozenset(map(stem, _set(_ORDERS)))

# Words before "/" say the opposite of those behind it.
_OPPOSITES = (
    "increase raise rise grow gain / decrease reduce lower fall drop decline shrink",
    "more / less fewer", "high / low lower", "fast quick / slow", "hot warm / cold cool",
    "big large / small", "long / short", "tall / short", "strong / weak", "heavy / light",
    "wide broad / narrow", "deep / shallow", "thick / thin", "new / old", "young / old",
    "rich / poor", "good / bad", "better / worse", "best / worst", "hard / easy",
    "hard / soft", "wet / dry", "full / empty", "cheap / expensive", "early / late",
    "before / after", "left / right", "above / below", "over / under", "top / bottom",
    "front / back", "inside / outside", "inner / outer", "internal / external", "up / down",
    "upward / downward", "north / south", "east / west", "first / last", "minimum / maximum",
    "least / most", "ascending / descending", "horizontal / vertical", "positive / negative",
    "even / odd", "true correct right valid / false incorrect wrong invalid untrue",
    "open / close shut", "start begin / stop end", "win / lose", "pass succeed / fail",
    "accept / reject refuse", "include / exclude", "import / export", "push / pull",
    "buy / sell", "lend / borrow", "love / hate dislike", "enable / disable",
    "allow permit / forbid prohibit ban deny", "add insert / remove delete", "cause / prevent",
    "create build / destroy demolish", "help benefit / harm hurt damage", "encrypt / decrypt",
    "encode / decode", "compress / decompress", "upload / download", "attack / defend",
    "freeze / melt", "sink / float", "expand / contract", "input / output", "visible / hidden",
    "public / private", "alive / dead", "male / female", "guilty / innocent", "present / absent",
    "static / dynamic", "optional voluntary / required mandatory compulsory", "safe / dangerous",
    "lossless / lossy", "local / remote", "ancient / modern", "simple / complex", "rare / common",
    "everyone everybody / nobody", "everything / nothing", "everywhere / nowhere",
    "identical equal / different", "agree / disagree", "healthy / sick", "clean / dirty",
    "sweet / sour", "bright / dark", "loud / quiet", "serial sequential / parallel concurrent",
    "synchronous / asynchronous", "singular / plural",
    "profit / loss", "success / failure", "ally / enemy", "friend / enemy", "arrive / depart",
    "attract / repel", "awake / asleep", "credit / debit", "wired / wireless",
    "use / avoid", "improve / degrade worsen", "recommend / discourage",
    "switchon / switchoff",
)  # fmt: skip
OPPOSITES: dict[str, list[tuple[str, int]]] = {}
for _row in _OPPOSITES:
    for _sign, _side in zip((1, -1), _row.split("/"), strict=True):
        for _stem in {stem(word) for word in _side.split()}:
            OPPOSITES.setdefault(_stem, []).append((_row, _sign))

_PREFIXED = {
    "un": "safe able available known likely usual necessary stable sorted ordered signed bounded "
    "lock install load used changed healthy fair true happy clear common expected related reliable "
    "supported limited defined documented familiar important aware certain comfortable conditional "
    "equal intended lucky named popular successful typed finished protected authorized encrypted "
    "employed married tested verified trusted wanted",
    "in": "valid correct complete consistent direct active accurate secure visible sufficient "
    "efficient effective finite compatible dependent flexible formal significant tolerant "
    "appropriate adequate accessible capable sensitive soluble edible eligible sane",
    "im": "possible mutable practical perfect proper polite moral mature probable permeable "
    "partial precise",
    "ir": "regular relevant responsible reversible rational replaceable",
    "il": "legal logical legible literate legitimate",
    "dis": "connect agree allow appear like honest continue advantage approve prove trust",
    "non": "zero empty linear blocking fatal null negative trivial toxic",
    "a": "synchronous symmetric typical",
}
PREFIXED = dict(
    chain.from_iterable(
        ((stem(prefix + word), stem(word)) for word in words.split())
        for prefix, words in _PREFIXED.items()
    )
)
# useful and useless
_NO_SUFFIX = frozenset({"regard", "doubt", "need", "neverthe", "nonethe"})


def polarities(word: str) -> list[tuple[str, int]]:
    """What a word in lower case asserts (+1) or denies (-1): (concept, sign), one or several.

    "unsafe" denies "safe"; "drops" denies what "rises" asserts.
    """
    root = stem(word)
    if root in PREFIXED:
        inner = PREFIXED[root]
        return [(name, -sign) for name, sign in OPPOSITES.get(inner) or [(inner, 1)]]
    for suffix, sign in (("less", -1), ("ful", 1)):
        body = word.removesuffix(suffix)
        if body != word and len(body) >= 3 and body not in _NO_SUFFIX:
            return [(stem(body), sign)]
    return OPPOSITES.get(root) or [(root, 1)]
