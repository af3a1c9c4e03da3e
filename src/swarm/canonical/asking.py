"""What a question asks for, as far as several kinds share it."""

from __future__ import annotations

import re

_LONGEST = 4000  # characters of a question, from either end
_PROSE = re.compile(
    r"\W*(?:(?:please|kindly|now|can you|could you|would you|will you|i want you to|i need you to"
    r"|help me(?: to)?)[\s,]+)*"
    r"(?:explain|summari[sz]e|translate|describe|fix|compose|draft|rewrite|create|implement"
    r"|debug|generate|discuss|compare|contrast|outline|refactor|paraphrase|proofread|suggest"
    r"|brainstorm|elaborate|review|list|tell me (?:about|a|how|why)"
    r"|write(?!\s(?:down\s)?(?:only\s)?(?:the|your)\s(?:final\s)?"
    r"(?:answer|number|result|value|sum|date|name)\b))\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\bhow (?:many|much|old|far|long|tall|fast|high|deep|wide|heavy|big|large|hot|cold|often)\b"
    r"|\b(?:calculate|compute|evaluate|add up|solve for|round to|simplify)\b"
    r"|\b(?:sum|total|product|difference|average|mean|median|maximum|minimum|largest|smallest"
    r"|area|perimeter|volume|circumference|value|remainder|quotient|square root|number|length"
    r"|width|height|weight|speed|distance|price|cost|probability|percentage|ratio|population"
    r"|gdp|mass|density|radius|diameter|(?:boiling|melting|freezing) point) of\b"
    r"|\bwhat (?:percent|percentage|fraction|number)\b"
    r"|\bwhat(?:'s| is| was| will be| are) (?:the|its|his|her|their|this|your) (?:\w+ ){0,3}"
    r"(?:total|sum|area|perimeter|volume|cost|price|speed|distance|probability|average|result|number"
    r"|percentage|temperature|height|weight|length|width|age|salary|profit|interest|change)\b"
    r"|\b(?:largest|smallest|difference|total|average|sum) (?:number|between \d)"
    r"|(?:^|[.!?:\n]\s*)(?:(?:add|sum|subtract|multiply|divide|convert)\b[^\n]{0,20}\d|count the\b"
    r"|solve\b[^\n]{0,40}=|find [a-z]\b)"
    r"|\b(?:plus|minus|times|divided by|multiplied by|squared)\b[^?.!\n]{0,40}\?"
    r"|\d\s?(?:%|percent) of\b|\d\s*[-+*/x\u00d7\u00f7^]\s*\d",
    re.IGNORECASE,
)


def prose(question: str) -> bool:
    """Whether `question` opens with an order to write: then no single value is asked for."""
    return bool(_PROSE.match(question[:_LONGEST]))


def number(question: str) -> bool:
    """Whether `question` asks for a number."""
    return bool(_NUMBER.search(question[-_LONGEST:])) and not prose(question)
