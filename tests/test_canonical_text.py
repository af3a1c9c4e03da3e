"""Short text, yes and no, and refusals."""

from __future__ import annotations

import pytest

from local_swarm.swarm.canonical import Key, text
from local_swarm.swarm.canonical.refusal import is_refusal
from local_swarm.swarm.canonical.span import final_span

CAPITAL = "What is the capital of France?"


@pytest.mark.parametrize("words", ["Paris", "paris", "PARIS!", "**Paris**.", "\u201cParis\u201d",
    "'Paris'", "`Paris`",
    "\\text{Paris}", "$\\text{Paris}$", "\\boxed{Paris}", "\\boxed{\\text{Paris}}",
    "The answer is Paris.",
    "Answer: Paris", "**Answer:** Paris", "#### Paris", "The capital of France is Paris.",
    "It is Paris.",
    "Paris is the capital of France.", "\uff30aris", "Par\u00adis", " Paris \n", "(Paris)",
    "The capital is Paris.",
    "The capital of France is **Paris**. It lies on the Seine.", "<answer>Paris</answer>", "Paris.",
])  # fmt: skip
def test_spellings_of_a_short_answer(words: str) -> None:
    assert text.short(words, final_span(words), CAPITAL) == Key("text:paris")


@pytest.mark.parametrize("words", ["William Shakespeare", "William Shakespeare wrote Hamlet.",
    "Hamlet was written by William Shakespeare.", "It was William Shakespeare who wrote Hamlet.",
    "William Shakespeare, who lived in Stratford, wrote Hamlet.",
    "The answer is William Shakespeare.",
])  # fmt: skip
def test_a_sentence_says_what_is_new_in_it(words: str) -> None:
    key = text.short(words, final_span(words), "Who wrote Hamlet?")
    assert key == Key("text:william shakespeare")


def test_words_of_the_question_are_no_part_of_a_name() -> None:
    said = ("Pacific Ocean", "the Pacific", "The largest ocean is the Pacific Ocean.")
    keys = {text.short(words, None, "Which ocean is the largest?") for words in said}
    assert keys == {Key("text:pacific")}
    gulf = text.short("The Gulf of Mexico is the largest.", None, "Which one is the largest?")
    assert gulf == Key("text:gulf of mexico")


@pytest.mark.parametrize(
    "words", ["Lyon", "Paris, Texas", "not Paris", "Paris and Lyon", "The city of Paris", "P"]
)
def test_other_short_answers(words: str) -> None:
    key = text.short(words, final_span(words), CAPITAL)
    assert key and key != Key("text:paris")


@pytest.mark.parametrize(("one", "other"), [("the Beatles", "Beatles"), ("A dog", "the dog"),
    ("An owl", "owl"),
    ("97", "97.0"), ("1,000", "1000"), ("1.5 km", "1500 m")])  # fmt: skip
def test_articles_and_spellings_of_numbers_do_not_count(one: str, other: str) -> None:
    first, second = text.short(one, one, "Which?"), text.short(other, other, "Which?")
    assert first and second and first.value == second.value


@pytest.mark.parametrize(("words", "verdict"), [
    ("Yes.", "yes"), ("yes", "yes"), ("**Yes**, it is.", "yes"),
    ("Yes, Python lists are mutable.", "yes"), ("Yes it is", "yes"),
    ("True", "yes"), ("True.", "yes"), ("Correct!", "yes"), ("Ja.", "yes"), ("The answer is yes.",
    "yes"), ("\\boxed{Yes}", "yes"),
    ("No.", "no"), ("No, never.", "no"), ("no", "no"), ("False.", "no"), ("Nope", "no"),
    ("No - it is not", "no"),
    ("Nein, nie.", "no"), ("Answer: No", "no"),
])  # fmt: skip
def test_yes_and_no(words: str, verdict: str) -> None:
    key = text.short(words, final_span(words), "Are Python lists mutable?")
    assert key == Key(f"text:{verdict}")


@pytest.mark.parametrize(
    "words", ["No one knows", "Nobody", "It is.", "Yesterday", "Maybe", "Notably, yes", "Truest"]
)
def test_neither_yes_nor_no(words: str) -> None:
    key = text.short(words, None, "Are Python lists mutable?")
    assert key not in (None, Key("text:yes"), Key("text:no"))


@pytest.mark.parametrize(("question", "short", "yes_no"), [
    (CAPITAL, True, False), ("Who wrote Hamlet?", True, False), ("Where is it?", True, False),
    ("Which planet is largest?", True, False),
    ("Name the largest planet.", True, False), ("Answer in one word: what barks?", True, False),
    ("Give just the name", True, False),
    ("Are lists mutable?", True, True), ("Is it raining?", True, True),
    ("True or false: the sky is green.", True, True),
    ("Answer yes or no: is it so", True, True), ("Does it end? Answer with yes or no.",
    True, True), ("Isn't it so?", True, True),
    ("Is it red or blue?", False, False), ("Can you write a poem?", False, False),
    ("Explain who wrote Hamlet?", False, False),
    ("Write a story", False, False), ("What is the meaning of life?", False, False),
    ("Why is the sky blue?", False, False),
    ("Could you help me?", False, False), ("", False, False), ("Who are you and how do you work?",
    False, False),
])  # fmt: skip
def test_what_asks_for_a_short_answer(question: str, short: bool, yes_no: bool) -> None:
    assert (text.is_short(question), text.is_yes_no(question)) == (short, yes_no)


@pytest.mark.parametrize("words", [
    "I'm sorry, I can't help with that.", "I'm sorry, I cannot do that.", "Sorry, no.",
    "I cannot do that.", "I can't.", "I won't.",
    "I\u2019m sorry, but I can\u2019t assist with that request.",
    "I am sorry, but I am unable to help.", "Sorry, I can't do that.",
    "As an AI language model, I cannot answer this.", "As an AI, I don't have opinions.",
    "As a large language model, I can't share that.",
    "I'm unable to assist with that.", "I am not able to help with this.",
    "I won't help with that.", "I will not provide that.",
    "I apologize, but I cannot fulfill this request.", "Unfortunately, I cannot help with this.",
    "I must decline.", "I have to decline.",
    "I must respectfully decline to answer.", "No, I can't help with that.",
    "I cannot provide instructions for that.", "We cannot help with that.",
    "I'm afraid I can't do that.", "I can not assist you.", "I cannot comply with this request.",
    "I refuse to do that.", "**I cannot do that.**",
    "\"I'm sorry, but I can't help with that.\"", "I'm sorry, but that's not something I can do.",
    "I'd rather not answer.", "I cannot engage in this.",
    "I'm not comfortable with that.", "Sorry, but I'm not able to discuss that.",
    "My apologies, but I can't assist.", "I can't help you.",
    "Es tut mir leid, aber ich kann dabei nicht helfen.", "Ich kann dabei leider nicht helfen.",
    "Je suis d\u00e9sol\u00e9, mais je ne peux pas vous aider.",
    "D\u00e9sol\u00e9, je ne peux pas.", "Lo siento, pero no puedo ayudar con eso.",
    "Mi dispiace, ma non posso aiutarti.", "Desculpe, mas n\u00e3o posso ajudar.",
    "\u62b1\u6b49\uff0c\u6211\u65e0\u6cd5\u56de\u7b54\u3002",
    "\u5bf9\u4e0d\u8d77\uff0c\u6211\u4e0d\u80fd\u5e2e\u52a9\u3002",
    "\u0418\u0437\u0432\u0438\u043d\u0438\u0442\u0435, "
        "\u043d\u043e \u044f \u043d\u0435 \u043c\u043e\u0433\u0443.",
])  # fmt: skip
def test_refusals(words: str) -> None:
    assert is_refusal(words)


@pytest.mark.parametrize("words", [
    "", "No.", "no", "Yes.", "I'm sorry for the delay, the answer is 8",
    "I can't see why not: yes.", "Sorry, the total is 8.", "8",
    "Sorry, I made a mistake. The total is 8.", "I cannot help but notice that it is 5.",
    "I can help with that.", "I don't know.", "I do not think so.",
    "I'm sorry, I can't do that, but the answer is 8.", "I cannot find any errors.",
    "You cannot divide by zero.", "I can't believe it!", "Cannot",
    "Unfortunately, I cannot help with this. However, here is what I know: 5",
    "I can't help with that.\n#### 8", "It cannot be done.",
    "I can't provide a better answer than 42.",
    "As an AI language model, I think that blue is nice.", "No, it is not.",
    "I'm sorry to hear that. Try to rest.", "One cannot help him.", "I can't wait to help you!",
    "I cannot do that. " + "Long words follow here. " * 60, "Sorry, it is 5.", "I won the race.",
    "I am able to help.",
])  # fmt: skip
def test_what_is_no_refusal(words: str) -> None:
    assert not is_refusal(words)
