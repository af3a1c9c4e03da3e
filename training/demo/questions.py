"""Twenty questions written by hand, unlike the templates; `check` prints the model's answers."""

from __future__ import annotations

from .engine import Engine, made_call

FILES = ("read_file", "write_file", "edit_file", "list_files", "search_files", "execute_bash")

QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Tom has 12 apples. He buys 7 more and gives away 5. How many apples does Tom have?", ()),
    ("There were 18 kids in the pool; 7 got out. How many stayed?", ()),
    ("I had 30 euros, spent 12 on lunch and later found a 5 euro note. What do I have now?", ()),
    ("If I read 9 pages a day, how many pages do I read in 7 days?", ()),
    (
        "A train carries 140 passengers. Then 35 leave and 60 board. How many are on it?",
        (),
    ),
    ("128+94-57", ()),
    ("Which is bigger, 67 or 76?", ()),
    ("Start with 100, take off 45, then add 12. What do you get?", ()),
    ("Order these ages starting with the youngest: 41, 7, 19, 88", ()),
    ("My sister is called Nora and my brother is called Leo. What is my sister's name?", ()),
    ("Ben is a pilot. Ana is a nurse. Which of them flies planes?", ()),
    ("Which of these can you eat? A) stone B) bread C) lamp D) rope", ()),
    ("Describe a red car with 4 doors as a JSON object.", ()),
    ("Write a Python function that triples x.", ()),
    ("Good evening, little model!", ()),
    ("What is the population of Australia?", ()),
    ("Could you have a peek at docs/intro.md for me?", FILES),
    ("Jot down 'milk and eggs' in shopping.txt", FILES),
    ("How much disk space is free?", FILES),
    ("Thanks, that was quick! Who wrote you?", FILES),
)


def ask_all(engine: Engine) -> list[tuple[str, str]]:
    """Each question with the greedy answer; a call is shown as its arguments."""
    answers = []
    for question, tools in QUESTIONS:
        message = engine.chat([{"role": "user", "content": question}], tools)[0]
        answers.append((question, str(made_call(message) or message.get("content"))))
    return answers
