"""Speaking: how one speaks of an entity - by name, noun or pronoun - and what a fact says of it.

In: entities and their facts. Out: subjects, predicates and phrases, and the lines they go into.
Never: makes a line by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from models.builtin.composing import Words, parts_of
from models.builtin.frames import frames, idle_words, words_of
from models.builtin.names import Names
from models.builtin.world import Entity, Fact

#: what a line states: the entity's name, an attribute, or the n-th item of a list
Claim = tuple[int, str, int]
NAME = "name"


@dataclass(frozen=True, slots=True)
class Line:
    """One segment's text and what it states."""

    text: str
    claims: tuple[Claim, ...] = ()
    #: the entity that a pronoun in the next line would mean; -1 if none
    about: int = -1


def article(noun: str) -> str:
    """Return the indefinite article of a noun."""
    return "an" if noun[:1].lower() in "aeiou" else "a"


def plural(noun: str) -> str:
    """Return a noun's plural, as far as its ending tells it."""
    if noun.endswith("man"):
        return noun[:-2] + "en"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x")) else "s")


def upper_first(text: str) -> str:
    """Return a text that can begin a sentence."""
    return text[:1].upper() + text[1:]


class Speaker:
    """Speaks of the entities of one bundle."""

    def __init__(self, rng: Random, entities: Sequence[Entity], names: Names, *, held_out: bool) -> None:
        self.rng = rng
        self.entities = entities
        self.names = names
        self.held_out = held_out
        #: attributes that are called by an unknown word
        self.strange: dict[str, str] = {}
        #: those of the first entity whose value looks like no other that is asked for or told
        self.lonely: frozenset[str] = frozenset()

    def pick(self, words: Words, *, held: float = 1.0) -> str:
        """Return a pattern; on the held-out side, so often one that is held out."""
        if self.held_out and words.held_out and (held >= 1.0 or self.rng.random() < held):
            return self.rng.choice(words.held_out)
        return self.rng.choice(words.seen)

    def fill(self, pattern: str, fact: Fact) -> str:
        """Return a predicate with its value."""
        return pattern.format(v=fact.text, on=fact.on, an=article(fact.text))

    def mention(self, number: int, *, follows: bool) -> str:
        """Return a way to name an entity as a sentence's subject; `follows` allows a pronoun."""
        entity, rng = self.entities[number], self.rng
        kind = entity.kind.name
        if follows and rng.random() < 0.6:
            return entity.pronoun[0]
        luck = rng.random()
        if luck < 0.2 and number == 0 and follows:
            return f"the {entity.noun}" if rng.random() < 0.5 or kind == "person" else f"the {kind}"
        if kind == "person" and luck < 0.5:
            return entity.name.split()[-1]
        return self.formal(number)

    def formal(self, number: int) -> str:
        """Return the whole name, with the article that its kind may take."""
        entity = self.entities[number]
        takes = entity.kind.name in ("ship", "organisation", "event") and not entity.name.startswith("The ")
        return f"the {entity.name}" if takes and self.rng.random() < 0.7 else entity.name

    def predicate(self, number: int, keys: Sequence[str]) -> str:
        """Return what one or two facts say of their entity, e.g. `was born in Tolm`."""
        entity = self.entities[number]
        if len(keys) == 2:
            patterns = Words.read([text for a, b, text in entity.kind.pairs if {a, b} == set(keys)])
            if patterns.seen and self.rng.random() < 0.75:
                facts = {key: _InPair(entity.facts[key]) for key in keys}
                return self.pick(patterns).format(**facts)
        told = [
            self.fill(
                self.rng.choice(entity.kind.attributes[key].says.of(held_out=self.held_out)),
                entity.facts[key],
            )
            for key in keys
        ]
        return self.rng.choice(words_of("joins").seen).format(pronoun=entity.pronoun[0]).join(told)

    def claims(self, number: int, keys: Sequence[str], text: str) -> tuple[Claim, ...]:
        """Return what a text states: some attributes, and the name where it stands there."""
        claims = [(number, key, 0) for key in keys]
        entity = self.entities[number]
        if entity.name in text:
            claims.append((number, NAME, 0))
        return tuple(claims)

    def who(self, number: int) -> str:
        """Return the relative pronoun of an entity."""
        return "who" if self.entities[number].kind.name == "person" else "which"

    def owner(self, number: int, subject: str) -> str:
        """Return whose something is: a possessive pronoun, or the subject with its ending."""
        pronoun = self.entities[number].pronoun
        return pronoun[1] if subject == pronoun[0] else f"{subject}'s"

    def framed(self, subject: str, predicate: str) -> str:
        """Return a sentence of a subject and a predicate, perhaps with a source or an aside."""
        frame = self.pick(frames(), held=0.4)
        frame = "{S} {P}." if self.rng.random() < 0.45 and frame not in frames().held_out else frame
        for place, make in (("{person}", self.names.person), ("{place}", self.names.place)):
            frame = frame.replace(place, make()) if place in frame else frame
        return upper_first(frame.format(S=upper_first(subject), s=subject, P=predicate))

    def parts(self, number: int, key: str) -> list[str]:
        """Return the phrases that can state a fact beside a name."""
        attribute = self.entities[number].kind.attributes[key]
        if not attribute.part.seen:
            return []
        parts = list(attribute.part.of(held_out=self.held_out))
        if not self.held_out and self.rng.random() < 0.4:
            parts = self.said_parts(number, key) or parts
        return parts

    def said_parts(self, number: int, key: str) -> list[str]:
        """Return those of them that are made of what can be said of the fact."""
        attribute = self.entities[number].kind.attributes[key]
        held = () if self.held_out else attribute.part.held_out
        return parts_of(attribute.says.of(held_out=self.held_out), held)

    def ramble(self) -> str:
        """Return some words that mean nothing."""
        return " ".join(self.rng.sample(idle_words(), self.rng.randint(2, 6)))

    def invented(self, pattern: str) -> str:
        """Fill a pattern with a year, a place, a person, a ship and a number that mean nothing."""
        rng, names = self.rng, self.names
        made = {
            "year": lambda: rng.randint(1480, 2020),
            "place": names.place,
            "person": names.person,
            "ship": names.ship,
            "number": lambda: rng.randint(3, 400),
        }
        return pattern.format(**{name: make() for name, make in made.items() if f"{{{name}}}" in pattern})


class _InPair:
    """A fact inside a pattern of two: `{year.on}` or `{place}`."""

    def __init__(self, fact: Fact) -> None:
        self.on = fact.on
        self._text = fact.text

    def __format__(self, spec: str) -> str:
        return self._text
