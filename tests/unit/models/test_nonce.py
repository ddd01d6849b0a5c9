"""Facts said with words that say nothing, and sentences that are put together from words."""

from __future__ import annotations

from random import Random

import pytest
from models.builtin.composing import plain
from models.builtin.frames import decoys, made_decoy, made_lead, made_openers, words_of
from models.builtin.nonce import counted, lonely, looks_alike, unheard, unheard_journey
from models.builtin.world import KINDS, read_kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_counted_number_is_never_said_in_a_held_out_way(kind: str) -> None:
    """Any verb may tell a number, but not so that a held-out sentence comes of it."""
    for attribute in read_kind(kind).attributes.values():
        held_out = {plain(says) for says in attribute.says.held_out}
        made = [counted(Random(seed), attribute.measured, attribute.says.held_out) for seed in range(100)]
        assert not held_out & {plain(says) for says in made}
        assert any("{v}" in says for says in made) == bool(attribute.measured)


@pytest.mark.parametrize(
    "type_", ["place", "year", "person", "org", "integer", "count", "noun", "river", "goods"]
)
def test_an_unheard_verb_holds_its_value_once(type_: str) -> None:
    """A predicate of an unknown verb has one place for its value."""
    for seed in range(50):
        said = unheard(Random(seed), type_)
        assert said.count("{v}") + said.count("{on}") == 1
        assert unheard_journey(Random(seed)).count("{place}") == 1


def test_a_value_is_lonely_where_no_other_looks_like_it() -> None:
    """A count and an integer look alike; a place looks like no number, but at first sight like a person."""
    types = {"crew": "count", "tonnage": "integer", "home_port": "place"}
    assert lonely(types, ["crew", "home_port", "owner"]) == {"home_port"}
    assert looks_alike("place") == looks_alike("person") != looks_alike("year")


def test_what_is_put_together_is_nothing_that_is_held_out() -> None:
    """Sentences that answer nothing, leads and first sentences are many, and none is a held-out one."""
    made = {made_decoy(Random(seed)) for seed in range(500)}
    assert len(made) > 490
    assert not any(plain(held) in {plain(text) for text in made} for held in decoys().held_out)
    leads = {made_lead(Random(seed)) for seed in range(500)}
    assert not {plain(lead) for lead in leads} & {plain(lead) for lead in words_of("leads").held_out}
    assert not set(made_openers()) & set(words_of("openers").held_out)
    assert all("{name}" in opener for opener in made_openers())
