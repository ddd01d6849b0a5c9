"""Cases: the jobs of the evaluation, with right answers.

In: the frozen jobs, the generator, the paragraphs written by hand, the demo. Out: jobs by set.
Never: makes the frozen jobs again; they were made once, before the generator was widened.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml
from models.builtin.examples import PLAIN, Example, Side, make_group, number
from models.builtin.speaking import Line

from holocron.derivation import Derivation
from holocron.derivation.contract import CITE, Contract
from holocron.derivation.prompt import Prompt
from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType, inline_bundle, number_segments
from holocron.evidence.segments import Segment
from holocron.fingerprint import JSONValue
from holocron.validation import ContractValidator, ShownEvidence

HANDWRITTEN = Path(__file__).with_name("handwritten.jsonl")
EXAM = Path(__file__).with_name("exam.jsonl")
ROOT = Path(__file__).parents[2]
SETS = (
    "unseen names",
    "held-out patterns and fields",
    "catalogue, unseen names",
    "by hand",
    "the demo",
    "present generator, unseen names",
    "present generator, held-out patterns and fields",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A job: its prompt, its evidence as the product holds it, and the right answer."""

    prompt: Prompt
    shown: ShownEvidence
    validator: ContractValidator
    answer: JSONValue


def exam_cases(name: str) -> Iterator[Case]:
    """Yield the frozen jobs of one of the sets."""
    for line in EXAM.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        if told["set"] == name:
            derivation = Derivation(
                name="facts",
                version="1",
                instructions=told["instructions"],
                contract=Contract.parse(told["schema"]),
            )
            segments = number([[Line(text) for text in lines] for lines in told["items"]])
            example = Example(
                derivation=derivation, subject=told["subject"], segments=segments, answer=told["answer"]
            )
            yield case_of(example)


def generated_cases(name: str, count: int) -> Iterator[Case]:
    """Yield jobs that the present generator makes, always the same ones until it changes."""
    side = Side(held_out_names=True, held_out_patterns="held-out" in name)
    for number_ in range(count):
        yield case_of(make_group(Random(f"{name} {number_}"), side, PLAIN, 1)[0])


def case_of(example: Example) -> Case:
    """Return a generated example as the product holds it, line by line."""
    items = tuple(
        EvidenceItem(
            text="".join(segment.text + "\n" for segment in segments),
            media_type=MediaType.TEXT,
            source=f"{position}",
        )
        for position, segments in _by_item(example)
    )
    shown = ShownEvidence(
        bundle=EvidenceBundle(subject=example.subject, items=items), segments=_offsets(example)
    )
    return Case(example.prompt, shown, ContractValidator(example.derivation.contract), example.answer)


def _by_item(example: Example) -> Iterator[tuple[int, list[Segment]]]:
    positions = sorted({segment.position for segment in example.segments})
    for position in positions:
        yield position, [segment for segment in example.segments if segment.position == position]


def _offsets(example: Example) -> tuple[Segment, ...]:
    placed = []
    for _, segments in _by_item(example):
        start = 0
        for segment in segments:
            end = start + len(segment.text)
            placed.append(
                type(segment)(segment.number, segment.position, segment.kind, start, end, segment.text)
            )
            start = end + 1
    return tuple(placed)


def handwritten_cases(path: Path = HANDWRITTEN) -> Iterator[Case]:
    """Yield the paragraphs that were written by hand, cut and numbered by the product."""
    derivations: dict[str, Derivation] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "contract" in entry:
            derivations[entry["contract"]] = Derivation(
                name=entry["contract"],
                version="1",
                instructions=entry["instructions"],
                contract=Contract.parse(entry["schema"]),
            )
            continue
        derivation = derivations[entry["ask"]]
        bundle = inline_bundle(entry["subject"], entry["text"])
        segments = number_segments(bundle)
        yield Case(
            derivation.render_prompt(bundle.subject, segments),
            ShownEvidence(bundle=bundle, segments=tuple(segments)),
            ContractValidator(derivation.contract),
            entry["answer"],
        )


def demo_cases() -> Iterator[Case]:
    """Yield the demo's jobs; their right answers are in the repository's tests, with the lines to cite."""
    sys.path.append(str(ROOT / "tests"))
    from demo_answers import PROJECT, cite_journey, cite_lines, read_archive, read_gold

    told = yaml.safe_load((PROJECT / "derivations" / "entity_facts.yaml").read_text(encoding="utf-8"))
    contract = Contract.parse(told["contract"])
    derivation = Derivation(
        name=told["name"], version=str(told["version"]), instructions=told["instructions"], contract=contract
    )
    gold = read_gold()
    for subject, bundle in read_archive().items():
        segments = number_segments(bundle)
        facts = gold[subject]
        journeys = [{CITE: cite_journey(bundle, journey), **journey} for journey in facts["journeys"]]
        yield Case(
            derivation.render_prompt(bundle.subject, segments),
            ShownEvidence(bundle=bundle, segments=tuple(segments)),
            ContractValidator(contract),
            {CITE: cite_lines(bundle, facts), **facts, "journeys": journeys},
        )


def cases_of(name: str, count: int) -> list[Case]:
    """Return the jobs of one of the sets."""
    match name:
        case "by hand":
            return list(handwritten_cases())
        case "the demo":
            return list(demo_cases())
        case _ if name.startswith("present"):
            return list(generated_cases(name, count))
        case _:
            return list(exam_cases(name))[:count]
