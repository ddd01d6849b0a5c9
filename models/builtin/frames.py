"""Frames: what stands around facts - sources, openings, tails - and sentences that state nothing of use.

In: patterns/wider/frames.yaml and asides.yaml. Out: patterns by sort, put together from parts.
Never: holds a fact.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from random import Random
from typing import Any

from models.builtin.composing import Words, held_out_names, read_wider, seen_words

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


def made_decoy(rng: Random) -> str:
    """Return a sentence about some thing that has nothing to do with the subject, put together from words."""
    told, pick = read_wider("asides"), rng.choice
    adjective = f"{pick(told['adjectives'])} " if rng.random() < 0.5 else ""
    thing = f"{pick(told['befores'])} {adjective}{pick(told['objects'])}"
    thing = re.sub(r"\ba (?=[aeiou])", "an ", thing)
    luck, end = rng.random(), pick(told["ends"])
    if luck < 0.35:
        text = f"{pick(told['who'])} {pick(told['did'])} {thing}{end if ' by ' not in end else ''}"
    elif luck < 0.75:
        text = f"{thing} {pick(('was', 'was', 'is', 'has been'))} {pick(told['was_done'])}{end}"
    else:
        text = f"{thing} {pick(told['did_alone'])}{end if ' by ' not in end else ''}"
    if rng.random() < 0.15:
        lowered = text if text.startswith(("{person}", "Old ")) else text[:1].lower() + text[1:]
        text = f"{pick(told['fronts'])}{pick((' ', ', '))}{lowered}"
    return text[:1].upper() + text[1:] + "."


def made_lead(rng: Random) -> str:
    """Return words that may stand before a subject and say nothing of it, e.g. `behind a low wall`."""
    before, article, adjective, noun = (rng.choice(words) for words in read_wider("asides")["leads"])
    words = f"{before} {article} {f'{adjective} ' if rng.random() < 0.7 else ''}{noun}"
    return re.sub(r"\ba (?=[aeiou])", "an ", words)


@cache
def made_openers() -> tuple[str, ...]:
    """Return first sentences in which the name stands late, put together from parts."""
    told = read_wider("asides")["openers"]
    made = [f"{head} {verb}" for head, verb in product(told["heads"], told["verbs"])]
    return (*made, *(f"{turned} {{name}}{after}" for turned, after in product(told["turned"], told["after"])))


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


@cache
def unmeant_words() -> tuple[str, ...]:
    """Return those of them that name no value and are no part of a held-out field's name."""
    held_out = " ".join(held_out_names())
    meant = set(seen_words())
    found = (word for word in idle_words() if len(word) > 3 and word not in meant)
    return tuple(word for word in found if word not in held_out)


def own_decoys(kind: str) -> list[str]:
    """Return sentences about a subject of a kind that answer nothing."""
    told: dict[str, Any] = read_wider("frames")["own_decoys"]
    return list(told[kind])
