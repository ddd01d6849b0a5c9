"""Phrasing: facts turned into sentences and labelled lines, by composition.

In: entities and the keys of the facts to tell. Out: lines that know which facts they state.
Never: tells a fact that it was not asked to tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from models.builtin.names import Names
from models.builtin.world import Entity, Fact

#: what a line states: the entity's name, an attribute, or the n-th item of a list
Claim = tuple[int, str, int]
NAME = "name"

_FRAMES = (
    "{S} {P}.",
    "{S} {P}.",
    "{S} {P}.",
    "{S} {P}.",
    "{S} {P}.",
    "{S} {P}, as the register shows.",
    "According to the archive, {s} {P}.",
    "It is known that {s} {P}.",
    "As far as is known, {s} {P}.",
    "By all accounts {s} {P}.",
    "Records show that {s} {P}.",
    "Later writers agree that {s} {P}.",
    "{S} {P}, the papers say.",
    "One source says that {s} {P}.",
    "From letters we learn that {s} {P}.",
    "We know that {s} {P}.",
    "In those days {s} {P}.",
    "{S}, it is said, {P}.",
    "A note in the margin says that {s} {P}.",
    "At that time {s} {P}.",
    "{S} {P}; nothing more is known of this.",
    "It was written down that {s} {P}.",
    "{S} also {P}.",
)
_HELD_FRAMES = (
    "Nobody doubts that {s} {P}.",
    "{S} {P}, so the old books claim.",
    "The clerk noted that {s} {P}.",
    "Without question, {s} {P}.",
    "{S} {P}, if the chronicle can be trusted.",
)
_POSSESSIVE = (
    "{S} {N}.",
    "{S} {N}.",
    "{S} {N}, as the register shows.",
    "According to the archive, {s} {N}.",
    "{S} {N}, the papers say.",
)
_OPENERS = (
    "{name} was {a} {noun} {part}.",
    "{name} was {a} {noun} {part}.",
    "{name} is {a} {noun} {part}.",
    "{name}, {a} {noun} {part}, {P}.",
    "{name} was {a} {noun} that {P}.",
    "{name} was {a} {noun} and {P}.",
    "The {noun} {name} {P}.",
    "{name} ({noun}) {P}.",
    "{name} was {a} {noun}.",
    "{name} {P}.",
    "This page is about {name}, {a} {noun} {part}.",
    "{name}: {noun}, {part}.",
    "Like many others of its day, {name} was {a} {noun} {part}.",
    "Much has been written about {name}, {a} {noun} {part}.",
    "Few still remember {name}, {a} {noun} that {P}.",
    "In the lists of the time {name} is called {a} {noun}.",
    "Of all that lies in this box, {name} {P}.",
    "Here we speak of {name}, {a} {noun}.",
    "When the old books name {a} {noun}, they mean {name}.",
    "{name}, known to all as {a} {noun}, {P}.",
)
_HELD_OPENERS = (
    "Under the name of {name} we find {a} {noun} {part}.",
    "{name}, {noun}, {P}.",
    "Here begins the entry for {name}, {a} {noun} {part}.",
)
#: what may stand before a first sentence, so that the name is not always its beginning
_LEADS = (
    "After a slow start, ",
    "To this day ",
    "For many years ",
    "Seen from afar, ",
    "As every child here knows, ",
    "Not far from {place}, ",
    "Together with {person}, ",
    "Thanks to {person}, ",
    "If we may trust {person}, ",
    "In the summer of {year} a clerk wrote that ",
    "Before the war with {place}, ",
    "Poor and without friends, ",
    "Of the few that are left, ",
    "Like {person}, ",
    "At the edge of the map, ",
    "With some luck ",
    "Hardly known today, ",
)
_HELD_LEADS = ("By a strange chance ", "Under a grey sky ", "In the words of {person}, ")
_UNKNOWN = (
    "Nothing is known about {the} {label}.",
    "The {label} is not recorded.",
    "No source gives the {label}.",
    "The {label} has been lost.",
    "Whether the {label} was ever written down is unclear.",
)
_NONE = (
    "No {label} are recorded.",
    "Of {label} nothing is known.",
    "There are no {label} on record.",
    "Nothing is said of {label}.",
)
_FILLERS = (
    "The papers were kept in a wooden box.",
    "Little else has come down to us.",
    "The ink has faded in places.",
    "Several letters survive.",
    "The matter was often discussed.",
    "A drawing hangs in the museum.",
    "Weather was poor for most of the season.",
    "No one asked why.",
    "The rest of the page is torn.",
    "Opinions differ.",
    "A copy is kept under glass.",
    "Trade was slow in those years.",
    "The story is still told today.",
    "Much was said about it at the time.",
    "The harbour was quiet that winter.",
    "Prices rose and fell.",
    "A plaque recalls it.",
    "Later visitors found only ruins.",
    "The archive holds two photographs.",
    "It rained for weeks.",
    "Everything else is guesswork.",
)
#: sentences with a year, a place or a name that answers nothing
_DECOYS = (
    "The old mill was torn down in {year}.",
    "A road was laid past the door in {year}.",
    "The clock tower was finished in {year}.",
    "A storm in {year} tore off the roof.",
    "The first telephone rang there in {year}.",
    "Papers about this lie in {place}.",
    "A painting of the scene hangs in {place}.",
    "The archive in {place} owns two of the letters.",
    "{person} drew a map of the valley in {year}.",
    "{person} wrote a song about it.",
    "The tale was told by {person} from {place}.",
    "{person}, who was born in {year}, kept the notes.",
    "A visitor from {place} counted {number} steps.",
    "The price of bread was {number} pence in {year}.",
    "A copy was sold in {place} in {year}.",
    "Until {year} the box was kept in {place}.",
)
_HELD_DECOYS = (
    "The well ran dry in {year}.",
    "A plaster cast is on show in {place}.",
    "{person} of {place} doubted the story.",
)
#: what a journey's sentence may go on to say
_TAILS = (
    " to look for work",
    " and stayed for a winter",
    " with two companions",
    ", where nothing had changed",
    ", where a fair was held",
    " to see the lights",
    " and came back with a cold",
    " in bad weather",
    " for the last time",
    " to buy rope and tar",
    ", as the diary tells",
)
_HELD_FILLERS = (
    "The binding is of calfskin.",
    "The clerk's hand is hard to read.",
    "Mice have eaten the lower corner.",
)
_JOINS = (" and ", " and ", ", and ", "; {pronoun} ", " and {pronoun} ")


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


def upper_first(text: str) -> str:
    """Return a text that can begin a sentence."""
    return text[:1].upper() + text[1:]


class Writer:
    """Writes about the entities of one bundle."""

    def __init__(self, rng: Random, entities: Sequence[Entity], names: Names, *, held_out: bool) -> None:
        self.rng = rng
        self.entities = entities
        self.names = names
        self.held_out = held_out

    def _pick(self, seen: Sequence[str], held_out: Sequence[str]) -> str:
        return self.rng.choice(held_out if self.held_out and held_out else seen)

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
            patterns = [text for a, b, text in entity.kind.pairs if {a, b} == set(keys)]
            own = [text[1:] for text in patterns if text.startswith("~")]
            seen = [text for text in patterns if not text.startswith("~")]
            if patterns and self.rng.random() < 0.75:
                return self._pick(seen, own).format(**{key: _InPair(entity.facts[key]) for key in keys})
        told = [
            self.fill(
                self.rng.choice(entity.kind.attributes[key].says.of(held_out=self.held_out)),
                entity.facts[key],
            )
            for key in keys
        ]
        return self.rng.choice(_JOINS).format(pronoun=entity.pronoun[0]).join(told)

    def _claims(self, number: int, keys: Sequence[str], text: str) -> tuple[Claim, ...]:
        claims = [(number, key, 0) for key in keys]
        entity = self.entities[number]
        if entity.name in text:
            claims.append((number, NAME, 0))
        return tuple(claims)

    def sentence(self, number: int, keys: Sequence[str], *, follows: bool) -> Line:
        """Return a sentence that states one or two attributes."""
        entity, rng = self.entities[number], self.rng
        subject = self.mention(number, follows=follows)
        attribute = entity.kind.attributes[keys[0]]
        if len(keys) == 1 and rng.random() < 0.3:
            noun = self.fill(rng.choice(attribute.noun.of(held_out=self.held_out)), entity.facts[keys[0]])
            owner = entity.pronoun[1] if subject == entity.pronoun[0] else f"{subject}'s"
            text = rng.choice(_POSSESSIVE).format(S=upper_first(owner), s=owner, N=noun)
        else:
            frame = self._pick(_FRAMES, _HELD_FRAMES if rng.random() < 0.4 else ())
            text = frame.format(S=upper_first(subject), s=subject, P=self.predicate(number, keys))
        return Line(text, self._claims(number, keys, text), number)

    def opener(self, number: int, keys: Sequence[str]) -> Line:
        """Return a first sentence: name, noun and at most two attributes."""
        entity, rng = self.entities[number], self.rng
        parts = [key for key in keys if entity.kind.attributes[key].part.seen]
        frames = [
            frame for frame in _OPENERS if ("{part}" not in frame or parts) and ("{P}" not in frame or keys)
        ]
        held = [
            frame
            for frame in _HELD_OPENERS
            if ("{part}" not in frame or parts) and ("{P}" not in frame or keys)
        ]
        frame = self._pick(frames, held if rng.random() < 0.5 else ())
        used: list[str] = []
        part = predicate = ""
        if "{part}" in frame:
            used = parts[: rng.choice((1, 2))]
            part = " and ".join(
                self.fill(
                    rng.choice(entity.kind.attributes[key].part.of(held_out=self.held_out)), entity.facts[key]
                )
                for key in used
            )
        if "{P}" in frame:
            rest = [key for key in keys if key not in used]
            frame = frame if rest else "{name} was {a} {noun} {part}."
            told = rest[: rng.choice((1, 2))]
            used += told
            predicate = self.predicate(number, told) if told else ""
        if "{noun}" in frame:
            used += [key for key, attribute in entity.kind.attributes.items() if attribute.type == "noun"]
        name = entity.name if frame.startswith(("The {noun}", "Under")) else self.formal(number)
        text = upper_first(
            frame.format(name=name, a=article(entity.noun), noun=entity.noun, part=part, P=predicate)
        )
        if (
            frame.startswith(("{name} was", "{name} is", "{name} {P}", "{name}, {a}"))
            and self.rng.random() < 0.3
        ):
            lowered = text.startswith("The ") and not text.startswith(entity.name)
            text = self._invented(self._pick(_LEADS, _HELD_LEADS)) + ("t" + text[1:] if lowered else text)
        return Line(text, self._claims(number, used, text), number)

    def list_sentences(self, number: int, key: str, *, follows: bool) -> list[Line]:
        """Return sentences that state the items of a list, some of them two or three at once."""
        entity, rng = self.entities[number], self.rng
        listed, items = entity.kind.lists[key], entity.lists[key]
        lines: list[Line] = []
        position = 0
        while position < len(items):
            count = min(rng.choice((1, 1, 1, 2, 2, 3)), len(items) - position)
            says = rng.choice(listed.says.of(held_out=self.held_out)).format(**_texts(items[position]))
            if (
                position == 0
                and count == 1
                and "in " in says
                and says.endswith(f"in {_texts(items[0]).get('year')}")
                and rng.random() < 0.35
            ):
                year = _texts(items[0])["year"]
                text = (
                    f"In {year} {self.mention(number, follows=follows)} {says.removesuffix(f' in {year}')}."
                )
            else:
                more = rng.choice(listed.more.of(held_out=self.held_out))
                rest = [more.format(**_texts(item)) for item in items[position + 1 : position + count]]
                tail = (", " + ", ".join(rest[:-1]) if rest[:-1] else "") + (
                    f" and {rest[-1]}" if rest else ""
                )
                before = rng.choice(("", "", "", "Later ", "Then ", "After that ")) if lines else ""
                text = upper_first(
                    f"{before}{self.mention(number, follows=follows or bool(lines))} {says}{tail}."
                )
            if rng.random() < 0.2:
                text = text.removesuffix(".") + rng.choice(_TAILS) + "."
            claims = [(number, key, position + extra) for extra in range(count)]
            lines.append(Line(text, (*claims, *self._claims(number, (), text)), number))
            position += count
        return lines

    def list_items(self, number: int, key: str) -> list[Line]:
        """Return one labelled line per item of a list."""
        entity = self.entities[number]
        listed = entity.kind.lists[key]
        pattern = self.rng.choice(listed.label.of(held_out=self.held_out))
        if self.rng.random() < 0.3:
            heads = {
                part: self.rng.choice(words.of(held_out=self.held_out))
                for part, words in listed.item_fields.items()
            }
            order = self.rng.sample(list(heads), len(heads))
            pattern = "; ".join(f"{heads[part].replace('_', ' ').capitalize()}: {{{part}}}" for part in order)
        mark = "" if "; " in pattern else self.rng.choice(("- ", "", "", "* "))
        return [
            Line(mark + pattern.format(**_texts(item)), ((number, key, index),))
            for index, item in enumerate(entity.lists[key])
        ]

    def label_line(self, number: int, key: str) -> Line:
        """Return one attribute as `Label: value`."""
        entity = self.entities[number]
        label = self.rng.choice(entity.kind.attributes[key].labels.of(held_out=self.held_out))
        return Line(f"{label}: {entity.facts[key].text}", ((number, key, 0),))

    def unknown(self, number: int, key: str) -> Line:
        """Return a sentence that says that a fact is not known."""
        kind = self.entities[number].kind
        if key not in kind.attributes:
            words = kind.lists[key].fields.seen if key in kind.lists else (key,)
            return Line(self.rng.choice(_NONE).format(label=self.rng.choice(words).replace("_", " ")))
        label = self.rng.choice(kind.attributes[key].labels.seen).lower()
        return Line(self.rng.choice(_UNKNOWN).format(the="the", label=label))

    def filler(self) -> Line:
        """Return a sentence that states nothing."""
        return Line(self._pick(_FILLERS, _HELD_FILLERS)) if self.rng.random() < 0.6 else self.decoy()

    def decoy(self) -> Line:
        """Return a sentence whose year, place or name answers nothing."""
        return Line(self._invented(self._pick(_DECOYS, _HELD_DECOYS)))

    def _invented(self, pattern: str) -> str:
        """Fill a pattern with a year, a place, a person and a number that mean nothing."""
        rng, names = self.rng, self.names
        return pattern.format(
            year=rng.randint(1480, 2020),
            place=names.place(),
            person=names.person(),
            number=rng.randint(3, 400),
        )


class _InPair:
    """A fact inside a pattern of two: `{year.on}` or `{place}`."""

    def __init__(self, fact: Fact) -> None:
        self.on = fact.on
        self._text = fact.text

    def __format__(self, spec: str) -> str:
        return self._text


def _texts(item: dict[str, Fact]) -> dict[str, str]:
    return {part: str(fact.value) for part, fact in item.items()}
