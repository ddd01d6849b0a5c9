"""Where the parts of a right answer come from: what training shows to some attention heads."""

from __future__ import annotations

from random import Random

import pytest
from models.builtin.alignment import NOTHING, NOWHERE, _spellings, find_sources
from models.builtin.examples import CATALOGUE, FULL, Example, Side, make_group

from holocron.derivation.contract import CITE
from holocron.derivation.prompt import render_answer


def make_examples(count: int = 40) -> list[Example]:
    """Return examples of two stages, always the same ones."""
    return [
        example
        for seed in range(count)
        for example in make_group(Random(f"aligned {seed}"), Side(), CATALOGUE if seed % 2 else FULL, 2)
    ]


def test_a_copied_character_is_the_one_that_it_is_copied_from() -> None:
    """Nearly all characters of values come from the same one of the evidence; numbers may be spelled."""
    same = other = 0
    for example in make_examples():
        message = example.prompt.messages[1].content
        for written, read in find_sources(example).copied.items():
            same += example.answer_text[written] == message[read]
            other += example.answer_text[written] != message[read]
    assert same > 2000
    assert other < same / 100


def test_a_cited_number_knows_its_line() -> None:
    """Every digit of a citation, and the comma before it, belongs to a line that is there."""
    for example in make_examples():
        sources = find_sources(example)
        for place, line in sources.cited.items():
            assert example.answer_text[place] == "," or example.answer_text[place] in str(line)
            assert line in sources.lines
        message = example.prompt.messages[1].content
        for segment in example.segments:
            start, end = sources.lines[segment.number]
            assert message[start:end] == segment.text


def test_a_list_of_words_knows_the_next_one_and_its_end() -> None:
    """Before each word of a list stands where it is copied from, and at the list's end that there is none."""
    seen = 0
    for example in make_examples(400):
        sources, message = find_sources(example), example.prompt.messages[1].content
        for name, words in example.answer.items() if isinstance(example.answer, dict) else ():
            if (
                name == CITE
                or not isinstance(words, list)
                or not all(isinstance(word, str) for word in words)
            ):
                continue
            at = example.answer_text.index(render_answer(words))
            for word in words:
                place = sources.decided[at].place
                assert place is not None
                assert message[place : place + len(word)].lower() == word.lower()
                at += len(render_answer(word)) + 1
                seen += 1
            assert sources.decided[at] == NOTHING
    assert seen > 3


@pytest.mark.parametrize("seed", range(5))
def test_a_value_begins_where_its_field_is_stated(seed: int) -> None:
    """A value's first character in the evidence lies in a line that supports its field."""
    example = make_group(Random(seed), Side(), CATALOGUE, 1)[0]
    sources = find_sources(example)
    for place, fields in sources.begun.items():
        (line,) = [number for number, (start, end) in sources.lines.items() if start <= place < end]
        assert fields in sources.supported[line]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("on 3 July 1593.", "1593 JJ 33"),
        ("July 17, 1593", "1593 JJ 17"),
        ("the 12th of May 1593", "1593 MM 12"),
    ],
    ids=["day first", "month first", "with its ending"],
)
def test_a_date_comes_from_its_day_its_month_and_its_year(text: str, read: str) -> None:
    """Each digit of a date is read where the text has its part, a month's digits from the month's name."""
    months = {"J": "07", "M": "05"}
    year, month, day = read.split()
    value = f"{year}-{months[month[0]]}-{day if len(set(day)) > 1 else '0' + day[0]}"
    (places,) = _spellings(value, text)
    assert "".join(text[place] if place != NOWHERE else " " for place in places) == read


def test_a_number_is_not_read_out_of_a_longer_word() -> None:
    """The word of a number is a whole word."""
    assert list(_spellings(10, "written by ten")) == [[len("written by ")] * 2]
    assert list(_spellings(7, "seventeen hands")) == []
