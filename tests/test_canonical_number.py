"""Numbers: every spelling of one value has one key, and unlike values never share one."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_swarm.swarm.canonical import Key, number

# value -> its spellings. No two values may share a key.
SAME = {
    "18": ["18", "18.", "18.0", "18.00", "+18", "018", "**18**", "`18`", "_18_", "$18$", "\\(18\\)",
        "\\[ 18 \\]", "$$18$$", "\\text{18}", "\\mathbf{18}", '"18"', "'18'", "(18)", "[18]",
        "{18}",
        "\uff11\uff18", "\u0661\u0668", "\u0967\u096e", "1\u200b8", "\u00a018\u00a0", "18 eggs",
        "18 hens per day", "18 eggs a day", "18 hens/day", "18 of the eggs", "18 eggs left over",
        "eighteen", "Eighteen", "eighteen eggs", "x = 18", "x=18", "$x = 18$", "12 + 6 = 18",
        "18 = 12 + 6", "f(2) = 18", "9 \u00d7 2 = 18", "= 18", "36/2", "18/1", "1.8e1",
        "1.8 \\times 10^1", "180e-1", "about 18", "approximately 18", "approx. 18", "roughly 18",
        "around 18", "\u2248 18", "~18", "\\approx 18", "exactly 18", "only 18", "18 (16 + 2)",
        "18, because 9*2 = 18", "18 (not 16)", "18, not 16", "18 rather than 16",
        "18 since 2*9 = 18",
        "18 which is twice 9", "\\frac{36}{2}", "\\sqrt{324}", "18 in total", "is 18",
        "equal to 18",
        "18!", "18?", "18;", "18 as 9 doubles", "18 \\text{ eggs}", "18\\text{ eggs}", "18\\ eggs",
        "a total of 18", "$x \\approx 18$", "\\boldsymbol{18}", "\\fbox{18}"],
    "-12": ["-12", "\u221212", "\u201312", "\u201412", "\u201012", "\uff0d12", "- 12", "minus 12",
        "negative 12", "-12.0", "(-12)", "-\uff11\uff12", "x = -12", "\u2212 12", "-24/2", "-(12)",
        "minus twelve", "-1.2e1", "$-12$", "-12 eggs"],
    "3/4": ["3/4", "3 / 4", "0.75", ".75", "0.750", "0,75", "\\frac{3}{4}", "\\dfrac{3}{4}",
        "\\tfrac{3}{4}", "\\frac34", "\\frac 3 4", "\\frac{3}4", "\u00be", "3\u20444", "6/8",
        "75e-2",
        "7.5 \\times 10^{-1}", "three quarters", "three-quarters", "75%", "75 %", "75\\%", "75.0%",
        "\uff17\uff15\uff05", "75 percent", "75 per cent", "75 pct", "\\frac{75}{100}", "750\u2030",
        "x = \\frac{3}{4}", "P = 3/4", "3 out of 4", "$\\frac{3}{4}$", "\\cfrac{3}{4}",
        "3/4 of the eggs", "\\frac{3}{4}.", "3\u22154", "3 out of the 4"],
    "-5/8": ["-5/8", "-\\frac{5}{8}", "\\frac{-5}{8}", "\u2212\u215d", "-0.625", "-.625", "-62.5%",
        "-(5/8)", "- \\dfrac{5}{8}", "\\frac{5}{-8}"],
    "3/2": ["3/2", "1.5", "1 1/2", "1\u00bd", "1 \u00bd", "1\\frac{1}{2}", "1 \\frac{1}{2}", "1,5",
        "1 and 1/2", "1 and a half", "one and a half", "150%", "1\\tfrac12", "1.50",
        "\\frac{3}{2}"],
    "1/3": ["1/3", "\\frac13", "\u2153", "one third", "a third", "0.\\overline{3}", "0.(3)", "2/6"],
    "300000": ["300000", "300,000", "300 000", "300\u2009000", "300\u00a0000", "300\u202f000",
        "300'000", "300\u2019000", "300_000", "3e5", "3e5.", "3E5", "3e+5", "3.0e5", "3 x 10^5",
        "3 \u00d7 10^5", "3\u00d710\u2075", "3\u00b710\u2075", "3 * 10^5", "3*10**5",
        "3 \\times 10^{5}",
        "3 \\cdot 10^5", "$3 \\times 10^{5}$", "30 x 10^4", "3,00,000", "3 lakh", "300 thousand",
        "300k", "0.3 million", "300{,}000", "300\\,000", "300,\\!000",
        "three hundred thousand", "300000.00", "300,000.0", "0.3 \\times 10^{6}"],
    "1234567": ["1234567", "1,234,567", "1.234.567", "1 234 567", "12,34,567", "1'234'567",
        "1,234,567.00", "1.234.567,00", "1 234 567,0", "1.234567e6", "1.234567 million"],
    "30864/25": ["1234.56", "1,234.56", "1.234,56", "1 234,56", "1 234.56", "1'234.56"],
    "1024": ["1024", "2^10", "2^{10}", "2\u00b9\u2070", "2**10", "1,024", "4^5", "1.024e3"],
    "1/1000": ["0.001", "10^-3", "10^{-3}", "10\u207b\u00b3", "1e-3", "1/1000", "0.1%", "1\u2030"],
    "12": ["12", "twelve", "a dozen", "one dozen", "12 eggs"],
    "24": ["24", "two dozen", "2 dozen", "2 dozen eggs", "twenty-four", "twenty four"],
    "105": ["105", "one hundred and five", "one hundred five", "a hundred and five"],
    "2500000": ["2.5 million", "2,500,000", "2.5 mio", "25 lakh", "2.5e6"],
    "9e999999": ["9e999999", "90e999998", "0.9e1000000", "9 \\times 10^{999999}", "9.0E+999999"],
    "0": ["0", "-0", "0.0", "zero", "0/5", "0e9", "0%", "0 eggs", "$0$"],
    "inf": ["\\infty", "\u221e", "infinity", "+\u221e", "x = \\infty"],
    "-inf": ["-\\infty", "-\u221e", "-infinity", "\u2212\u221e"],
    "2*sqrt(3)": ["2\\sqrt{3}", "2 \\sqrt{3}", "2\u221a3", "2*sqrt(3)", "\\sqrt{12}",
        "\\sqrt3 \\cdot 2",
        "2 \\times \\sqrt{3}", "x = 2\\sqrt{3}", "\\frac{6}{\\sqrt{3}}", "\\sqrt{3}+\\sqrt{3}",
        "12^{1/2}"],
    "1/4*pi": ["\\frac{\\pi}{4}", "\u03c0/4", "pi/4", "\\pi / 4", "\\frac{1}{4}\\pi", "0.25\\pi",
        "\\pi/4."],
    "1/2 + 1/2*sqrt(5)": ["\\frac{1+\\sqrt{5}}{2}", "(1+\\sqrt5)/2",
        "\\frac{1}{2} + \\frac{\\sqrt{5}}{2}"],
    "1 + 2*x": ["2x+1", "2x + 1", "1 + 2x", "2*x + 1", "2\\cdot x+1", "x + x + 1"],
    "1500 m": ["1500 m", "1.5 km", "1,500 meters", "1500 metres.", "1.5 kilometers", "1500m",
        "1.5km",
        "1500\\text{ m}", "1.5\\,\\text{km}", "1.5 \\mathrm{km}", "150000 cm", "1.5e3 m", "1,5 km",
        "1.5 \u00d7 10^3 m", "d = 1.5 km", "1500 m (1.5 km)", "\uff11.5 km",
        "1 km 500 m", "about 1.5 km", "1500 m away"],
    "3/2 m": ["1.5 m", "150 cm", "1 1/2 m", "1.5 meter", "1500 mm"],
    "5400 s": ["5400 s", "90 min", "90 minutes", "1.5 h", "1.5 hours", "1 h 30 min", "1h30m",
        "1 hour 30 minutes", "1 hour and 30 minutes", "1 hr 30 min", "5,400 seconds", "1 h 30 min.",
        "1.5 hours per day", "one and a half hours", "1\u00bd hours", "90 mins"],
    "50/3 m s^-1": ["60 km/h", "60 km per hour", "60 kilometers per hour", "60 km/hr", "60 kph",
        "60 kmh", "1 km/min", "60 km/h on average", "60\\text{ km/h}", "60 \\frac{km}{h}",
        "60 km an hour", "60 kilometres per hour"],
    "5 m^2": ["5 m^2", "5 m\u00b2", "5 m2", "5 square meters", "5 sq m", "50000 cm^2",
        "5\\text{ m}^2",
        "5 \\text{m}^{2}", "5 square metres"],
    "1/200 m^3": ["5 L", "5 l", "5 liters", "5 litres", "5000 mL", "5000 ml", "5000 cm^3",
        "5000 cc",
        "5 dm^3", "0.005 m^3", "0.005 cubic meters", "5,000 cubic centimeters"],
    "1/2 kg": ["500 g", "0.5 kg", "500 grams", "1/2 kg", "half a kilogram", "500000 mg"],
    "25 \u00b0C": ["25 \u00b0C", "25\u00b0C", "25 \u2103", "25 degrees Celsius", "25 C",
        "25^\\circ C",
        "25 ^{\\circ}\\text{C}", "25 degrees centigrade", "25 Celsius"],
    "77 \u00b0F": ["77 \u00b0F", "77\u00b0F", "77 degrees Fahrenheit", "77 F"],
    "298 K": ["298 K", "298 kelvin", "298 kelvins"],
    "5000 B": ["5 kB", "5 KB", "5000 bytes", "5,000 B", "5 kilobytes", "40000 bits", "40 kbit"],
    "5120 B": ["5 KiB", "5120 bytes", "5 kibibytes"],
    "1250000 B s^-1": ["10 Mbps", "10 Mbit/s", "10 megabits per second", "1.25 MB/s"],
    "7200000 kg m^2 s^-2": ["2 kWh", "7.2 MJ", "7200 kJ", "7,200,000 joules", "2 kW h",
        "2 kilowatt-hours"],
    "45": ["45", "45\u00b0", "45 degrees", "45^\\circ", "45^{\\circ}", "45 deg"],
    "5 rad": ["5 rad", "5 radians"],
    "8001/5000 m": ["5 ft 3 in", "5 feet 3 inches", "5'3\"", "5\u20323\u2033", "5' 3\"",
        "63 inches", "63 in"],
    "5 $": ["$5", "$5.00", "\\$5", "$ 5", "5$", "5 $", "5 dollars", "US$5", "USD 5", "5 USD",
        "$5 USD",
        "500 cents", "$\\$5$", "five dollars", "$5 per day", "$5/day", "5 bucks", "5 US dollars",
        "\uff045", "**$5**", "$5.", "5 dollars and 0 cents", "\\text{\\$}5", "x = \\$5",
        "about $5"],
    "-5 $": ["-$5", "$-5", "-$5.00", "\u2212$5", "-5 dollars", "minus $5"],
    "1234 $": ["$1,234.00", "$1,234", "$1234", "1,234 dollars", "USD 1,234.00", "$1.234e3",
        "1234 $"],
    "3000000 $": ["$3 million", "$3M", "3 million dollars", "$3,000,000", "$3m", "$3 mio"],
    "5 \u20ac": ["\u20ac5", "5 \u20ac", "5,00 \u20ac", "5 euros", "EUR 5", "5 EUR", "\u20ac5.00"],
    "5 \u00a3": ["\u00a35", "GBP 5", "5 GBP", "\u00a35.00", "5 quid", "5 pounds sterling"],
    "500 \u20b9": ["\u20b9500", "Rs. 500", "Rs 500", "500 rupees", "INR 500"],
    "3,4": ["3, 4", "(3, 4)", "(3,4)", "\\{3, 4\\}", "3 and 4", "3; 4", "x = 3, y = 4",
        "3 or 4", "x = 3 or x = 4", "x=4 or x=3", "$(3, 4)$", "\\left(3, 4\\right)",
        "3 apples and 4 pears",
        "x = 3 \\text{ or } x = 4", "3 & 4"],
    "[3,4]": ["[3, 4]", "[3,4]", "x \\in [3, 4]", "\\left[3, 4\\right]"],
    "-inf,3": ["(-\\infty, 3)", "(-\u221e,3)"],
    "[3,inf)": ["[3, \\infty)", "x \\in [3,\u221e)", "\\left[3, \\infty\\right)"],
    "3,1/2*pi": ["\\left(3, \\frac{\\pi}{2} \\right)", "(3, \\pi/2)", "(3,\u03c0/2)"],
    "1\u00b1sqrt(19)": ["1\\pm\\sqrt{19}", "1 \\pm \\sqrt{19}", "x = 1 \u00b1 \u221a19"],
    "6 + -5*i": ["6 - 5i", "6-5i", "-5i + 6"],
    "17,18": ["17 or 18", "either 17 or 18"],
    "4,3": ["4, 3", "(4, 3)", "4 and 3"],
    "3,5,8": ["3, 5, 8", "3,5,8", "3, 5 and 8", "3, 5, and 8", "(3, 5, 8)"],
    "5..7": ["5-7", "5 - 7", "5\u20137", "5 to 7", "between 5 and 7", "from 5 to 7",
        "5 to 7 eggs", "5..7"],
    "5000..7000 m": ["5-7 km", "5 to 7 km", "5 km to 7 km", "5000 m - 7000 m"],
    "5..7 $": ["$5-$7", "$5 to $7", "5-7 dollars"],
    "1/20..1/10": ["5-10%", "5%-10%", "5 to 10 percent"],
    "5000000": ["5M", "5 million", "5000000", "5 Mio."],
    "5000000 \u20ac": ["5 Mio. \u20ac", "\u20ac5m", "5 million euros"],
    "5000000000 $": ["$5B", "$5bn", "$5 billion"],
    "<=5": ["5 or fewer", "at most 5", "up to 5", "x \\leq 5", "5 eggs or less"],
    ">5": ["> 5", ">5", "x > 5", "more than 5", "greater than 5", "over 5", "x \\gt 5"],
    ">=5": ["5 or more", ">= 5", "\u2265 5", "x \\geq 5", "at least 5", "x \\ge 5"],
    "<5": ["< 5", "less than 5", "fewer than 5", "x < 5"],
    "12:30": ["12:30", "12 : 30"],
    "18\u00b12": ["18 \u00b1 2", "18\\pm 2", "18 \\pm 2"],
    "3*5": ["3 \u00d7 5", "3x5", "3 x 5", "3 \\times 5", "3*5"],
    "5": ["5", "101_2", "101_{2}", "101\u2082", "5 pounds", "five"],
}  # fmt: skip


@pytest.mark.parametrize("value", SAME)
def test_all_spellings_of_one_value_have_one_key(value: str) -> None:
    keys = {said: number.key(said) for said in SAME[value]}
    said = {words: key and key.value for words, key in keys.items()}
    assert {w: v for w, v in said.items() if v != f"number:{value}"} == {}


def test_there_are_more_than_200_spellings() -> None:
    assert sum(map(len, SAME.values())) > 400


def test_no_two_values_share_a_key() -> None:
    keys = {value: number.key(spellings[0]) for value, spellings in SAME.items()}
    for one, other in combinations(SAME, 2):
        first, second = keys[one], keys[other]
        assert first and second and first.value != second.value, (one, other)


@pytest.mark.parametrize(("said", "alias"), [
    ("1.5 km", "3/2"), ("1500 m", "1500"), ("75 %", "75"), ("$5", "5"), ("\u20ac5", "5"),
    ("50 cents", "50"), ("3 out of 4", "3"), ("two dozen", "2"), ("-$5", "-5"), ("7.5%", "15/2"),
    ("$3 million", "3000000"), ("60 km/h", "60"), ("101_2", "101"), ("8 hours a day", "8"),
])  # fmt: skip
def test_a_unit_leaves_the_bare_number_as_an_alias(said: str, alias: str) -> None:
    key = number.key(said)
    assert key and key.alias == f"number:{alias}" != key.value


@pytest.mark.parametrize(
    "said", ["18", "3/4", "18 eggs", "1 h 30 min", "3, 4", "45 degrees", "5-7 km"]
)
def test_what_has_no_alias(said: str) -> None:
    key = number.key(said)
    assert key and key.alias is None


@pytest.mark.parametrize("said", [
    "", " ", "Paris", "x7", "H2O", "5/0", "1/0", "\\frac{1}{0}", "7-Eleven", "7th", "no",
    "9" * 1001,
    "81, 4 2", "one of the best", "A", "B", "2026-03-01", "1/2/3", "1.2.3", "the 7 dwarfs of old",
    "5!!x", "\u00b2", "0^-1", "2^99999", "10^99999999", "$", "%", "-", ".", ",", "1 2 3 4",
    "2:30 pm", "none", "undefined", "a", "and", "hundred", "one-way",
])  # fmt: skip
def test_what_is_no_number(said: str) -> None:
    assert number.key(said) is None


@pytest.mark.parametrize("said", [
    "12 Angry Men", "7 samurai", "101 Dalmatians", "Seven", "18 eggs", "about Schmidt",
])  # fmt: skip
def test_a_title_that_begins_with_a_number_is_strictly_none(said: str) -> None:
    assert number.key(said, strict=True) is None


@pytest.mark.parametrize(("said", "value"), [
    ("18", "18"), ("18.", "18"), ("$18", "18 $"), ("1.5 km", "1500 m"), ("75%", "3/4"), ("(3, 4)",
    "3,4"),
    ("**18**", "18"), ("\\frac{3}{4}", "3/4"), ("x = 18", "18"), ("18 (not 16)", "18"),
])  # fmt: skip
def test_what_is_strictly_a_number(said: str, value: str) -> None:
    key = number.key(said, strict=True)
    assert key and key.value == f"number:{value}"


@pytest.mark.parametrize(("words", "value"), [
    ("9 hens and 4 ducks are 13 birds, all told.", "13"),
    ("so she makes 9 * 2 = $18 every day.", "18 $"), ("12 + 3 = 15.", "15"),
    ("First 3. Then 4.\n2. Add them", "4"), ("it rises by 12%", "3/25"),
    ("It costs \u20ac1.234,50", "2469/2 \u20ac"),
    ("which is 1,234.", "1234"), ("that makes 3/4.", "3/4"), ("it takes 1 h 30 min", "5400 s"),
    ("\\frac{1}{2} + \\frac{1}{4} = \\frac{3}{4}", "3/4"), ("and x = -5", "-5"), ("16-3", "3"),
    ("a total of 12 eggs (3 boxes of 4) and no more", "4"), ("gpt4 says 7", "7"), ("2 x 10^3",
    "2000"),
    ("10 - 12 = \u22122", "-2"), ("18 " + "and so on " * 200, "18"), ("he has 5 left.\n\n", "5"),
])  # fmt: skip
def test_the_last_number_of_prose(words: str, value: str) -> None:
    key = number.last(words)
    assert key and key.value == f"number:{value}"


@pytest.mark.parametrize("words", ["none at all", "", "\n", "x", "H" * 9000])
def test_prose_without_a_number(words: str) -> None:
    assert number.last(words) is None


@pytest.mark.parametrize(("words", "value"), [
    ("Eighteen.", "18"), ("18 eggs for 3 days", "18"), ("7\n\nExplanation: 3 + 4, see [1].", "7"),
    ("**Step 1**: 3 + 4\n\n**14 eggs**\n", None), ("3 + 4 = 7\n\n**14**", "14"), ("2h30", "9000 s"),
    ("2/3 \u2248 0.667", "2/3"), ("150 minutes, or 2.5 hours", "9000 s"), ("It is 7.", "7"), ("",
        None),
    ("The total is 7.", None), ("first\nlast", None), ("7\n8", "8"),
])  # fmt: skip
def test_a_lone_number(words: str, value: str | None) -> None:
    key = number.lone(words)
    assert (key and key.value) == (value and f"number:{value}")


def test_the_only_number_of_a_sentence() -> None:
    assert number.only("that Janet makes $18 a day") == Key("number:18 $", "number:18")
    assert number.only("Janet makes 18 and Bob makes 16") is None
    assert number.only("18, yes, 18.0") == Key("number:18")
    assert number.only("nothing") is None


@pytest.mark.parametrize(("question", "asked"), [
    ("How many eggs are left?", True), ("What is 3 + 4?", True), ("Calculate the area of it", True),
    ("What is the sum of both?", True), ("What percentage is it?", True), ("Solve for x: 2x = 4",
    True),
    ("How old is she?", True), ("What is the total cost of it?", True), ("Evaluate 2^5", True),
    ("What is the largest planet?", False), ("What is the difference between a list and a tuple?",
    False),
    ("Who wrote Hamlet?", False), ("What does mean mean?", False), ("Tell me a joke", False),
    ("How are you?", False), ("", False), ("What is 15% of 80?", True), ("Multiply 3 by 4.", True),
    ("What is seven plus eight?", True), ("Convert 5 km to miles", True), ("Find x.", True),
    ("If it goes 60 miles in 2 hours, what is its speed?", True), ("Convert it to Go", False),
    ("Write a function that returns the sum of two numbers.", False),
    ("Please explain how much water I should drink", False),
    ("Translate 'how much is it' to French.", False),
    ("Write the final answer only: what is 3 + 4?", True),
])  # fmt: skip
def test_what_asks_for_a_number(question: str, asked: bool) -> None:
    assert number.is_asked(question) is asked


@given(st.fractions(max_denominator=10**6), st.sampled_from(["", "**", "$", "`"]))
def test_a_fraction_is_itself_in_any_marks(value: Fraction, marks: str) -> None:
    latex = f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    for said in (f"{marks}{value}{marks}", latex, f"x = {value}", f"about {value}."):
        assert number.key(said) == Key(f"number:{value}")


@given(st.integers(0, 10**15), st.integers(1, 4))
def test_groups_of_digits_change_nothing(whole: int, places: int) -> None:
    decimals = "5" * places
    key = number.key(f"{whole}.{decimals}")
    english, thin, swiss = (
        f"{whole:,}",
        f"{whole:,}".replace(",", "\u2009"),
        f"{whole:_}".replace("_", "'"),
    )
    assert key and {number.key(f"{said}.{decimals}") for said in (english, thin, swiss)} == {key}
    if whole >= 1000:
        assert number.key(f"{english.replace(',', '.')},{decimals}") == key
        assert number.key(f"{thin},{decimals}") == key


METRIC: dict[str, Fraction | int] = {
    "km": 1000,
    "m": 1,
    "cm": Fraction(1, 100),
    "mm": Fraction(1, 1000),
}


@given(st.integers(1, 10**6), st.sampled_from(sorted(METRIC)), st.sampled_from(sorted(METRIC)))
def test_units_convert_exactly(size: int, one: str, other: str) -> None:
    value = size * Fraction(METRIC[one]) / METRIC[other]
    first, second = number.key(f"{size} {one}"), number.key(f"{value} {other}")
    assert first and second and first.value == second.value
    assert (first.alias == second.alias) is (one == other)
