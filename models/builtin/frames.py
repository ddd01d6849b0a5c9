"""Frames: what stands around facts - sources, openings, tails - and sentences that state nothing of use.

In: patterns/wider/frames.yaml. Out: patterns by sort, put together from parts. Never: holds a fact.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from typing import Any

from models.builtin.composing import Words, read_wider

#: how often a pattern that is written out is drawn, against one that is put together
_OFTEN = 4


def frames() -> Words:
    """Return what may stand around a subject `{S}` and a predicate `{P}`."""
    return _frames()


@cache
def _frames() -> Words:
    told = read_wider("frames")
    own = Words.read(told["frames"])
    made = [_with_source(frame, source) for source, frame in product(told["sources"], told["told_by_source"])]
    made += [f"{before} {{s}} {{P}}." for before in told["before"] for _ in range(_OFTEN)]
    return Words(
        tuple(frame for frame in (*made, *own.seen * _OFTEN) if frame not in own.held_out), own.held_out
    )


def _with_source(frame: str, source: str) -> str:
    """Return a frame with its source, whose verb agrees with it and whose first letter is a capital."""
    many = source.split()[-1].endswith("s") and not source.startswith(("a ", "an ", "one "))
    if not many:
        for verb in ("say", "show", "agree", "state", "tell", "report"):
            frame = frame.replace(f"{{src}} {verb}", f"{{src}} {verb}s")
    text = frame.replace("{src}", source)
    return text[:1].upper() + text[1:]


@cache
def possessive() -> tuple[str, ...]:
    """Return the frames in which a possessive and a noun with its verb, `{N}`, may stand."""
    unfit = ("{S}, ", " also ", " certainly ", "{person}")
    return tuple(
        frame.replace("{P}", "{N}") for frame in frames().seen if not any(part in frame for part in unfit)
    )


@cache
def decoys() -> Words:
    """Return sentences with a year, a place or a name that answer nothing."""
    told = read_wider("frames")
    own = Words.read(told["decoys"])
    made = [f"{thing} {done}." for thing, done in product(told["things"], told["what_became_of_things"])]
    made += [f"{paper} {lies}." for paper, lies in product(told["papers"], told["where_papers_are"])]
    made += [
        f"{other}, {{person}}, {did}." for other, did in product(told["others"], told["what_others_did"])
    ]
    made += [f"{{person}} {did}." for did in told["what_others_did"] for _ in range(_OFTEN)]
    return Words((*made, *own.seen * _OFTEN), own.held_out)


@cache
def words_of(sort: str) -> Words:
    """Return the patterns of a sort that are written out."""
    return Words.read(read_wider("frames")[sort])


@cache
def idle_words() -> tuple[str, ...]:
    """Return the words of the sentences that answer nothing."""
    sorts = ("fillers", "leads", "tails", "tails_of_facts", "modifiers", "bare_openers")
    text = " ".join(re.sub(r"\{\w+\}", "", pattern) for sort in sorts for pattern in words_of(sort).seen)
    return tuple(sorted(set(re.findall(r"[a-z]{2,10}", text.lower()))))


def own_decoys(kind: str) -> list[str]:
    """Return sentences about a subject of a kind that answer nothing."""
    told: dict[str, Any] = read_wider("frames")["own_decoys"]
    return list(told[kind])
