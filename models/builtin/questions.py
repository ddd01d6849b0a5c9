"""Questions: contracts that ask for some facts under some names, and the instructions above them.

In: a random generator and a side. Out: questions whose fields know what they mean.
Never: renders a prompt; the product's own Derivation does.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from models.builtin.asked import Asked, Question, object_of
from models.builtin.composing import odd_name, plain, strange_name
from models.builtin.frames import unmeant_words
from models.builtin.names import Names
from models.builtin.wording import (
    CATALOGUE,
    HELD_OUT,
    HOME_NOTES,
    INSTRUCTIONS,
    KIND_NOTES,
    MANY,
    NAME_NOTES,
    SECOND,
    WHAT,
    YEAR_NOTES,
)
from models.builtin.world import KINDS, Kind, Words, read_kind

from holocron.fingerprint import JSONValue

#: of the fields in contracts with descriptions, so many have a name that says nothing
_ODD_SHARE = 0.12
#: so many names of fields are of unknown words: of subjects, of values of one kind, of a catalogue's values,
#: and of the parts of a list's items
_STRANGE_NAME, _STRANGE_VALUE, _STRANGE_ROLE, _STRANGE_PART = 0.22, 0.09, 0.1, 0.08
#: and so many of lists of words, which are rarer
_STRANGE_LIST = 0.3


class QuestionMaker:
    """Makes questions for one side."""

    def __init__(self, rng: Random, *, held_out: bool) -> None:
        self.rng = rng
        self.held_out = held_out

    def make(self, catalogue: float = 0.0) -> Question:
        """Return a question about one kind, about several, or about every entity in the evidence.

        catalogue: the share of the plain question over name, kind, home, year and journeys.
        """
        luck = self.rng.random()
        if luck < catalogue:
            return self.across_kinds(plain=True)
        luck = self.rng.random()
        if luck < 0.33:
            return self.across_kinds()
        return self.about_one_kind(every=luck > 0.93)

    def across_kinds(self, *, plain: bool = False) -> Question:
        """Return a question like a catalogue's: name, kind, home, year and journeys of anything.

        plain: with these names, all of them, over people, ships, places and organisations.
        """
        rng = self.rng
        chosen = [name for name in KINDS if name in KINDS[:4] or (not plain and rng.random() < 0.4)]
        kinds = tuple(read_kind(name) for name in chosen)
        self._style()
        share, asked = (
            (1.0 if plain else 0.85),
            [self._asked("name", "name", {"type": "string"}, NAME_NOTES, nullable=False)],
        )
        values = list(chosen) + (
            []
            if plain
            else rng.sample(
                [name for name in KINDS if name not in chosen], rng.randint(0, len(KINDS) - len(chosen))
            )
        )
        rng.shuffle(values)
        if rng.random() < share:
            asked.append(
                self._asked(
                    "kind" if plain else self._pick(CATALOGUE["kind"]),
                    "kind",
                    {"enum": values},
                    KIND_NOTES,
                    nullable=False,
                )
            )
        for role, names, notes, type_ in (
            ("home", CATALOGUE["home"], HOME_NOTES, "string"),
            ("year", CATALOGUE["year"], YEAR_NOTES, "integer"),
        ):
            if rng.random() < share:
                keys = {
                    kind.name: next(a.key for a in kind.attributes.values() if a.role == role)
                    for kind in kinds
                }
                strange = not plain and not self.held_out and rng.random() < _STRANGE_ROLE
                name = role if plain else self._strange("entity")[1] if strange else self._pick(names)
                asked.append(
                    self._asked(
                        name,
                        "value",
                        {"type": type_},
                        notes.of(held_out=self.held_out),
                        keys=keys,
                        nullable=True,
                    )
                )
        if rng.random() < share:
            asked.append(self._journeys(kinds, plain=plain))
        return self._question(kinds, asked, rng.choice(("thing", "entity", "subject")))

    def _journeys(self, kinds: tuple[Kind, ...], *, plain: bool) -> Asked:
        listed = read_kind("ship").lists["journeys"]
        parts = {
            part: part if plain else self._part(words, "stop") for part, words in listed.item_fields.items()
        }
        name = "journeys" if plain else self._pick(CATALOGUE["journey"])
        return self._list(
            name,
            {kind.name: "journeys" for kind in kinds},
            parts,
            {"place": "string", "year": "integer"},
            listed.notes,
        )

    def about_one_kind(self, *, every: bool) -> Question:
        """Return a question about one kind: some attributes and perhaps a list."""
        rng = self.rng
        kind = read_kind(rng.choice(KINDS))
        self._style()
        asked = [self._name(kind.name)] if every or rng.random() < 0.85 else []
        count = rng.randint(1, 3) if every else rng.choice((1, 2, 2, 3, 3, 4, 5, 6))
        nouns: tuple[str, ...] = ()
        keys = rng.sample(list(kind.attributes), min(count, len(kind.attributes)))
        strange: dict[str, str] = {}
        for key in keys:
            share = _STRANGE_LIST if kind.attributes[key].type == "goods" else _STRANGE_VALUE
            word, name = self._strange(kind.name) if rng.random() < share else ("", "")
            wanted = word and not strange and not self.held_out
            one, allowed = self._attribute(kind, key, name if wanted else "")
            # a date, or a name that its description explains, has kept its own name
            strange |= {key: word} if wanted and one.name == name else {}
            nouns = nouns or allowed
            asked.append(one)
        if not every and rng.random() < 0.35:
            asked.append(self._any_list(kind))
        return self._question(
            (kind,),
            asked,
            kind.name,
            nouns=nouns,
            strange=strange,
            every=rng.choice((MANY[kind.name], "entries", "items", "found")) if every else "",
        )

    def _style(self) -> None:
        self.null_style = self.rng.choice(("types", "types", "types", "anyOf", "optional"))
        self.noted = self.rng.choice((0.0, 0.0, 0.3, 0.8))

    def _pick(self, words: Words) -> str:
        return self.rng.choice(words.of(held_out=self.held_out and self.rng.random() < 0.7))

    def _strange(self, kind: str) -> tuple[str, str]:
        """Return an unknown word and a field's name that is made of it, none that is held out."""
        while True:
            word = Names(self.rng, held_out=False).word().lower()
            if self.rng.random() < 0.3:
                word = self.rng.choice(unmeant_words())
            name = strange_name(word, kind, self.rng.random())
            if plain(name) not in HELD_OUT:
                return word, name

    def _part(self, words: Words, one: str) -> str:
        if not self.held_out and self.rng.random() < _STRANGE_PART:
            return self._strange(one)[1]
        return self._pick(words)

    def _question(
        self,
        kinds: tuple[Kind, ...],
        asked: list[Asked],
        one: str,
        *,
        nouns: tuple[str, ...] = (),
        strange: dict[str, str] | None = None,
        every: str = "",
    ) -> Question:
        rng = self.rng
        seen: set[str] = set()
        unique = [item for item in asked if not (item.name in seen or seen.add(item.name))]
        if rng.random() < 0.2:
            rng.shuffle(unique)
        text = rng.choice(INSTRUCTIONS).format(
            what=rng.choice(WHAT), the=f"the {one}", one=one, many=MANY.get(one, "things")
        )
        if rng.random() < 0.35:
            text = " ".join(rng.sample([text, rng.choice(SECOND)], 2)).strip()
        return Question(
            kinds, tuple(unique), text, self.null_style == "optional", nouns, strange or {}, every
        )

    def _asked(
        self,
        name: str,
        means: str,
        schema: dict[str, JSONValue],
        notes: Sequence[str],
        *,
        nullable: bool | None = None,
        keys: dict[str, str] | None = None,
    ) -> Asked:
        if nullable is None:
            nullable = self.rng.random() < 0.8
        made: dict[str, JSONValue] = dict(schema)
        if nullable and self.null_style != "optional":
            if "enum" in made:
                made["enum"] = [*made["enum"], None]
            elif self.null_style == "types":
                made["type"] = [made["type"], "null"]
            else:
                made = {"anyOf": [made, {"type": "null"}]}
        odd = not self.held_out and self.noted and self.rng.random() < _ODD_SHARE
        if odd:
            name = odd_name(self.rng, Names(self.rng, held_out=False).word().lower())
        if odd or self.rng.random() < self.noted:
            made["description"] = self.rng.choice(notes)
        return Asked(name=name, means=means, keys=keys or {}, schema=made, nullable=nullable)

    def _name(self, kind: str) -> Asked:
        luck = self.rng.random()
        name = self._pick(CATALOGUE["name"])
        if luck < 0.15:
            name = self.rng.choice((f"{kind}_name", kind))
        elif luck > 1 - _STRANGE_NAME and not self.held_out:
            name = self._strange(kind)[1]
        return self._asked(name, "name", {"type": "string"}, NAME_NOTES, nullable=False)

    def _attribute(self, kind: Kind, key: str, strange: str) -> tuple[Asked, tuple[str, ...]]:
        rng, attribute = self.rng, kind.attributes[key]
        notes = attribute.notes.of(held_out=self.held_out and rng.random() < 0.7)
        keys = {kind.name: key}
        if attribute.date_fields.seen and rng.random() < 0.32:
            schema: dict[str, JSONValue] = {"type": "string", "format": "date"}
            return self._asked(
                self._pick(attribute.date_fields), "date", schema, notes, nullable=True, keys=keys
            ), ()
        name = strange or self._pick(attribute.fields)
        match attribute.type:
            case "goods":
                return Asked(
                    name=name,
                    means="goods",
                    keys=keys,
                    schema={"type": "array", "items": {"type": "string"}},
                    nullable=False,
                ), ()
            case "choice":
                choices = list(attribute.spec["choices"])
                rng.shuffle(choices)
                return self._asked(name, "value", {"enum": choices}, notes, keys=keys), ()
            case "noun" if rng.random() < 0.5:
                nouns = kind.nouns.of(held_out=self.held_out)
                allowed = tuple(rng.sample(nouns, min(len(nouns), rng.randint(3, 7))))
                return self._asked(name, "value", {"enum": list(allowed)}, notes, keys=keys), allowed
            case "year" | "integer" | "count":
                return self._asked(
                    name, "value", {"type": "integer" if rng.random() < 0.85 else "number"}, notes, keys=keys
                ), ()
            case "number":
                return self._asked(name, "value", {"type": "number"}, notes, keys=keys), ()
            case _:
                return self._asked(name, "value", {"type": "string"}, notes, keys=keys), ()

    def _any_list(self, kind: Kind) -> Asked:
        rng = self.rng
        listed = kind.lists[rng.choice(list(kind.lists))]
        name, keys = self._pick(listed.fields), {kind.name: listed.key}
        parts = {part: self._part(words, kind.name) for part, words in listed.item_fields.items()}
        if rng.random() < 0.25:
            part = rng.choice(
                [part for part, type_ in listed.item.items() if type_ not in ("year", "pages", "count")]
            )
            if not self.held_out and rng.random() < _STRANGE_LIST:
                name = self._strange(kind.name)[1]
            return Asked(
                name=name,
                means="column",
                keys=keys,
                parts={part: part},
                schema={"type": "array", "items": {"type": "string"}},
                nullable=False,
            )
        types = {
            part: "integer" if type_ in ("year", "pages", "count") else "string"
            for part, type_ in listed.item.items()
        }
        return self._list(name, keys, parts, types, listed.notes)

    def _list(
        self, name: str, keys: dict[str, str], parts: dict[str, str], types: dict[str, str], notes: Words
    ) -> Asked:
        order = list(parts)
        if self.rng.random() < 0.2:
            order.reverse()
        item = object_of(
            {parts[part]: {"type": types[part]} for part in order}, [parts[part] for part in order]
        )
        schema: dict[str, JSONValue] = {"type": "array", "items": item}
        if self.rng.random() < self.noted:
            schema["description"] = self.rng.choice(notes.of(held_out=self.held_out))
        return Asked(
            name=name,
            means="list",
            keys=keys,
            parts={part: parts[part] for part in order},
            schema=schema,
            nullable=False,
        )
