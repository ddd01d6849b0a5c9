"""Examples: checked against their own contract and evidence before any run, and given their citations.

In: an example as its author wrote it. Out: a worked example that can stand in a prompt.
Never: shows a model an answer that the product itself would reject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holocron.derivation.contract import CITE
from holocron.derivation.derivations import Example
from holocron.derivation.grounding import Grounding
from holocron.derivation.prompt import WorkedExample, number_lines, render_answer
from holocron.derivation.shapes import ArrayShape, ChoiceShape, ObjectShape, ScalarShape, Shape
from holocron.errors import EvidenceError, ExampleInvalid
from holocron.evidence import inline_bundle, number_segments
from holocron.fingerprint import JSONValue
from holocron.llm.model import Completion, FinishReason
from holocron.validation.choosing import choose_option
from holocron.validation.conform import ContractValidator
from holocron.validation.ground import ground_leaf
from holocron.validation.judge import ShownEvidence, judge
from holocron.validation.verdicts import FindingCode, Outcome


def work_example(example: Example, shape: ObjectShape, validator: ContractValidator) -> WorkedExample:
    """Find the citations of an example's values and judge it as any answer.

    An object that already has `cite` keeps it. Raises: ExampleInvalid with the first finding.
    """
    try:
        bundle = inline_bundle(example.subject, example.evidence)
        segments = number_segments(bundle)
    except EvidenceError as problem:
        raise ExampleInvalid(f"the example about {example.subject!r}: {problem}") from problem
    shown = ShownEvidence(bundle=bundle, segments=segments)
    answer = _cite(example.answer, shape, shown)
    completion = Completion(
        text=render_answer(answer), finish_reason=FinishReason.STOP, prompt_tokens=0, output_tokens=0
    )
    verdict = judge(completion, validator, shown)
    if verdict.outcome is not Outcome.ACCEPTED:
        first = verdict.findings[0]
        message, hint = first.message, "Correct the example's answer or its evidence."
        if first.code is FindingCode.CITATION_MISSING:
            message = "No line of its evidence states the value."
            hint = (
                f'Correct it, or give its object "{CITE}": the numbers of the lines it follows from, from 1.'
            )
        raise ExampleInvalid(
            f"the example about {example.subject!r} is wrong at {first.pointer or '/'}: {message}", hint=hint
        )
    return WorkedExample(subject=example.subject, lines=tuple(number_lines(segments)), answer=answer)


def _cite(answer: JSONValue, shape: Shape, shown: ShownEvidence) -> JSONValue:
    if isinstance(shape, ChoiceShape):
        shape = choose_option(answer, shape)
    if isinstance(shape, ArrayShape) and isinstance(answer, (list, tuple)):
        return [_cite(item, shape.items, shown) for item in answer]
    if not isinstance(shape, ObjectShape) or not isinstance(answer, Mapping):
        return answer
    cited: dict[str, JSONValue] = {}
    if shape.is_citing:
        cited[CITE] = answer.get(CITE) or _find_lines(answer, shape, shown)
    for part in shape.properties:
        cited[part.name] = _cite(answer.get(part.name), part.shape, shown)
    unknown = {name: value for name, value in answer.items() if name not in cited}
    return cited | unknown


def _find_lines(answer: Mapping[str, JSONValue], shape: ObjectShape, shown: ShownEvidence) -> list[JSONValue]:
    """Return the lines that state the object's own values: for each value, the first that does."""
    quotes = [shown.quote(segment.number) for segment in shown.segments]
    lines: set[int] = set()
    for part in shape.properties:
        for value, leaf in _own_values(answer.get(part.name), part.shape):
            support = ground_leaf(value, quotes, leaf)
            if support.grounding is not Grounding.INFERRED:
                lines.add(support.quotes[0] + 1)
    return [*sorted(lines)]


def _own_values(answer: JSONValue, shape: Shape) -> Iterator[tuple[str | int | float, ScalarShape]]:
    """Yield the scalars that an object answers for itself; the objects in it cite for themselves."""
    if isinstance(shape, ChoiceShape):
        shape = choose_option(answer, shape)
    if isinstance(shape, ScalarShape) and isinstance(answer, (str, int, float)):
        yield answer, shape
    elif isinstance(shape, ArrayShape) and isinstance(answer, (list, tuple)):
        for item in answer:
            yield from _own_values(item, shape.items)
