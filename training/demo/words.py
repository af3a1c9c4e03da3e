# ruff: noqa: SIM905 - word lists read best as text
"""The vocabulary of the generated text: names, things, words, places, paths."""

from __future__ import annotations

HE = (
    "Tom Sam Ben Bob Dan Finn Hugo Jack Leo Omar Paul Will Max Noah Adam Alex Carl Eric Fred "
    "George Henry Ivan James Karl Liam Mark Nick Oscar Peter Ravi Simon Theo Victor Yusuf Amir "
    "Chen Diego Emil Felix Jonas Kofi Luca Mateo Nils Pedro Rashid Sven Tariq John David Mike "
    "Steve Chris Kevin Brian Jake Ryan Ali Hassan Kenji Marco Anton Oliver Lucas Ethan Daniel"
).split()
SHE = (
    "Ana Cleo Eva Gina Iris Kim Mia Nora Rosa Uma Vera Zoe Alice Anna Bella Clara Dora Emma Fay "
    "Grace Hana Ida Julia Kate Lena Lily Maya Nina Olga Petra Ruth Sara Tina Yara Aisha Bina "
    "Chloe Diana Elena Fatima Ingrid Jana Keiko Lucy Maria Nadia Priya Sofia Tara Wendy Mary "
    "Susan Linda Karen Laura Sarah Jane Amy Lisa Emily Olivia Ava Leila Yuki Ines Marta Helen"
).split()
THEY = "Quinn Robin Sasha Jamie Casey Riley Morgan Avery Rowan Taylor".split()
THINGS = (
    "apples pens coins books cards shells stamps balls stones cakes eggs keys cups marbles "
    "stickers oranges pears plums lemons cookies candies sweets toys dolls cars kites pencils "
    "crayons notebooks hats socks shirts buttons beads rings flowers roses seeds plants nuts "
    "berries grapes cherries bananas peaches carrots potatoes onions tomatoes loaves muffins "
    "donuts sandwiches pizzas bottles jars plates spoons forks candles lamps boxes bags tickets "
    "postcards letters photos badges medals tokens points blocks bricks tiles nails screws bolts "
    "batteries cables chips magnets balloons ribbons feathers leaves sticks logs fish chickens "
    "ducks goats sheep rabbits puppies kittens chocolates mangoes melons figs dates olives"
).split()
HOLDERS = "boxes bags baskets jars shelves trays packs crates bowls rows drawers cartons".split()
HOLDER = "box bag basket jar drawer bowl crate room shop garden pond field barn".split()
COLOURS = (
    "red blue green black white yellow pink gray brown purple silver gold dark small big".split()
)
CITIES = (
    "Oslo Rome Paris Lima Cairo Delhi Tokyo Quito Accra Berlin Madrid Dublin London Vienna Prague "
    "Athens Lisbon Warsaw Boston Dallas Denver Miami Seoul Hanoi Dakar Tunis Kyoto Milan Turin "
    "Porto Bergen Geneva Zurich Munich Hamburg Lagos Nairobi Havana Bogota Toronto Sydney Perth"
).split()
PETS = (
    "cat dog fish bird horse rabbit snake frog mouse goat parrot turtle hamster pony lizard "
    "duck hen pig sheep cow".split()
)
FOODS = (
    "tea coffee soup bread rice pasta cake salad pizza cheese honey milk apples fish curry "
    "noodles beans pancakes juice yogurt".split()
)
JOBS = (
    "teacher doctor baker farmer driver painter nurse pilot cook singer writer lawyer tailor "
    "miner sailor judge plumber dentist gardener".split()
)
KINDS = {
    "an animal": PETS + "wolf fox deer bear lion tiger".split(),
    "a fruit": "apple pear plum grape lemon banana cherry peach mango orange melon".split(),
    "a colour": "red blue green black white yellow pink gray brown purple".split(),
    "a city": CITIES,
    "a job": JOBS,
    "a tool": "hammer saw drill wrench pliers chisel shovel axe rake knife".split(),
    "a vehicle": "car bus train truck ship boat plane bicycle tram van".split(),
    "a piece of clothing": "shirt coat hat sock shoe scarf glove jacket skirt belt".split(),
}
WORDS = (
    "red blue green gold black white pink gray north south east west sun moon star sky rain snow "
    "wind cloud tree leaf root seed river lake sea hill rock sand road bridge house door window "
    "roof wall lamp chair table cup plate knife spoon bread milk honey salt apple pear plum grape "
    "lemon cat dog fish bird horse mouse goat duck frog bear wolf fox deer king queen knight ship "
    "boat train car bus plane wheel engine key lock box bag map clock bell drum flute song dance "
    "book page pen ink note list plan task team work rest play game ball kite coin bank shop farm "
    "field barn mill port tower castle garden flower rose lily grass moss ice fire smoke iron "
    "silver copper glass paper wool silk stone brick clay rope chain needle thread button shirt "
    "coat hat shoe belt ring crown mask hello world error warning value name total count first "
    "last start stop open close true false done ready user server client port host cache swarm "
    "vote model token worker quorum node peer meeting monday friday today tomorrow buy call send "
    "water light music story letter number friend school summer winter morning night city street"
).split()
DIRS = (
    "src docs data tests notes logs app lib config tmp home build scripts public assets api core "
    "tools models web bin examples reports backup images".split()
)
EXTS = "txt md py json log csv yaml toml cfg sh html js ini".split()
STEMS = (
    "main readme notes todo report data test config index users utils setup app server model "
    "plan log result draft list settings hello client helper worker budget summary changes "
    "license recipe diary letter output input table names words scores items orders README "
    "requirements pyproject package Makefile run build deploy schema queue cache".split()
)
NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
