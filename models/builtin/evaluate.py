"""Evaluation: the model's answers, through the product, against right ones.

In: a GGUF file and sets of jobs. Out: a table.
Never: mends an answer; one that the product rejects counts against every leaf it should have had.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from models.builtin.cases import SETS, Case, cases_of, handwritten_cases

from holocron.derivation.contract import CITE
from holocron.derivation.prompt import render_answer
from holocron.fingerprint import JSONValue
from holocron.llm.llamacpp import LlamaCppModel
from holocron.validation import Outcome, judge

HEADS = (
    "set", "jobs", "wholly right", "leaf F1", "citation accuracy", "lines found", "accepted", "tokens/s",
)  # fmt: skip
Leaf = tuple[str, str]


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
    parser.add_argument("--count", type=int, default=120, help="at most so many jobs of each generated set")
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
