"""What a request to a server costs, where the server answers at once or after a fixed time.

In: a number of jobs. Out: CPU of the client, and wall time by the time that the answers take.
Never: needs a model file.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench.project import open_store, read_evidence, write_project
from holocron.derivation import Derivation
from holocron.derivation.prompt import Message, Prompt, Role
from holocron.llm.catalogue import open_model
from holocron.llm.model import LanguageModel
from holocron.settings import OllamaAddress, ServerSettings
from holocron.store import JobStatus
from holocron.work import DeriveSummary, derive_evidence

IN_FLIGHT = 32
LATENCY_S = 0.2
SLOTS = 16
ANSWER = '{"cite":[1],"name":"Vessel","port":"Arven","launched":1801}'
#: one of ten times as many tokens
LONG_ANSWER = json.dumps({"cite": [1], "name": "Vessel " * 88})


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
        _run_server(0.0, text, token_by_token=token_by_token) as servers,
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
    with tempfile.TemporaryDirectory() as folder, _run_server(LATENCY_S) as servers:
        project = Path(folder)
        derivation = write_project(project, jobs)
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


def _derive(project: Path, derivation: Derivation, model: LanguageModel) -> tuple[float, DeriveSummary]:
    """Return the seconds of a derivation of the project's evidence, and what came of it."""
    began = time.perf_counter()
    with open_store(project) as store:
        summary = derive_evidence(store, model, derivation, read_evidence(project))
    return time.perf_counter() - began, summary


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


@contextmanager
def _run_server(
    latency_s: float, text: str = ANSWER, *, token_by_token: bool = False
) -> Iterator[ServerSettings]:
    """Run bench.instant_server in a process of its own."""
    command = [sys.executable, "-m", "bench.instant_server", "0", str(latency_s), text]
    command += ["token-by-token"] * token_by_token
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline() if process.stdout else 0)
        yield ServerSettings(ollama=OllamaAddress(url=f"http://127.0.0.1:{port}"))
        process.terminate()
