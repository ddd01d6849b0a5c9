"""Documents: evidence about entities, in the forms that the product shows as numbered lines.

In: entities, what must be told, and how long it may be. Out: lines in reading order, in items.
Never: numbers its lines; the product does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from models.builtin.names import Names
from models.builtin.phrasing import Writer
from models.builtin.speaking import NAME, Line
from models.builtin.world import Entity

_TWO_COLUMNS = (
    ("Field", "Entry"),
    ("Key", "Value"),
    ("Item", "Detail"),
    ("Property", "Value"),
    ("What", "Which"),
    ("Question", "Answer"),
)


class Form(StrEnum):
    """How a document is written."""

    PROSE = "prose"
    NOTES = "notes"
    RECORD = "record"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a document tells of its main entity."""

    keys: tuple[str, ...]
    lists: tuple[str, ...]
    #: attributes said to be unknown
    unknown: tuple[str, ...] = ()


def slug(name: str) -> str:
    """Return a file's name for a thing."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


class DocumentMaker:
    """Writes one bundle's items."""

    def __init__(self, rng: Random, entities: Sequence[Entity], names: Names, *, held_out: bool) -> None:
        self.rng = rng
        self.entities = entities
        self.held_out = held_out
        self.writer = Writer(rng, entities, names, held_out=held_out)

    def write(self, form: Form, telling: Telling, *, clutter: float) -> list[list[Line]]:
        """Return the items, each a list of lines; clutter is the share of lines that help nobody."""
        match form:
            case Form.PROSE:
                return self._split(self._prose(telling, clutter))
            case Form.NOTES:
                return [self._notes(telling, clutter)]
            case Form.RECORD:
                return [self._record(telling)]
            case Form.TABLE:
                return [self._table(telling)]

    def _split(self, lines: list[Line]) -> list[list[Line]]:
        if len(lines) > 3 and self.rng.random() < 0.15:
            cut = self.rng.randint(2, len(lines) - 1)
            return [lines[:cut], lines[cut:]]
        return [lines]

    def _groups(self, keys: Sequence[str]) -> list[list[str]]:
        keys = list(keys)
        self.rng.shuffle(keys)
        kind = self.entities[0].kind
        groups: list[list[str]] = []
        while keys:
            key = keys.pop()
            partners = [
                b if a == key else a
                for a, b, _ in kind.pairs
                if key in (a, b) and (b if a == key else a) in keys
            ]
            if partners and self.rng.random() < 0.45:
                partner = self.rng.choice(partners)
            elif keys and self.rng.random() < 0.25:
                partner = keys[-1]
            else:
                groups.append([key])
                continue
            keys.remove(partner)
            groups.append([key, partner])
        return groups

    def _prose(self, telling: Telling, clutter: float) -> list[Line]:
        rng, writer = self.rng, self.writer
        lines: list[Line] = []
        if rng.random() < 0.36:
            lines += self._title()
        elif len(self.entities) > 1 and rng.random() < 0.3:
            # the one that is asked for need not come first
            lines.append(writer.opener(1, rng.sample(list(self.entities[1].kind.attributes), 2)))
        groups = self._groups(telling.keys)
        first = groups.pop() if groups else []
        opener = writer.opener(0, first)
        lines.append(opener)
        left = [key for key in first if (0, key, 0) not in opener.claims]
        groups += [[key] for key in left]
        groups = [[key for key in group if (0, key, 0) not in opener.claims] for group in groups]
        blocks: list[list[str]] = [group for group in groups if group]
        blocks += [[f"*{key}"] for key in telling.lists] + [[f"?{key}"] for key in telling.unknown]
        rng.shuffle(blocks)
        about = 0
        for block in blocks:
            while rng.random() < clutter:
                extra = self._clutter()
                lines.append(extra)
                about = extra.about if extra.about >= 0 else about
            follows = about == 0
            if block[0].startswith("*"):
                lines += writer.list_sentences(0, block[0][1:], follows=follows)
            elif block[0].startswith("?"):
                lines.append(writer.unknown(0, block[0][1:]))
            else:
                lines.append(writer.sentence(0, block, follows=follows))
            about = 0
        if rng.random() < clutter:
            lines.append(self._clutter())
        if rng.random() < 0.4:
            lines.insert(rng.randint(len(lines) // 2, len(lines)), writer.decoy())
        return lines

    def _title(self) -> list[Line]:
        """Return the name as a heading: once, twice as web pages have it, or in capitals."""
        name, luck = self.entities[0].name, self.rng.random()
        if luck < 0.3:
            return [Line(name.upper())]
        if luck < 0.4:
            between = Line(self.rng.choice(("Index of names", "Archive", "Home", "Register", "Main page")))
            return [Line(name, ((0, NAME, 0),)), between, Line(name, ((0, NAME, 0),))]
        return [self._heading(name, (0, NAME, 0))]

    def _heading(self, text: str, *claims: tuple[int, str, int]) -> Line:
        return Line(self.rng.choice(("", "", "# ")) + text, claims)

    def _clutter(self) -> Line:
        """Return a line about another entity, or about nothing."""
        rng = self.rng
        if len(self.entities) > 1 and rng.random() < 0.7:
            other = rng.randrange(1, len(self.entities))
            kind = self.entities[other].kind
            if rng.random() < 0.25 and kind.lists:
                key, lists = rng.choice(list(kind.lists)), self.entities[other].lists
                lists[key] = lists[key][:1]
                return self.writer.list_sentences(other, key, follows=False)[0]
            return self.writer.sentence(other, [rng.choice(list(kind.attributes))], follows=False)
        return self.writer.filler()

    def _notes(self, telling: Telling, clutter: float) -> list[Line]:
        """Return a heading, labelled lines and lists, as Markdown and HTML pages have them."""
        rng, writer = self.rng, self.writer
        name = self.entities[0].name
        heads = rng.choice(_TWO_COLUMNS) if rng.random() < 0.25 else None
        shouted = rng.random() < 0.12
        lines = [self._heading(name, (0, NAME, 0))] if rng.random() < 0.7 else []
        lines = [Line(name.upper())] if shouted else lines
        if not lines or rng.random() < 0.2:
            lines.append(_in_columns(Line(f"Name: {name}", ((0, NAME, 0),)), heads))
        keys = list(telling.keys)
        rng.shuffle(keys)
        if shouted or (keys and rng.random() < 0.5):
            opener = writer.opener(0, keys[:1])
            lines.append(opener)
            keys = [key for key in keys if (0, key, 0) not in opener.claims]
        mark = rng.choice(("", "", "- "))
        for key in keys:
            line = writer.label_line(0, key)
            lines.append(_in_columns(line, heads) if heads else Line(mark + line.text, line.claims))
            if rng.random() < clutter / 2:
                lines.append(writer.filler())
        for key in telling.lists:
            lines.append(
                self._heading(
                    rng.choice(self.entities[0].kind.lists[key].fields.seen).replace("_", " ").capitalize()
                )
            )
            lines += (
                writer.list_items(0, key)
                if rng.random() < 0.8
                else writer.list_sentences(0, key, follows=True)
            )
        lines += [writer.unknown(0, key) for key in telling.unknown]
        return lines

    def _record(self, telling: Telling) -> list[Line]:
        """Return one line per leaf of a JSON document, named by its pointer."""
        rng, entity, writer = self.rng, self.entities[0], self.writer
        root = rng.choice(("", "", "", "/record", "/item", f"/{entity.kind.name}"))
        lines = [Line(f"{root}/{rng.choice(('name', 'title', 'name'))}: {entity.name}", ((0, NAME, 0),))]
        if rng.random() < 0.5:
            nouns = [key for key, attribute in entity.kind.attributes.items() if attribute.type == "noun"]
            lines.append(Line(f"{root}/type: {entity.noun}", tuple((0, key, 0) for key in nouns)))
        for key in telling.keys:
            attribute = entity.kind.attributes[key]
            fact = entity.facts[key]
            words = attribute.fields
            if fact.date and attribute.date_fields.seen and rng.random() < 0.6:
                words = attribute.date_fields
            label = rng.choice(words.of(held_out=self.held_out and rng.random() < 0.5))
            label = writer.strange.get(key, label)
            if attribute.type == "goods":
                lines += [
                    Line(f"{root}/{label}/{n}: {item}", ((0, key, 0),))
                    for n, item in enumerate(entity.facts[key].value)
                ]
                continue
            bare = str(fact.value) if attribute.type in ("integer", "number", "count") else fact.text
            lines.append(Line(f"{root}/{label}: {bare}", ((0, key, 0),)))
        if rng.random() < 0.5:
            rng.shuffle(lines)
        if rng.random() < 0.25:
            told = writer.unknown(0, telling.unknown[0]) if telling.unknown else writer.decoy()
            note = rng.choice(("remarks", "note", "notes", "comment", "remark"))
            lines.append(Line(f"{root}/{note}: {told.text}"))
        for key in telling.lists:
            listed = entity.kind.lists[key]
            label = rng.choice(listed.fields.seen)
            names = {part: rng.choice(words.seen) for part, words in listed.item_fields.items()}
            for index, item in enumerate(entity.lists[key]):
                lines += [
                    Line(
                        f"{root}/{label}/{index}/{names[part]}: {fact.value}",
                        ((0, key, index), (0, f"{key}.{part}", index)),
                    )
                    for part, fact in item.items()
                ]
        return lines

    def _table(self, telling: Telling) -> list[Line]:
        """Return the rows of a table under its header, one per entity, the main one anywhere."""
        rng = self.rng
        keys = list(telling.keys)
        kind = self.entities[0].kind
        heads = {
            key: rng.choice(kind.attributes[key].fields.of(held_out=self.held_out and rng.random() < 0.5))
            for key in keys
        }
        heads |= {key: word for key, word in self.writer.strange.items() if key in heads}
        name = rng.choice(("name", "name", f"{kind.name}", f"{kind.name}", "title", "entry"))
        nouns = [key for key, attribute in kind.attributes.items() if attribute.type == "noun"]
        typed = rng.choice(("type", "kind", "sort")) if rng.random() < 0.4 else ""
        nouns = nouns if typed and not set(nouns) & set(keys) else []
        lines: list[Line] = []
        for number, entity in enumerate(self.entities):
            if entity.kind is not kind:
                continue
            cells = [f"{name}: {entity.name}"] + [f"{heads[key]}: {entity.facts[key].text}" for key in keys]
            if typed:
                cells.insert(1, f"{typed}: {entity.noun}")
            claims = ((number, NAME, 0), *((number, key, 0) for key in (*keys, *nouns)))
            lines.append(Line("; ".join(cells), claims))
        rng.shuffle(lines)
        return lines


def _in_columns(line: Line, heads: tuple[str, str] | None) -> Line:
    """Return a labelled line as a row of a table with two columns."""
    if heads is None:
        return line
    label, _, value = line.text.partition(": ")
    return Line(f"{heads[0]}: {label}; {heads[1]}: {value}", line.claims)
