"""The world: kinds of things, their attributes and patterns, and invented things with facts.

In: the pattern files and a random generator. Out: kinds, and entities whose facts know how they are written.
Never: decides which fact is told or asked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml
from models.builtin.composing import (
    Words,
    compose_dates,
    compose_fields,
    compose_labels,
    compose_notes,
    compose_nouns,
    read_wider,
    widen,
)
from models.builtin.names import Names
from models.builtin.words import read_words

from holocron.fingerprint import JSONValue

KINDS = ("person", "ship", "place", "organisation", "work", "event")
_MONTHS, _SMALL = read_words()["months"], read_words()["small_numbers"]
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One fact that a kind can have."""

    key: str
    type: str
    role: str
    fields: Words
    date_fields: Words
    labels: Words
    notes: Words
    says: Words
    part: Words
    noun: Words
    #: nouns that name the value
    heads: tuple[str, ...]
    #: sentences in which the entity `{s}` is the object
    active: tuple[str, ...]
    #: nouns that a number of it is counted in
    measured: tuple[str, ...]
    spec: dict[str, JSONValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAttribute:
    """A list of small objects that a kind can have."""

    key: str
    item: dict[str, str]
    fields: Words
    item_fields: dict[str, Words]
    notes: Words
    says: Words
    label: Words
    more: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of thing with everything that can be said of it."""

    name: str
    nouns: Words
    pronouns: tuple[tuple[str, str], ...]
    attributes: dict[str, Attribute]
    lists: dict[str, ListAttribute]
    pairs: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A value and how it stands in the text."""

    value: JSONValue
    text: str
    #: for years: with its preposition
    on: str = ""
    #: the ISO date, where the text gives the whole date
    date: str | None = None


@dataclass(slots=True, kw_only=True)
class Entity:
    """One invented thing."""

    kind: Kind
    name: str
    noun: str
    pronoun: tuple[str, str]
    facts: dict[str, Fact] = field(default_factory=dict)
    lists: dict[str, list[dict[str, Fact]]] = field(default_factory=dict)


@cache
def read_kind(name: str) -> Kind:
    """Read one pattern file."""
    raw = yaml.safe_load((Path(__file__).parent / "patterns" / f"{name}.yaml").read_text(encoding="utf-8"))
    wider = read_wider(name)
    attributes = {
        key: _attribute(name, key, spec, wider["attributes"].get(key, {}))
        for key, spec in raw["attributes"].items()
    }
    lists = {
        key: _listed(name, key, spec, wider.get("lists", {}).get(key, {}))
        for key, spec in raw["lists"].items()
    }
    return Kind(
        name=name,
        nouns=Words.read(raw["nouns"]),
        pronouns=tuple(tuple(pair) for pair in raw["pronouns"]),
        attributes=attributes,
        lists=lists,
        pairs=tuple(tuple(pair) for pair in raw["pairs"]),
    )


def _attribute(kind: str, key: str, spec: dict[str, Any], words: dict[str, Any]) -> Attribute:
    """Return an attribute: its patterns with those that its wider words give."""
    nouns = widen(spec["noun"], compose_nouns(words, spec["type"]))
    return Attribute(
        key=key,
        type=spec["type"],
        role=spec.get("role", ""),
        fields=Words.read(widen(spec["fields"], compose_fields(words, kind))),
        date_fields=Words.read(widen(spec["date"], compose_dates(words)) if "date" in spec else None),
        labels=Words.read(widen(spec["labels"], compose_labels(words))),
        notes=Words.read(widen(spec["notes"], compose_notes(words, kind), share=0.25)),
        says=Words.read(widen(spec["says"], words.get("says", []), share=0.35)),
        part=Words.read(spec.get("part")),
        noun=Words.read(nouns),
        heads=tuple(words.get("heads", ())) + tuple(f"year of {event}" for event in words.get("events", ())),
        active=tuple(words.get("active", ())),
        measured=tuple(words.get("measured", ())),
        spec=spec,
    )


def _listed(kind: str, key: str, spec: dict[str, Any], words: dict[str, Any]) -> ListAttribute:
    """Return a list, likewise."""
    parts, one = words.get("parts", {}), key.removesuffix("s")
    return ListAttribute(
        key=key,
        item=spec["item"],
        fields=Words.read(widen(spec["fields"], compose_fields(words, kind))),
        item_fields={
            part: Words.read(widen(names, compose_fields({"heads": parts.get(part, [])}, one)))
            for part, names in spec["item_fields"].items()
        },
        notes=Words.read(widen(spec["notes"], compose_notes(words, kind), share=0.25)),
        says=Words.read(widen(spec["says"], words.get("says", []))),
        label=Words.read(spec["label"]),
        more=Words.read(spec["more"]),
    )


class World:
    """Invents entities for one side."""

    def __init__(self, rng: Random, *, held_out_names: bool, held_out_patterns: bool) -> None:
        self.rng = rng
        self.names = Names(rng, held_out=held_out_names)
        self.held_out_patterns = held_out_patterns

    def invent(self, kind: Kind) -> Entity:
        """Return a new entity with a fact for every attribute and up to four items in each list."""
        noun = self.rng.choice(kind.nouns.of(held_out=self.held_out_patterns))
        if self.rng.random() < (0.45 if kind.name == "person" else 0.4):
            noun = self.names.noun(kind.name)
        entity = Entity(
            kind=kind, name=self._name(kind.name, noun), noun=noun, pronoun=self.rng.choice(kind.pronouns)
        )
        for key, attribute in kind.attributes.items():
            entity.facts[key] = self.fact(attribute.type, attribute.spec, noun)
        for key, listed in kind.lists.items():
            count = self.rng.choice((1, 2, 2, 3, 3, 4, 5))
            items = [
                {part: self.fact(type_, {}, noun) for part, type_ in listed.item.items()}
                for _ in range(count)
            ]
            entity.lists[key] = (
                sorted(items, key=lambda item: str(item["year"].value)) if "year" in listed.item else items
            )
        return entity

    def _name(self, kind: str, noun: str) -> str:
        match kind:
            case "person":
                return self.names.person()
            case "ship":
                return self.names.ship()
            case "place":
                return self.names.place()
            case "organisation":
                return self.names.organisation()
            case "work":
                return self.names.title()
            case _:
                return self.names.event(noun)

    def fact(self, type_: str, spec: dict[str, JSONValue], noun: str) -> Fact:
        """Return a value of a type."""
        rng = self.rng
        match type_:
            case "year":
                return self._year()
            case "noun":
                return Fact(noun, noun)
            case "choice":
                value = rng.choice(spec["choices"])
                return Fact(value, rng.choice(spec["words"][value]))
            case "count":
                number = rng.randint(2, 48) if rng.random() < 0.4 else rng.randint(2, 12)
                return Fact(number, _SMALL[number] if number <= 20 and rng.random() < 0.6 else str(number))
            case "integer" | "pages" | "number":
                return self._number(type_, spec)
            case "goods":
                goods = self.names.goods()
                return Fact(goods, ", ".join(goods[:-1]) + " and " + goods[-1])
            case "org":
                text = self.names.organisation()
            case _:
                text = getattr(self.names, type_)()
        return Fact(text, text)

    def _year(self) -> Fact:
        rng = self.rng
        year = rng.randint(1480, 2020) if rng.random() < 0.9 else rng.randint(900, 1480)
        year = self._repeating(year, 2020)
        luck = rng.random()
        if luck < 0.7:
            return Fact(
                year, str(year), rng.choice((f"in {year}", f"in {year}", f"in {year}", f"in the year {year}"))
            )
        if luck < 0.78:
            name = rng.choice(_MONTHS)
            return Fact(year, f"{name} {year}", f"in {name} {year}")
        return self.dated(year)

    def dated(self, year: int) -> Fact:
        """Return a year with its month and day, in one of the ways that dates are written."""
        rng, year = self.rng, year if year > 999 else year + 1000
        month, day = rng.randint(1, 12), rng.randint(1, 28)
        name, nth = _MONTHS[month - 1], f"{day}{_ENDINGS.get(day % 10, 'th') if day // 10 != 1 else 'th'}"
        luck = rng.random()
        if luck < 0.8:
            text = rng.choice(
                (
                    f"{day} {name} {year}",
                    f"{day} {name} {year}",
                    f"{name} {day}, {year}",
                    f"{year:04}-{month:02}-{day:02}",
                )
            )
            return Fact(year, text, f"on {text}", f"{year:04}-{month:02}-{day:02}")
        text = rng.choice((f"{nth} of {name} {year}", f"{nth} {name} {year}", f"{name} {nth}, {year}"))
        the = "the " if text.startswith(nth) else ""
        return Fact(year, text, f"on {the}{text}", f"{year:04}-{month:02}-{day:02}")

    def _repeating(self, number: int, high: int) -> int:
        """Return a number, now and then one of few different digits, whose copying is harder."""
        first, *rest = digits = str(number)
        if self.rng.random() >= 0.12 or not rest:
            return number
        few = self.rng.choices(digits, k=2)
        return min(high, int(first + "".join(self.rng.choice(few) for _ in rest)))

    def _number(self, type_: str, spec: dict[str, JSONValue]) -> Fact:
        rng = self.rng
        low, high = spec.get("range", (20, 900))
        if type_ == "number":
            value: float | int = round(
                low + (high - low) * rng.random() ** 2, rng.randint(1, int(spec["decimals"]))
            )
            text = f"{value:,}" if value >= 1000 else str(value)
        elif low <= 20 and rng.random() < 0.12:
            value = rng.randint(low, 20)
            text = _SMALL[value]
        else:
            value = self._repeating(int(low * (high / low) ** rng.random()), high)
            text = f"{value:,}" if rng.random() < 0.6 else str(value)
        unit = rng.choice(spec["unit"]) if "unit" in spec else ""
        return Fact(value, f"{text} {unit}".strip())
