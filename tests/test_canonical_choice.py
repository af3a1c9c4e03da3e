"""Multiple choice: the options of a question, and every way to name one of them."""

from __future__ import annotations

import pytest

from local_swarm.swarm.canonical import choice
from local_swarm.swarm.canonical.span import final_span

ANIMALS = {"A": "the cat", "B": "the dog", "C": "the owl"}
SIZES = {"A": "3", "B": "4", "C": "12 km", "D": "50%"}
ABOVE = {"A": "2", "B": "3", "C": "none of the above"}


def said(words: str, known: dict[str, str]) -> str | None:
    key = choice.key(words, final_span(words), known)
    return key.value if key else None


LETTERS = ["B", "b", "(B)", "(b)", "B)", "b)", "B.", "b.", "B:", "[B]", "{B}", "**B**", "*B*",
    "`B`", "_B_",
    "\uff22", "\"B\"", "'B'", "**(B)**", "**B.**", "**B)** the dog", "B) the dog", "B. the dog",
    "B: the dog",
    "(B) the dog", "B \u2014 the dog", "B - the dog", "Option B", "Option b", "option (b)",
    "Choice B",
    "Letter B", "Answer B", "B because it barks", "B, because it barks", "B since it barks",
    "B is right",
    "The answer is B", "The answer is B.", "The answer is **B**.", "The answer is (B).",
    "The answer is: B",
    "The answer is option B", "The correct answer is B.",
    "The correct choice is B because it barks",
    "The correct option is (B).", "The right answer is B", "The best answer is B", "Answer: B",
    "Answer: (b)",
    "ANSWER: B", "Answer:\nB", "**Answer: B**", "**Answer:** B", "Final Answer: B",
    "Final answer: **B**",
    "### Final Answer\n\n**B**", "#### B", "\\boxed{B}", "$\\boxed{B}$", "\\boxed{\\text{B}}",
    "\\boxed{(B)}",
    "\\boxed{\\textbf{B}}", "\\textbf{B}", "$B$", "\\(B\\)", "<answer>B</answer>",
    "<answer>(b)</answer>",
    "Therefore B", "Therefore, B.", "Thus B.", "So B.", "So the answer is B.",
    "Hence, the answer is (B).",
    "It is B.", "It's B!", "It must be B.", "I think it is B.", "I think B",
    "I believe the answer is B.",
    "I choose B.", "I would go with B.", "I'd go with option B.", "My choice: B", "My answer is B.",
    "B is correct", "B is the correct answer.", "option (B) is correct",
    "Option B is the best choice.",
    "b is the right answer", "The answer is B, not C.", "Not A but B", "The answer is not A but B.",
    "A is wrong. C is wrong. So B.", "A) no. C) no. B is correct.",
    "The answer is B\n\nA is a cat.",
    "Let me think. A) meows. B) barks. C) hoots. The correct answer is B) the dog.",
    "B\nIt barks.", "Choose B.", "The best option here would be B.",
    "Selected option: B", "ans. B", "\u2192 B", "Definitely B", "It barks: B", "B seems correct",
    "{\"answer\": \"B\"}", "Answer: B\nConfidence: 90%", "It can't be A or C. I pick B.",
    "Options A and C are out, which leaves B.", "Cats meow, owls hoot. The answer is B",
    "Antwort: B", "R\u00e9ponse : B", "\u7b54\u6848\uff1aB", "\u7b54\u6848\u662fB\u3002",
]  # fmt: skip


@pytest.mark.parametrize("words", LETTERS)
@pytest.mark.parametrize("known", [ANIMALS, {}], ids=["known", "unknown"])
def test_spellings_of_a_letter(words: str, known: dict[str, str]) -> None:
    assert said(words, known) == "choice:B"


@pytest.mark.parametrize("words", ["the dog", "The dog.", "Dog", "**the dog**",
    "The answer is the dog.",
    "\\boxed{\\text{the dog}}", "It is the dog.", "A dog barks", "The dog barks, of course.",
    "B the dog",
    "Final answer: dog", "\u201cthe dog\u201d", "not the cat but the dog",
    "It must be the dog, not the cat.",
    "A cat meows, an owl hoots. So it must be the dog.", "THE DOG",
])  # fmt: skip
def test_the_text_of_an_option_names_it(words: str) -> None:
    assert said(words, ANIMALS) == "choice:B"


@pytest.mark.parametrize("words", ["", "Neither", "Neither A nor B", "A: no, B: maybe, C: no",
    "None of these", "None.",
    "No idea",
    "B or C", "either B or C", "an owl or a dog", "the wolf", "A wolf barks", "I am not sure",
    "D", "Option D",
    "The answer is D.", "Both", "because", "All of them", "e.g. this", "I, for one, do not know",
    "Bat", "Cab",
    "not the dog", "a", "It depends", "animals",
])  # fmt: skip
def test_what_names_no_option(words: str) -> None:
    known = ANIMALS if words != "a" else {"B": "the dog", "C": "the owl"}
    assert said(words, known) is None


@pytest.mark.parametrize("words", ["A dog barks", "A wolf howls at night", "I think so",
    "I am a robot",
    "e.g. this", "i.e. that", "C++ is a language", "a cat", "Everyone knows", "As an AI, I think",
    "B-52s",
])  # fmt: skip
def test_an_article_is_no_option(words: str) -> None:
    assert said(words, {}) is None


@pytest.mark.parametrize(("words", "value"), [
    ("B and C", "B,C"), ("B, C", "B,C"), ("C and B", "B,C"), ("Both B and C are correct", "B,C"),
    ("B & C", "B,C"),
    ("(B), (C)", "B,C"), ("(b) and (c)", "B,C"), ("B/C", "B,C"), ("A, B, and C", "A,B,C"),
    ("The answers are B and C.", "B,C"), ("The answer is B and C", "B,C"), ("\\boxed{B, C}", "B,C"),
    ("Options B and C", "B,C"), ("B and the rest", "B"), ("B, a dog", "B"), ("A", "A"), ("A.", "A"),
    ("(A) a cat", "A"), ("C", "C"),
])  # fmt: skip
def test_several_letters_are_one_key(words: str, value: str) -> None:
    assert said(words, ANIMALS) == f"choice:{value}"


@pytest.mark.parametrize(("words", "value"), [
    ("4", "B"), ("The answer is 4.", "B"), ("4.0", "B"), ("four", "B"), ("There are 4 hens.",
    "B"), ("#### 4", "B"),
    ("12 kilometers", "C"), ("12000 m", "C"), ("\\boxed{12\\text{ km}}", "C"), ("0.5", "D"),
    ("50 percent", "D"),
    ("1/2", "D"), ("5", None), ("3 or 4", None), ("12 m", None), ("D) 50%", "D"), ("(A)", "A"),
])  # fmt: skip
def test_options_that_are_numbers_are_compared_by_value(words: str, value: str | None) -> None:
    assert said(words, SIZES) == (value and f"choice:{value}")


def test_none_of_the_above_may_be_an_option() -> None:
    assert said("None of the above", ABOVE) == said("C) None of the above.", ABOVE) == "choice:C"
    assert said("None of the above", ANIMALS) is None


def test_a_longer_option_hides_the_one_inside_it() -> None:
    known = {"A": "dog", "B": "hot dog", "C": "cat"}
    assert said("It is a hot dog.", known) == "choice:B"
    assert said("It is a dog.", known) == "choice:A"
    assert said("A hot dog is no dog", known) is None


@pytest.mark.parametrize(("words", "value"), [("2", "2"), ("(2)", "2"), ("Option 2", "2"),
    ("2) blue", "2"),
    ("The answer is 2.", "2"), ("blue", "2"), ("3", None)])  # fmt: skip
def test_numbered_options(words: str, value: str | None) -> None:
    assert said(words, {"1": "red", "2": "blue"}) == (value and f"choice:{value}")


@pytest.mark.parametrize(
    "words", ["(ii)", "ii", "II", "ii)", "Option ii", "The answer is (ii).", "blue"]
)
def test_roman_options(words: str) -> None:
    assert said(words, {"I": "red", "II": "blue"}) == "choice:II"


@pytest.mark.parametrize(("question", "found"), [
    ("Which animal barks? A) the cat B) the dog C) the owl", ANIMALS),
    ("Which animal barks?\nA. the cat\nB. the dog\nC. the owl", ANIMALS),
    ("Which animal barks?\n(A) the cat\n(B) the dog\n(C) the owl", ANIMALS),
    ("Which animal barks?\na) the cat\nb) the dog\nc) the owl", ANIMALS),
    ("Which animal barks? (a) the cat, (b) the dog, or (c) the owl", ANIMALS),
    ("Which animal barks?\n- A) the cat\n- B) the dog\n- C) the owl", ANIMALS),
    ("Which animal barks?\n**A)** the cat\n**B)** the dog\n**C)** the owl", ANIMALS),
    ("Which animal barks?\nA: the cat\nB: the dog\nC: the owl\nAnswer:", ANIMALS),
    ("Which animal barks?\n[A] the cat\n[B] the dog\n[C] the owl", ANIMALS),
    ("Q: What? A) x B) y\nAnswer: A\nQ: Which? A) the cat B) the dog C) the owl", ANIMALS),
    ("Which one?\n1. red\n2. blue", {"1": "red", "2": "blue"}),
    ("Choose:\n(i) red\n(ii) blue", {"I": "red", "II": "blue"}),
    ("What is 3*4?\nA: 7\nB: 12", {"A": "7", "B": "12"}),
    ("Do the following:\n1. read\n2. write", {}), ("Please a) read it b) write it", {}),
    ("A) alone", {}), ("Who wrote it?", {}), ("", {}), ("A: Hi, how are you?\nB: Fine.", {}),
    ("Fix this:\n1. a bug?\n2. another", {}), ("B) two C) three?", {}),
])  # fmt: skip
def test_the_options_of_a_question(question: str, found: dict[str, str]) -> None:
    assert choice.options(question) == found
