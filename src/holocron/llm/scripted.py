"""The fake that ships: a model that answers what it was told to.

In: prompts, from several threads at once. Out: the script's answers, as completions or as errors.
Never: thinks. Where nothing else is said it answers at once, and the same each time.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from holocron import errors
from holocron.derivation.prompt import Prompt, Role
from holocron.errors import CompletionCancelled, ModelDamaged, ModelError, ModelNotFound, PromptTooLong
from holocron.fingerprint import JSONValue
from holocron.llm.model import Completion, FinishReason, ModelIdentity, OnProgress

#: what a script says to one prompt: the answer's words, a completion, or an error to raise
Answer: TypeAlias = "str | Completion | Exception"
Answering: TypeAlias = Callable[[Prompt], Answer]
#: an answer, or JSON in its place: an object is the answer's content, but `{"error": "ModelStalled"}` is that
#: error, and `{"text": …, "finish_reason": "length"}` a cut answer
Line: TypeAlias = "Answer | JSONValue"
#: a function; or answers by subject, `*` for all others, lists for successive answers; or answers in order
Script: TypeAlias = "Answering | Mapping[str, Line | Sequence[Line]] | Sequence[Line]"

ANY_SUBJECT = "*"
_SUBJECT = re.compile(r"^Subject: (.*)$", re.MULTILINE)
_EVIDENCE_LINE = re.compile(r"^\[(\d+)\] (.*)$", re.MULTILINE)
_POLL_S = 0.05


class ScriptedModel:
    """A LanguageModel that follows a script.

    keep_prompts: how many of the last prompts `prompts` shows.
    """

    def __init__(
        self,
        script: Script,
        *,
        identity: ModelIdentity | None = None,
        slots: int = 4,
        latency_s: float = 0.0,
        keep_prompts: int = 0,
    ) -> None:
        self._answering = read_script(script)
        self._identity = identity or scripted_identity()
        self._slots = slots
        self._latency_s = latency_s
        self._prompts: deque[Prompt] = deque(maxlen=keep_prompts)
        self._calls = 0
        self._lock = threading.Lock()

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return self._identity

    @property
    def slots(self) -> int:
        """How many requests in flight are worth having."""
        return self._slots

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return self._calls

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """The last prompts that it was shown, oldest first."""
        with self._lock:
            return tuple(self._prompts)

    def estimate_tokens(self, text: str) -> int:
        """Return one token for every four characters."""
        return len(text) // 4 + 1

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Answer what the script says, or raise it; PromptTooLong where the window is too small."""
        with self._lock:
            self._calls += 1
            self._prompts.append(prompt)
        prompt_tokens = sum(self.estimate_tokens(message.content) for message in prompt.messages)
        if prompt_tokens > self._identity.context_tokens:
            raise PromptTooLong(prompt_tokens=prompt_tokens, context_tokens=self._identity.context_tokens)
        self._wait(on_progress)
        answer = self._answering(prompt)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, str):
            answer = Completion(
                text=answer,
                finish_reason=FinishReason.STOP,
                prompt_tokens=prompt_tokens,
                output_tokens=self.estimate_tokens(answer),
                output_ms=self._latency_s * 1000,
            )
        _report(on_progress, answer.output_tokens)
        return answer

    def close(self) -> None:
        """Do nothing: there is nothing to free."""

    def _wait(self, on_progress: OnProgress | None) -> None:
        end = time.monotonic() + self._latency_s
        while self._latency_s and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _POLL_S))
            _report(on_progress, 0)


def scripted_identity(name: str = "scripted", digest: str = "scripted") -> ModelIdentity:
    """Return the identity of a scripted model."""
    return ModelIdentity(name=name, digest=digest, engine="scripted", engine_version="1", context_tokens=8192)


def open_script(path: Path, *, name: str, slots: int | None = None) -> ScriptedModel:
    """Return the model of a script file: a JSON object of answers by subject, as in Script.

    Four keys are no subjects: `$patterns` (see answer_from_evidence) answers about the subjects that are not
    named, `$latency_s` is how long each answer takes, `$slots` how many are given at once, and `$digest`
    stands for the digest of the weights: another digest is another model.
    Raises: ModelNotFound, ModelDamaged.
    """
    try:
        script = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ModelNotFound(f"the script {path} cannot be read: {problem.strerror}") from problem
    except (ValueError, RecursionError) as problem:
        raise ModelDamaged(f"the script {path} is not JSON: {problem}") from problem
    if not isinstance(script, dict):
        raise ModelDamaged(f"the script {path} is not an object of answers by subject")
    settings = {
        key: script.pop(key) for key in ("$patterns", "$latency_s", "$slots", "$digest") if key in script
    }
    try:
        answering = read_script(script)
        if "$patterns" in settings:
            patterns = answer_from_evidence(dict(settings["$patterns"]))
            answering = _with_default(script, answering, patterns)
        return ScriptedModel(
            answering,
            identity=scripted_identity(name, str(settings.get("$digest", "scripted"))),
            slots=slots or int(settings.get("$slots", 4)),
            latency_s=float(settings.get("$latency_s", 0)),
        )
    except (re.error, ValueError, TypeError, OverflowError) as problem:
        raise ModelDamaged(f"the script {path} cannot be followed: {problem}") from problem


def read_script(script: Script) -> Answering:
    """Return a script in the form of a function, which any number of threads may call."""
    if callable(script):
        return script
    if isinstance(script, Mapping):
        by_subject = {" ".join(key.split()): _list_lines(lines) for key, lines in script.items()}
        asked: Counter[str] = Counter()
        lock = threading.Lock()

        def answer_subject(prompt: Prompt) -> Answer:
            subject = find_subject(prompt)
            lines = by_subject.get(subject) or by_subject.get(ANY_SUBJECT)
            if not lines:
                return ModelError(f"the script has no answer about {subject!r}")
            with lock:
                turn = asked[subject]
                asked[subject] += 1
            return lines[min(turn, len(lines) - 1)]

        return answer_subject
    rest = deque(read_line(line) for line in script)

    def answer_next(_: Prompt) -> Answer:
        try:
            return rest.popleft()
        except IndexError:
            return ModelError("the script has no more answers")

    return answer_next


def read_line(line: Line) -> Answer:
    """Return what one line of a script says; an object that is no special form is the answer's content."""
    if isinstance(line, str | Completion | Exception):
        return line
    if isinstance(line, Mapping) and "error" in line:
        return _read_error(line)
    if isinstance(line, Mapping) and line.keys() == {"text", "finish_reason"}:
        text = str(line["text"])
        return Completion(
            text=text,
            finish_reason=FinishReason(str(line["finish_reason"])),
            prompt_tokens=1,
            output_tokens=len(text) // 4 + 1,
        )
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def find_subject(prompt: Prompt) -> str:
    """Return the subject that the prompt asks about, or an empty string."""
    return next(iter(_SUBJECT.findall(_find_evidence(prompt))), "")


def answer_from_evidence(patterns: Mapping[str, str]) -> Answering:
    """Return an honest extractor: each field's value is what its pattern finds first in a numbered line.

    The value is the pattern's first group, or all of the match, read as the type that the schema asks for;
    null where no line matches. `cite` holds the numbers of the lines that were used. Example:
    `answer_from_evidence({"height_m": "([0-9]+) m tall"})` says `{"cite":[2],"height_m":2304}`.
    """
    compiled = {field: re.compile(pattern) for field, pattern in patterns.items()}

    def answer(prompt: Prompt) -> Answer:
        lines = _EVIDENCE_LINE.findall(_find_evidence(prompt))
        parts = prompt.schema.get("properties") if isinstance(prompt.schema, Mapping) else None
        properties = parts if isinstance(parts, Mapping) else {"cite": {}, **{key: {} for key in compiled}}
        cited: set[int] = set()
        said: dict[str, JSONValue] = {}
        for field, schema in properties.items():
            said[field] = None
            for number, text in lines if field in compiled else ():
                if match := compiled[field].search(text):
                    said[field] = _read_value(match[1 if match.lastindex else 0], schema)
                    cited.add(int(number))
                    break
        if "cite" in properties:
            said["cite"] = sorted(cited)
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))

    return answer


def _with_default(script: Mapping[str, Line], named: Answering, default: Answering) -> Answering:
    return lambda prompt: (named if find_subject(prompt) in script else default)(prompt)


def _find_evidence(prompt: Prompt) -> str:
    """Return the last message that shows evidence: examples come before it and repairs after it."""
    for message in reversed(prompt.messages):
        if message.role is Role.USER and _SUBJECT.search(message.content):
            return message.content
    return ""


def _list_lines(lines: Line | Sequence[Line]) -> list[Answer]:
    if isinstance(lines, Sequence) and not isinstance(lines, str):
        return [read_line(line) for line in lines]
    return [read_line(lines)]


def _read_error(line: Mapping[str, JSONValue]) -> Exception:
    kind = getattr(errors, str(line["error"]), None)
    if kind is PromptTooLong:
        return PromptTooLong(prompt_tokens=9999, context_tokens=8192)
    if isinstance(kind, type) and issubclass(kind, ModelError):
        return kind(str(line.get("message", "")))
    raise ModelDamaged(f"the script raises {line['error']!r}, which is no error of models")


def _read_value(text: str, schema: JSONValue) -> JSONValue:
    kinds = _list_kinds(schema)
    try:
        if "integer" in kinds:
            return int(text)
        if "number" in kinds:
            return float(text)
    except ValueError:
        return text
    return True if "boolean" in kinds else text


def _list_kinds(schema: JSONValue) -> set[str]:
    if not isinstance(schema, Mapping):
        return set()
    kind, branches = schema.get("type"), schema.get("anyOf")
    kinds = {kind} if isinstance(kind, str) else set()
    for branch in branches if isinstance(branches, list | tuple) else ():
        kinds |= _list_kinds(branch)
    return kinds


def _report(on_progress: OnProgress | None, tokens: int) -> None:
    if on_progress is not None and not on_progress(tokens):
        raise CompletionCancelled
