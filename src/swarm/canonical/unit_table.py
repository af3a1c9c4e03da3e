"""The units that are known, by symbol and by word.

Factors are exact by definition: SI brochure (9th edition), IEC 80000-13 for bits and bytes,
the international yard and pound of 1959, US customary measures for gallons, cups and spoons.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache

# symbols | words | factor | dimensions | prefixes of the symbols
# Dimensions without a name mean no unit at all: a "degree" may be of an angle or of temperature,
# a "pound" money or mass, so neither is told apart from the bare number.
_TABLE = """
m | metre meter metro mètre | 1 | m | n μ m c d k
g | gram gramme | 1/1000 | kg | n μ m c d h k
s sec secs | second sekunde seconde segundo | 1 | s | n μ m
min mins | minute minuto | 60 | s
h hr hrs | hour heure stunde hora | 3600 | s
| day tag jour | 86400 | s
wk wks | week fortnight:2 | 604800 | s
mo mos | month | 1 | month
yr yrs | year jahr decade:10 century:100 centuries:100 | 12 | month
L l | litre liter | 1/1000 | m^3 | μ m c d h k
Hz | hertz | 1 | s^-1 | k M G T
rpm | | 1/60 | s^-1
N | newton | 1 | kg m s^-2 | m k M
Nm | newton-meter newton-metre | 1 | kg m^2 s^-2 | k
J | joule | 1 | kg m^2 s^-2 | m k M G T
W | watt | 1 | kg m^2 s^-3 | μ m k M G T
Wh | watt-hour | 3600 | kg m^2 s^-2 | m k M G T
cal | calorie | 4184/1000 | kg m^2 s^-2 | k
Cal | | 4184 | kg m^2 s^-2
eV | electronvolt | 1602176634/10000000000000000000000000000 | kg m^2 s^-2 | m k M G T
hp | horsepower | 74569987158227022/100000000000000 | kg m^2 s^-3
Pa | pascal | 1 | kg m^-1 s^-2 | m h k M G
bar | | 100000 | kg m^-1 s^-2 | m
atm | atmosphere | 101325 | kg m^-1 s^-2
psi | | 6894757293168/1000000000 | kg m^-1 s^-2
mmHg | | 133322387415/1000000000 | kg m^-1 s^-2
V | volt | 1 | V | n μ m k M
A amps | amp ampere | 1 | A | n μ m k
Ah | | 3600 | A s | m k
Ω ohm | ohm | 1 | V A^-1 | m k M G
K | kelvin | 1 | K | m μ
°C | celsius centigrade | 1 | °C
°F | fahrenheit | 1 | °F
mol | mole | 1 | mol | n μ m k
rad | radian | 1 | rad | m μ
dB | decibel | 1 | dB
B | byte octet | 1 | B | k M G T P
b bit | bit | 1/8 | B | k M G T P
t | tonne | 1000 | kg | k M
lb lbs | | 45359237/100000000 | kg
oz | ounce | 45359237/1600000000 | kg
| stone | 635029318/100000000 | kg
in | inch inches | 254/10000 | m
ft | foot feet | 3048/10000 | m
yd yds | yard | 9144/10000 | m
mi | mile | 1609344/1000 | m
nmi | nautical-mile | 1852 | m
ly | light-year lightyear | 9460730472580800 | m
kn | knot | 1852/3600 | m s^-1
mph | | 1609344/3600000 | m s^-1
kph kmh kmph | | 1000/3600 | m s^-1
ha | hectare | 10000 | m^2
ac | acre | 40468564224/10000000 | m^2
gal | gallon | 3785411784/1000000000000 | m^3
qt | quart | 946352946/1000000000000 | m^3
pt | pint | 473176473/1000000000000 | m^3
cup | | 2365882365/10000000000000 | m^3
fl-oz | fluid-ounce | 295735295625/10000000000000000 | m^3
tbsp | tablespoon | 1478676478125/100000000000000000 | m^3
tsp | teaspoon | 492892159375/100000000000000000 | m^3
cc | | 1/1000000 | m^3
mpg | | 1609344000000000/3785411784 | m^-2
% | percent pct percentage prozent pourcent per-cent percentage-point | 1/100 | %
‰ | permille per-mille per-mil | 1/1000 | %
° deg | degree grad | 1 |
| pound | 1 |
$ USD | dollar buck us-dollar | 1 | $
¢ | cent | 1/100 | $
€ EUR | euro | 1 | €
£ GBP | quid pounds-sterling pound-sterling | 1 | £
| pence | 1/100 | £
¥ JPY | yen | 1 | ¥
CNY RMB | yuan renminbi | 1 | CNY
₹ INR Rs | rupee | 1 | ₹
₩ KRW | | 1 | ₩
₽ RUB | rouble ruble | 1 | ₽
₺ TRY | lira | 1 | ₺
₿ BTC | bitcoin | 1 | ₿
CHF | franc franken | 1 | CHF
₪ ILS | shekel | 1 | ₪
₫ VND | | 1 | ₫
₱ PHP | | 1 | ₱
₦ NGN | naira | 1 | ₦
₴ UAH | hryvnia | 1 | ₴
฿ THB | baht | 1 | ฿
R$ BRL | | 1 | BRL
A$ AUD | | 1 | AUD
C$ CAD | | 1 | CAD
NZ$ NZD | | 1 | NZD
HK$ HKD | | 1 | HKD
S$ SGD | | 1 | SGD
MXN | peso | 1 | MXN
SEK | | 1 | SEK
NOK | | 1 | NOK
DKK | | 1 | DKK
PLN zł | zloty | 1 | PLN
CZK | | 1 | CZK
ZAR | rand | 1 | ZAR
"""
_PREFIXES = {
    "n": (Fraction(1, 10**9), "nano"), "μ": (Fraction(1, 10**6), "micro"),
    "m": (Fraction(1, 1000), "milli"), "c": (Fraction(1, 100), "centi"),
    "d": (Fraction(1, 10), "deci"), "h": (Fraction(100), "hecto"),
    "k": (Fraction(1000), "kilo"), "M": (Fraction(10**6), "mega"),
    "G": (Fraction(10**9), "giga"), "T": (Fraction(10**12), "tera"),
    "P": (Fraction(10**15), "peta"),
}  # fmt: skip
Entry = tuple[Fraction, dict[str, int]]


def _rows() -> Iterator[tuple[list[str], list[str], Fraction, dict[str, int], list[str]]]:
    for line in _TABLE.strip().splitlines():
        symbols, words, factor, dims, *prefixes = (part.strip() for part in line.split("|"))
        parts = (part.partition("^") for part in dims.split())
        sizes = {base: int(size or 1) for base, _, size in parts}
        yield symbols.split(), words.split(), Fraction(factor), sizes, "".join(prefixes).split()


@cache
def symbols() -> dict[str, Entry]:
    found: dict[str, Entry] = {"C": (Fraction(1), {"°C": 1}), "F": (Fraction(1), {"°F": 1})}
    for symbols, _, factor, dims, prefixes in _rows():
        for symbol in symbols:
            for prefix in prefixes:
                found[prefix + symbol] = (factor * _PREFIXES[prefix][0], dims)
            if symbol in ("B", "b", "bit"):
                for power, prefix in enumerate(("Ki", "Mi", "Gi", "Ti"), 1):
                    found[prefix + symbol] = (factor * 1024**power, dims)
    for symbols, _, factor, dims, _ in _rows():  # a unit of its own goes before a prefixed one
        found.update(dict.fromkeys(symbols, (factor, dims)))
    for prefix in "kmgt":  # "kb", "KB" and "mbps" are how people write them
        found[prefix + "b"] = found[{"m": "MB", "k": "kB"}.get(prefix, prefix.upper() + "B")]
        bits = found[{"k": "k"}.get(prefix, prefix.upper()) + "b"]
        rate = (bits[0], bits[1] | {"s": -1})
        found.update(dict.fromkeys((prefix + "bps", prefix.upper() + "bps"), rate))
    found["KB"] = found["kB"]
    return found


@cache
def words() -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for _, words, factor, dims, prefixes in _rows():
        for word in words:
            name, _, times = word.partition(":")
            one = factor * int(times or 1)
            names = {name, name + "s", name + "n"}
            found.update(dict.fromkeys(names, (one, dims)))
            for prefix in prefixes:
                size, before = _PREFIXES[prefix]
                found.update({before + each: (size * one, dims) for each in names})
    for power, before in enumerate(("kibi", "mebi", "gibi", "tebi"), 1):
        for name in ("byte", "bytes", "bit", "bits"):
            found[before + name] = (found[name][0] * 1024**power, found[name][1])
    return found
