"""The final answer in an answer: which mark counts, where it ends, and what is thought."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm.canonical.span import final_span, strip_thoughts

SPANS = [
    ("The answer is 18.", "18."), ("The answer is 18", "18"), ("the answer is 18!", "18!"),
    ("The answer is 3.14. That's it.", "3.14."), ("The answer is 3.14.", "3.14."),
    ("The answer is **12**", "12"), ("Therefore, the answer is **12**.", "12."),
    ("The answer is `12`", "12"), ("So the answer is: 12\nDone.", "12"),
    ("The correct answer is (B).", "(B)."), ("My answer: 5", "5"), ("ANSWER: 18", "18"),
    ("Answer = 6 hens.", "6 hens."), ("answer: 5 hens.\nAnswer = 6 hens.", "6 hens."),
    ("**Answer: 42**", "42"), ("Answer : **42**", "42"), ("**Final answer:** 42", "42"),
    ("**Final Answer**: 42", "42"), ("Final answer 42", "42"), ("### Final Answer\n\n42", "42"),
    ("**Final Answer**\n\n$$\\boxed{42}$$", "42"), ("## Final answer\n- 42", "42"),
    ("The final answer is: $\\boxed{5}$. I hope it is correct.", "5"), ("Answer:\n42", "42"),
    ("The answer is:\n\n\\[ 42 \\]", "\\[ 42 \\]"), ("Answer:\n\n> 42", "42"),
    ("#### 18", "18"), ("nine times two. #### 18", "18"), ("#### 1,000", "1,000"),
    ("#### 3\nthus\n#### 41", "41"), ("text\n#### 18 eggs", "18 eggs"), ("#### B", "B"),
    ("#### Paris", "Paris"), ("### Step 1\nadd\n#### Step 2\nmul\nThe answer is 42", "42"),
    ("#### 1. Add\nfive\nAnswer: 6", "6"), ("#### Adding up\n5 + 3", None), ("#### Step 2", None),
    ("##### 5", None), ("### 5", None),
    ("\\boxed{42}", "42"), ("$\\boxed{x^{2}}$", "x^{2}"), ("\\boxed 5", "5"),
    ("\\boxed{\\text{B}}", "\\text{B}"),
    ("\\boxed{1} and \\boxed{2}", "2"), ("\\fbox{7}", "7"), ("\\boxed{}\nThe answer is 8", "8"),
    ("\\boxed{7 is never closed\nThe answer is 8", "8"), ("\\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
    ("so \\boxed{1} and then \\boxed{x^{2}} or #### 4", "x^{2}"),
    ("\\boxed{5}. Wait. The answer is 6.", "6."), ("\\boxed{5}\n\nFinal answer: 6", "6"),
    ("\\boxed{42}. Note that the answer is 43 if you count on", "42"),
    ("The answer is 5. Wait, no.\nThe answer is 6.", "6."), ("Answer: 4\nAnswer: 5", "5"),
    ("The answer was 4 at first, but now I believe the answer is 5.", "5."),
    ("Answer: the answer is 5", "5"), ("Final answer: \\boxed{3}", "3"),
    ("<answer>42</answer>", "42"), ("<answer>\n42\n</answer> bye", "42"), ("<answer>42", "42"),
    ("The answer is not 5 but 6.", "6."), ("The answer is not 5, it is 6.", "6."),
    ("The answer is not 5.", None), ("The answer isn't 5.", None), ("The answer is not B", None),
    ("Answer: 5 (not 6)", "5"), ("The answer is B, not C.", "B"),
    ("The answer is 5 rather than 6", "5"),
    ("If the answer is 5, we are lost.", None), ("whether the answer is 5", None),
    ("The answer is as follows", None), ("The answer is correct.", None), ("The answer is clear.",
    None),
    ("The answer is therefore 5.", "5."), ("The answer is simply 5", "5"),
    ("The answer is that 5", "5"),
    ("The answer to the question is 5.", "5."), ("The answer to this problem is: 5", "5"),
    ("The answer would be 5", "5"), ("The answer must be 5", "5"), ("The answer should be 5.",
    "5."),
    ("The answer is Mr. Smith. He left.", "Mr. Smith."), ("The answer is J. R. R. Tolkien.",
    "J. R. R. Tolkien."),
    ("The answer is B. Paris", "B. Paris"), ("The answer is B. This is because", "B."),
    ("The answer is 5 m. Then go", "5 m."), ("The answer is 5 p.m. tomorrow", "5 p.m. tomorrow"),
    ("The answer is \"Paris\".", "\"Paris\"."), ("The answer is $1,234.00. Good", "$1,234.00."),
    ("The answer is 5 vs. 6", "5 vs. 6"), ("The answer is yes. It is.", "yes."),
    ("Antwort: 5", "5"), ("Die Antwort ist 5.", "5."), ("Die Antwort lautet: 5", "5"),
    ("La r\u00e9ponse est 5.", "5."), ("R\u00e9ponse : 5", "5"), ("Respuesta: 5", "5"),
    ("La respuesta es 5.", "5."), ("La risposta \u00e8 5", "5"), ("A resposta \u00e9 5", "5"),
    ("\u7b54\u6848\uff1a5", "5"), ("\u7b54\u6848\u662f5\u3002", "5\u3002"),
    ("\u041e\u0442\u0432\u0435\u0442: 5", "5"),
    ("I have an answer for you", None), ("answer 5 questions", None), ("unanswered: 5", None),
    ("Let me answer", None), ("", None), ("18", None), ("Answer: " + "long " * 90, None),
    ("Answer:", None), ("The answer is", None), ("\\boxed", None), ("\\boxed{", None), ("answer",
    None),
]  # fmt: skip


@pytest.mark.parametrize(("words", "span"), SPANS)
def test_final_span(words: str, span: str | None) -> None:
    assert final_span(words) == span


@pytest.mark.parametrize(("words", "left"), [
    ("<think>a</think>b", "b"), ("<think>a", ""), ("a</think>b", "b"), ("a<think>b</think>c", "ac"),
    ("<THINK>a</THINK>b", "b"), ("<thinking>a</thinking>b", "b"), ("<reasoning>a</reasoning>b",
    "b"),
    ("<think>a<think>b</think>c</think>d", "d"), ("<think>a</think>b<think>c", "b"),
    ("<think>a</think><think>b</think>c", "c"), ("[THINK]a[/THINK]b", "b"),
    ("<think>a</reasoning>b", ""),
    ("<think>a <reasoning>b</reasoning> c</think>d", "d"),
    ("\u25c1think\u25b7a\u25c1/think\u25b7b", "b"),
    ("<|channel|>analysis<|message|>40<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>",
        "42"),
    ("<|channel|>analysis<|message|>40", ""), ("<|begin_of_thought|>a<|end_of_thought|>b", "b"),
    ("plain a < b and [1]", "plain a < b and [1]"), ("", ""), ("<thinker>a</thinker>",
    "<thinker>a</thinker>"),
])  # fmt: skip
def test_thoughts_are_taken_out(words: str, left: str) -> None:
    assert strip_thoughts(words) == left


@given(
    st.text(max_size=60).filter(
        lambda said: "<" not in said and "[" not in said and "\u25c1" not in said
    )
)
def test_whatever_is_thought_counts_for_nothing(thought: str) -> None:
    assert (
        strip_thoughts(f"<think>{thought}</think>x") == strip_thoughts(f"{thought}</think>x") == "x"
    )
    assert strip_thoughts(f"<think>{thought}") == ""


@given(st.integers(-(10**9), 10**9))
def test_marks_agree_on_a_number(value: int) -> None:
    marks = (
        "The answer is {}",
        "#### {}",
        "\\boxed{{{}}}",
        "**Answer:** {}",
        "Final answer: **{}**",
    )
    spans = {final_span("We add 3 and 4.\n" + mark.format(value)) for mark in marks}
    assert spans == {str(value)}
