"""The reader of contracts: a schema with references and choices becomes a shape.

In: a JSON Schema's root and a vocabulary. Out: the shape of any part, or ContractInvalid with its pointer.
Never: unfolds without end; recursion is closed after a few rounds, where the contract lets it be closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import unquote

from holocron.derivation.keywords import (
    KINDS,
    check_spelling,
    count_of,
    count_range,
    integer_range,
    least_grounding,
    number_range,
    text_lengths,
    types_of,
    values_of,
    word_text,
)
from holocron.derivation.merging import (
    FlatPart,
    Part,
    Schema,
    Unsatisfiable,
    Whole,
    merge_parts,
)
from holocron.derivation.shapes import (
    CITE,
    NOTHING,
    ArrayShape,
    ChoiceShape,
    ObjectShape,
    Property,
    ScalarKind,
    ScalarShape,
    Shape,
    unite_shapes,
)
from holocron.errors import ContractInvalid
from holocron.fingerprint import JSONValue

#: how often a `$ref` may stand inside itself before its place is closed with [] or null
MAX_RECURSION = 3
#: schemas that are read for one contract, recursion unfolded
MAX_PARTS = 5_000
#: values that may lie inside each other
MAX_DEPTH = 64
#: references that may lead from one to the next without a value between them
MAX_CHAIN = 50

Vocabulary: TypeAlias = Mapping[str, Mapping[str, tuple[str, ...]]]
#: for each value that is open above: the references that led to it
_Trail: TypeAlias = tuple[frozenset[str], ...]

_FLATTER = "Ask for less at once: flatten the contract, or let fewer $refs lead into each other."
_UNFOLLOWED = frozenset({"$dynamicRef", "$recursiveRef"})


class Endless(Exception):
    """A `$ref` has met itself too often, and nothing above it has closed the place yet."""

    def __init__(self, pointer: str) -> None:
        self.pointer = pointer


@dataclass(slots=True)
class Reader:
    """Reads the shapes of one contract."""

    root: Schema
    vocabulary: Vocabulary
    parts_read: int = 0

    def read(self, parts: Sequence[Part], trail: _Trail = ()) -> Shape:
        """Return the shape of the values for which all the parts hold.

        Raises: ContractInvalid, Unsatisfiable, or Endless where recursion must be closed further up.
        """
        flat: list[FlatPart] = []
        for part in parts:
            self._flatten(part, trail, flat)
        for chosen in flat:
            for keyword in ("anyOf", "oneOf"):
                if keyword in chosen.schema:
                    return self._read_choice(flat, chosen, keyword, trail)
        whole = merge_parts(flat)
        check_spelling(whole)
        if len(trail) >= MAX_DEPTH:
            raise ContractInvalid(
                f"values lie over {MAX_DEPTH} deep in each other", pointer=whole.pointer, hint=_FLATTER
            )
        opened = frozenset(reference for one in flat for reference in one.opened)
        return self._read_whole(whole, (*trail, opened))

    def _flatten(self, part: Part, trail: _Trail, flat: list[FlatPart]) -> None:
        """Append the part's schemas that have neither `$ref` nor `allOf`: what is referred to comes first."""
        self.parts_read += 1
        if self.parts_read > MAX_PARTS:
            raise ContractInvalid(
                f"it unfolds into more than {MAX_PARTS:,} schemas", pointer=part.pointer, hint=_FLATTER
            )
        schema = {} if part.schema is True else part.schema
        if not isinstance(schema, Mapping):
            raise ContractInvalid(
                "nothing can satisfy this schema",
                pointer=part.pointer,
                hint="Write a map, such as {type: string}, or take the entry out.",
            )
        _refuse_words(schema, part.pointer)
        if "$ref" in schema:
            self._flatten(self._open(schema["$ref"], part, trail), trail, flat)
        if "allOf" in schema:
            for index, held in enumerate(_branches(schema, "allOf", part.pointer)):
                self._flatten(Part(held, f"{part.pointer}/allOf/{index}", part.opened), trail, flat)
        own = {key: value for key, value in schema.items() if key not in ("$ref", "allOf")}
        if own or len(own) == len(schema):
            flat.append(FlatPart(own, part.pointer, part.opened))

    def _open(self, reference: JSONValue, part: Part, trail: _Trail) -> Part:
        """Return what a reference names."""
        place = f"{part.pointer}/$ref"
        target = self._resolve(reference, place)
        name = str(reference)
        if name in part.opened:
            raise ContractInvalid(
                f"$ref {name!r} leads back to itself",
                pointer=place,
                hint="Let it name a schema that says what the value is.",
            )
        if len(part.opened) >= MAX_CHAIN:
            raise ContractInvalid(
                f"more than {MAX_CHAIN} references lead to each other",
                pointer=place,
                hint="Name the last of them here.",
            )
        if sum(name in opened for opened in trail) > MAX_RECURSION:
            raise Endless(part.pointer)
        return Part(target, unquote(name[1:]), (*part.opened, name))

    def _resolve(self, reference: JSONValue, place: str) -> JSONValue:
        if not isinstance(reference, str) or reference[:2] not in ("#", "#/"):
            raise ContractInvalid(
                f"$ref {str(reference)[:200]!r} leaves the contract",
                pointer=place,
                hint="Only references of the form '#/$defs/NAME' are followed.",
            )
        found: JSONValue = self.root
        for part in unquote(reference).split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, (list, tuple)) and name.isdecimal() and int(name[:9]) < len(found):
                found = found[int(name[:9])]
            else:
                raise ContractInvalid(
                    f"$ref {reference[:200]!r} names nothing",
                    pointer=place,
                    hint="Add what it names under $defs, or correct its spelling.",
                )
        return found

    def _read_choice(self, flat: Sequence[FlatPart], chosen: FlatPart, keyword: str, trail: _Trail) -> Shape:
        outer: list[Part] = []
        description = ""
        for part in flat:
            words = dict(part.schema)
            if part is chosen:
                del words[keyword]
            text = words.pop("description", "")
            description = text if isinstance(text, str) and text else description
            if words:
                outer.append(Part(words, part.pointer, part.opened))
        options: list[Shape] = []
        dead: Unsatisfiable | Endless | None = None
        for index, branch in enumerate(_branches(chosen.schema, keyword, chosen.pointer)):
            option = Part(branch, f"{chosen.pointer}/{keyword}/{index}", chosen.opened)
            try:
                options.append(self.read([*outer, option], trail))
            except (Unsatisfiable, Endless) as signal:
                dead = dead or signal
        if dead is not None and not options:
            raise dead
        shape = unite_shapes(options)
        return replace(shape, description=description) if description else shape

    def _read_whole(self, whole: Whole, trail: _Trail) -> Shape:
        types = types_of(whole)
        kinds = tuple(KINDS[name] for name in types if name in KINDS)
        shapes: list[Shape] = []
        if kinds or types == ("null",):
            shapes.append(self._read_scalar(whole, kinds))
        else:
            for word in ("x-ground", "x-vocabulary"):
                if word in whole.words:
                    raise ContractInvalid(
                        f"{word} belongs to a value, and this is none",
                        pointer=whole.place(word),
                        hint="Move it to the properties or the items below.",
                    )
        if "object" in types:
            shapes.append(self._read_object(whole, trail))
        if "array" in types:
            shapes.append(self._read_array(whole, trail))
        if len(shapes) == 1:
            return replace(shapes[0], nullable="null" in types)
        return ChoiceShape(
            options=tuple(shapes), nullable="null" in types, description=word_text(whole, "description")
        )

    def _read_scalar(self, whole: Whole, kinds: tuple[ScalarKind, ...]) -> ScalarShape:
        values = values_of(whole)
        synonyms: Mapping[str, tuple[str, ...]] = {}
        if "x-vocabulary" in whole.words:
            synonyms = self._find_vocabulary(whole, kinds)
            values = tuple(synonyms) if values is None else values
            synonyms = {value: words for value, words in synonyms.items() if value in values}
        enum = None if values is None else tuple(value for value in values if value is not None) or None
        closed = enum is not None or not kinds
        has_number = ScalarKind.NUMBER in kinds
        low, high = number_range(whole) if has_number else integer_range(whole) if kinds else (None, None)
        shortest, longest = text_lengths(whole)
        return ScalarShape(
            kinds=kinds,
            enum=enum,
            format=word_text(whole, "format") or None,
            pattern=word_text(whole, "pattern") or None,
            min_length=shortest,
            max_length=longest,
            minimum=low,
            maximum=high,
            ground=least_grounding(whole, closed=closed, is_boolean=kinds == (ScalarKind.BOOLEAN,)),
            synonyms=synonyms,
            description=word_text(whole, "description"),
        )

    def _find_vocabulary(self, whole: Whole, kinds: tuple[ScalarKind, ...]) -> Mapping[str, tuple[str, ...]]:
        name, place = whole.words["x-vocabulary"], whole.place("x-vocabulary")
        if not isinstance(name, str) or not self.vocabulary.get(name):
            raise ContractInvalid(
                f"x-vocabulary names no vocabulary: {str(name)[:200]!r}",
                pointer=place,
                hint="Add it, with its values, to the derivation's vocabulary.",
            )
        if kinds != (ScalarKind.STRING,):
            raise ContractInvalid("x-vocabulary needs the type string", pointer=place)
        return self.vocabulary[name]

    def _read_object(self, whole: Whole, trail: _Trail) -> ObjectShape:
        if not whole.properties:
            raise ContractInvalid(
                "an object must declare its properties, or it cannot become columns",
                pointer=whole.pointer,
                hint="Write properties: {NAME: {type: string}}.",
            )
        required = _required_names(whole)
        if (count_of(whole, "minProperties") or 0) > len(whole.properties):
            raise ContractInvalid(
                "minProperties is over the number of properties",
                pointer=whole.place("minProperties"),
                hint="Take it out; required says which properties an answer has.",
            )
        parts: list[Property] = []
        for name, schemas in whole.properties.items():
            _check_name(name, schemas[0].pointer)
            try:
                shape = self.read(schemas, trail)
            except Endless:
                if name in required:
                    raise
                continue
            parts.append(Property(name=name, shape=shape, required=name in required))
        if not parts:
            raise Endless(whole.pointer)
        return ObjectShape(properties=tuple(parts), description=word_text(whole, "description"))

    def _read_array(self, whole: Whole, trail: _Trail) -> ArrayShape:
        fewest, most = count_range(whole, "minItems", "maxItems")
        description = word_text(whole, "description")
        places = [*whole.prefix_items, whole.items] if whole.items else list(whole.prefix_items)
        if not places:
            places = [[Part({}, whole.pointer)]]
        if most is not None:
            places = places[:most]
        try:
            shapes = [self.read(parts, trail) for parts in places]
        except Endless:
            if fewest:
                raise
            shapes = []
        if not shapes:
            return ArrayShape(items=NOTHING, max_items=0, description=description)
        return ArrayShape(
            items=unite_shapes(shapes), min_items=fewest or 0, max_items=most, description=description
        )


def _refuse_words(schema: Schema, pointer: str) -> None:
    for word in _UNFOLLOWED & schema.keys():
        raise ContractInvalid(
            f"{word} is not followed", pointer=pointer, hint="Use $ref with '#/$defs/NAME'."
        )
    if "$id" in schema and pointer:
        raise ContractInvalid(
            "$id below the root changes what every $ref below it means",
            pointer=pointer,
            hint="Take it out, and let every $ref begin with #/$defs/.",
        )
    if schema.get("nullable") is True:
        raise ContractInvalid(
            "'nullable' means nothing in JSON Schema", pointer=pointer, hint='Write type: [string, "null"].'
        )


def _branches(schema: Schema, keyword: str, pointer: str) -> Sequence[JSONValue]:
    held = schema[keyword]
    if not isinstance(held, (list, tuple)) or not held:
        raise ContractInvalid(
            f"{keyword} must be a list with something in it", pointer=f"{pointer}/{keyword}"
        )
    return held


def _required_names(whole: Whole) -> frozenset[str]:
    named, place = whole.words.get("required", []), whole.place("required")
    if not isinstance(named, (list, tuple)):
        raise ContractInvalid("required must be a list of names", pointer=place)
    for name in named:
        if not isinstance(name, str):
            raise ContractInvalid("required must be a list of names", pointer=place)
        if name not in whole.properties:
            raise ContractInvalid(
                f"{name!r} is required and not declared under properties",
                pointer=place,
                hint="Declare it, or take it out of required.",
            )
    return frozenset(str(name) for name in named)


def _check_name(name: str, pointer: str) -> None:
    if name == CITE:
        raise ContractInvalid(
            "the property name 'cite' is Holocron's own", pointer=pointer, hint="Rename the property."
        )
    if not name.strip() or not name.isprintable():
        raise ContractInvalid(
            f"a property cannot be called {name!r}", pointer=pointer, hint="Use letters that can be seen."
        )
