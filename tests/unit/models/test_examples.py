"""The generator of the built-in model's training data: right answers, and held-out words stay out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

import pytest
from models.builtin import wording
from models.builtin.composing import Words
from models.builtin.examples import CATALOGUE, EASY, FULL, LONG, WARM, Example, Side, Stage, make_group
from models.builtin.frames import frames, words_of
from models.builtin.names import Names, is_held_out
from models.builtin.questions import QuestionMaker
from models.builtin.words import read_words
from models.builtin.world import KINDS, read_kind

from holocron.derivation.contract import CITE
from holocron.fingerprint import JSONValue
from holocron.validation import ContractValidator

STAGES = {"warm": WARM, "easy": EASY, "full": FULL, "long": LONG, "catalogue": CATALOGUE}
SIDES = {
    "training": Side(),
    "unseen names": Side(held_out_names=True),
    "all held out": Side(held_out_names=True, held_out_patterns=True),
}
_SMALL = read_words()["small_numbers"]


def make_examples(stage: Stage, side: Side, count: int = 40) -> Iterator[Example]:
    """Yield examples of a stage, always the same ones."""
    for seed in range(count):
        yield from make_group(Random(f"test {seed}"), side, stage, 2)


def find_leaves(
    value: JSONValue, schema: JSONValue, lines: list[int]
) -> Iterator[tuple[JSONValue, list[int]]]:
    """Yield the values that must stand in a line, each with the lines cited beside it."""
    assert isinstance(schema, dict)
    if isinstance(value, dict):
        cited = [int(str(line)) for line in value.get(CITE, lines)]
        for name, part in value.items():
            if name != CITE:
                yield from find_leaves(part, schema["properties"][name], cited)
    elif isinstance(value, list):
        for part in value:
            yield from find_leaves(part, schema["items"], lines)
    elif value is not None and "enum" not in json.dumps(schema):
        yield value, lines


def find_spellings(value: JSONValue) -> list[str]:
    """Return the ways in which a value may stand in a line."""
    if isinstance(value, str):
        is_date = len(value) == 10 and value[4] == value[7] == "-"
        return [value[:4].lstrip("0")] if is_date else [value]
    assert isinstance(value, int | float)
    small = [_SMALL[value]] if isinstance(value, int) and value < len(_SMALL) else []
    words = [form for word in small for form in (word, word.capitalize())]
    return [str(value), f"{value:,}", *words]


@pytest.mark.parametrize("side", SIDES.values(), ids=SIDES)
@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_right_answer_stands_in_the_lines_that_it_cites(stage: Stage, side: Side) -> None:
    """Every value of a right answer that is not chosen from a list stands in one of its cited lines."""
    seen = 0
    for example in make_examples(stage, side):
        texts = {segment.number: segment.text for segment in example.segments}
        for value, lines in find_leaves(example.answer, example.derivation.contract.schema, []):
            cited = " ".join(texts[line] for line in lines)
            assert any(spelling in cited for spelling in find_spellings(value)), (value, example.segments)
            seen += 1
    assert seen > 60


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_right_answer_keeps_to_its_contract(stage: Stage) -> None:
    """The product's own validator finds nothing wrong with a right answer."""
    for example in make_examples(stage, Side(), 20):
        validator = ContractValidator(example.derivation.contract)
        assert validator.conform(example.answer, len(example.segments)).findings == []


@pytest.mark.parametrize("held_out", [False, True], ids=["training", "evaluation"])
def test_a_word_of_a_name_is_on_one_side_alone(held_out: bool) -> None:
    """No word of a name that training makes is ever made for the evaluation, and the other way round."""
    names = Names(Random(1), held_out=held_out)
    words = [names.word() for _ in range(500)]
    assert {is_held_out(word.lower()) for word in words} == {held_out}


@pytest.mark.parametrize("name", KINDS)
def test_a_sort_that_is_made_up_is_none_that_is_held_out(name: str) -> None:
    """Kinds of people and things are invented without end, but never as one that the evaluation has."""
    held_out = set(read_kind(name).nouns.held_out)
    made = {Names(Random(seed), held_out=False).noun(name) for seed in range(300)}
    assert len(made) > 280
    assert not made & held_out


def test_a_field_of_an_unknown_word_is_asked_in_training_alone() -> None:
    """Some fields have names that mean nothing; the evaluation's names are the held-out ones instead."""
    made = [QuestionMaker(Random(f"unknown {seed}"), held_out=False).make() for seed in range(200)]
    strange = [question for question in made if question.strange]
    assert strange
    for question in strange:
        ((key, word),) = question.strange.items()
        assert any(word in one.name and key in one.keys.values() for one in question.asked)
    for seed in range(100):
        assert not QuestionMaker(Random(f"unknown {seed}"), held_out=True).make().strange


def find_held_out_fields() -> set[str]:
    """Return the field names that only the evaluation may ask for, whatever they mean."""
    words = [part for part in vars(wording).values() if isinstance(part, Words)]
    words += wording.CATALOGUE.values()
    for kind in map(read_kind, KINDS):
        for attribute in kind.attributes.values():
            words += [attribute.fields, attribute.date_fields]
        for listed in kind.lists.values():
            words += [listed.fields, *listed.item_fields.values()]
    return {name for one in words for name in one.held_out} - {name for one in words for name in one.seen}


def test_what_is_held_out_is_never_in_training() -> None:
    """No held-out field name, frame or filler is in a training prompt; the evaluation does use them."""
    fields = find_held_out_fields()
    assert len(fields) > 50
    begun = [frame.partition("{")[0] for frame in frames().held_out if not frame.startswith("{")]
    for stage in STAGES.values():
        for example in make_examples(stage, Side(), 25):
            asked = example.derivation.contract.schema["properties"]
            assert not fields & set(asked)
            text = example.prompt.messages[1].content
            assert not any(filler in text for filler in words_of("fillers").held_out)
            assert not any(f"] {frame}" in text for frame in begun)
    other = [example.prompt.messages for example in make_examples(FULL, SIDES["all held out"], 60)]
    assert any(f'"{name}": ' in messages[0].content for messages in other for name in fields)
    assert any(filler in messages[1].content for messages in other for filler in words_of("fillers").held_out)
