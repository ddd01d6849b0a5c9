"""Batches: examples turned into packed tensors whose shared beginnings are read once.

In: groups of examples. Out: Batch. Never: lets one example see another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

import torch
from models.builtin.examples import Example, Side, Stage, make_group
from models.builtin.network import Batch, Chunk
from models.builtin.tokenizer import END, chat_text, load_tokenizer, opening_text
from tokenizers import Tokenizer

#: lengths are filled up to a multiple of this
ROUND = 8
#: an ending longer than this is left out of training
LONGEST = 640
Ending = tuple[list[int], int]


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
        rng = Random(f"{self.seed}:{step}")
        groups = []
        for _ in range(self.groups):
            stage = rng.choices([stage for _, stage in stages], [weight for weight, _ in stages])[0]
            groups.append(self.encode(make_group(rng, Side(), stage, self.size)))
        return pack(groups, self.chunk)

    def make_exam(self, stage: Stage, groups: int) -> Batch:
        """Return a batch of one stage over unseen names, always the same."""
        side = Side(held_out_names=True)
        asked = [self.encode(make_group(Random(f"exam {n}"), side, stage, self.size)) for n in range(groups)]
        return pack(asked, self.chunk)

    def encode(self, examples: list[Example]) -> tuple[list[int], list[Ending]]:
        """Return the shared beginning's tokens and, per example, its ending and how much of it is prompt."""
        beginning = self._ids(chat_text(examples[0].prompt.messages[0]))
        endings: list[Ending] = []
        for example in examples:
            asked = self._ids(chat_text(example.prompt.messages[1]) + opening_text())
            ending = asked + self._ids(example.answer_text + END)
            endings.append(
                (ending, len(asked)) if len(ending) <= LONGEST else (asked[:8] + self._ids(END), 8)
            )
        return beginning, endings

    def _ids(self, text: str) -> list[int]:
        return list(_tokenizer(self.path).encode(text).ids)


def pack(groups: list[tuple[list[int], list[Ending]]], chunk: int) -> Batch:
    """Lay beginnings end to end, then the endings in chunks of so many of about one length."""
    begun = _rounded(max(len(beginning) for beginning, _ in groups))
    rows = _Rows()
    for beginning, _ in groups:
        rows.add(beginning, begun, first=0)
    endings = sorted(
        ((ending, asked, g) for g, (_, ends) in enumerate(groups) for ending, asked in ends),
        key=lambda entry: len(entry[0]),
    )
    chunks: list[Chunk] = []
    while endings:
        taken, endings = endings[:chunk], endings[chunk:]
        ended = _rounded(len(taken[-1][0]))
        bias = torch.full((len(taken), 1, ended, begun + ended), -1e9, dtype=torch.bfloat16)
        bias[..., begun:].masked_fill_(torch.ones(ended, ended, dtype=torch.bool).tril(), 0.0)
        for place, (ending, asked, g) in enumerate(taken):
            before = len(groups[g][0])
            bias[place, :, :, :before] = 0.0
            rows.count_answer(ending, asked)
            rows.add(ending, ended, first=before)
        chunks.append(Chunk(len(taken), ended, torch.tensor([g for _, _, g in taken]), bias))
    return Batch(
        tokens=torch.tensor(rows.tokens),
        positions=torch.tensor(rows.positions),
        count=len(groups),
        length=begun,
        chunks=chunks,
        rows=torch.tensor(rows.rows),
        targets=torch.tensor(rows.targets),
        lengths=rows.lengths,
    )


@dataclass(slots=True)
class _Rows:
    tokens: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def add(self, tokens: list[int], length: int, *, first: int) -> None:
        self.tokens += tokens + [0] * (length - len(tokens))
        self.positions += range(first, first + length)

    def count_answer(self, tokens: list[int], asked: int) -> None:
        start = len(self.tokens)
        self.rows += range(start + asked - 1, start + len(tokens) - 1)
        self.targets += tokens[asked:]
        self.lengths.append(len(tokens) - asked)


def _rounded(length: int) -> int:
    return -(-length // ROUND) * ROUND
