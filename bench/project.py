"""A project of a bench: evidence and a derivation in a folder, and its database.

In: an empty folder. Out: what derive_evidence takes. Never: measures.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.pipeline import DERIVATION, write_evidence
from holocron.derivation import Derivation, load_derivation
from holocron.evidence import EvidenceBundle, find_evidence, read_bundles
from holocron.store import Store

DATABASE = "bench.sqlite"
#: the first line of all evidence about which the instant server is asked; it makes its answer right
FACT = "Vessel of Arven was launched in 1801. "


def write_project(project: Path, jobs: int) -> Derivation:
    """Write one file for each job and return the question about them."""
    write_evidence(project / "evidence", jobs)
    for path in (project / "evidence").rglob("*.txt"):
        path.write_text(FACT + path.read_text(encoding="utf-8"), encoding="utf-8")
    path = project / "ship_facts.yaml"
    path.write_text(DERIVATION + "options: {repairs: 0, max_output_tokens: 128}\n", encoding="utf-8")
    return load_derivation(path)


def read_evidence(project: Path) -> Iterator[EvidenceBundle]:
    """Read the project's evidence, of which all is readable."""
    bundles = read_bundles(find_evidence(["evidence"], project), project)
    return (bundle for bundle in bundles if isinstance(bundle, EvidenceBundle))


def open_store(project: Path) -> Store:
    """Open the project's database, which is made where there is none."""
    return Store(f"sqlite:///{(project / DATABASE).as_posix()}")
