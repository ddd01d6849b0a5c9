"""Examples: a question, some bundles of evidence for it, and the right answers.

In: a random generator, a side and a stage of the curriculum. Out: groups that share one system message,
rendered by the product. Never: renders by itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from random import Random

from models.builtin.documents import DocumentMaker, Form, Telling, slug
from models.builtin.ledger import make_ledger
from models.builtin.nonce import group_of, lonely, looks_alike
from models.builtin.phrasing import Writer
from models.builtin.questions import Asked, Question, QuestionMaker
from models.builtin.speaking import NAME, Claim, Line
from models.builtin.world import Entity, World

from holocron.derivation.contract import CITE
from holocron.derivation.derivations import Derivation
from holocron.derivation.prompt import Prompt, render_answer
from holocron.evidence.segments import Segment, SegmentKind
from holocron.fingerprint import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Which names and patterns may be used."""

    held_out_names: bool = False
    held_out_patterns: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How hard the examples are."""

    #: share of plain lookups in invented ledgers
    ledgers: float
    #: share of lines that help nobody
    clutter: float
    #: most attributes that are told without being asked
    extra: int
    #: share of the plain catalogue question
    catalogue: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Example:
    """One job and its answer."""

    derivation: Derivation
    subject: str
    segments: tuple[Segment, ...]
    answer: JSONValue

    @cached_property
    def prompt(self) -> Prompt:
        """Return the prompt as the product renders it."""
        return self.derivation.render_prompt(self.subject, self.segments)

    @property
    def answer_text(self) -> str:
        """Return the answer as the model should write it."""
        return render_answer(self.answer)


#: how often facts are told that look like those that are asked for and absent
_LIKE = 0.6
WARM = Stage(ledgers=0.45, clutter=0.05, extra=1, catalogue=0.3)
EASY = Stage(ledgers=0.03, clutter=0.06, extra=1, catalogue=0.35)
FULL = Stage(ledgers=0.14, clutter=0.18, extra=2, catalogue=0.35)
LONG = Stage(ledgers=0.0, clutter=0.5, extra=5, catalogue=0.3)
#: what the exams and the evaluation ask: no ledgers, no preference
PLAIN = Stage(ledgers=0.0, clutter=0.18, extra=2)
CATALOGUE = Stage(ledgers=0.0, clutter=0.18, extra=2, catalogue=1.0)


def make_group(rng: Random, side: Side, stage: Stage, size: int) -> list[Example]:
    """Return examples of one question."""
    if rng.random() < stage.ledgers:
        derivation, bundles = make_ledger(rng, held_out=side.held_out_names, size=size)
        return [
            Example(derivation=derivation, subject=subject, segments=number([lines]), answer=answer)
            for subject, lines, answer in bundles
        ]
    question = QuestionMaker(rng, held_out=side.held_out_patterns).make(stage.catalogue)
    return [make_example(rng, side, stage, question) for _ in range(size)]


def make_example(rng: Random, side: Side, stage: Stage, question: Question) -> Example:
    """Return one bundle with its answer."""
    world = World(rng, held_out_names=side.held_out_names, held_out_patterns=side.held_out_patterns)
    subject, items, answer = (_every if question.every else _one)(rng, world, stage, question)
    return Example(derivation=question.derivation, subject=subject, segments=number(items), answer=answer)


def number(items: list[list[Line]]) -> tuple[Segment, ...]:
    """Return the lines as the product's segments."""
    segments: list[Segment] = []
    for position, lines in enumerate(items):
        for line in lines:
            segments.append(
                Segment(len(segments) + 1, position, SegmentKind.SENTENCE, 0, len(line.text), line.text)
            )
    return tuple(segments)


def _invent(world: World, question: Question) -> Entity:
    kind = world.rng.choice(question.kinds)
    entity = world.invent(kind)
    if question.nouns:
        entity.noun = world.rng.choice(question.nouns)
        for key, attribute in kind.attributes.items():
            if attribute.type == "noun":
                entity.facts[key] = world.fact("noun", {}, entity.noun)
    for one in question.asked:
        if one.means == "date" and world.rng.random() < 0.5:
            key = one.keys[kind.name]
            entity.facts[key] = world.dated(int(str(entity.facts[key].value)))
    return entity


def _one(
    rng: Random, world: World, stage: Stage, question: Question
) -> tuple[str, list[list[Line]], JSONValue]:
    main = _invent(world, question)
    form = rng.choices(list(Form), (0.54, 0.15, 0.13, 0.18))[0]
    tabled = form is Form.TABLE and rng.random() < 0.7
    others = [
        world.invent(main.kind) if tabled or rng.random() < 0.7 else _invent(world, question)
        for _ in range(rng.choice((1, 2, 2, 3, 4) if tabled else (0, 1, 1, 2)))
    ]
    entities = [main, *(other for other in others if other.name != main.name)]
    maker = DocumentMaker(rng, entities, world.names, held_out=world.held_out_patterns)
    # half of the texts use the word that the question uses
    maker.writer.strange = question.strange if rng.random() < 0.5 else {}
    telling = _telling(rng, stage, question, main)
    maker.writer.lonely = _lonely(question, main, telling)
    lines = maker.write(form, telling, clutter=stage.clutter)
    if rng.random() < 0.4:
        subject = main.name
    else:
        folder = rng.choice(("archive", "records", "notes", "pages", "docs", main.kind.name + "s"))
        subject = f"{folder}/{slug(main.name)}.{rng.choice(('md', 'txt', 'html', 'json', 'csv'))}"
    return subject, lines, _answer(question, entities, 0, _supports(lines))


def _telling(rng: Random, stage: Stage, question: Question, main: Entity) -> Telling:
    kind = main.kind
    wanted = [one.keys[kind.name] for one in question.asked if kind.name in one.keys]
    needed = [one.keys[kind.name] for one in question.asked if kind.name in one.keys and not one.nullable]
    keys = [
        key
        for key in wanted
        if key in kind.attributes
        and ((key in needed and one_is_required(question, key, kind.name)) or rng.random() < 0.78)
    ]
    others = [key for key in kind.attributes if key not in wanted]
    if not question.strange and rng.random() < _LIKE:
        # another fact that looks like it, which a field whose own is absent must not take
        looks = looks_alike if rng.random() < 0.5 else group_of
        types = {key: looks(attribute.type) for key, attribute in kind.attributes.items()}
        absent = {types[key] for key in wanted if key in types and key not in keys}
        keys += [key for key in rng.sample(others, len(others)) if types[key] in absent][:2]
        others = [key for key in others if key not in keys]
    # what a field of an unknown name means can only be found where nothing is told that is not asked
    keys += rng.sample(others, 0 if question.strange else min(len(others), rng.randint(0, stage.extra)))
    lists = [key for key in wanted if key in kind.lists and rng.random() < 0.85]
    if rng.random() < 0.08:
        lists += [key for key in kind.lists if key not in wanted][:1]
    unknown = tuple(key for key in wanted if key not in keys and key not in lists and rng.random() < 0.3)
    if not keys and not lists:
        keys = others[:1]
    return Telling(keys=tuple(dict.fromkeys(keys)), lists=tuple(dict.fromkeys(lists)), unknown=unknown)


def _lonely(question: Question, main: Entity, telling: Telling) -> frozenset[str]:
    """Return the facts asked for whose value looks like none of the others that are asked for or told."""
    wanted = [one.keys[main.kind.name] for one in question.asked if main.kind.name in one.keys]
    attributes = main.kind.attributes
    types = {key: attributes[key].type for key in (*wanted, *telling.keys) if key in attributes}
    return lonely(types, wanted)


def one_is_required(question: Question, key: str, kind: str) -> bool:
    """Tell whether a field that means this attribute must have a value."""
    return any(
        one.keys.get(kind) == key and not one.nullable and one.means == "value" for one in question.asked
    )


def _every(
    rng: Random, world: World, stage: Stage, question: Question
) -> tuple[str, list[list[Line]], JSONValue]:
    """Return a bundle about several entities of which each one is asked for."""
    kind = question.kinds[0]
    entities = [_invent(world, question) for _ in range(rng.choice((1, 2, 2, 3, 3, 4, 5)))]
    keys = [one.keys[kind.name] for one in question.asked if kind.name in one.keys]
    maker = DocumentMaker(rng, entities, world.names, held_out=world.held_out_patterns)
    if rng.random() < 0.5:
        items = maker.write(Form.TABLE, Telling(keys=tuple(dict.fromkeys(keys)), lists=()), clutter=0)
    else:
        items = [_paragraph(rng, maker.writer, entities, keys, stage)]
    supports = _supports(items)
    order = sorted(range(len(entities)), key=lambda n: supports[(n, NAME, 0)][0])
    answers = [_answer(question, entities, n, supports) for n in order]
    subject = rng.choice(
        (
            f"{kind.name}s",
            f"records/{kind.name}s.csv",
            f"list of {kind.name}s",
            f"notes/{world.names.word().lower()}.txt",
        )
    )
    return subject, items, {question.every: answers}


def _paragraph(
    rng: Random, writer: Writer, entities: list[Entity], keys: list[str], stage: Stage
) -> list[Line]:
    lines: list[Line] = []
    for n in range(len(entities)):
        unique = list(dict.fromkeys(keys))
        needed = unique if rng.random() < 0.75 else unique[:1]
        opener = writer.opener(n, needed)
        lines.append(opener)
        rest = [key for key in unique if (n, key, 0) not in opener.claims]
        lines += [writer.sentence(n, [key], follows=True) for key in rest]
        if rng.random() < stage.clutter:
            lines.append(writer.filler())
    return lines


def _supports(items: list[list[Line]]) -> dict[Claim, list[int]]:
    supports: dict[Claim, list[int]] = defaultdict(list)
    position = 0
    for lines in items:
        for line in lines:
            position += 1
            for claim in line.claims:
                if position not in supports[claim]:
                    supports[claim].append(position)
    return supports


def _answer(
    question: Question, entities: list[Entity], number_: int, supports: dict[Claim, list[int]]
) -> JSONValue:
    """Return the right answer about one entity, each object with the lines that state its values."""
    entity = entities[number_]
    cite: set[int] = set()
    answer: dict[str, JSONValue] = {CITE: []}
    for one in question.asked:
        answer[one.name] = _value(one, entity, number_, supports, cite)
    answer[CITE] = sorted(cite)
    if not any(one.means != "list" for one in question.asked):
        del answer[CITE]
    return answer


def _value(
    one: Asked, entity: Entity, number_: int, supports: dict[Claim, list[int]], cite: set[int]
) -> JSONValue:
    if one.means == "kind":
        return entity.kind.name
    if one.means == "name":
        cite.update(supports[(number_, NAME, 0)][:1])
        return entity.name
    key = one.keys.get(entity.kind.name, "")
    if one.means in ("list", "column"):
        items = entity.lists.get(key, [])
        told = [
            (supports[(number_, key, n)], item)
            for n, item in enumerate(items)
            if (number_, key, n) in supports
        ]
        if one.means == "list":
            return [
                {CITE: lines[:], **{name: item[part].value for part, name in one.parts.items()}}
                for lines, item in told
            ]
        part = next(iter(one.parts))
        for n in range(len(items)):
            cite.update(supports.get((number_, f"{key}.{part}", n)) or supports.get((number_, key, n), ()))
        return [item[part].value for _, item in told]
    lines = supports.get((number_, key, 0), [])
    fact = entity.facts.get(key)
    if not lines or fact is None:
        return [] if one.means == "goods" else None
    if one.means == "goods":
        cite.update(lines)
        return fact.value
    if one.means == "date":
        cite.update(lines[:1] if fact.date else ())
        return fact.date
    cite.update(lines[:1])
    return fact.value
