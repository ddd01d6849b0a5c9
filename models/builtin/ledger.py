"""Ledgers: plain lookups, which teach copying and the meaning of a field's name.

In: a random generator. Out: a question over invented field names, and bundles with answers.
Never: needs to know what a field means; its label in the evidence says it.
"""

from __future__ import annotations

from random import Random

from models.builtin.composing import camel, held_out_names, odd_name, plain, seen_words
from models.builtin.names import Names
from models.builtin.speaking import Line
from models.builtin.words import read_words
from models.builtin.world import KINDS, World

from holocron.derivation.contract import CITE, Contract
from holocron.derivation.derivations import Derivation
from holocron.fingerprint import JSONValue

_WORDS = read_words()
_FIRST, _SECOND = _WORDS["first_words"], _WORDS["second_words"]
_SMALL = _WORDS["small_numbers"]
_VALUES = ("person", "place", "ship", "organisation", "word", "title", "role", "noun", "noun", "noun", "noun")
_NUMERIC = frozenset(_WORDS["numeric_words"])
_SAYS = (
    "The {label} is {v}.",
    "Its {label} is {v}.",
    "{Label}: {v}",
    "The {label} was {v}.",
    "{v} is the {label}.",
    "As {label} we find {v}.",
    "{Label} – {v}",
)
_ASK = (
    "Look up the fields.",
    "Copy the values.",
    "Fill in the form from the lines.",
    "Give the fields of the entry.",
    "",
)
_DESCRIBED = (
    "{}",
    "the {}",
    "{} of the entry",
    "{}, as written",
    "what is given as {}",
    "the entry's {}",
)
Bundle = tuple[str, list[Line], JSONValue]


def make_ledger(rng: Random, *, held_out: bool, size: int) -> tuple[Derivation, list[Bundle]]:
    """Return a question of invented fields, and bundles whose lines carry them by name."""
    fields: dict[str, str] = {}
    for _ in range(rng.choice((2, 3, 3, 4, 5, 6, 7))):
        name = _field(rng)
        numeric = name.split("_")[-1] in _NUMERIC or (name.split("_")[0] in _NUMERIC and rng.random() < 0.8)
        numeric = numeric or rng.random() < 0.15
        fields[name] = "integer" if numeric else "date" if rng.random() < 0.12 else "string"
    asked = rng.sample(list(fields), max(1, len(fields) - rng.randint(0, 2)))
    nullable = rng.random() < 0.6
    shown = _shown(rng, asked)
    properties: dict[str, JSONValue] = {}
    for name in asked:
        described = {} if shown[name] == name else {"description": _describe(rng, name)}
        bare = "string" if fields[name] == "date" else fields[name]
        type_: JSONValue = [bare, "null"] if nullable else bare
        form = {"format": "date"} if fields[name] == "date" else {}
        properties[shown[name]] = {"type": type_, **form, **described}
    schema: JSONValue = {"type": "object", "properties": properties, "required": list(properties)}
    derivation = Derivation(
        name="ledger", version="1", instructions=rng.choice(_ASK), contract=Contract.parse(schema)
    )
    return derivation, [
        _bundle(rng, Names(rng, held_out=held_out), fields, shown, nullable=nullable) for _ in range(size)
    ]


def _field(rng: Random) -> str:
    """Return a field's name of one or two words, none that is held out."""
    while plain(name := _any_field(rng)) in held_out_names():
        pass
    return name


def _any_field(rng: Random) -> str:
    if rng.random() < 0.5:
        first = rng.choice(_FIRST)
        if rng.random() < 0.1:
            return f"{rng.choice(_SECOND)}_{first}".replace("of_birth_", "")
        return first if rng.random() < 0.5 else f"{first}_{rng.choice(_SECOND)}"
    words = rng.sample(seen_words(), rng.choice((1, 2, 2)))
    return rng.choice(("_", "_", "_of_", "_of_the_")).join(words)


def _shown(rng: Random, asked: list[str]) -> dict[str, str]:
    """Return how the contract spells the fields: as they are, in camel case, or saying nothing."""
    luck = rng.random()
    if luck < 0.5:
        return {name: name for name in asked}
    if luck < 0.65:
        return {name: camel(name) for name in asked}
    odd = [odd_name(rng, Names(rng, held_out=False).word().lower()) for _ in range(3 * len(asked))]
    return dict(zip(asked, dict.fromkeys(odd), strict=False))


def _describe(rng: Random, name: str) -> str:
    label = name.replace("_", " ")
    return rng.choice(
        ("{}", "the {}", "{} of the entry", "{}, as written", "what is given as {}", "the entry's {}")
    ).format(label)


def _value(rng: Random, names: Names, type_: str) -> tuple[JSONValue, str]:
    """Return a value of a type and how it is written."""
    if type_ == "integer":
        number = rng.choice((rng.randint(1, 3000), rng.randint(1, 99) * 101, rng.randint(1, 900_000)))
        number = rng.randrange(len(_SMALL)) if rng.random() < 0.25 else number
        return number, _SMALL[number] if number < len(_SMALL) and rng.random() < 0.7 else str(number)
    if type_ == "date":
        fact = World(rng, held_out_names=False, held_out_patterns=False).dated(rng.randint(1480, 2020))
        return fact.date, fact.text
    kind = rng.choice(_VALUES)
    value: str = names.noun(rng.choice(KINDS)) if kind == "noun" else getattr(names, kind)()
    return value, value


def _bundle(
    rng: Random, names: Names, fields: dict[str, str], shown: dict[str, str], *, nullable: bool
) -> Bundle:
    style = rng.choice(("pointer", "row", "label", "sentence"))
    told = [name for name in fields if not (nullable and name in shown and rng.random() < 0.15)]
    rng.shuffle(told)
    values: dict[str, JSONValue] = {}
    where: dict[str, int] = {}
    texts: list[str] = []
    for name in told:
        values[name], shown_value = _value(rng, names, fields[name])
        label = name.replace("_", " ")
        if " of " not in label and label.count(" ") == 1 and rng.random() < 0.25:
            label = "{1} of the {0}".format(*label.split())
        texts.append(
            {
                "pointer": f"/{name}: {shown_value}",
                "row": f"{name}: {shown_value}",
                "label": f"{label.capitalize()}: {shown_value}",
                "sentence": rng.choice(_SAYS).format(label=label, Label=label.capitalize(), v=shown_value),
            }[style]
        )
        where[name] = 1 if style == "row" else len(texts)
    lines = [Line("; ".join(texts))] if style == "row" else [Line(text) for text in texts]
    lines = [line for line in lines if line.text] or [Line("Nothing is recorded.")]
    answer: JSONValue = {
        CITE: sorted({where[name] for name in shown if name in where}),
        **{spelt: values.get(name) for name, spelt in shown.items()},
    }
    return f"entry {rng.randint(1, 900)}", lines, answer
