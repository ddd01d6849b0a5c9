"""Nonce: facts said with words that say nothing, so that the value and what else is told must be enough.

In: a fact's type, the nouns that it is counted in, a random generator.
Out: predicates with the place of their value.
Never: gives a predicate that is held out.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from models.builtin.composing import plain, read_wider
from models.builtin.names import Names

#: types of which only one may be told or asked for, if a sentence is to say nothing else
_GROUPS = {"integer": "number", "pages": "number", "count": "number"}
_SHAPES = {
    "place": (
        "{w} in {{v}}",
        "{w} at {{v}}",
        "was {w} in {{v}}",
        "was {w} at {{v}}",
        "{w} {{v}}",
        "had {{v}} for {w}",
    ),
    "year": ("{w} {{on}}", "{w} {{on}}", "was {w} {{on}}"),
    "person": ("{w} {{v}}", "was {w} by {{v}}", "{w} with {{v}}", "had {{v}} for {w}", "was {w} to {{v}}"),
    "org": ("was {w} by the {{v}}", "{w} for the {{v}}", "{w} the {{v}}", "was {w} with the {{v}}"),
    "number": ("{w} {{v}}", "was {w} at {{v}}", "{w} up {{v}}", "had {w} of {{v}}"),
    "noun": ("was {w} as {{an}} {{v}}", "{w} as {{an}} {{v}}", "was {{an}} {{v}}, as {w}"),
    "river": ("{w} the {{v}}", "was {w} by the {{v}}"),
    "goods": ("{w} {{v}}", "was {w} with {{v}}"),
}
_JOURNEYS = (
    "{w} to {{place}}",
    "{w} at {{place}}",
    "{w} {{place}}",
    "{w} in {{place}}",
    "was {w} to {{place}}",
)


def group_of(type_: str) -> str:
    """Return what a type looks like in a text: all numbers look alike."""
    return _GROUPS.get(type_, type_)


def looks_alike(type_: str) -> str:
    """Return what a type looks like at first sight: any name, any number or plain words."""
    return {"place": "name", "person": "name", "org": "name", "river": "name", "year": "number"}.get(
        type_, group_of(type_)
    )


def lonely(types: dict[str, str], asked: Iterable[str]) -> frozenset[str]:
    """Return the keys asked for whose value looks like no other; types: of every key asked for or told."""
    groups = [group_of(type_) for type_ in types.values()]
    return frozenset(key for key in asked if key in types and groups.count(group_of(types[key])) == 1)


def counted(rng: Random, nouns: Iterable[str], held_out: Iterable[str]) -> str:
    """Return e.g. `mustered {v} hands`, or nothing where there are no nouns."""
    verb = rng.choice(read_wider("asides")["takers"])
    said = [f"{verb} {{v}} {noun}" for noun in nouns]
    known = {plain(told) for told in held_out}
    said = [told for told in said if plain(told) not in known]
    return rng.choice(said) if said else ""


def unheard(rng: Random, type_: str) -> str:
    """Return a predicate of an unknown or an unfit verb, e.g. `was dolmed in {v}`; nothing for some types."""
    shapes = _SHAPES.get(group_of(type_))
    return rng.choice(shapes).format(w=_verb(rng)) if shapes else ""


def unheard_journey(rng: Random) -> str:
    """Return the same for a journey to `{place}` in `{year}`."""
    return f"{rng.choice(_JOURNEYS).format(w=_verb(rng))} in {{year}}"


def _verb(rng: Random) -> str:
    if rng.random() < 0.6:
        return str(rng.choice(read_wider("asides")["unfit"]))
    word = Names(rng, held_out=False).word().lower()
    return word + ("d" if word.endswith("e") else "ed")
