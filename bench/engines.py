"""What Holocron costs beside its engines, and what it saves.

    python -m bench.engines                            # all parts that need no model file
    python -m bench.engines --model builtin            # and those that need one; or gguf:PATH
    python -m bench.engines --part client --jobs 2000

client   CPU of one request in the client, 32 in flight, against a server that answers at once, and of a token
latency  wall time by ideal where every answer takes 200 ms, 16 at once, through HTTP and the whole path
derive   tokens/s of a derivation by those of the engine alone, given the same requests over the same slots
grouping time that prompts take with jobs of one derivation together, and with two taking turns
tokens   output tokens per fact over the demo's archive, ours and LangExtract's, by the model's vocabulary
"""

from __future__ import annotations

import argparse
import json
import logging
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from bench.pipeline import DERIVATION, write_evidence
from holocron.derivation import Derivation, load_derivation
from holocron.derivation.prompt import Message, Prompt, Role, render_answer
from holocron.evidence import EvidenceBundle, find_evidence, number_segments, read_bundles
from holocron.fingerprint import JSONValue
from holocron.llm.catalogue import open_model
from holocron.llm.llamacpp import load_library
from holocron.llm.model import Completion, LanguageModel, ModelIdentity, OnProgress
from holocron.settings import OllamaAddress, ServerSettings
from holocron.store import JobStatus, Store
from holocron.work import DeriveSummary, derive_evidence

IN_FLIGHT = 32
LATENCY_S = 0.2
SLOTS = 16
DATABASE = "bench.sqlite"
#: the repository's own answers to the demo
ANSWERS = Path(__file__).parents[1] / "tests" / "acceptance" / "demo_answers.json"
ANSWER = '{"cite":[1],"name":"Vessel","port":"Arven","launched":1801}'
#: one of ten times as many tokens
LONG_ANSWER = json.dumps({"cite": [1], "name": "Vessel " * 88})
#: the first line of all evidence about which the instant server is asked; it makes its answer right
FACT = "Vessel of Arven was launched in 1801. "


@contextmanager
def instant_server(
    latency_s: float, text: str = ANSWER, *, token_by_token: bool = False
) -> Iterator[ServerSettings]:
    """Run bench.instant_server in a process of its own."""
    command = [sys.executable, "-m", "bench.instant_server", "0", str(latency_s), text]
    command += ["token-by-token"] * token_by_token
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline() if process.stdout else 0)
        yield ServerSettings(ollama=OllamaAddress(url=f"http://127.0.0.1:{port}"))
        process.terminate()


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


def measure_client(jobs: int) -> None:
    """Print the client's CPU for one request, and for one token of an answer."""
    short, rate, tokens = _measure_requests(jobs, ANSWER)
    long, _, more = _measure_requests(jobs, LONG_ANSWER)
    print(
        f"client: {short:.2f} ms of CPU a request with {tokens} tokens in one piece, {IN_FLIGHT} in flight "
        f"(at most 1), {rate:.0f} requests/s; with {more} tokens {long:.2f} ms: "
        f"{(long - short) / (more - tokens) * 1e3:.1f} us a token"
    )
    short, _, _ = _measure_requests(jobs, ANSWER, token_by_token=True)
    long, _, _ = _measure_requests(jobs, LONG_ANSWER, token_by_token=True)
    print(
        f"client: {short:.2f} ms where the {tokens} tokens come one by one, with {more} {long:.2f} ms: "
        f"{(long - short) / (more - tokens) * 1e3:.1f} us a token"
    )


def _measure_requests(jobs: int, text: str, *, token_by_token: bool = False) -> tuple[float, float, int]:
    """Return the ms of CPU in this process for a request, the requests/s, and the tokens of an answer."""
    prompt = Prompt(
        messages=(
            Message(Role.SYSTEM, "Rules. " * 200),
            Message(Role.USER, "Subject: x\n[1] " + "word " * 200),
        ),
        schema={"type": "object", "properties": {"cite": {"type": "array", "items": {"type": "integer"}}}},
        max_output_tokens=1000,
    )
    with (
        instant_server(0.0, text, token_by_token=token_by_token) as servers,
        closing(open_model("ollama:instant", slots=IN_FLIGHT, servers=servers)) as model,
        ThreadPoolExecutor(IN_FLIGHT) as pool,
    ):
        tokens = next(pool.map(lambda _: model.complete(prompt).output_tokens, range(4 * IN_FLIGHT)))
        began, cpu = time.perf_counter(), time.process_time()
        list(pool.map(lambda _: model.complete(prompt), range(jobs)))
        wall, used = time.perf_counter() - began, time.process_time() - cpu
    return used / jobs * 1e3, jobs / wall, tokens


def measure_latency(jobs: int) -> None:
    """Print wall time by the time that the answers alone take."""
    with tempfile.TemporaryDirectory() as folder, instant_server(LATENCY_S) as servers:
        project = Path(folder)
        derivation = _write_project(project, jobs)
        with closing(open_model("ollama:instant", slots=SLOTS, servers=servers)) as model:
            cpu = time.process_time()
            wall, summary = _derive(project, derivation, model)
            cpu = time.process_time() - cpu
        bare_s = _bare_request_s(servers)
    if summary.statuses[JobStatus.ACCEPTED] != jobs:
        sys.exit("not every answer was accepted")
    rounds = -(-jobs // SLOTS)
    ideal = rounds * LATENCY_S
    print(
        f"latency: {wall:.2f} s for {jobs} jobs, ideal {ideal:.2f} s: {wall / ideal:.3f} (at most 1.03); "
        f"by what bare sockets need with this server, {bare_s * 1e3:.1f} ms: {wall / rounds / bare_s:.3f}; "
        f"{cpu / jobs * 1e3:.2f} ms of CPU a job"
    )


def _bare_request_s(servers: ServerSettings, rounds: int = 10) -> float:
    """Return what one request takes over as many sockets at once, where nothing is done with the answer."""
    body = b'{"model": "instant", "prompt": "x"}'
    head = f"POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    address = urlsplit(servers.ollama.url)

    def ask(_slot: int) -> None:
        with socket.create_connection((str(address.hostname), address.port or 80)) as connection:
            for _ in range(rounds):
                connection.sendall(head + body)
                answer = b""
                while not answer.endswith(b"0\r\n\r\n"):
                    answer += connection.recv(65_536)

    with ThreadPoolExecutor(SLOTS) as pool:
        began = time.perf_counter()
        list(pool.map(ask, range(SLOTS)))
        return (time.perf_counter() - began) / rounds


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
        derivation = _write_project(project, jobs)
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


def _tokens_per_second(project: Path, derivation: Derivation, model: LanguageModel) -> float:
    """Derive the project into a new database, which is made before the clock starts: once for a project."""
    (project / DATABASE).unlink(missing_ok=True)
    recorder = _Recorder(model)
    with _open_store(project) as store:
        began = time.perf_counter()
        summary = derive_evidence(store, recorder, derivation, _read(project))
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


def measure_grouping(name: str, jobs: int) -> None:
    """Print what reading the prompts took with jobs of one derivation together, and in turns.

    It shows what grouping saves. That a worker groups is held by test_jobs_of_one_derivation_run_together.
    """
    with tempfile.TemporaryDirectory() as folder, closing(open_model(name, slots=1)) as model:
        project = Path(folder)
        derivation = _write_project(project, jobs)
        # long instructions, as questions have that are worth asking often
        one, other = (
            replace(derivation, name=name, instructions=f"{name.capitalize()} facts about ships. " * 60)
            for name in ("first", "second")
        )
        bundles = list(_read(project))
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


def measure_tokens(name: str) -> None:
    """Print how many tokens of output a fact takes in the demo's right answers, and in LangExtract's form.

    The built-in model's vocabulary was learnt from answers in our form and knows none in that one; a general
    one, of a gguf: model, is the fairer judge.
    """
    answers: Mapping[str, Mapping[str, JSONValue]] = json.loads(ANSWERS.read_text(encoding="utf-8"))
    facts = sum(1 for answer in answers.values() for _ in _facts(answer))
    forms: Sequence[Callable[[JSONValue], str]] = (
        render_answer,
        lambda answer: json.dumps(_list_extractions(answer), ensure_ascii=False, indent=2),
        lambda answer: render_answer(_list_extractions(answer)),
    )
    with closing(open_model(name)) as model:
        nothing = _count(model, "")
        ours, shown, compact = (
            sum(_count(model, render(answer)) - nothing for answer in answers.values()) / facts
            for render in forms
        )
    print(
        f"tokens: {ours:.1f} of output for each of {facts} facts (at most 22.5); as LangExtract shows them "
        f"{shown:.1f}: {ours / shown:.2f} (at most 0.5); without its white space {compact:.1f}: "
        f"{ours / compact:.2f}"
    )


def _list_extractions(answer: JSONValue) -> JSONValue:
    """Return an answer as LangExtract asks for it: each fact has its class, its text and its group.

    The group is named by its first fact, as in LangExtract's documentation of related facts.
    """
    return {
        "extractions": [
            {name: str(fact), f"{name}_attributes": {"group": str(group)}}
            for group, name, fact in _group_facts(answer)
        ]
    }


def _group_facts(value: JSONValue) -> Iterator[tuple[JSONValue, str, JSONValue]]:
    """Yield each fact with the first one of its object, and with its name."""
    if isinstance(value, Mapping):
        facts = {
            key: part for key, part in value.items() if key != "cite" and isinstance(part, str | int | float)
        }
        yield from ((next(iter(facts.values())), key, fact) for key, fact in facts.items())
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _group_facts(part)


def _facts(value: JSONValue) -> Iterator[JSONValue]:
    """Yield the leaves that state something."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key != "cite":
                yield from _facts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _facts(part)
    elif value is not None:
        yield value


def _count(model: LanguageModel, text: str) -> int:
    asked = Prompt(
        messages=(Message(Role.USER, "x" + text),), schema={"type": "boolean"}, max_output_tokens=8
    )
    return model.complete(asked).prompt_tokens


def _write_project(project: Path, jobs: int) -> Derivation:
    write_evidence(project / "evidence", jobs)
    for path in (project / "evidence").rglob("*.txt"):
        path.write_text(FACT + path.read_text(encoding="utf-8"), encoding="utf-8")
    path = project / "ship_facts.yaml"
    path.write_text(DERIVATION + "options: {repairs: 0, max_output_tokens: 128}\n", encoding="utf-8")
    return load_derivation(path)


def _read(project: Path) -> Iterator[EvidenceBundle]:
    bundles = read_bundles(find_evidence(["evidence"], project), project)
    return (bundle for bundle in bundles if isinstance(bundle, EvidenceBundle))


def _render(derivation: Derivation, bundle: EvidenceBundle) -> Prompt:
    return derivation.render_prompt(bundle.subject, number_segments(bundle))


def _derive(project: Path, derivation: Derivation, model: LanguageModel) -> tuple[float, DeriveSummary]:
    """Return the seconds of a derivation of the project's evidence, and what came of it."""
    began = time.perf_counter()
    with _open_store(project) as store:
        summary = derive_evidence(store, model, derivation, _read(project))
    return time.perf_counter() - began, summary


def _open_store(project: Path) -> Store:
    return Store(f"sqlite:///{(project / DATABASE).as_posix()}")


def _warm_up(model: LanguageModel) -> None:
    model.complete(
        Prompt(messages=(Message(Role.USER, "x"),), schema={"type": "boolean"}, max_output_tokens=8)
    )


def _read_prompts(model: LanguageModel, prompts: Iterable[Prompt]) -> float:
    return sum(model.complete(prompt).prompt_ms for prompt in prompts)


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", help="builtin or gguf:PATH")
    parser.add_argument("--part", choices=("client", "latency", "derive", "grouping", "tokens"))
    parser.add_argument("--jobs", type=int)
    options = parser.parse_args()
    logging.disable()
    parts: dict[str, Callable[[], None]] = {
        "client": lambda: measure_client(options.jobs or 2000),
        "latency": lambda: measure_latency(options.jobs or 1600),
    }
    if options.model:
        parts |= {
            "derive": lambda: measure_derive(options.model, options.jobs or 30),
            "grouping": lambda: measure_grouping(options.model, options.jobs or 12),
            "tokens": lambda: measure_tokens(options.model),
        }
    if options.part and options.part not in parts:
        parser.error(f"--part {options.part} needs --model")
    for name, measure in parts.items():
        if options.part in (None, name):
            measure()


if __name__ == "__main__":
    main()
