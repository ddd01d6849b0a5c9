"""Units and scales that stand beside a number.

In: the word after a number. Out: its one name, or the power of ten that it stands for.
Never: converts one unit into another.
"""

from __future__ import annotations

import re

#: powers of ten that are written on to the number; "m" is a metre, but in front of it "$" makes a million
ATTACHED_SCALES = {
    "k": 3, "K": 3, "M": 6, "mn": 6, "Mn": 6, "mln": 6, "bn": 9, "Bn": 9,
    "thousand": 3, "million": 6, "billion": 9,
}  # fmt: skip
MONEY_SCALES = {**ATTACHED_SCALES, "m": 6, "b": 9, "B": 9}
#: powers of ten that stand after the number as a word
SCALE_WORDS = {
    "hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "mn": 6, "bn": 9,
    "lakh": 5, "crore": 7, "tausend": 3, "millionen": 6, "milliarde": 9, "milliarden": 9, "mio": 6, "mrd": 9,
    "millions": 6, "milliard": 9, "milliards": 9, "millones": 6,
    "हजार": 3, "हज\u093cार": 3, "ह\u095bार": 3, "लाख": 5, "करोड\u093c": 7, "करो\u095c": 7,
    "ألف": 3, "مليون": 6, "مليار": 9,
}  # fmt: skip
#: Han and Hangul powers of ten after digits: 3万, 1.5亿, 5만
HAN_SCALES = {
    "十": 1, "百": 2, "千": 3, "万": 4, "萬": 4, "亿": 8, "億": 8, "兆": 12,
    "십": 1, "백": 2, "천": 3, "만": 4, "억": 8, "조": 12,
}  # fmt: skip
ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th"})

_UNIT_NAMES = {
    "m": "m metre metres meter meters",
    "km": "km Km KM kilometre kilometres kilometer kilometers",
    "cm": "cm centimetre centimetres centimeter centimeters",
    "mm": "mm millimetre millimetres millimeter millimeters",
    "kg": "kg Kg KG kilogram kilograms kilogramme kilogrammes kilo kilos",
    "g": "g gram grams gramme grammes",
    "mg": "mg milligram milligrams",
    "t": "t tonne tonnes ton tons",
    "l": "l L litre litres liter liters",
    "ml": "ml mL millilitre millilitres milliliter milliliters",
    "s": "s sec secs second seconds",
    "ms": "ms millisecond milliseconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "day": "day days",
    "year": "yr yrs year years",
    "ft": "ft foot feet",
    "in": "inch inches",
    "lb": "lb lbs pound pounds",
    "mi": "mi mile miles",
    "km/h": "kph kmh",
    "mi/h": "mph",
    "%": "% percent pct",
}
_UNITS = {name: unit for unit, names in _UNIT_NAMES.items() for name in names.split()}
_OTHER_SYMBOLS = "in oz yd px pt kW MW GW kV mA Hz kHz MHz GHz KB kB MB GB TB kJ Pa hPa dB"
_ATTACHED = frozenset(
    [*(name for name in _UNITS if len(name) <= 3), *_OTHER_SYMBOLS.split(), *ORDINAL_ENDINGS]
)
_DECADE = re.compile(r"(?:\d\d)?\d0")


def unit_name(unit: str, per: str | None = None) -> str:
    """Return the one name of a unit: "m" for metres, "km/h" for kilometres per hour; others without case."""
    return "/".join(_name(word) for word in (unit, per) if word)


def _name(word: str) -> str:
    # The case of a symbol counts: mW is not MW.
    return _UNITS.get(word) or (word if len(word) <= 3 else _UNITS.get(word.casefold(), word.casefold()))


def is_attached_unit(letters: str, number: str, after: str) -> bool:
    """Tell whether the letters on a number are a unit or an ordinal's ending, and not a name's ("3PO").

    "the 1970s" is no 1970 and "his 20s" no 20.
    """
    if letters in ("x", "X"):
        return number != "0"
    if after.isdecimal() or after == "_" or letters.rstrip("²³") not in _ATTACHED:
        return False
    return letters != "s" or _DECADE.fullmatch(number) is None
