"""Evaluation: the model's answers, through the product, against right ones.

In: a GGUF file and sets of examples: generated, written by hand, or a folder of one's own. Out: a table.
Never: mends an answer; one that the product rejects counts against every leaf it should have had.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil
import yaml
from models.builtin.examples import CATALOGUE, PLAIN, Example, Side, make_group

from holocron.derivation import Derivation
from holocron.derivation.contract import CITE, Contract
from holocron.derivation.prompt import Prompt, render_answer
from holocron.evidence import EvidenceBundle, EvidenceItem, MediaType, inline_bundle, number_segments
from holocron.fingerprint import JSONValue
from holocron.llm.llamacpp import LlamaCppModel
from holocron.validation import ContractValidator, Outcome, ShownEvidence, judge

HANDWRITTEN = Path(__file__).with_name("handwritten.jsonl")
ROOT = Path(__file__).parents[2]
SETS = ("unseen names", "held-out patterns and fields", "catalogue, unseen names", "by hand", "the demo")
HEADS = (
    "set", "jobs", "wholly right", "leaf F1", "citation accuracy", "lines found", "accepted", "tokens/s",
)  # fmt: skip
Leaf = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """A job: its prompt, its evidence as the product holds it, and the right answer."""

    prompt: Prompt
    shown: ShownEvidence
    validator: ContractValidator
    answer: JSONValue


@dataclass(slots=True)
class Score:
    """What is counted over one set."""

    jobs: int = 0
    accepted: int = 0
    whole: int = 0
    right: int = 0
    given: int = 0
    wanted: int = 0
    cited_right: int = 0
    cited: int = 0
    cited_wanted: int = 0
    tokens: int = 0
    seconds: float = 0.0
    wrong: list[tuple[str, str]] = field(default_factory=list)

    @property
    def leaf_f1(self) -> float:
        """Return the harmonic mean of precision and recall of the leaves that are not null."""
        return 2 * self.right / max(1, self.given + self.wanted)

    @property
    def citations(self) -> float:
        """Return the share of cited lines, in answers that were accepted, that the right answer cites too."""
        return self.cited_right / max(1, self.cited)

    @property
    def citations_found(self) -> float:
        """Return the share of the lines that the right answers cite that were cited."""
        return self.cited_right / max(1, self.cited_wanted)

    def row(self) -> str:
        """Return the figures as cells of a Markdown table."""
        shares = (
            self.whole / self.jobs,
            self.leaf_f1,
            self.citations,
            self.citations_found,
            self.accepted / self.jobs,
        )
        return " | ".join(
            [
                str(self.jobs),
                *(f"{share:.3f}" for share in shares),
                f"{self.tokens / max(self.seconds, 1e-9):.0f}",
            ]
        )


def generated_cases(stage_name: str, count: int) -> Iterator[Case]:
    """Yield generated jobs of one of the sets, always the same ones."""
    stage = CATALOGUE if stage_name.startswith("catalogue") else PLAIN
    side = Side(held_out_names=True, held_out_patterns=stage_name.startswith("held-out"))
    for number in range(count):
        example = make_group(Random(f"{stage_name} {number}"), side, stage, 1)[0]
        yield case_of(example)


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


def _by_item(example: Example) -> Iterator[tuple[int, list]]:
    positions = sorted({segment.position for segment in example.segments})
    for position in positions:
        yield position, [segment for segment in example.segments if segment.position == position]


def _offsets(example: Example) -> tuple:
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
        case _:
            return list(generated_cases(name, count))


def evaluate(model: LlamaCppModel, cases: Sequence[Case]) -> Score:
    """Ask each case once, without repairs, and count."""
    score = Score()
    for case in cases:
        began = time.monotonic()
        completion = model.complete(case.prompt)
        score.seconds += time.monotonic() - began
        score.tokens += completion.output_tokens
        verdict = judge(completion, case.validator, case.shown)
        wanted, lines = leaves_of(case.answer)
        score.jobs += 1
        score.wanted += wanted.total()
        score.cited_wanted += lines.total()
        score.whole += completion.text == render_answer(case.answer)
        if completion.text != render_answer(case.answer):
            reasons = "; ".join(str(finding) for finding in verdict.findings)
            score.wrong.append((render_answer(case.answer), f"{completion.text} {reasons}"))
        if verdict.outcome is not Outcome.ACCEPTED:
            continue
        score.accepted += 1
        given, cited = leaves_of(json.loads(completion.text))
        score.given += given.total()
        score.right += (given & wanted).total()
        score.cited += cited.total()
        score.cited_right += (cited & lines).total()
    return score


def leaves_of(answer: JSONValue, path: str = "") -> tuple[Counter[Leaf], Counter[Leaf]]:
    """Return the leaves that are not null, and the cited lines, each under its path without array places."""
    values: Counter[Leaf] = Counter()
    cites: Counter[Leaf] = Counter()
    if isinstance(answer, dict):
        for name, part in answer.items():
            if name == CITE:
                cites.update((path, str(line)) for line in part)
                continue
            below = leaves_of(part, f"{path}/{name}")
            values += below[0]
            cites += below[1]
    elif isinstance(answer, list):
        for part in answer:
            below = leaves_of(part, f"{path}/-")
            values += below[0]
            cites += below[1]
    elif answer is not None:
        values[path, _normal(answer)] += 1
    return values, cites


def _normal(value: JSONValue) -> str:
    if isinstance(value, (int, float)):
        return f"{float(value):g}"
    return " ".join(str(value).casefold().split())


def main() -> None:
    """Print the table for a model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=200, help="generated jobs per set")
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--show", type=int, default=0, help="print so many wrong answers per set")
    options = parser.parse_args()
    before = psutil.Process().memory_info().rss
    model = LlamaCppModel(options.model, slots=1)
    began = time.monotonic()
    model.complete(next(handwritten_cases()).prompt)
    taken = (psutil.Process().memory_info().rss - before) / 1e6
    print(f"load and first answer: {time.monotonic() - began:.2f} s; memory: {taken:.0f} MB\n")
    print("| " + " | ".join(HEADS) + " |\n" + "|---" * len(HEADS) + "|")
    for name in options.sets:
        score = evaluate(model, cases_of(name, options.count))
        print(f"| {name} | {score.row()} |", flush=True)
        for wanted, got in score.wrong[: options.show]:
            print(f"  wanted {wanted}\n  got    {got}", file=sys.stderr)
    model.close()


if __name__ == "__main__":
    main()
