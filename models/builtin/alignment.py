"""Alignment: where in the prompt each part of a right answer comes from.

In: an example with its right answer. Out: pairs of places in the ending's text and in the whole conversation,
which training shows to some attention heads. Never: needed to use the model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from models.builtin.examples import Example
from models.builtin.words import read_words

from holocron.derivation.contract import CITE
from holocron.derivation.prompt import render_answer
from holocron.fingerprint import JSONValue

_SMALL, _MONTHS = read_words()["small_numbers"], read_words()["months"]
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_IN_NUMBERS = frozenset("0123456789.,")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of an answer: its fields from the outermost, its characters, and the lines beside it."""

    fields: tuple[str, ...]
    value: JSONValue
    start: int
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """A value or null, another line or none, another item or none."""

    #: the character of the evidence where the value begins
    place: int | None = None
    #: the line that is cited next
    line: int | None = None


NOTHING = Decision()
#: the place of a character that is copied from nowhere
NOWHERE = -1


@dataclass(slots=True)
class Sources:
    """What comes from where; answers are counted from their own start, evidence from the message's."""

    #: by character of the answer: the character of the evidence that it copies
    copied: dict[int, int] = field(default_factory=dict)
    #: by character of the answer: the line that its number names
    cited: dict[int, int] = field(default_factory=dict)
    #: by line: the fields that it supports
    supported: dict[int, list[tuple[str, ...]]] = field(default_factory=dict)
    #: by character of the evidence where a value begins: its field
    begun: dict[int, tuple[str, ...]] = field(default_factory=dict)
    #: by character of the answer where a field's name begins: the field
    named: dict[int, tuple[str, ...]] = field(default_factory=dict)
    #: by character of the answer: what is decided there by looking at the evidence, or at nothing
    decided: dict[int, Decision] = field(default_factory=dict)
    #: by line: its first character and the one after its last
    lines: dict[int, tuple[int, int]] = field(default_factory=dict)


def find_sources(example: Example) -> Sources:
    """Return the sources of an example's answer."""
    message = example.prompt.messages[1].content
    sources = Sources()
    at = 0
    for segment in example.segments:
        shown = f"\n[{segment.number}] {segment.text}"
        start = message.find(shown, at)
        if start >= 0:
            at = start + len(shown)
            sources.lines[segment.number] = (at - len(segment.text), at)
    _find_names(example.answer, 0, (), sources.named)
    for leaf in _leaves(example.answer, 0, (), ()):
        if leaf.fields[-1] == CITE:
            if leaf.value in sources.lines:
                text = str(leaf.value)
                before = -1 if leaf.start != leaf.lines[0] else 0
                sources.cited.update({leaf.start + n: int(leaf.value) for n in range(before, len(text))})
            continue
        _place(leaf, message, sources)
    _decide(example.answer, 0, sources)
    return sources


def _place(leaf: Leaf, message: str, sources: Sources) -> None:
    for line in leaf.lines:
        begin, end = sources.lines.get(line, (0, 0))
        for places in _spellings(leaf.value, message[begin:end]):
            for offset, place in enumerate(places):
                if place != NOWHERE:
                    sources.copied[leaf.start + offset] = begin + place
            sources.supported.setdefault(line, []).append(leaf.fields)
            sources.begun.setdefault(begin + places[0], leaf.fields)
            return


def _spellings(value: JSONValue, text: str) -> Iterator[list[int]]:
    """Yield the places of a value's characters in a text, if it stands there."""
    if isinstance(value, str):
        found = max(text.find(value), text.find(value[:1].upper() + value[1:]))
        if found >= 0:
            yield list(range(found, found + len(value)))
        elif date := _DATE.fullmatch(value):
            yield from _date_places(*date.groups(), text)
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    bare = str(value)
    for form in (bare, f"{value:,}"):
        found = _find_number(text, form)
        if found >= 0:
            yield [found + n for n, sign in enumerate(form) if sign != ","]
            return
    if isinstance(value, int) and value < len(_SMALL):
        word = re.search(rf"\b{_SMALL[value]}\b", text.lower())
        if word:
            yield [word.start()] * len(bare)


def _date_places(year: str, month: str, day: str, text: str) -> Iterator[list[int]]:
    """Yield the places of a date's digits where the month has its name; a month's digits come from it."""
    name, number = _MONTHS[int(month) - 1], str(int(day))
    found = re.search(rf"\b{number}\D{{1,6}}{name}\D+{year}|{name} {number}\D+{year}", text)
    if found:
        begin, months = found.start(), text.index(name, found.start())
        years, days = text.index(year, months), text.find(number, begin if begin < months else months)
        tens = [days] if len(number) == 1 else []
        yield [
            *range(years, years + len(year)),
            NOWHERE,
            months,
            months,
            NOWHERE,
            *tens,
            *range(days, days + len(number)),
        ]


def _find_number(text: str, form: str) -> int:
    found = text.find(form)
    while found >= 0:
        before, after = text[max(0, found - 1) : found], text[found + len(form) : found + len(form) + 1]
        if before not in _IN_NUMBERS and not after.isdigit():
            return found
        found = text.find(form, found + 1)
    return found


def _decide(value: JSONValue, start: int, sources: Sources) -> None:
    """Note where an answer could have been null, or a list could have ended or gone on."""
    at = start + 1
    if isinstance(value, dict):
        for name, part in value.items():
            at += len(render_answer(name)) + 1
            if name == CITE:
                sources.decided[at + len(render_answer(part)) - 1] = NOTHING
            elif not isinstance(part, list):
                first = sources.copied.get(at + isinstance(part, str))
                if first is not None or part is None:
                    sources.decided[at - 1] = sources.decided[at] = Decision(place=first)
            elif all(isinstance(item, dict) for item in part):
                sources.decided[at] = _next_line(part)
            else:
                _decide_words(part, at, sources)
            _decide(part, at, sources)
            at += len(render_answer(part)) + 1
    elif isinstance(value, list):
        for number, part in enumerate(value):
            _decide(part, at, sources)
            at += len(render_answer(part)) + 1
            if isinstance(part, dict):
                sources.decided[at - 1] = _next_line(value[number + 1 :])


def _decide_words(words: list[JSONValue], start: int, sources: Sources) -> None:
    """Note, before each word of a list and at its end, where the next one stands."""
    at = start
    for word in words:
        sources.decided[at] = Decision(place=sources.copied.get(at + 2))
        at += len(render_answer(word)) + 1
    sources.decided[at] = NOTHING


def _next_line(items: list[JSONValue]) -> Decision:
    cited = items[0].get(CITE) if items and isinstance(items[0], dict) else None
    return Decision(line=int(str(cited[0]))) if cited else NOTHING


def _find_names(
    value: JSONValue, start: int, path: tuple[str, ...], named: dict[int, tuple[str, ...]]
) -> None:
    """Note where the names of an answer's fields begin."""
    at = start + 1
    if isinstance(value, dict):
        for name, part in value.items():
            named[at + 1] = (*path, name)
            at += len(render_answer(name)) + 1
            _find_names(part, at, (*path, name), named)
            at += len(render_answer(part)) + 1
    elif isinstance(value, list):
        for part in value:
            _find_names(part, at, path, named)
            at += len(render_answer(part)) + 1


def _leaves(value: JSONValue, start: int, path: tuple[str, ...], lines: tuple[int, ...]) -> Iterator[Leaf]:
    """Yield the leaves of an answer with their places in its rendering."""
    if isinstance(value, dict):
        at = start + 1
        lines = tuple(value.get(CITE, lines))
        for name, part in value.items():
            at += len(render_answer(name)) + 1
            yield from _leaves(part, at, (*path, name), lines)
            at += len(render_answer(part)) + 1
    elif isinstance(value, list):
        at = start + 1
        cites = bool(path) and path[-1] == CITE
        for part in value:
            # a cited number remembers where its list begins
            yield from _leaves(part, at, path, (start + 1,) if cites else lines)
            at += len(render_answer(part)) + 1
    elif value is not None:
        quoted = isinstance(value, str)
        if quoted and json.dumps(value, ensure_ascii=False) != f'"{value}"':
            return
        yield Leaf(path, value, start + quoted, lines)
