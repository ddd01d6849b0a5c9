"""What Holocron costs beside an engine in its own process, and what grouping saves there.

In: a model's name and a number of jobs. Out: tokens/s by the engine's own, and the time that prompts take.
Never: judges the answers.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bench.project import DATABASE, open_store, read_evidence, write_project
from holocron.derivation import Derivation
from holocron.derivation.prompt import Message, Prompt, Role
from holocron.evidence import EvidenceBundle, number_segments
from holocron.llm.catalogue import open_model
from holocron.llm.llamacpp import load_library
from holocron.llm.model import Completion, LanguageModel, ModelIdentity, OnProgress
from holocron.store import JobStatus
from holocron.work import derive_evidence


def measure_derive(name: str, jobs: int, rounds: int = 12) -> None:
    """Print the tokens/s of a derivation by those of the engine alone, which is given the same requests.

    Short rounds, in which now one goes first and now the other: a machine that changes its speed meets both.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        _overhear() as engines,
        closing(open_model(name)) as model,
    ):
        project = Path(folder)
        derivation = write_project(project, jobs)
        _warm_up(model)
        (engine,) = engines
        engine.requests.clear()
        _tokens_per_second(project, derivation, model)
        requests = engine.requests[:]
        speeds: list[tuple[float, float]] = []
        for number in range(rounds):
            if number % 2:
                raw = _replay(engine.server, requests, model.slots)
            derived = _tokens_per_second(project, derivation, model)
            if not number % 2:
                raw = _replay(engine.server, requests, model.slots)
            speeds.append((derived, raw))
            print(f"derive {number + 1}: {derived:.0f} tokens/s, the engine {raw:.0f}: {derived / raw:.3f}")
    ratio = statistics.median(derived / raw for derived, raw in speeds)
    # every run writes the same tokens, so this is all of them by all of the time
    both = [statistics.harmonic_mean(side) for side in zip(*speeds, strict=True)]
    print(f"derive: median {ratio:.3f} (at least 0.95); all rounds together {both[0] / both[1]:.3f}")


def measure_grouping(name: str, jobs: int) -> None:
    """Print what reading the prompts took with jobs of one derivation together, and in turns.

    It shows what grouping saves. That a worker groups is held by test_jobs_of_one_derivation_run_together.
    """
    with tempfile.TemporaryDirectory() as folder, closing(open_model(name, slots=1)) as model:
        project = Path(folder)
        derivation = write_project(project, jobs)
        # long instructions, as questions have that are worth asking often
        one, other = (
            replace(derivation, name=name, instructions=f"{name.capitalize()} facts about ships. " * 60)
            for name in ("first", "second")
        )
        bundles = list(read_evidence(project))
        first, second = ([_render(made, bundle) for bundle in bundles] for made in (one, other))
        _warm_up(model)
        grouped = _read_prompts(model, [*first, *second])
        in_turns = _read_prompts(
            model, [prompt for pair in zip(first, second, strict=True) for prompt in pair]
        )
    print(
        f"grouping: prompts took {grouped:.0f} ms together and {in_turns:.0f} ms in turns: "
        f"{grouped / in_turns:.2f}"
    )


def _tokens_per_second(project: Path, derivation: Derivation, model: LanguageModel) -> float:
    """Derive the project into a new database, which is made before the clock starts: once for a project."""
    (project / DATABASE).unlink(missing_ok=True)
    recorder = _Recorder(model)
    with open_store(project) as store:
        began = time.perf_counter()
        summary = derive_evidence(store, recorder, derivation, read_evidence(project))
        wall = time.perf_counter() - began
    worked = summary.statuses[JobStatus.ACCEPTED] + summary.statuses[JobStatus.REJECTED]
    if worked != summary.subjects or not worked:
        sys.exit(f"only {worked} of {summary.subjects} jobs were worked to their end")
    return recorder.output_tokens / wall


def _replay(server: _Server, requests: Sequence[str], slots: int) -> float:
    """Return the tokens/s of the engine, which counts them itself."""

    def ask(request: str) -> int:
        last = ""

        def receive(event: str) -> bool:
            nonlocal last
            last = event
            return False

        server.handle_chat_completions(request, receive)
        return int(json.loads(last)["usage"]["completion_tokens"])

    with ThreadPoolExecutor(slots) as pool:
        began = time.perf_counter()
        tokens = sum(pool.map(ask, requests))
        return tokens / (time.perf_counter() - began)


def _read_prompts(model: LanguageModel, prompts: Iterable[Prompt]) -> float:
    return sum(model.complete(prompt).prompt_ms for prompt in prompts)


def _render(derivation: Derivation, bundle: EvidenceBundle) -> Prompt:
    return derivation.render_prompt(bundle.subject, number_segments(bundle))


def _warm_up(model: LanguageModel) -> None:
    model.complete(
        Prompt(messages=(Message(Role.USER, "x"),), schema={"type": "boolean"}, max_output_tokens=8)
    )


@dataclass
class _Recorder:
    """A model whose answers are counted."""

    model: LanguageModel
    output_tokens: int = 0

    @property
    def identity(self) -> ModelIdentity:
        """The model's."""
        return self.model.identity

    @property
    def slots(self) -> int:
        """The model's."""
        return self.model.slots

    def estimate_tokens(self, text: str) -> int:
        """Estimate as the model does."""
        return self.model.estimate_tokens(text)

    def complete(self, prompt: Prompt, on_progress: OnProgress | None = None) -> Completion:
        """Ask the model, and count."""
        answer = self.model.complete(prompt, on_progress)
        self.output_tokens += answer.output_tokens
        return answer

    def close(self) -> None:
        """Close the model."""
        self.model.close()


class _Server(Protocol):
    def handle_chat_completions(self, prompt: str, callback: Callable[[str], bool]) -> None: ...


class _Overheard:
    """The engine itself, as the model sees it: its server, and all requests that the model gave it."""

    def __init__(self, server: _Server) -> None:
        self.server = server
        self.requests: list[str] = []

    def handle_chat_completions(self, request: str, callback: Callable[[str], bool]) -> None:
        """Pass a request on, and keep it."""
        self.requests.append(request)
        self.server.handle_chat_completions(request, callback)


@contextmanager
def _overhear() -> Iterator[list[_Overheard]]:
    """Make the engines that are started within this block known."""
    load_library()
    import xllamacpp

    start, engines = xllamacpp.Server, []

    def overhear(params: object) -> _Overheard:
        engines.append(_Overheard(start(params)))
        return engines[-1]

    xllamacpp.Server = overhear
    try:
        yield engines
    finally:
        xllamacpp.Server = start
