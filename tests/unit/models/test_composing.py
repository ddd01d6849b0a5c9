"""What is put together from words: fields' names, labels and sentences, and never a held-out one."""

from __future__ import annotations

import json
from random import Random

import pytest
from models.builtin.cases import EXAM, SETS, exam_cases
from models.builtin.composing import (
    Words,
    compose_fields,
    held_out_names,
    is_odd,
    odd_name,
    parts_of,
    plain,
    strange_name,
    widen,
)
from models.builtin.frames import frames
from models.builtin.world import KINDS, read_kind

from holocron.validation import ContractValidator


def test_a_field_is_named_in_many_ways() -> None:
    """A noun and an event give names in snake and camel case, with the kind and with units."""
    words = {"heads": ["place of birth"], "events": ["launch"], "units": ["m"]}
    names = compose_fields(words, "ship")
    assert {"place_of_birth", "placeOfBirth", "ship_place_of_birth", "place-of-birth"} <= set(names)
    assert {"place_of_birth_m", "launch_year", "launch", "yearOfTheLaunch"} <= set(names)


def test_what_is_held_out_is_not_added_in_any_spelling() -> None:
    """Widening leaves out what is held out, however it is spelt, and keeps its mark on the old entry."""
    widened = Words.read(
        widen(["born_in", "~year_of_launch"], ["yearOfLaunch", "year-of-launch", "launched"])
    )
    assert set(widened.seen) == {"born_in", "launched"}
    assert widened.held_out == ("year_of_launch",)


@pytest.mark.parametrize("name", KINDS)
def test_no_composed_name_is_held_out(name: str) -> None:
    """The fields that are composed for a kind are none of those that any kind holds out."""
    kind = read_kind(name)
    for attribute in kind.attributes.values():
        base = {str(field) for field in attribute.spec["fields"]}
        assert not {plain(field) for field in attribute.fields.seen if field not in base} & held_out_names()
        says = {plain(text) for text in (*attribute.says.held_out, *attribute.noun.held_out)}
        assert not says & {plain(text) for text in (*attribute.says.seen, *attribute.noun.seen)}


def test_a_predicate_becomes_a_phrase() -> None:
    """What was or had something can stand beside a name, unless that phrase is held out."""
    assert parts_of(["was born in {v}", "had {v} hands", "sank {on}", "had been lost {on}"], []) == [
        "born in {v}",
        "with {v} hands",
    ]
    assert parts_of(["was set up {on}"], ["set up {on}"]) == []


def test_an_odd_name_is_known_by_its_number() -> None:
    """Names that say nothing end in a digit, and no composed name does by accident."""
    assert all(is_odd(odd_name(Random(seed), "word")) for seed in range(30))
    assert not is_odd("place_of_birth")


@pytest.mark.parametrize("tenth", range(10))
def test_a_name_of_an_unknown_word_is_a_plain_name(tenth: int) -> None:
    """It holds the word, can be a key, and does not look like a name that needs its description."""
    name = strange_name("dolm", "ship", tenth / 10)
    assert "dolm" in name
    assert name.replace("_", "").isalpha()
    assert not is_odd(name)


def test_frames_are_many_and_hold_one_predicate() -> None:
    """Every frame names its subject once and says its predicate once."""
    assert len(set(frames().seen)) > 300
    for frame in (*frames().seen, *frames().held_out):
        assert frame.count("{P}") == 1
        assert frame.count("{S}") + frame.count("{s}") == 1


@pytest.mark.parametrize("name", SETS[:3])
def test_the_frozen_jobs_are_answerable(name: str) -> None:
    """The jobs that were made once are there, and their right answers keep to their contracts."""
    cases = list(exam_cases(name))
    assert len(cases) == 120
    assert len(EXAM.read_text(encoding="utf-8").splitlines()) == 360
    for case in cases[::10]:
        validator: ContractValidator = case.validator
        assert validator.conform(json.loads(json.dumps(case.answer)), len(case.shown.segments)).findings == []
