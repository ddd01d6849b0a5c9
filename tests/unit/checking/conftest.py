"""A store with answers of several kinds, made once and copied for each test that spoils it.

In: nothing. Out: an open store in which all is true. Never: the same file twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from factories import HONEST, make_derivation, ship_bundle, ships
from holocron.evidence import inline_bundle
from holocron.fingerprint import JSONValue
from holocron.store import Store
from holocron.testing import ScriptedModel
from holocron.work import derive_evidence

LOG_CONTRACT: dict[str, JSONValue] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "sold": {"type": ["string", "null"]},
        "scrapped": {"type": "string"},
        "is_old": {"type": "boolean"},
        "seen": {"type": "string", "format": "date"},
        "length": {"type": "number"},
        "logs": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"port": {"type": "string"}, "crew": {"type": "integer"}},
            },
        },
    },
    "required": ["name", "sold", "is_old"],
}
LOG_TEXT = (
    "The Vesper is an old ship. She was seen on 3 May 1801, and is 34.5 m long."
    " She lay at Arven with 12 men. Later she lay at Belcor with 9 men."
)
LOG_ANSWER: JSONValue = {
    "cite": [1, 2],
    "name": "Vesper",
    "sold": None,
    "is_old": True,
    "seen": "1801-05-03",
    "length": 34.5,
    "logs": [{"cite": [3], "port": "Arven", "crew": 12}, {"cite": [4], "port": "belcor", "crew": 9}],
}


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with three ships, one of them changed, and a log with nested rows, artifact 5."""
    place = tmp_path_factory.mktemp("honest") / "store.sqlite"
    derivation = make_derivation(LOG_CONTRACT, name="ship_log")
    with Store(f"sqlite:///{place.as_posix()}") as store:
        derive_evidence(store, ScriptedModel(HONEST, slots=1), make_derivation(), ships(3))
        derive_evidence(store, ScriptedModel(HONEST), make_derivation(), [ship_bundle(1, port="Belcor")])
        model = ScriptedModel([LOG_ANSWER])
        assert derive_evidence(store, model, derivation, [inline_bundle("vesper", LOG_TEXT)]).is_clean
    return place


@pytest.fixture
def honest_store(made_once: Path, tmp_path: Path) -> Iterator[Store]:
    """Return a copy of that database, open."""
    with Store(f"sqlite:///{shutil.copy(made_once, tmp_path)}") as store:
        yield store


@pytest.fixture
def log_text() -> str:
    """Return the evidence about the Vesper."""
    return LOG_TEXT
