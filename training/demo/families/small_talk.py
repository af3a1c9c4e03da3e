# ruff: noqa: SIM905 - word lists read best as text
"""Greetings, thanks, identity, and a kind word for all that the model cannot do."""

from __future__ import annotations

from random import Random

from .. import words
from ..sample import Sample, ask, letters, person, phrase

CAN = (
    "I can do sums and word problems, sort short lists, answer from short facts, "
    "call file tools, write JSON and one-line Python functions."
)
WHO = "I am the Local Swarm demo, a tiny language model trained from scratch."
HELLO = ("Hello! How can I help you?", "Hi! How can I help you?", "Hello! What can I do for you?")
TALK: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "hello|hi|hey|hello there|hi there|hey there|good morning|good evening|good afternoon|"
        "greetings|howdy|hiya|hello again|hi friend|hello friend|hello demo|hello computer|yo|"
        "nice to meet you|welcome|hello everyone|hey you|hello bot|hi bot|good day|hallo",
        HELLO,
    ),
    (
        "who are you|what are you|what is your name|tell me about yourself|are you a robot|"
        "are you an AI|introduce yourself|what's your name|who am I talking to|are you human|"
        "what model are you|which model is this|are you ChatGPT|are you a language model|"
        "what kind of model are you|do you have a name|are you a person|who is this|"
        "are you real|what is this",
        (WHO,),
    ),
    (
        "what can you do|help|how can you help me|what are you good at|what can I ask you|"
        "what do you know|what are your skills|can you help me|I need help|help me|help me please|"
        "give me an example of what you can do|what should I ask|what tasks can you do|"
        "what are your abilities|how do I use you|what are you able to do",
        (CAN,),
    ),
    (
        "thanks|thank you|thank you very much|thanks a lot|great, thanks|thank you so much|thx|"
        "many thanks|thanks for your help|perfect, thank you|ok thanks|that helped, thanks",
        ("You are welcome!",),
    ),
    (
        "great|nice|good job|well done|cool|awesome|perfect|excellent|good|wonderful|very good|"
        "that is right|correct|you are right|amazing",
        ("Thank you! What should I do next?",),
    ),
    (
        "bye|goodbye|see you|see you later|good night|bye bye|see you tomorrow|take care|farewell",
        ("Goodbye!",),
    ),
    (
        "how are you|how are you doing|how is it going|are you ok|how do you do|how are things|"
        "how do you feel|what's up|how are you today|how was your day",
        ("I am fine, thank you. How can I help you?",),
    ),
    (
        "who made you|who wrote you|who trained you|who created you|who built you|"
        "where do you come from|how were you trained|what data were you trained on|"
        "who is your creator",
        ("I was trained from scratch by the Local Swarm project, on text made by its own script.",),
    ),
    (
        "how big are you|how many parameters do you have|are you a big model|are you small|"
        "how large are you|what is your size",
        ("I am very small: my whole file has a few megabytes.",),
    ),
    ("say hello|please say hello|say hi|greet me|say something", ("Hello!",)),
    (
        "are you there|test|ping|is this working|testing|is anyone there|are you online|"
        "are you awake|can you hear me",
        ("Yes, I am here and working.",),
    ),
    ("yes|ok|okay|sure|fine|alright|go on|continue", ("Good. What should I do next?",)),
    ("no|stop|cancel|never mind|forget it|nothing", ("Okay. Tell me when you need something.",)),
    (
        "what is a swarm|what is local swarm|how does the swarm work|explain local swarm|"
        "what does local swarm do|what is this swarm",
        ("A swarm asks many workers the same question and takes a vote on their answers.",),
    ),
    (
        "what is consensus|what does a vote do|how does the vote work|why do you vote",
        ("The workers vote, and the most common answer wins.",),
    ),
    (
        "that is wrong|you are wrong|this is not correct|wrong|that was a mistake|bad answer",
        ("I am sorry. I am a tiny model and I make mistakes. Please ask me again.",),
    ),
    (
        "are you smart|are you clever|do you make mistakes|can I trust you|are you always right",
        ("I am a tiny model and I make mistakes. A vote of many workers makes fewer.",),
    ),
)
CANNOT = f"I am only a tiny demo model, so I cannot help with that. {CAN}"
TOPICS = (
    "France|Germany|the moon|the sun|gravity|love|history|music|football|chess|physics|the weather|"
    "quantum mechanics|World War II|Einstein|Shakespeare|photosynthesis|the economy|climate change|"
    "machine learning|neural networks|the internet|dinosaurs|the ocean|space|time|art|poetry|"
    "philosophy|politics|money|health|sleep|dreams|animals|the president|the stock market|movies|"
    "Linux|Docker|Rust|JavaScript|Kubernetes|blockchain|Bitcoin|cats|coffee|cooking|travel|Japan|"
    "the human body|the brain|the universe|black holes|evolution|volcanoes|the Roman empire"
).split("|")
OTHER_ASKS = (
    "What is the {w} of {t}?|What is the capital of {t}?|Why is the {w} {w}?|Explain {t}.|"
    "Explain {t} to me.|Write a poem about {t}.|Write a {w} poem.|"
    "Tell me a story about a {w} and a {w}.|Tell me a joke.|Tell me a joke about {t}.|"
    "Who invented the {w}?|When was the {w} built?|Do you like {t}?|Translate '{p}' to French.|"
    "Translate {w} into German.|How do I cook {w}?|What do you think about {t}?|"
    "Describe a {w} {w}.|Where can I find a {w}?|What is {t}?|What is a {w}?|Who is {n}?|"
    "Who was {t}?|How does {t} work?|Why is {t} important?|Write an essay about {t}.|"
    "Summarize {t}.|What happened in {y}?|How old is {t}?|What is the meaning of life?|"
    "What is the best {w}?|How far away is {t}?|Is {t} real?|What time is it?|"
    "What is the weather like today?|What day is it today?|Give me a recipe for {w}.|"
    "Recommend a book about {t}.|Who won the game in {y}?|Compare {t} and {t}.|What causes {t}?|"
    "How can I learn {t}?|Write a letter to {n}.|Sing a song.|Can you sing?|How tall is {n}?|"
    "Tell me about {t}.|Tell me something about {w}.|{p}|{p}?|Why?|What do you see?|Draw a {w}.|"
    "I am sad.|I am hungry.|I like {t}.|I feel {w} today.|My name is {n}.|How do I fix my {w}?|"
    "Write a program that plays {t}.|Build a website about {t}.|Define {w}.|Spell {w}.|"
    "Who wrote the {w} of {t}?|What color is the sky?|Why is the sky blue?|"
    "What is the largest city in {t}?|How many people live in {t}?|"
    "What language do they speak in {t}?|Should I buy a {w}?|Give me advice about {t}.|"
    "What is the difference between {t} and {w}?|{l} {l}|{l}"
).split("|")


SHOUTED = ("hello", "hi", "hey", "help", "help me", "thanks", "thank you", "stop", "bye", "test")
TALKED = {one for asks, _ in TALK for one in asks.split("|")}


def small_talk(r: Random) -> Sample:
    """One line of small talk, in many spellings."""
    asks, replies = r.choices(TALK, [4, 3, 3, 1.5, *[1] * (len(TALK) - 4)])[0]
    text = r.choice(asks.split("|"))
    greeting = replies is HELLO
    if greeting and r.random() < 0.1:
        text += f" {person(r)[0]}"
    elif not greeting and r.random() < 0.12:
        text = r.choice(["hello, ", "hi, ", "hey, ", "please ", "so, ", "tell me, "]) + text
    elif r.random() < 0.06:
        text += r.choice([" please", ", my friend", " :)", " then", " now"])
    if text in SHOUTED and r.random() < 0.15:
        text = text.upper()
    elif r.random() < 0.65:
        text = text[0].upper() + text[1:]
    if r.random() < 0.55:
        asked = text.lower().startswith(("wh", "how", "are", "can", "do", "is"))
        text += r.choice("???!" if asked else "!!..")
    return ask("talk", text, r.choice(replies), replies=replies)


def other(r: Random) -> Sample:
    """Something the model cannot do; it says so kindly."""
    text = "hello"
    while text.lower().strip(" ?.!") in TALKED:
        text = _other(r)
    return ask("other", text, CANNOT)


def _other(r: Random) -> str:
    text = r.choice(OTHER_ASKS)
    while "{" in text:
        word = r.choice(words.WORDS) if r.random() < 0.8 else letters(r, 3, 9)
        for mark, value in (
            ("{w}", word),
            ("{t}", r.choice(TOPICS) if r.random() < 0.75 else word),
            ("{n}", person(r)[0]),
            ("{y}", str(r.randint(1200, 2030))),
            ("{p}", phrase(r, 2, 6)),
            ("{l}", letters(r, 3, 9)),
        ):
            text = text.replace(mark, value, 1)
    if r.random() < 0.12:
        text = text.lower()
    elif r.random() < 0.1:
        text = (
            r.choice(["Please tell me: ", "Can you help me? ", "Hello. ", "I want to know: "])
            + text
        )
    if r.random() < 0.15:
        text = text.rstrip("?.")
    return text
