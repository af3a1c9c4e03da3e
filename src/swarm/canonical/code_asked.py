"""Whether a request asks for code."""

from __future__ import annotations

import re

from .fences import blocks

_LONGEST = 8000  # characters of a question that are looked at, from its end
_AHEAD = 8  # words between "write" and "function"
_WORD = re.compile(r"[a-z_#+][\w+#'-]*|[.?!;:,()]|\n\s*\n|`", re.IGNORECASE)
_HEADER = re.compile(
    r"^[ \t]*(?:async[ \t]+)?(?:def[ \t]+\w+[ \t]*\([^\n]*:[ \t]*$|class[ \t]+\w+[^\n:]*:[ \t]*$)"
    r"|^[ \t]*(?:export |public |static |async )*(?:function|func|fn|void)[ \t]+\w+[ \t]*"
    r"\([^\n]*\{[ \t]*$",
    re.MULTILINE,
)


def _words(said: str) -> frozenset[str]:
    return frozenset(said.split())


_MAKE = _words(
    "write implement create generate give show provide complete finish make build code define "
    "produce develop design need want program send draft compose construct"
)
_MEND = _words(
    "fix debug correct refactor rewrite optimize optimise translate convert port modify extend "
    "complete finish implement simplify improve change update add vectorize annotate type repair"
)
_TELL = _words("explain describe what why which who when predict summarize summarise review")
# Things that only programs have ...
_SURE = _words(
    "code snippet regex regexp one-liner oneliner subroutine decorator lambda subclass dataclass "
    "unittest unittests testcase codebase dockerfile makefile stylesheet iterator coroutine sql "
    "html css fizzbuzz"
)
# ... and things that others have too: a class of children, a script of a play.
_MAYBE = _words(
    "function functions method methods class classes program programs script scripts query queries "
    "algorithm generator component module macro implementation parser loop statement endpoint "
    "tests test page command webpage website app application api server bot game interface struct "
    "enum expression solution"
)
_STRUCTURES = _words(
    "cache stack queue heap trie tree hashmap list sort search quicksort mergesort graph dijkstra "
    "tokenizer bfs dfs sieve semaphore mutex singleton allocator interpreter compiler"
)
_NOT_BEFORE_CODE = _words(
    "dress zip area country postal bar qr promo discount secret morse tax penal building access "
    "error status color colour exit honor honour civil"
)
_NOT_OF = _words(
    "about on explaining essay poem story haiku paragraph sentence sentences article summary blog "
    "letter song joke speech report review list recipe plan that which who describing because"
)
_LANGUAGE = re.compile(
    r"(?<![\w.])(?:python3?|javascript|typescript|java|c\+\+|c#|golang|rust|ruby|php|swift|kotlin|scala"
    r"|perl|haskell|sql|mysql|postgres(?:ql)?|sqlite|bash|shell|powershell|html|css|lua|julia|matlab"
    r"|elixir|dart|react|node(?:\.?js)?|vue|django|flask|fastapi|numpy|pandas|pytorch|awk|sed|zsh"
    r"|in c|in go|in r)(?![\w+#])",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"\s*(?:an? )?(?:simple |short |small |quick |recursive )?"
    r"(?:python|javascript|typescript|java|c\+\+|c#|c|go|rust|ruby|php|swift|kotlin|sql|bash"
    r"|shell) "
    r"(?:function|script|program|class|code|snippet|one-liner|query)\b"
    r"(?! is\b)",
    re.IGNORECASE,
)
_CONTEXT = re.compile(
    r"\w\(|`|\b(?:returns?|returning|inputs?|outputs?|parameters?|arguments?|arrays?|strings?"
    r"|integers?|ints?|booleans?|floats?|lists?|dict(?:ionary|ionaries)?|tuples?|hash ?maps?|json"
    r"|csv|api|files?|recursi(?:on|ve|vely)|iterat\w+|loops?|prints?|sorts?|stdin|stdout|variables?"
    r"|instances?|attributes?|constructors?|palindromes?|fibonacci|primes?|factorial|vowels"
    r"|duplicates|reverses?|table|columns?|rows|select|join|parses?|computes?|calculates?|checks?"
    r"|counts?|numbers?|binary|linked|tree|stack|queue|graph|o\(n|callback|async|exceptions?"
    r"|directory|url|http)\b",
    re.IGNORECASE,
)


def is_asked(question: str) -> bool:
    """Whether `question` asks to write or to change code, and not to explain or to run it."""
    text = question[-_LONGEST:]
    fenced = bool(blocks(text))
    prose = _without_blocks(text) if fenced else text
    words = _WORD.findall(prose)
    if _makes(words, prose):
        return True
    words = [word.lower() for word in words]
    first = next((word for word in words if len(word) > 1), "")
    if first in _TELL or any(word in _TELL for word in words[:4]):
        return False
    header = bool(_HEADER.search(text))
    if fenced:
        return any(word in _MEND for word in words) or (header and not words)
    return header


def _makes(words: list[str], prose: str) -> bool:
    """Whether "write", "fix" and the like are followed by a thing that is code."""
    spoken = bool(_LANGUAGE.search(prose))
    sure = spoken or bool(_CONTEXT.search(prose))
    low = [word.lower() for word in words]
    if spoken and ({"implement", "code"} & set(low[:3]) or _OPENS.match(prose)):
        return True
    for at, word in enumerate(low):
        if word not in _MAKE and word not in _MEND:
            continue
        for place in range(at + 1, min(at + 1 + _AHEAD, len(low))):
            thing = low[place]
            if thing == "code" and _is_other_code(low, place):
                break
            if (
                thing in _SURE
                or (word == "implement" and thing in _STRUCTURES)
                or (thing in _MAYBE and sure and _stands_alone(words, place))
            ):
                return True
            if thing in _NOT_OF or (not thing[0].isalnum() and thing not in ("`", ",")):
                break
    return False


def _is_other_code(words: list[str], place: int) -> bool:
    """Whether "code" is that of a house, a dress or a country."""
    before = words[place - 1]
    after = words[place + 1] if place + 1 < len(words) else "."
    return before in _NOT_BEFORE_CODE or after in ("word", "words", "name", "of")


def _stands_alone(words: list[str], place: int) -> bool:
    """Whether a thing is the thing itself: not "class schedule", not "function of the liver"."""
    after, next_ = [*words[place + 1 : place + 3], ".", "."][:2]
    if not after.islower() or "_" in after or next_ == "(":  # its name, or no word
        return True
    return after in _FOLLOWS or after in _MAYBE or after in _SURE


_FOLLOWS = _words(
    "that which to called named for in with taking returning accepting using and or from def is "
    "where whose given as of will should must can f reads prints takes computes returns so me "
    "definition implementation body signature"
)


def _without_blocks(text: str) -> str:
    """What is said around the fenced blocks of `text`."""
    lines, inside = [], False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            inside = not inside
        elif not inside:
            lines.append(line)
    return "\n".join(lines)
