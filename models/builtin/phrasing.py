"""Phrasing: facts turned into sentences and labelled lines, by composition.

In: entities and the keys of the facts to tell. Out: lines that know which facts they state.
Never: tells a fact that it was not asked to tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from models.builtin.composing import Words
from models.builtin.frames import (
    decoys,
    made_decoy,
    made_lead,
    made_openers,
    own_decoys,
    possessive,
    words_of,
)
from models.builtin.nonce import counted, unheard, unheard_journey
from models.builtin.speaking import Line, Speaker, article, plural, upper_first
from models.builtin.world import Fact

#: how often a sentence is shaped in one of the less plain ways
_POSSESSED, _VALUE_FIRST, _WHO, _FRONTED, _PARTICIPLE, _TAILED = 0.24, 0.07, 0.06, 0.25, 0.35, 0.08
#: how often a number is told with any verb, and a fact that can be no other with one that says nothing
_COUNTED, _UNHEARD = 0.3, 0.1
#: how often words such as `behind a low wall` stand before a sentence
_LED = 0.06
#: how often words that mean nothing stand before or behind a sentence
_RAMBLED = 0.06
#: how often, where it can be, a sentence's subject is its object
_ACTIVE = 0.2
#: how often a sentence that answers nothing, words before a first sentence, and it itself, are put together
_MADE, _MADE_LEAD, _MADE_OPENER = 0.6, 0.5, 0.25
_OBJECTS = {"he": "him", "she": "her"}


class Writer(Speaker):
    """Writes about the entities of one bundle."""

    def sentence(self, number: int, keys: Sequence[str], *, follows: bool) -> Line:
        """Return a sentence that states one or two attributes."""
        entity = self.entities[number]
        subject = self.mention(number, follows=follows)
        luck = self.rng.random()
        active = entity.kind.attributes[keys[0]].active
        if active and len(keys) == 1 and not self.held_out and self.rng.random() < _ACTIVE:
            said = self.rng.choice(active)
            begins = re.search(r"(where|which|whom|captain,) \{s\}", said)
            said = said.replace("{s}", subject if begins else _OBJECTS.get(subject, subject))
            text = upper_first(self.fill(said, entity.facts[keys[0]])) + "."
        elif len(keys) == 1 and not self.held_out and (said := self._nonce(number, keys[0])):
            text = self.framed(subject, self.fill(said, entity.facts[keys[0]]))
        elif len(keys) == 2 and luck < _PARTICIPLE:
            text = self._with_participle(number, keys, subject)
        elif len(keys) == 1 and (luck < _POSSESSED or (keys[0] in self.strange and number == 0)):
            text = self._possessed(number, keys[0], subject)
        elif len(keys) == 1 and luck < _POSSESSED + _VALUE_FIRST:
            text = self._value_first(number, keys[0], subject)
        elif luck < _POSSESSED + _VALUE_FIRST + _WHO:
            frame = self.rng.choice(words_of("who").seen)
            text = frame.format(
                name=self.formal(number), who=self.who(number), P=self.predicate(number, keys)
            )
        elif len(keys) == 1 and luck < _POSSESSED + _VALUE_FIRST + _WHO + _FRONTED:
            text = self._fronted(number, keys[0], subject)
        elif luck > 1 - _LED and not self.held_out:
            comma = self.rng.choice(("", "", ","))
            text = upper_first(f"{made_lead(self.rng)}{comma} {subject} {self.predicate(number, keys)}.")
        else:
            text = self.framed(subject, self.predicate(number, keys))
        if self.rng.random() < _TAILED and text.endswith("."):
            text = (
                text.removesuffix(".") + self.invented(self.rng.choice(words_of("tails_of_facts").seen)) + "."
            )
        elif self.rng.random() < _RAMBLED and not self.held_out and text.endswith("."):
            text = f"{text.removesuffix('.')}{self.rng.choice((' ', ', '))}{self.ramble()}."
        return Line(text, self.claims(number, keys, text), number)

    def _nonce(self, number: int, key: str) -> str:
        """Return, now and then, a predicate whose verb says nothing of the fact."""
        attribute, luck = self.entities[number].kind.attributes[key], self.rng.random()
        if luck < _COUNTED and attribute.measured:
            return counted(self.rng, attribute.measured, attribute.says.held_out)
        alone = key in self.lonely or number > 0
        return unheard(self.rng, attribute.type) if alone and luck > 1 - _UNHEARD else ""

    def _possessed(self, number: int, key: str, subject: str) -> str:
        """Return e.g. `her home port was Tolm`."""
        entity, rng = self.entities[number], self.rng
        patterns = entity.kind.attributes[key].noun.of(held_out=self.held_out)
        pattern = f"{self.strange[key]} was {{v}}" if key in self.strange else rng.choice(patterns)
        noun = self.fill(pattern, entity.facts[key])
        owner = self.owner(number, subject)
        if rng.random() < 0.12 and number == 0:
            return f"The {noun}."
        frame = "{S} {N}." if rng.random() < 0.6 else rng.choice(possessive())
        return upper_first(frame.format(S=upper_first(owner), s=owner, N=noun))

    def _value_first(self, number: int, key: str, subject: str) -> str:
        """Return e.g. `Tolm was her home port`."""
        entity = self.entities[number]
        heads = entity.kind.attributes[key].heads
        if not heads or self.held_out:
            return self.framed(subject, self.predicate(number, [key]))
        pattern = self.rng.choice(words_of("value_first").seen)
        text = pattern.format(
            v=entity.facts[key].text, o=self.owner(number, subject), h=self.rng.choice(heads)
        )
        return upper_first(text)

    def _fronted(self, number: int, key: str, subject: str) -> str:
        """Return a sentence whose year or place comes first, e.g. `In 1874 she was born`."""
        entity, rng = self.entities[number], self.rng
        fact = entity.facts[key]
        pattern = rng.choice(entity.kind.attributes[key].says.of(held_out=self.held_out))
        for end, front in (
            (" {on}", fact.on),
            (" in {v}", f"in {fact.text}"),
            (" at {v}", f"at {fact.text}"),
        ):
            if not pattern.endswith(end) or not front:
                continue
            said = self.fill(pattern.removesuffix(end), fact)
            if front == f"in {fact.value}" and end == " {on}" and rng.random() < 0.2:
                before = self.invented(rng.choice(words_of("same_year").seen))
                return f"{before} {front}, and {subject} {said} in the same year."
            comma = rng.choice(("", "", ","))
            return upper_first(f"{front}{comma} {subject} {said}.")
        return self.framed(subject, self.fill(pattern, fact))

    def _with_participle(self, number: int, keys: Sequence[str], subject: str) -> str:
        """Return a sentence of two facts, one of them beside the name."""
        entity, rng = self.entities[number], self.rng
        parts = self.said_parts(number, keys[0])
        if not parts:
            return self.framed(subject, self.predicate(number, keys))
        part = self.fill(rng.choice(parts), entity.facts[keys[0]])
        shapes = ["{part}, {s} {P}.", "{name}, {part}, {P}.", "{part}, {name} {P}."]
        if not part.startswith("with "):
            shapes.append("{name}, {who} was {part}, {P}.")
        text = rng.choice(shapes).format(
            part=part,
            s=subject,
            name=self.formal(number),
            who=self.who(number),
            P=self.predicate(number, keys[1:]),
        )
        return upper_first(text)

    def opener(self, number: int, keys: Sequence[str]) -> Line:
        """Return a first sentence: name, noun and at most two attributes."""
        entity, rng = self.entities[number], self.rng
        if rng.random() < 0.05 and not self.held_out:
            text = upper_first(rng.choice(words_of("bare_openers").seen).format(name=self.formal(number)))
            return Line(text, self.claims(number, (), text), number)
        parts = {key: told for key in keys if (told := self.parts(number, key))}

        def allowed(choices: Sequence[str]) -> tuple[str, ...]:
            return tuple(f for f in choices if ("{part}" not in f or parts) and ("{P}" not in f or keys))

        told = words_of("openers")
        frame = self.pick(Words(allowed(told.seen), allowed(told.held_out)), held=0.5)
        if rng.random() < _MADE_OPENER and not self.held_out and (made := allowed(made_openers())):
            frame = rng.choice(made).replace("{number}", str(rng.randint(2, 400)))
        used: list[str] = []
        part = predicate = ""
        if "{part}" in frame:
            used = list(parts)[: rng.choice((1, 2))]
            part = " and ".join(self.fill(rng.choice(parts[key]), entity.facts[key]) for key in used)
        if "{P}" in frame:
            rest = [key for key in keys if key not in used]
            frame = frame if rest else "{name} was {a} {noun} {part}."
            told = rest[: rng.choice((1, 2))]
            used += told
            predicate = self.predicate(number, told) if told else ""
        if "{noun}" in frame:
            used += [key for key, attribute in entity.kind.attributes.items() if attribute.type == "noun"]
        text = self._opened(number, frame, part, predicate)
        return Line(text, self.claims(number, used, text), number)

    def _opened(self, number: int, frame: str, part: str, predicate: str) -> str:
        """Return a first sentence with its parts, perhaps behind some words that lead to it."""
        entity, rng = self.entities[number], self.rng
        name = entity.name if frame.startswith(("The {noun}", "Under")) else self.formal(number)
        noun, pronoun = entity.noun, entity.pronoun[0]
        if "{a} {noun}" in frame and rng.random() < 0.2:
            noun = f"{rng.choice(words_of('adjectives').seen)} {noun}"
        if "{a} {noun}." in frame and rng.random() < 0.3:
            noun = f"{noun} {rng.choice(words_of('modifiers').seen)}"
        text = upper_first(
            frame.format(name=name, a=article(noun), noun=noun, part=part, P=predicate, pronoun=pronoun)
        )
        if frame.startswith(("{name} was", "{name} is", "{name} {P}", "{name}, {a}")) and rng.random() < 0.25:
            lowered = text.startswith("The ") and not text.startswith(entity.name)
            lead = self.pick(words_of("leads"))
            if rng.random() < _MADE_LEAD and not self.held_out:
                lead = upper_first(made_lead(rng)) + rng.choice((" ", " ", ", "))
            elif rng.random() < 0.2 and not self.held_out:
                lead = rng.choice(words_of("leads_among").seen).replace("{noun}s", plural(entity.noun))
            text = self.invented(lead) + ("t" + text[1:] if lowered else text)
        elif rng.random() < _RAMBLED and not self.held_out:
            text = upper_first(f"{self.ramble()}{rng.choice((' ', ' ', ', '))}{text}")
        return text

    def list_sentences(self, number: int, key: str, *, follows: bool) -> list[Line]:
        """Return sentences that state the items of a list, some of them two or three at once."""
        entity, rng = self.entities[number], self.rng
        items = entity.lists[key]
        lines: list[Line] = []
        position = 0
        while position < len(items):
            count = min(rng.choice((1, 1, 1, 2, 2, 3)), len(items) - position)
            told = items[position : position + count]
            text = self._listed(number, key, told, follows=follows or bool(lines), later=bool(lines))
            if rng.random() < 0.25:
                text = text.removesuffix(".") + self.invented(rng.choice(words_of("tails").seen)) + "."
            claims = [(number, key, position + extra) for extra in range(count)]
            lines.append(Line(text, (*claims, *self.claims(number, (), text)), number))
            position += count
        return lines

    def _listed(
        self, number: int, key: str, items: list[dict[str, Fact]], *, follows: bool, later: bool
    ) -> str:
        """Return a sentence that states some items of a list."""
        rng, listed = self.rng, self.entities[number].kind.lists[key]
        first, *others = [_texts(item) for item in items]
        pattern = rng.choice(listed.says.of(held_out=self.held_out))
        if key == "journeys" and rng.random() < _UNHEARD and not self.held_out:
            pattern = unheard_journey(rng)
        subject = self.mention(number, follows=follows)
        dated = " in {year}"
        if pattern.endswith(dated) and len(others) < 2 and rng.random() < 0.3:
            said = pattern.removesuffix(dated).format(**first)
            text = f"In {first['year']}{rng.choice(('', '', ','))} {subject} {said}"
            again = rng.choice(listed.says.of(held_out=self.held_out))
            for item in others:
                pronoun = self.entities[number].pronoun[0]
                told = again.removesuffix(dated).format(**item)
                when = f"in {item['year']} " if again.endswith(dated) else ""
                text += f", and {when}{pronoun} {told}"
            return text + "."
        more = rng.choice(listed.more.of(held_out=self.held_out))
        rest = [more.format(**item) for item in others]
        tail = (", " + ", ".join(rest[:-1]) if rest[:-1] else "") + (f" and {rest[-1]}" if rest else "")
        lead = rng.choice(("", "", "", "Later ", "Then ", "After that ", "Again ")) if later else ""
        if key == "journeys" and rng.random() < 0.08:
            lead = self.invented(rng.choice(words_of("journey_leads").seen))
        return upper_first(f"{lead}{subject} {pattern.format(**first)}{tail}.")

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
        extra = self._extra_column() if "; " in pattern else ""
        mark = "" if "; " in pattern else self.rng.choice(("- ", "", "", "* "))
        return [
            Line(mark + pattern.format(**_texts(item)) + self.invented(extra), ((number, key, index),))
            for index, item in enumerate(entity.lists[key])
        ]

    def _extra_column(self) -> str:
        """Return the pattern of one more column, which nobody asks for, or nothing."""
        if self.rng.random() < 0.5:
            return ""
        columns = {
            "Cargo": "timber",
            "Remarks": "none",
            "Page": "{number}",
            "Paid": "{number} crowns",
            "No.": "{number}",
            "Ship": "{ship}",
            "Seen by": "{person}",
            "Written by": "{person}",
        }
        head = self.rng.choice(list(columns))
        return f"; {head}: {columns[head]}"

    def label_line(self, number: int, key: str) -> Line:
        """Return one attribute as `Label: value`."""
        entity = self.entities[number]
        label = self.rng.choice(entity.kind.attributes[key].labels.of(held_out=self.held_out))
        label = self.strange[key].capitalize() if key in self.strange else label
        return Line(f"{label}: {entity.facts[key].text}", ((number, key, 0),))

    def unknown(self, number: int, key: str) -> Line:
        """Return a sentence that says that a fact is not known."""
        entity, rng = self.entities[number], self.rng
        kind = entity.kind
        if key not in kind.attributes:
            words = kind.lists[key].fields.seen if key in kind.lists else (key,)
            label = rng.choice(words).replace("_", " ").replace("-", " ")
            return Line(rng.choice(words_of("none").seen).format(label=label))
        attribute = kind.attributes[key]
        clause = self._unknown_clause(number, key) if rng.random() < 0.3 else ""
        if clause:
            text = rng.choice(words_of("unknown_clauses").seen).format(c=clause)
            return Line(text, self.claims(number, (), text))
        head = rng.choice(attribute.heads or attribute.labels.seen).lower()
        owner = rng.choice(("the", "the", entity.pronoun[1], f"{self.mention(number, follows=False)}'s"))
        text = rng.choice(words_of("unknown").seen).format(o=owner, O=upper_first(owner), h=head)
        return Line(text, self.claims(number, (), text))

    def _unknown_clause(self, number: int, key: str) -> str:
        """Return e.g. `where she was born`, or nothing where a fact's sentences do not end in their value."""
        says = self.rng.choice(self.entities[number].kind.attributes[key].says.of(held_out=self.held_out))
        asked = {" {on}": "when", " in {v}": "where", " at {v}": "where", " from {v}": "where"}
        for end, word in asked.items():
            said = says.removesuffix(end)
            if said != says and "{" not in said:
                tail = " from" if "from" in end else ""
                return f"{word} {self.mention(number, follows=True)} {said}{tail}"
        return ""

    def filler(self) -> Line:
        """Return a sentence that states nothing."""
        return Line(self.pick(words_of("fillers"))) if self.rng.random() < 0.45 else self.decoy()

    def decoy(self) -> Line:
        """Return a sentence whose year, place or name answers nothing."""
        rng, entity = self.rng, self.entities[0]
        if rng.random() < 0.35 and not self.held_out:
            subject = self.mention(0, follows=True)
            owner = self.owner(0, subject)
            pattern = rng.choice(own_decoys(entity.kind.name))
            # what stands for the subject is filled in last, since it may hold no braces
            text = self.invented(pattern.replace("{S}", upper_first(subject)).replace("{s}", subject)
                .replace("{O}", upper_first(owner)).replace("{o}", owner))  # fmt: skip
            return Line(text, self.claims(0, (), text))
        if rng.random() < _MADE and not self.held_out:
            return Line(self.invented(made_decoy(rng)))
        return Line(self.invented(self.pick(decoys())))


def _texts(item: dict[str, Fact]) -> dict[str, str]:
    return {part: str(fact.value) for part, fact in item.items()}
