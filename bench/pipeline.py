"""Jobs per second through the whole path, and the cost of a run in which nothing changed.

    python -m bench.pipeline                       # 5,000 jobs; 20,000 unchanged subjects
    python -m bench.pipeline --jobs 2000 --unchanged 100000

The model is scripted and answers at once; the database is SQLite with durable commits (WAL, synchronous
FULL); every piece of evidence has about 1,000 characters and three facts. Each phase has its own process.
On a virtual machine `stolen` is the time in which a processor was ready to work and was not given to it:
a run in which much was stolen says little.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from holocron.derivation import Derivation, load_derivation
from holocron.evidence import find_evidence, read_bundles
from holocron.store import JobStatus, Store
from holocron.testing import ScriptedModel, answer_from_evidence
from holocron.work import derive_evidence

DERIVATION = """\
name: ship_facts
version: 1
instructions: Facts about a ship.
contract:
  type: object
  properties:
    name: {type: string}
    port: {type: string}
    launched: {type: integer}
  required: [name, port, launched]
"""
FACTS = {
    "name": r"The ship ([A-Z][a-z]+ \d+) was",
    "port": r"home port is ([A-Z][a-z]+)",
    "launched": r"launched in (\d{4})",
}
PORTS = ("Arven", "Belcor", "Cantis", "Dormel", "Eskar")
FILLER = (
    "the archive keeps her papers in the third hall.",
    "nobody has found the second log since the flood.",
    "a painting of the crew hangs in the harbour office.",
    "the repairs took all of the winter and the spring.",
    "her bell is rung once a year, on the day of the fair.",
    "the last survey found the hull sound, the masts new.",
)


def write_evidence(folder: Path, subjects: int) -> None:
    """Write one file of about 1,000 characters per subject, spread over folders."""
    rng = random.Random(7)
    for number in range(subjects):
        facts = [
            f"The ship Vessel {number} was built on the north yard.",
            f"Its home port is {rng.choice(PORTS)} on the inner sea.",
            f"It was launched in {rng.randint(1700, 1990)} before a great crowd.",
        ]
        lines = facts + [
            f"Entry {rng.randint(1, 9_999_999)} says that {rng.choice(FILLER)}" for _ in range(11)
        ]
        rng.shuffle(lines)
        place = folder / f"{number // 1000:04d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:07d}.txt").write_text(" ".join(lines), encoding="utf-8")


def derive_folder(project: Path) -> None:
    """Derive the project's evidence and print what it took; runs in a process of its own."""
    derivation: Derivation = load_derivation(project / "ship_facts.yaml")
    # a second request in flight is worth nothing where the first is answered at once
    model = ScriptedModel(answer_from_evidence(FACTS), slots=1)
    began, cpu, stolen = time.perf_counter(), time.process_time(), _stolen_s()
    with Store(f"sqlite:///{(project / 'bench.sqlite').as_posix()}") as store:
        bundles = read_bundles(find_evidence(["evidence"], project), project)
        summary = derive_evidence(store, model, derivation, bundles)
    elapsed, used = time.perf_counter() - began, time.process_time() - cpu
    stolen = _stolen_s() - stolen
    memory = psutil.Process().memory_info()
    peak = getattr(memory, "peak_wset", None) or _peak_bytes()
    accepted, unchanged = summary.statuses[JobStatus.ACCEPTED], summary.unchanged
    print(
        f"subjects {summary.subjects:>7}  accepted {accepted:>7}  unchanged {unchanged:>7}"
        f"  {elapsed:7.2f} s  {summary.subjects / elapsed:7.0f} subjects/s"
        f"  {used / summary.subjects * 1e6:6.0f} us CPU each  peak {peak / 2**20:5.0f} MiB"
        f"  stolen {stolen:5.2f} s"
    )
    if accepted != summary.subjects:
        sys.exit("not every job was accepted")


def _stolen_s() -> float:
    """Return how long this machine's processors were given to others by the one that it is a guest of."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


def _peak_bytes() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def phases(folder: Path, jobs: int, unchanged: int) -> Iterator[tuple[str, Path]]:
    """Yield the phases to time, each with its project."""
    small, large = folder / "jobs", folder / "unchanged"
    for project, subjects in ((small, jobs), (large, unchanged)):
        write_evidence(project / "evidence", subjects)
        (project / "ship_facts.yaml").write_text(DERIVATION, encoding="utf-8")
    yield f"derive {jobs} subjects", small
    yield "the same again, nothing changed", small
    yield f"derive {unchanged} subjects", large
    yield "the same again, nothing changed", large


def main() -> None:
    """Run the phases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=5_000)
    parser.add_argument("--unchanged", type=int, default=20_000)
    parser.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        derive_folder(options.only)
        return
    with tempfile.TemporaryDirectory() as folder:
        for title, project in phases(Path(folder), options.jobs, options.unchanged):
            print(f"{title:<40}", end=" ", flush=True)
            subprocess.run([sys.executable, "-m", "bench.pipeline", "--only", str(project)], check=True)


if __name__ == "__main__":
    main()
