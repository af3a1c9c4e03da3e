"""Twenty questions written by hand, unlike the templates; `check` keeps the model's answers."""

from __future__ import annotations

from .engine import Engine, made_call

FILES = ("read_file", "write_file", "edit_file", "list_files", "search_files", "execute_bash")

QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Tom has 12 apples. He buys 7 more and gives away 5. How many apples does Tom have?", ()),
    ("We were 23 in the choir, then 4 people quit and 9 new singers came. How many are we?", ()),
    ("My train leaves in 50 minutes and the walk takes 18. How many minutes can I wait?", ()),
    ("A spider has 8 legs. How many legs do 6 spiders have?", ()),
    ("Lena read 35 pages on Monday and 48 pages on Tuesday. How many pages is that?", ()),
    ("87-39+15", ()),
    ("Start with 100, take off 45, then add 12. What do you get?", ()),
    ("Which of these ages is the highest: 31, 8, 64, 59?", ()),
    ("Put my scores in order, best first: 72, 15, 90, 44", ()),
    ("Say this list from back to front: rain, sun, snow", ()),
    ("Ben is a pilot. Ana is a nurse. Which of them flies planes?", ()),
    ("Mia lives in Rome and Karl lives in Oslo. In which city is Karl at home?", ()),
    ("Which of these can you eat? A) stone B) bread C) lamp D) rope", ()),
    ("Give me a JSON object for a dog called Rex who is 4.", ()),
    ("I need a Python function that triples a number n.", ()),
    ("Good evening, little model! What are you able to do for me?", ()),
    ("What is the population of Australia?", ()),
    ("Could you have a peek at docs/intro.md for me?", FILES),
    ("Please note 'buy milk and eggs' in shopping.txt", FILES),
    ("How much disk space is free?", FILES),
)


def ask_all(engine: Engine) -> list[tuple[str, str]]:
    """Each question with the greedy answer; a call is shown as its arguments."""
    answers = []
    for question, tools in QUESTIONS:
        message = engine.chat([{"role": "user", "content": question}], tools)[0]
        answers.append((question, str(made_call(message) or message.get("content"))))
    return answers
