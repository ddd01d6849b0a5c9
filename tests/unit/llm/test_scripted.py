"""The scripted model."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holocron.derivation.prompt import render_repair
from holocron.errors import (
    CompletionCancelled,
    ModelDamaged,
    ModelError,
    ModelNotFound,
    ModelStalled,
    ModelUnavailable,
    PromptTooLong,
)
from holocron.fingerprint import JSONValue
from holocron.llm.model import Completion, FinishReason, LanguageModel
from holocron.llm.scripted import ScriptedModel, answer_from_evidence, open_script
from prompts import closed, make_evidence_prompt, make_prompt

PEAK = make_evidence_prompt("peak", ["It is a mountain.", "It is 2304 m tall."])


def _say(model: ScriptedModel, subject: str = "peak") -> str:
    return model.complete(make_evidence_prompt(subject, ["Text."])).text


def test_is_a_language_model() -> None:
    """It fits the seam that every engine fits, and closing it twice does nothing."""
    model = ScriptedModel(["a"])
    assert isinstance(model, LanguageModel)
    model.close()
    model.close()


def test_a_function_answers() -> None:
    """A function sees the prompt and says the words."""
    model = ScriptedModel(lambda prompt: prompt.messages[-1].content)
    assert model.complete(make_prompt("echo")).text == "echo"


def test_answers_in_order_and_then_no_more() -> None:
    """A list is used up from the front."""
    model = ScriptedModel(["one", {"a": 1}])
    assert [_say(model), _say(model)] == ["one", '{"a":1}']
    with pytest.raises(ModelError, match="no more answers"):
        _say(model)


def test_answers_by_subject() -> None:
    """A subject has one answer or several in a row, of which the last goes on; `*` answers for the others."""
    model = ScriptedModel({"peak": "p", "lake": ["first", "second"], "*": {"a": None}})
    assert [_say(model, subject) for subject in ("peak", "lake", "lake", "lake", "river")] == [
        "p",
        "first",
        "second",
        "second",
        '{"a":null}',
    ]


def test_an_unknown_subject_is_an_error() -> None:
    """A script without an answer says about whom."""
    with pytest.raises(ModelError, match="'lake'"):
        _say(ScriptedModel({"peak": "p"}), "lake")


LINES: dict[str, tuple[JSONValue, type[ModelError]]] = {
    "stalled": ({"error": "ModelStalled"}, ModelStalled),
    "unavailable": ({"error": "ModelUnavailable", "message": "gone"}, ModelUnavailable),
    "too long": ({"error": "PromptTooLong"}, PromptTooLong),
}


@pytest.mark.parametrize(("line", "error"), LINES.values(), ids=LINES.keys())
def test_an_error_line_is_raised(line: JSONValue, error: type[ModelError]) -> None:
    """A script can fail in every way that a model can."""
    with pytest.raises(error):
        _say(ScriptedModel({"peak": line}))


@pytest.mark.parametrize("name", ["Nothing", "StoreFull", "annotations"])
def test_an_error_that_no_model_raises_is_refused(name: str) -> None:
    """Only errors of models make sense in a script."""
    with pytest.raises(ModelDamaged, match=name):
        ScriptedModel({"peak": {"error": name}})


def test_a_cut_answer() -> None:
    """A line may say how the answer ended."""
    model = ScriptedModel([{"text": '{"a', "finish_reason": "length"}])
    assert model.complete(make_prompt()).finish_reason is FinishReason.LENGTH


def test_a_completion_passes_as_it_is() -> None:
    """A script may fix every figure of the completion."""
    completion = Completion(text="x", finish_reason=FinishReason.STOP, prompt_tokens=1, output_tokens=2)
    assert ScriptedModel([completion]).complete(make_prompt()) is completion


def test_remembers_what_it_was_shown() -> None:
    """Calls are counted; the last prompts are kept where asked for."""
    model = ScriptedModel(lambda _: "a", keep_prompts=2)
    prompts = [make_prompt(str(number)) for number in range(3)]
    for prompt in prompts:
        model.complete(prompt)
    assert model.calls == 3
    assert model.prompts == tuple(prompts[1:])
    assert ScriptedModel(["a"]).prompts == ()


def test_threads_share_a_script() -> None:
    """Every answer is given once, however many ask."""
    model = ScriptedModel([str(number) for number in range(400)])
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: _say(model), range(400)))
    assert sorted(map(int, said)) == list(range(400))
    assert model.calls == 400


def test_a_prompt_over_the_window_is_refused() -> None:
    """The window holds here too, with the numbers."""
    with pytest.raises(PromptTooLong) as caught:
        ScriptedModel(["a"]).complete(make_prompt("x" * 40_000))
    assert caught.value.prompt_tokens > caught.value.context_tokens == 8192


def test_latency_can_be_cancelled() -> None:
    """A slow answer asks on_progress as it waits."""
    model = ScriptedModel(["a"], latency_s=30)
    started = time.monotonic()
    with pytest.raises(CompletionCancelled):
        model.complete(make_prompt(), lambda _: False)
    assert time.monotonic() - started < 5


def test_latency_is_shared_by_the_slots() -> None:
    """Slow answers wait side by side."""
    model = ScriptedModel(lambda _: "a", latency_s=0.1)
    started = time.monotonic()
    threads = [threading.Thread(target=_say, args=(model,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.1 <= time.monotonic() - started < 0.4


EXTRACTIONS: dict[str, tuple[list[str], str]] = {
    "found": (
        ["A mountain.", "It is 2304 m tall.", "Seen 1901."],
        '{"cite":[2,3],"height_m":2304,"seen":"1901"}',
    ),
    "one found": (["It is 7 m tall."], '{"cite":[1],"height_m":7,"seen":null}'),
    "none found": (["Nothing."], '{"cite":[],"height_m":null,"seen":null}'),
    "the first counts": (["1 m tall", "2 m tall"], '{"cite":[1],"height_m":1,"seen":null}'),
}


@pytest.mark.parametrize(("lines", "said"), EXTRACTIONS.values(), ids=EXTRACTIONS.keys())
def test_the_honest_extractor_reads_the_lines(lines: list[str], said: str) -> None:
    """Values come from the numbered lines, typed as the schema asks, cite first."""
    schema = closed(
        cite={"type": "array"},
        height_m={"anyOf": [{"type": "integer"}, {"type": "null"}]},
        seen={"type": "string"},
    )
    honest = answer_from_evidence({"height_m": r"(\d+) m tall", "seen": r"\d{4}(?=\.)"})
    assert honest(make_evidence_prompt("peak", lines, schema=schema)) == said


def test_the_honest_extractor_reads_the_evidence_again_after_a_repair() -> None:
    """The findings of a repair are no evidence; examples before it are none either."""
    honest = answer_from_evidence({"a": "tall"})
    again = render_repair(PEAK, "{}", ["/a: [9] tall"])
    assert honest(again) == honest(PEAK) == '{"a":"tall"}'


@pytest.mark.parametrize(
    ("schema", "value"),
    [({"type": "number"}, 2304.0), ({"type": "boolean"}, True), ({"type": "string"}, "2304"), ({}, "2304")],
    ids=["number", "boolean", "string", "untyped"],
)
def test_the_honest_extractor_types_its_values(schema: JSONValue, value: JSONValue) -> None:
    """A number is a number, and a match of a boolean is true."""
    honest = answer_from_evidence({"a": r"\d{4}"})
    prompt = make_evidence_prompt("peak", ["2304"], schema=closed(a=schema))
    answer = honest(prompt)
    assert isinstance(answer, str)
    assert json.loads(answer) == {"a": value}


def _write(folder: Path, content: str) -> Path:
    path = folder / "script.json"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_script_file(tmp_path: Path) -> None:
    """A file names subjects, patterns for the others, and how the model behaves."""
    script = {
        "peak": ["one", {"error": "ModelStalled"}],
        "$patterns": {"a": "T.*t"},
        "$slots": 3,
        "$digest": "d",
    }
    model = open_script(_write(tmp_path, json.dumps(script)), name="scripted:s")
    assert (model.identity.name, model.identity.digest, model.slots) == ("scripted:s", "d", 3)
    assert _say(model) == "one"
    assert _say(model, "lake") == '{"a":"Text"}'
    with pytest.raises(ModelStalled):
        _say(model)


BROKEN: dict[str, str] = {
    "empty": "",
    "a list": "[]",
    "no JSON": "{'a': 1}",
    "nested without end": "[" * 100_000,
    "a pattern that is none": '{"$patterns": {"name": "("}}',
    "a pattern that is a number": '{"$patterns": {"name": 3}}',
    "patterns that are a number": '{"$patterns": 3}',
    "slots that are a word": '{"$slots": "x"}',
    "slots without end": '{"$slots": 1e999}',
    "slots that are null": '{"$slots": null}',
    "a time that is a list": '{"$latency_s": []}',
    "an end that is none": '{"*": {"text": "a", "finish_reason": "tired"}}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_script_file_is_damaged(content: str, tmp_path: Path) -> None:
    """A file that is no script is refused by name."""
    with pytest.raises(ModelDamaged, match=r"script\.json"):
        open_script(_write(tmp_path, content), name="s")


def test_a_missing_script_file_is_not_found(tmp_path: Path) -> None:
    """A file that is not there is not found."""
    with pytest.raises(ModelNotFound):
        open_script(tmp_path / "none.json", name="s")


def test_a_subject_without_answers_is_answered_by_nobody(tmp_path: Path) -> None:
    """An empty list is as good as none: the sentence names the subject."""
    with pytest.raises(ModelError, match="no answer about 'peak'"):
        _say(open_script(_write(tmp_path, '{"*": []}'), name="s"))
