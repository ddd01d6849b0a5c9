"""Batches: examples turned into packed tensors whose shared beginnings are read once.

In: groups of examples. Out: Batch. Never: lets one example see another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from pathlib import Path
from random import Random

import torch
from models.builtin.alignment import Decision, Sources, find_sources
from models.builtin.composing import is_odd
from models.builtin.examples import Example, Side, Stage, make_group
from models.builtin.network import Batch, Chunk
from models.builtin.tokenizer import END, chat_text, load_tokenizer, opening_text
from tokenizers import Tokenizer

#: lengths are filled up to a multiple of this
ROUND = 8
#: an ending longer than this is left out of training
LONGEST = 640
#: how much a token counts that decoding forces, and one that chooses a line or a value; others count 1
NAME_COUNTS = 0.2
CHOICE_COUNTS = 2.0
#: an aimed look: which heads, the place that looks, the place that it should see, and how much it counts
Aim = tuple["Heads", int, int, float]


class Heads(IntEnum):
    """Heads whose looks are taught: two in the middle layer, two in the last one."""

    #: from the end of a line of evidence to the fields that it supports
    LINE_TO_FIELD = 0
    #: from the first token of a value in the evidence to its field
    VALUE_TO_FIELD = 1
    #: from an answer to the token that it copies next
    COPY = 2
    #: from a citation to the end of the line that it names
    CITE = 3


@dataclass(frozen=True, slots=True)
class Ending:
    """What follows a shared beginning: a question about one bundle, and its answer."""

    tokens: list[int]
    #: how many of them are prompt
    asked: int
    #: places are counted from the start of the conversation
    aims: list[Aim]
    #: how much each token of the answer counts
    counts: list[float]


@dataclass(frozen=True, slots=True)
class Group:
    """One beginning with its endings."""

    beginning: list[int]
    endings: list[Ending]


@cache
def _tokenizer(path: Path) -> Tokenizer:
    return load_tokenizer(path)


class BatchMaker:
    """Makes training batches; the same step always gets the same batch."""

    def __init__(self, tokenizer: Path, *, groups: int, size: int, chunk: int, seed: int) -> None:
        self.path = tokenizer
        self.groups = groups
        self.size = size
        self.chunk = chunk
        self.seed = seed

    def make(self, step: int, stages: list[tuple[float, Stage]]) -> Batch:
        """Return the batch of one step; each group's stage is drawn by weight."""
        return pack(self.make_groups(step, stages), self.chunk)

    def make_groups(self, step: int, stages: list[tuple[float, Stage]]) -> list[Group]:
        """Return the encoded groups of one step."""
        rng = Random(f"{self.seed}:{step}")
        groups = []
        for _ in range(self.groups):
            stage = rng.choices([stage for _, stage in stages], [weight for weight, _ in stages])[0]
            groups.append(self.encode(make_group(rng, Side(), stage, self.size)))
        return groups

    def make_exam(self, stage: Stage, groups: int) -> list[Group]:
        """Return groups of one stage over unseen names, always the same."""
        side = Side(held_out_names=True)
        return [self.encode(make_group(Random(f"exam {n}"), side, stage, self.size)) for n in range(groups)]

    def encode(self, examples: list[Example]) -> Group:
        """Return the tokens of examples that share their beginning, and what their heads should look at."""
        system = chat_text(examples[0].prompt.messages[0])
        begun = _tokenizer(self.path).encode(system)
        names = _field_places(system, begun.offsets)
        endings = []
        for example in examples:
            ending = self._ending(example, len(begun.ids), names)
            if len(ending.tokens) <= LONGEST:
                endings.append(ending)
        return Group(list(begun.ids), endings)

    def _ending(self, example: Example, before: int, names: dict[tuple[str, ...], list[int]]) -> Ending:
        tokenizer = _tokenizer(self.path)
        asked_text = chat_text(example.prompt.messages[1]) + opening_text()
        asked = tokenizer.encode(asked_text)
        told = tokenizer.encode(example.answer_text + END)
        shift = asked_text.index("\n") + 1
        sources = find_sources(example)
        aims = _aims(sources, _at(asked.offsets, -shift), told.offsets, before, names)
        counts = _counts(sources, told.offsets)
        return Ending(list(asked.ids) + list(told.ids), len(asked.ids), aims, counts)


def _at(offsets: list[tuple[int, int]], shift: int) -> dict[int, int]:
    """Return the token that holds each character."""
    return {char + shift: n for n, (start, end) in enumerate(offsets) for char in range(start, end)}


def _field_places(system: str, offsets: list[tuple[int, int]]) -> dict[tuple[str, ...], list[int]]:
    """Return, for each field of the form, the token of every character of its name."""
    holders, form = _at(offsets, 0), system.index("\nForm:\n") + len("\nForm:\n")
    sketch = system[form:].partition("\n")[0]
    places: dict[tuple[str, ...], list[int]] = {}
    path: list[str] = []
    for found in re.finditer(r'"([^"]+)": ', sketch):
        depth = sketch.count("{", 0, found.start()) - sketch.count("}", 0, found.start())
        path = [*path[: depth - 1], found.group(1)]
        places[tuple(path)] = [holders[form + char] for char in range(*found.span(1))]
        note = system.find(f"\n{'.'.join(path)}: ", form) if is_odd(path[-1]) else -1
        if note >= 0:
            # a name that says nothing stands before its meaning: look at the end of its description
            end = system.find("\n", note + 1)
            last = (end if end >= 0 else system.rindex(END)) - 1
            places[tuple(path)] = [holders[last]] * len(path[-1])
    return places


def _aims(
    sources: Sources,
    held: dict[int, int],
    told: list[tuple[int, int]],
    before: int,
    names: dict[tuple[str, ...], list[int]],
) -> list[Aim]:
    """Return what the taught heads should look at, in one conversation."""
    first = before + max(held.values()) + 1
    ends = {line: before + held[end] for line, (_, end) in sources.lines.items()}
    aims: list[Aim] = []
    for line, end in ends.items():
        fields = [names[path[:1]][-1] for path in sources.supported.get(line, ()) if path[:1] in names]
        aims += [(Heads.LINE_TO_FIELD, end, place, 1 / len(fields)) for place in fields]
        aims += [(Heads.LINE_TO_FIELD, end, 0, 0.5)] if not fields else []
    for char, path in sources.begun.items():
        if path in names:
            aims.append((Heads.VALUE_TO_FIELD, before + held[char], names[path][-1], 1.0))
    named = {
        char + n: place
        for char, path in sources.named.items()
        if not is_odd(path[-1])
        for n, place in enumerate(names.get(path, ()))
    }
    for n, (start, end) in enumerate(told):
        decision = _decision(sources, start, end)
        if start in sources.copied:
            aims.append((Heads.COPY, first + n - 1, before + held[sources.copied[start]], 1.0))
        elif start in sources.cited:
            aims.append((Heads.CITE, first + n - 1, ends[sources.cited[start]], 1.0))
        elif decision is not None and decision.place is not None:
            aims.append((Heads.COPY, first + n - 1, before + held[decision.place], 1.0))
        elif decision is not None and decision.line in ends:
            aims.append((Heads.CITE, first + n - 1, ends[decision.line], 1.0))
        elif decision is not None:
            aims += [(head, first + n - 1, 0, 0.5) for head in (Heads.COPY, Heads.CITE)]
        elif start in named:
            aims.append((Heads.COPY, first + n - 1, named[start], NAME_COUNTS))
    return aims


def _decision(sources: Sources, start: int, end: int) -> Decision | None:
    """Return what is decided by a token of an answer; the last of its characters counts."""
    found = [sources.decided[char] for char in range(start, end) if char in sources.decided]
    return found[-1] if found else None


def _counts(sources: Sources, told: list[tuple[int, int]]) -> list[float]:
    """Return how much each token of an answer counts in the loss; decoding forces the fields' names."""
    names = {char + n for char, path in sources.named.items() for n in range(len(path[-1]))}
    chosen = {start for start in sources.copied if start - 1 not in sources.copied} | set(sources.cited)
    counts: list[float] = []
    for start, end in told:
        if start in names:
            counts.append(NAME_COUNTS)
        else:
            decides = start in chosen or _decision(sources, start, end) is not None
            counts.append(CHOICE_COUNTS if decides else 1.0)
    return counts


def pack(groups: list[Group], chunk: int) -> Batch:
    """Lay beginnings end to end, then the endings in chunks of so many of about one length."""
    begun = _rounded(max(len(group.beginning) for group in groups))
    rows = _Rows()
    for group in groups:
        rows.add(group.beginning, begun, first=0)
    endings = sorted(
        ((ending, g) for g, group in enumerate(groups) for ending in group.endings),
        key=lambda entry: len(entry[0].tokens),
    )
    chunks: list[Chunk] = []
    while endings:
        taken, endings = endings[:chunk], endings[chunk:]
        ended = _rounded(len(taken[-1][0].tokens))
        bias = torch.full((len(taken), 1, ended, begun + ended), -1e9, dtype=torch.bfloat16)
        bias[..., begun:].masked_fill_(torch.ones(ended, ended, dtype=torch.bool).tril(), 0.0)
        aims: list[tuple[int, int, int, int, float]] = []
        for place, (ending, g) in enumerate(taken):
            before = len(groups[g].beginning)
            bias[place, :, :, :before] = 0.0
            rows.count_answer(ending)
            rows.add(ending.tokens, ended, first=before)
            for heads, row, seen, weight in ending.aims:
                column = seen if seen < before else seen - before + begun
                aims.append((int(heads), place, row - before, column, weight))
        owners = torch.tensor([g for _, g in taken])
        chunks.append(Chunk(len(taken), ended, owners, bias, torch.tensor(aims).view(-1, 5)))
    return Batch(
        tokens=torch.tensor(rows.tokens),
        positions=torch.tensor(rows.positions),
        count=len(groups),
        length=begun,
        chunks=chunks,
        rows=torch.tensor(rows.rows),
        targets=torch.tensor(rows.targets),
        counts=torch.tensor(rows.counts),
        lengths=rows.lengths,
    )


@dataclass(slots=True)
class _Rows:
    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def add(self, tokens: list[int], length: int, *, first: int) -> None:
        self.tokens += tokens + [0] * (length - len(tokens))
        self.positions += range(first, first + length)

    def count_answer(self, ending: Ending) -> None:
        start, asked = len(self.tokens), ending.asked
        self.rows += range(start + asked - 1, start + len(ending.tokens) - 1)
        self.targets += ending.tokens[asked:]
        self.counts += ending.counts
        self.lengths.append(len(ending.tokens) - asked)


def _rounded(length: int) -> int:
    return -(-length // ROUND) * ROUND
