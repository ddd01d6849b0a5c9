"""Composing: names of fields, labels, descriptions and sentences, put together from the words for a value.

In: the pattern files, the wider words beside them, and what is held out. Out: more patterns of each sort.
Never: gives a pattern or a field's name that is held out, in any spelling.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

_PATTERNS = Path(__file__).parent / "patterns"
_NOTES = (
    "{h}",
    "the {h}",
    "{h} of the {kind}",
    "the {kind}'s {h}",
    "{h}, as stated",
    "{h}, as the text gives it",
    "what the evidence gives as {h}",
    "{h}, if stated",
    "{h} or null",
    "{h}; null if it is not told",
    "the {h} of the subject",
)
_NOUNS = (
    "{h} was {v}",
    "{h} is {v}",
    "{h} was {v}",
    "{h} is given as {v}",
    "{h} is recorded as {v}",
    "{h} is said to have been {v}",
    "{h} is entered as {v}",
    "{h} seems to have been {v}",
    "{h} is known to have been {v}",
    "{h} is put down as {v}",
)
_EVENTS = (
    "{e} took place {on}",
    "{e} is dated {on}",
    "{e} was {on}",
    "{e} happened {on}",
    "{e} is entered {on}",
)


@dataclass(frozen=True, slots=True)
class Words:
    """Patterns of one sort, kept apart by side; the mark `~` in the files holds one out."""

    seen: tuple[str, ...]
    held_out: tuple[str, ...]

    @classmethod
    def read(cls, entries: list[str] | None) -> Words:
        """Split marked entries from the others."""
        texts = [str(entry) for entry in entries or ()]
        return cls(
            tuple(text for text in texts if not text.startswith("~")),
            tuple(text[1:] for text in texts if text.startswith("~")),
        )

    def of(self, *, held_out: bool) -> tuple[str, ...]:
        """Return the patterns of a side; where nothing is held out, all of them."""
        return (self.held_out or self.seen) if held_out else self.seen


@cache
def read_wider(kind: str) -> dict[str, dict[str, Any]]:
    """Return the wider words of a kind: by attribute and by list."""
    path = _PATTERNS / "wider" / f"{kind}.yaml"
    told: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return told


@cache
def held_out_names() -> frozenset[str]:
    """Return every held-out field's name of the pattern files, in its plain spelling."""
    found: set[str] = set()
    for path in sorted(_PATTERNS.glob("*.yaml")):
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        for spec in (*raw.get("attributes", {}).values(), *raw.get("lists", {}).values()):
            for names in (spec["fields"], spec.get("date", ()), *spec.get("item_fields", {}).values()):
                found |= {plain(str(name)) for name in names if str(name).startswith("~")}
    return frozenset(found)


@cache
def seen_words() -> tuple[str, ...]:
    """Return the words of the wider files, less those that are a held-out field's name."""
    paths = (_PATTERNS / "wider" / path.name for path in sorted(_PATTERNS.glob("*.yaml")))
    texts = (path.read_text(encoding="utf-8") for path in paths if path.exists())
    words = {word for text in texts for word in re.findall(r"\b[a-z]{3,11}\b", text)}
    return tuple(sorted(words - held_out_names()))


def plain(text: str) -> str:
    """Return what is the same in every spelling of a pattern or a name."""
    return re.sub(r"[\W_]+", "", text.lower())


def widen(base: list[str] | None, more: list[str], *, share: float = 0.5) -> list[str]:
    """Return a sort's patterns with more; what is held out (`~`) stays so, and the old keep a share."""
    entries = [str(entry) for entry in base or ()]
    held = {plain(entry) for entry in entries if entry.startswith("~")}
    seen = [entry for entry in entries if not entry.startswith("~")]
    added = [text for text in dict.fromkeys(more) if plain(text) not in held and text not in seen]
    times = max(1, round(len(added) * share / (1 - share) / max(1, len(seen))))
    return seen * times + added + [entry for entry in entries if entry.startswith("~")]


def heads_of(words: dict[str, Any]) -> list[str]:
    """Return the nouns that name a value: its own, and those of the events that happened in its year."""
    heads = list(words.get("heads", ()))
    for event in words.get("events", ()):
        heads += [f"year of {event}", f"{event} year", f"year of the {event}"]
    return heads


def compose_fields(words: dict[str, Any], kind: str) -> list[str]:
    """Return names of a field for a value."""
    names: list[str] = []
    for head in heads_of(words):
        snake = re.sub(r"\W+", "_", head.lower()).strip("_")
        names += [
            snake,
            snake,
            snake,
            camel(snake),
            f"{kind}_{snake}",
            f"the_{snake}",
            snake.replace("_", "-"),
        ]
        names += [
            f"{snake}_of_{kind}",
            f"{snake}_of_the_{kind}",
            f"{snake}_{kind}" if "_" not in snake else snake,
        ]
        names += [f"{snake}_{unit}" for unit in words.get("units", ())]
    for event in words.get("events", ()):
        names += [event, f"{event}_in", f"when_{event}", f"{event}_when", f"{event}_y"]
    return [name.replace(" ", "_") for name in names if plain(name) not in held_out_names()]


def compose_dates(words: dict[str, Any]) -> list[str]:
    """Return names of a field for a whole date."""
    return [
        name
        for event in words.get("events", ())
        for name in (
            f"{event}_date",
            f"date_of_{event}",
            f"day_of_{event}",
            f"{event}_day",
            camel(f"{event}_date"),
        )
    ]


def compose_labels(words: dict[str, Any]) -> list[str]:
    """Return labels of a value for a page of notes."""
    heads = heads_of(words) + list(words.get("events", ()))
    return [form for head in heads for form in (head.capitalize(), head.capitalize(), head.title(), head)]


def compose_notes(words: dict[str, Any], kind: str) -> list[str]:
    """Return descriptions of a value."""
    composed = [note.format(h=head, kind=kind) for head in heads_of(words) for note in _NOTES]
    return composed[:: max(1, len(composed) // 60)] + list(words.get("notes", ())) * 8


def compose_nouns(words: dict[str, Any], type_: str) -> list[str]:
    """Return sentences without their owner, e.g. `place of birth was {v}`."""
    value = {"org": "the {v}", "river": "the {v}", "noun": "that of {an} {v}"}.get(type_, "{v}")
    heads = [head for head in words.get("heads", ()) if "where" not in head and "how" not in head]
    if type_ == "year":
        years = [
            noun.format(h=f"year of {event}", v="{v}") for event in words["events"] for noun in _NOUNS[:4]
        ]
        return years + [noun.format(e=event, on="{on}") for event in words["events"] for noun in _EVENTS]
    return [noun.format(h=head, v=value) for head in heads for noun in _NOUNS]


def camel(snake: str) -> str:
    """Return a name in camel case."""
    first, *rest = snake.split("_")
    return first + "".join(part.capitalize() for part in rest)


def parts_of(says: Sequence[str], held_out: Sequence[str]) -> list[str]:
    """Return predicates as phrases that can stand beside a name, e.g. `born in {v}`; no held-out ones."""
    held = {plain(part) for part in held_out}
    parts = [
        says_[4:] if says_.startswith("was ") else f"with {says_[4:]}" for says_ in says if _can_part(says_)
    ]
    return [part for part in parts if plain(part) not in held]


def _can_part(says: str) -> bool:
    return says.startswith(("was ", "had ")) and not says.startswith("had been ")


def odd_name(rng: Random, word: str) -> str:
    """Return a field's name that says nothing, so that its description must be read."""
    return rng.choice(("field_", "f", "col_", "q", "item", "x", word, word, word)) + str(rng.randint(1, 40))


def strange_name(word: str, kind: str, luck: float) -> str:
    """Return a field's name of an unknown word, whose meaning is found by what else is told."""
    shapes = ("{w}", "{w}", "{w}_as", "{w}_{k}", "{k}_{w}", "the_{w}", "{w}_of_{k}", "{w}ed_as", "{w}_by_all")
    return shapes[int(luck * len(shapes))].format(w=word, k=kind)


def is_odd(name: str) -> bool:
    """Tell whether a field's name says nothing."""
    return name[-1:].isdigit()
