"""Answers that decline to answer. A wrong "yes" costs a good ballot: in doubt it is none."""

from __future__ import annotations

import re

from .fold import fold
from .span import final_span

_LONGEST = 1200  # characters; who declines does not write pages
_CANNOT = (
    r"(?:can ?not|can't|could not|couldn't|(?:won't|will not)(?: be able to)?|am unable to"
    r"|am not able to|'m unable to|'m not able to|am not allowed to|'m not allowed to"
    r"|must decline to|have to decline to"
    r"|refuse to|do not feel comfortable|don't feel comfortable|am not comfortable"
    r"|'m not comfortable)"
)
_DO = (
    r"(?: (?:really|actually|currently|directly|in good conscience|ethically)){0,3}"
    r" (?:help(?! (?:but|it|noticing|thinking))|assist|do (?:that|this|it|so)|comply|fulfill?"
    r"|answer (?:that|this|your|the|it)|respond|continue (?:with )?(?:this|that)|engage"
    r"|participate|support (?:that|this|you)|discuss|share"
    r"|provide(?! (?:an? )?(?:better|more|closer))|generate|create|recommend|advise"
    r"|give (?:you|out|advice|instructions)|tell you how|process|complete (?:that|this|your)"
    r"|perform (?:that|this)|write (?:that|this|about)|produce|facilitate|offer"
    r"|with (?:that|this)|allow)\b"
)
_SORRY = (
    r"(?:(?:i'm|i am|we're|we are) (?:very |so |truly |really |deeply )?sorry|sorry|my apologies"
    r"|apologies|i apologi[sz]e|unfortunately|regrettably|i'm afraid|i am afraid|no"
    r"|thank you[^.\n]{0,60})"
)
_AI = r"as an? (?:ai|artificial intelligence|large language model|language model)[^,.\n]{0,60},? "
_DECLINES = re.compile(
    rf"(?:{_SORRY}[,.:;!-]* (?:but )?(?:that )?)?(?:{_AI})?(?:i|we) ?{_CANNOT}(?:{_DO}|[.!]?\s*\Z)"
    rf"|{_SORRY}[,.:;!-]* no[.!]*\s*\Z"
    rf"|(?:{_SORRY}[,.:;!-]* (?:but )?)?{_AI}i(?:'m| am| do| must|'ve| have| was)? ?"
    r"(?:can ?not|can't|not able|unable|not have|don't|do not|not programmed|not designed|won't"
    r"|must decline)\b"
    r"|(?:i must|i have to|i need to|i'll have to|i'd like to|i) (?:respectfully |politely )?"
    r"decline\b"
    r"|(?:(?:i'm|i am) (?:sorry|afraid)[,.]? (?:but )?)?(?:that's|that is|this is) not something"
    r" (?:that )?i(?:'m able to| am able to| can)"
    r"|i(?:'d| would) (?:rather|prefer) not (?:answer|say|to|do|discuss|help)"
    r"|(?:es )?tut mir leid,? (?:aber )?(?:(?:da|dabei|das|ich) ){1,3}kann"
    r"|ich kann (?:ihnen |dir |euch )?(?:dabei|damit|das|dazu|diese\w*) (?:leider )?nicht"
    r"|(?:je suis )?d\u00e9sol\u00e9e?s?,? (?:mais )?je ne (?:peux|suis)"
    r"|je ne peux pas (?:vous |t'|r\u00e9pondre|faire)"
    r"|lo siento,? (?:pero )?no puedo|no puedo (?:ayudar|hacer|responder)"
    r"|mi dispiace,? (?:ma )?non posso"
    r"|(?:desculpe|sinto muito|lamento),? (?:mas )?n\u00e3o posso"
    r"|\u5f88?(?:\u62b1\u6b49|\u5bf9\u4e0d\u8d77)[,.! ]*\u6211?(?:\u65e0\u6cd5|\u4e0d\u80fd)"
    r"|\u7533\u3057\u8a33(?:\u3042\u308a\u307e\u305b\u3093|\u3054\u3056\u3044\u307e\u305b\u3093)"
    r"|(?:\u0438\u0437\u0432\u0438\u043d\u0438\u0442\u0435"
    r"|\u043a \u0441\u043e\u0436\u0430\u043b\u0435\u043d\u0438\u044e)[,.]? (?:\u043d\u043e )?"
    r"\u044f \u043d\u0435 \u043c\u043e\u0433\u0443",
    re.IGNORECASE,
)
_TURNS = re.compile(
    r"\b(?:but|however|still|yet|anyway|that said|instead)\b[^.\n]{0,80}"
    r"(?:\d|\bhere(?:'s| is| are)\b|```)",
    re.IGNORECASE,
)


def is_refusal(words: str) -> bool:
    """Whether an answer declines and gives nothing else.

    One that holds a marked final answer, or goes on to answer after a "however", is none.
    """
    if len(words) > _LONGEST:
        return False
    said = " ".join(fold(words).split()).strip("\"'*_ ")
    declines = _DECLINES.match(said)
    if declines is None or _TURNS.search(said, declines.end()):
        return False
    return final_span(words) is None
