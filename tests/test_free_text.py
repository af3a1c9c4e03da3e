"""Free text: what says the same joins, what does not never does, whatever the order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pairs import judge, read, table
from local_swarm.swarm.canonical import text
from local_swarm.swarm.clusters import cluster, medoid
from local_swarm.swarm.embedding import Lexical
from local_swarm.swarm.guards import contradict, signature

# two texts that say the same, one that says something else
TRIPLES = [
    (
        "The server is not reachable.",
        "The server isn't reachable right now.",
        "The server is reachable.",
    ),
    (
        "Python is dynamically typed.",
        "Python is a dynamically typed language.",
        "Python is statically typed.",
    ),
    (
        "The bridge was built in 1932.",
        "It was built in 1932, the bridge.",
        "The bridge was built in 1923.",
    ),
    (
        "The capital of France is Paris.",
        "Paris is the capital of France.",
        "The capital of France is Lyon.",
    ),
    (
        "The capital of France is Paris.",
        "France's capital is Paris.",
        "Paris is not the capital of France.",
    ),
    (
        "Yes, the function is thread safe.",
        "Yes. It is thread safe.",
        "No, the function is not thread safe.",
    ),
    ("No, you cannot mix them.", "No. They can't be mixed.", "Yes, you can mix them."),
    ("Interest rates will rise.", "Interest rates will go up.", "Interest rates will fall."),
    ("The water is hot.", "The water is hot, be careful.", "The water is cold."),
    (
        "Water freezes at 0 degrees Celsius.",
        "Water freezes at 0 \u00b0C.",
        "Water freezes at 4 degrees Celsius.",
    ),
    ("Alice is taller than Bob.", "Alice is taller than Bob is.", "Bob is taller than Alice."),
    ("The cat chased the mouse.", "The cat chased the mouse around.", "The mouse chased the cat."),
    (
        "Mozart composed The Magic Flute.",
        "The Magic Flute was composed by Mozart.",
        "The Magic Flute was composed by Salieri.",
    ),
    (
        "This operation is reversible.",
        "The operation is reversible.",
        "This operation is irreversible.",
    ),
    (
        "The update is mandatory.",
        "The update is mandatory for everyone.",
        "The update is optional.",
    ),
    (
        "You should always back up your data.",
        "Always back up your data.",
        "You should never back up your data.",
    ),
    ("It takes 5 minutes.", "It takes five minutes.", "It takes 15 minutes."),
    ("The result is 1,000 dollars.", "The result is $1000.", "The result is $10,000."),
    (
        "Sound travels faster in water than in air.",
        "In water, sound travels faster than in air.",
        "Sound travels slower in water than in air.",
    ),
    (
        "The list has no duplicates.",
        "There are no duplicates in the list.",
        "The list has duplicates.",
    ),
    ("Bats are mammals.", "Bats are mammals, not birds.", "Bats are birds."),
    (
        "The meeting is on Monday.",
        "The meeting takes place on Monday.",
        "The meeting is on Tuesday.",
    ),
    (
        "The suspect left before midnight.",
        "The suspect left before midnight, apparently.",
        "The suspect left after midnight.",
    ),
    (
        "GET requests should be idempotent.",
        "A GET request should be idempotent.",
        "POST requests should be idempotent.",
    ),
    (
        "Whales are mammals because they breathe air and nurse their young.",
        "Whales breathe air and nurse their young, so they are mammals.",
        "Whales are fish because they live in water.",
    ),
    (
        "The sky is blue due to Rayleigh scattering.",
        "Rayleigh scattering makes the sky blue.",
        "The sky is blue because it reflects the ocean.",
    ),
    (
        "Tuples are immutable.",
        "Tuples cannot be changed after creation; they are immutable.",
        "Tuples are mutable.",
    ),
    ("True", "True.", "False"),
    ("I agree with the proposal.", "I agree with this proposal.", "I disagree with the proposal."),
    (
        "The drug is effective against malaria.",
        "The drug works against malaria and is effective.",
        "The drug is ineffective against malaria.",
    ),
    ("The price went up by 10%.", "The price went up 10 percent.", "The price went down by 10%."),
    ("Nobody survived the crash.", "No one survived the crash.", "Everybody survived the crash."),
    ("She has two sisters.", "She's got 2 sisters.", "She has three sisters."),
    ("Use a stack.", "You should use a stack.", "Use a queue."),
    (
        "Einstein developed the theory of relativity.",
        "The theory of relativity was developed by Albert Einstein.",
        "Newton developed the theory of relativity.",
    ),
    ("The file exists.", "The file does exist.", "The file doesn't exist."),
    (
        "Antarctica is the coldest continent.",
        "The coldest continent is Antarctica.",
        "Antarctica is the hottest continent.",
    ),
    (
        "TCP is connection-oriented.",
        "TCP is a connection-oriented protocol.",
        "UDP is connection-oriented.",
    ),
    (
        "HTTP 404 means not found.",
        "404 means that the page was not found.",
        "HTTP 403 means not found.",
    ),
    (
        "The red team won the game.",
        "The game was won by the red team.",
        "The blue team won the game.",
    ),
    ("The function returns a list.", "It returns a list.", "The function returns a tuple."),
    ("There is enough oxygen.", "There's enough oxygen.", "There is insufficient oxygen."),
    ("The door is open.", "The door is open now.", "The door is closed."),
    ("He arrived on 3 March 2020.", "He arrived on March 3, 2020.", "He arrived on 3 May 2020."),
    ("Sugar dissolves in water.", "Sugar does dissolve in water.", "Sugar is insoluble in water."),
    (
        "The treaty was signed in Berlin.",
        "The treaty was signed in Berlin, Germany.",
        "The treaty was signed in Vienna.",
    ),
    (
        "Most mammals give birth to live young.",
        "Mammals mostly give birth to live young.",
        "Few mammals give birth to live young.",
    ),
    (
        "The algorithm runs in O(n) time.",
        "The algorithm runs in linear time, O(n).",
        "The algorithm runs in O(n^2) time.",
    ),
    ("The engine cannot start.", "The engine can't start.", "The engine can start."),
    (
        "Git rebase rewrites history, merge does not.",
        "A rebase rewrites the history, while a merge does not.",
        "Git merge rewrites history, rebase does not.",
    ),
    (
        "Vaccines do not cause autism.",
        "There is no evidence that vaccines cause autism.",
        "Vaccines cause autism.",
    ),
    ("The variable is null.", "The variable is null at this point.", "The variable is not null."),
    (
        "Yes, you need to restart the service.",
        "Yes, the service must be restarted.",
        "No, you don't need to restart the service.",
    ),
    (
        "Heat flows from hot to cold.",
        "Heat flows from warm objects to cold ones.",
        "Heat flows from cold to hot.",
    ),
    (
        "The population of Iceland is about 380,000.",
        "Iceland has about 380,000 inhabitants.",
        "Iceland has about 830,000 inhabitants.",
    ),
    (
        "Mount Kilimanjaro is in Tanzania.",
        "Kilimanjaro lies in Tanzania.",
        "Mount Kilimanjaro is in Kenya.",
    ),
    (
        "Carbon dioxide is heavier than air.",
        "CO2 is heavier than air.",
        "Carbon dioxide is lighter than air.",
    ),
    (
        "The CEO resigned on Tuesday.",
        "On Tuesday the CEO stepped down.",
        "The CFO resigned on Tuesday.",
    ),
    ("The contract is valid.", "The contract is valid and binding.", "The contract is invalid."),
    (
        "A prime number has exactly two divisors.",
        "Prime numbers have exactly two divisors.",
        "A prime number has at least three divisors.",
    ),
    ("Turn right at the church.", "At the church, turn right.", "Turn left at the church."),
    (
        "The package was delivered.",
        "The package has been delivered.",
        "The package was not delivered.",
    ),
    ("Oil floats on water.", "Oil floats on the surface of water.", "Oil sinks in water."),
    (
        "JavaScript is single-threaded.",
        "JavaScript runs in a single thread.",
        "JavaScript is multi-threaded.",
    ),
    (
        "The museum is free on Sundays.",
        "Entry to the museum is free on Sundays.",
        "The museum is free on Mondays.",
    ),
    (
        "Rome was founded before Carthage fell.",
        "Rome was founded before the fall of Carthage.",
        "Rome was founded after Carthage fell.",
    ),
    (
        "The query is slow because there is no index.",
        "The query is slow since an index is missing.",
        "The query is slow because there are too many indexes.",
    ),
    (
        "Diamond is harder than steel.",
        "Diamond is harder than steel is.",
        "Steel is harder than diamond.",
    ),
    ("It is illegal to park here.", "Parking here is illegal.", "It is legal to park here."),
    (
        "The data is encrypted at rest.",
        "At rest, the data is encrypted.",
        "The data is unencrypted at rest.",
    ),
    (
        "Lincoln was the 16th president.",
        "Lincoln was the sixteenth president.",
        "Lincoln was the 17th president.",
    ),
    ("The meeting starts at 9 am.", "The meeting begins at 9 a.m.", "The meeting starts at 9 pm."),
    ("Sharks are not mammals.", "Sharks aren't mammals; they are fish.", "Sharks are mammals."),
    (
        "The file is stored locally.",
        "The file is stored on the local machine.",
        "The file is stored remotely.",
    ),
    (
        "The battery lasts 10 hours.",
        "The battery lasts for ten hours.",
        "The battery lasts 10 minutes.",
    ),
    (
        "Water expands when it freezes.",
        "When water freezes, it expands.",
        "Water contracts when it freezes.",
    ),
    ("Everyone passed the exam.", "All of them passed the exam.", "Nobody passed the exam."),
    ("The package is optional.", "The package is not required.", "The package is required."),
    (
        "The new law takes effect in March.",
        "The new law will take effect in March.",
        "The new law takes effect in May.",
    ),
    (
        "I would recommend PostgreSQL.",
        "I'd recommend PostgreSQL for this.",
        "I would recommend MySQL.",
    ),
    (
        "Sodium reacts violently with water.",
        "Sodium reacts with water violently.",
        "Sodium does not react with water.",
    ),
    (
        "The train is never late.",
        "The train is never late, in my experience.",
        "The train is always late.",
    ),
    (
        "The sky is blue because of Rayleigh scattering.",
        "Rayleigh scattering causes the blue color of the sky.",
        "The sky is blue because of the reflection of the oceans.",
    ),
    (
        "Use a mutex to protect the shared counter.",
        "Protect the shared counter with a mutex.",
        "Do not use a mutex to protect the shared counter.",
    ),
    ("Yes, HTTP is stateless.", "Yes. HTTP is a stateless protocol.", "No, HTTP is stateful."),
    (
        "The Great Wall of China is not visible from space.",
        "You cannot see the Great Wall of China from space.",
        "The Great Wall of China is visible from space.",
    ),
    ("The function returns 3.", "The function will return 3.", "The function returns 4."),
    (
        "Shakespeare wrote Romeo and Juliet.",
        "Romeo and Juliet was written by Shakespeare.",
        "Marlowe wrote Romeo and Juliet.",
    ),
    (
        "The stock price increased yesterday.",
        "Yesterday the stock price rose.",
        "The stock price decreased yesterday.",
    ),
    (
        "Python uses indentation to define blocks.",
        "In Python, blocks are defined by indentation.",
        "Python uses braces to define blocks.",
    ),
    ("Lists are ordered.", "Lists are ordered collections.", "Lists are unordered."),
    ("The answer is yes.", "Yes.", "No."),
    (
        "Neptune is farther from the Sun than Uranus.",
        "Neptune is farther away from the Sun than Uranus.",
        "Uranus is farther from the Sun than Neptune.",
    ),
    ("Gold does not rust.", "Gold doesn't rust, because it is a noble metal.", "Gold rusts."),
    ("All swans are white.", "Every swan is white.", "Not all swans are white."),
    ("The request succeeded.", "The request was successful.", "The request failed."),
    (
        "SQL injection can be prevented with parameterized queries.",
        "Parameterized queries prevent SQL injection.",
        "SQL injection cannot be prevented with parameterized queries.",
    ),
    (
        "It's safe to delete this file.",
        "You can safely delete this file.",
        "It's not safe to delete this file.",
    ),
    (
        "The speed of light is 299,792,458 m/s.",
        "Light travels at 299792458 m/s.",
        "The speed of light is 299,792 m/s.",
    ),
    ("Jane is older than Tom.", "Jane is older than Tom is.", "Tom is older than Jane."),
    (
        "Insulin lowers blood sugar.",
        "Insulin reduces the blood sugar.",
        "Insulin raises blood sugar.",
    ),
    ("There are no side effects.", "It has no side effects.", "There are side effects."),
    (
        "Water is a compound, not an element.",
        "Water is not an element but a compound.",
        "Water is an element, not a compound.",
    ),
]
# three answers of several sentences that say the same, and one that says the opposite
LONG = [
    (
        "Coffee in moderation is generally considered safe for healthy adults. Up to 400 mg of "
        "caffeine a day, which is about four cups, is not associated with negative effects. It "
        "may even lower the risk of some diseases such as type 2 diabetes and Parkinson's. "
        "However, too much can cause insomnia, a racing heart and anxiety. Pregnant women should "
        "drink less.",
        "For most healthy adults, moderate coffee drinking is not harmful. Health authorities "
        "regard up to 400 mg of caffeine per day as safe, roughly 4 cups. Studies link coffee "
        "with a lower risk of diabetes type 2 and of Parkinson's disease. Drinking more can lead "
        "to sleeping problems, nervousness and palpitations. During pregnancy, the limit is 200 "
        "mg.",
        "Moderate amounts of coffee are fine for most people. About three to four cups a day are "
        "seen as safe. There are even benefits: coffee drinkers have a lower risk of diabetes. "
        "Those who are sensitive to caffeine, or pregnant, should be careful, because too much "
        "caffeine causes restlessness and poor sleep.",
        "Coffee is harmful to your health, and you should avoid it. Even small amounts of "
        "caffeine raise the blood pressure and cause insomnia, anxiety and a racing heart. There "
        "are no proven benefits. Doctors recommend that healthy adults drink no coffee at all.",
    ),
    (
        "A list is mutable and a tuple is immutable. You can append to a list, remove items from "
        "it or change them in place, while a tuple cannot be changed after it was created. Tuples"
        " can be used as dictionary keys if all their items are hashable; lists cannot. Use a "
        "list for collections that change and a tuple for fixed records.",
        "The main difference is mutability: lists can be modified after creation, tuples cannot. "
        "Because of that tuples are hashable (when their elements are) and can serve as keys of a"
        " dictionary. Lists are written with square brackets, tuples with parentheses. Tuples are"
        " also slightly faster and need less memory.",
        "Lists are mutable, tuples are not.\n"
        "\n"
        "- **List**: `[1, 2, 3]`, can grow, shrink and change.\n"
        "- **Tuple**: `(1, 2, 3)`, fixed once it is created.\n"
        "\n"
        "Tuples may be dictionary keys, lists may not.",
        "A tuple is mutable and a list is immutable. You can append to a tuple or change its "
        "items in place, while a list cannot be changed after it was created. Lists can be used "
        "as dictionary keys; tuples cannot. Use a tuple for collections that change and a list "
        "for fixed records.",
    ),
]
KNOWN = (
    "Alice Bob lends gives diabetes type 2 of risk both drugs ; "
    "yes no not the Paris London increases decreases 5 7 km `x` is by and than safe unsafe , . "
    "without never fast cat dog"
)
WORDS = st.lists(st.sampled_from(KNOWN.split()), max_size=9).map(" ".join)


def labels(texts: list[str], threshold: float | None = None) -> list[int]:
    embedder = Lexical()
    keys = [str(text.key(said)) for said in texts]
    return cluster(texts, embedder.embed(texts), keys, threshold or embedder.threshold)


def groups(texts: list[str]) -> set[frozenset[str]]:
    found = labels(texts)
    return {
        frozenset(t for t, label in zip(texts, found, strict=True) if label == other)
        for other in found
    }


@pytest.mark.parametrize("triple", TRIPLES, ids=lambda triple: triple[2])
def test_two_say_the_same_and_the_third_does_not(triple: tuple[str, str, str]) -> None:
    assert labels(list(triple)) == [0, 0, 1]


@pytest.mark.parametrize(
    "texts",
    [
        ["The function is not thread safe.", "The function is not thread safe, sadly."],
        ["Yes, Python lists are mutable.", "Yes, Python lists are mutable objects."],
        ["No.", "No, that is not true."],
        ["**Canberra**", "canberra."],
        ["# Answer\n\nThe cache is full.", "<think>empty? no</think>The cache is full!"],
        ["It is not unsafe.", "It is safe."],
        ["The trip takes 90 minutes.", "The trip takes 1 h 30 min."],
        ["The tank holds 50 litres.", "The tank holds 50."],
        ["It is not only fast but also safe.", "It is fast and also safe."],
        ["Red, green and blue.", "Blue, green and red."],
        ["In 2020 the firm opened 3 shops.", "The firm opened three shops in 2020."],
    ],
)
def test_these_say_the_same(texts: list[str]) -> None:
    assert not contradict(*map(signature, texts))
    assert labels(texts) == [0, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Yes, Python lists are mutable.", "No, Python lists are mutable only in place."),
        ("It is safe.", "It is unsafe."),
        ("It is stateless.", "It is stateful."),
        ("The lamp is on.", "The lamp is off."),
        ("It depends.", "Yes."),
        ("Pass 3 eggs and 5 pears.", "Pass 5 eggs and 3 pears."),
        ("It is -5.", "It is 5."),
        ("Wait 5 s.", "Wait 5 ms."),
        ("See version 1.2.3.", "See version 1.2.4."),
        ("At 17:30.", "At 18:30."),
        ("Take 5 mg per kg.", "Take 5 g per kg."),
        ("Bell invented the telephone.", "The telephone was invented by Gray."),
        ("It holds 2 litres.", "It holds 2 gallons."),
        ("Copy the files from Rome to Bonn.", "Copy the files from Bonn to Rome."),
        ("Use `a and b` here.", "Use `a or b` here."),
        ("Use a list instead of a set.", "Use a set instead of a list."),
        ("Anna neither smokes nor drinks.", "Anna smokes and drinks."),
        ("Cela ne marche pas.", "Cela marche."),
    ],
)
def test_guards_keep_these_apart(one: str, other: str) -> None:
    assert contradict(signature(one), signature(other))
    assert contradict(signature(other), signature(one))
    assert labels([one, other], threshold=0.01) == [0, 1]


@pytest.mark.parametrize("texts", LONG, ids=lambda texts: texts[0][:6])
def test_long_answers_are_compared_sentence_by_sentence(texts: tuple[str, ...]) -> None:
    *same, opposite = map(signature, texts)
    assert same[0].long and same[1].long
    assert not any(contradict(one, other) for one in same for other in same)
    assert any(contradict(one, opposite) for one in same)
    assert len(set(labels([*texts, texts[0]]))) > 1


def test_parallel_sentences_about_different_things_do_not_clash() -> None:
    cities = ["Tokyo", "Osaka", "Kyoto", "Nagoya", "Sapporo"]
    told = [f"{name} has {at} large stations and old temples near the river." for at, name in
            enumerate(cities, 2)]  # fmt: skip
    one, other, wrong = " ".join(told), " ".join(told[::-1]), " ".join(told).replace("5", "6")
    assert not contradict(signature(one), signature(other))
    assert contradict(signature(one), signature(wrong))


def test_the_labelled_pairs_are_judged_as_the_page_says() -> None:
    pairs = read()
    assert len(pairs) == 200 and len({pair.id for pair in pairs}) == 200
    assert len(read("report")) == len(read("development")) == 100
    same, _, merged, different, bare, wrong = table(judge(Lexical(), pairs), Lexical.threshold)[
        "all"
    ]
    assert (same, different) == (96, 104)
    assert merged >= 84 and wrong <= 4
    assert bare >= 70  # what the guards are for


@given(st.text(max_size=300), st.text(max_size=300))
def test_guards_are_total_and_symmetric(one: str, other: str) -> None:
    left, right = signature(one), signature(other)
    assert contradict(left, right) == contradict(right, left)
    assert not contradict(left, left)


@given(WORDS, WORDS)
def test_guards_are_symmetric_on_words_that_they_know(one: str, other: str) -> None:
    left, right = signature(one), signature(other)
    assert contradict(left, right) == contradict(right, left)
    assert not contradict(left, left)


@given(st.lists(st.one_of(WORDS, st.text(max_size=20)), max_size=7), st.randoms())
def test_groups_depend_on_neither_order_nor_repetition(
    texts: list[str], chance: random.Random
) -> None:
    found = groups(texts)
    again = texts + [said for said in texts if chance.random() < 0.5]
    chance.shuffle(again)
    assert groups(again) == found


@given(st.lists(WORDS, max_size=7), st.floats(-1, 1))
def test_no_group_holds_a_contradiction(texts: list[str], threshold: float) -> None:
    found = labels(texts, threshold)
    keys = [str(text.key(said)) for said in texts]
    for a, one in enumerate(texts):
        for b, other in enumerate(texts[:a]):
            if keys[a] == keys[b]:
                assert found[a] == found[b]
            elif found[a] == found[b]:
                assert not contradict(signature(one), signature(other))


def test_a_chain_is_no_circle() -> None:
    """a is like b and b like c, but a is not like c: the mean decides, not the chain."""
    turned = [[1.0, 0.0], [0.8, 0.6], [0.28, 0.96], [-0.352, 0.936]]  # each 0.8 from the next
    names = ["red", "green", "blue", "grey"]
    assert cluster(names, turned, names, 0.79) == [0, 0, 1, 1]


def test_texts_without_vectors_are_compared_by_key() -> None:
    assert cluster(["a", "a ", "b"], [None] * 3, ["a", "a", "b"], -1) == [0, 0, 1]
    assert cluster([], [], [], 0.5) == []


def test_the_medoid_is_the_most_typical_and_of_equals_the_first() -> None:
    texts = [
        "The cache is full of old entries.",
        "The cache is full.",
        "The cache is completely full.",
    ]
    vectors = Lexical().embed(texts)
    assert medoid(texts, vectors) == 1 == medoid(texts, [None] * 3)
    assert medoid(texts[:2], vectors[:2]) == 0 == medoid(texts[1::-1], vectors[1::-1])
    with pytest.raises(ValueError, match="no texts"):
        medoid([], [])


@given(st.integers(1, 40), st.booleans())
def test_length_alone_never_decides(times: int, first: bool) -> None:
    """The same said at length is as typical as said once: the order given decides."""
    short, long = "the cache is full", " ".join(["the cache is full"] * (times + 1))
    texts = [short, long] if first else [long, short]
    other = "the cache seems full today"
    for vectors in (Lexical().embed([*texts, other]), [[1.0]] * 3):
        assert medoid([*texts, other], vectors) == 0
