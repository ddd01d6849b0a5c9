"""The demo's answers: what a model that reads well says, with the lines that it cites.

In: demo_gold.json and the packaged archive. Out: demo_answers.json for `scripted:`.
Re-make it with: python tests/demo_answers.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import holocron.cli
from holocron.derivation.grounding import Grounding
from holocron.evidence import EvidenceBundle, find_evidence, number_segments, read_bundles, read_quote
from holocron.validation.ground import ground_value

HERE = Path(__file__).parent / "acceptance"
GOLD_FILE = HERE / "demo_gold.json"
ANSWERS_FILE = HERE / "demo_answers.json"
PROJECT = Path(holocron.cli.__file__).parent / "demo_project"

#: answers that are wrong on purpose: both must be rejected, also after a repair
WRONG = {
    # the note of a clerk says that nobody knows
    "Ewan Pike": {"home": "Tolvik"},
    # the year of another man
    "archive/anselm-roke.txt": {"year": 1852},
}


def read_gold() -> dict[str, dict[str, object]]:
    """Return the right answer for every subject of the demo."""
    gold: dict[str, dict[str, object]] = json.loads(GOLD_FILE.read_text(encoding="utf-8"))
    return gold


def read_archive() -> dict[str, EvidenceBundle]:
    """Return the demo's bundles by subject."""
    bundles: dict[str, EvidenceBundle] = {}
    for bundle in read_bundles(find_evidence(["archive/*"], PROJECT), PROJECT):
        assert isinstance(bundle, EvidenceBundle), bundle
        bundles[bundle.subject] = bundle
    return bundles


def cite_lines(bundle: EvidenceBundle, values: Mapping[str, object]) -> list[int]:
    """Return for the scalars of one object the first lines in which each stands word for word."""
    lines = [
        (segment.number, read_quote(item.text[segment.start : segment.end], item.media_type, item.text))
        for segment in number_segments(bundle)
        for item in [bundle.items[segment.position]]
    ]
    cited: list[int] = []
    for name, value in values.items():
        if value is None or name in ("kind", "journeys"):
            continue
        for number, quote in lines:
            if ground_value(value, [quote]).grounding is Grounding.VERBATIM:  # type: ignore[arg-type]  # never null
                cited.append(number)
                break
    return sorted(set(cited))


def cite_journey(bundle: EvidenceBundle, journey: Mapping[str, object]) -> list[int]:
    """Return the line in which place and year stand, or the two lines of a record."""
    texts = [(segment.number, segment.text) for segment in number_segments(bundle)]
    both = [number for number, text in texts if all(str(value) in text for value in journey.values())]
    if both:
        return both[:1]
    years = [number for number, text in texts if str(journey["year"]) in text]
    return [years[0] - 1, years[0]]


def make_answers() -> dict[str, dict[str, object]]:
    """Return the answer for every subject, in the contract's order and with citations."""
    answers: dict[str, dict[str, object]] = {}
    for subject, bundle in read_archive().items():
        facts = read_gold()[subject] | WRONG.get(subject, {})
        journeys = facts["journeys"]
        assert isinstance(journeys, list)
        cited = cite_lines(bundle, facts)
        answers[subject] = {
            "cite": cited,
            **facts,
            "journeys": [{"cite": cite_journey(bundle, journey), **journey} for journey in journeys],
        }
    return answers


def render_answers() -> str:
    """Return the file's text: a line for each subject."""
    lines = [
        f"{json.dumps(subject, ensure_ascii=False)}: {json.dumps(answer, ensure_ascii=False)}"
        for subject, answer in make_answers().items()
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    ANSWERS_FILE.write_text(render_answers(), encoding="utf-8", newline="\n")
