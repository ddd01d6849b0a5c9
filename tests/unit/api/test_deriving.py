"""The Python API: typed answers with their evidence, by the same path as the command."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

import holocron
from factories import HONEST, SHIP_FACTS, make_derivation, ship_bundle, ship_text, ship_value, ships
from holocron.api import deriving
from holocron.errors import EvidenceMissing, HolocronError, UsageError
from holocron.evidence import inline_bundle
from holocron.llm.model import LanguageModel
from holocron.llm.scripted import find_subject
from holocron.store import Store
from holocron.store.reports import StoredArtifact, load_artifact
from holocron.testing import ScriptedModel, answer_from_evidence, in_turn, lie


class ShipFacts(BaseModel):
    """Facts about a ship."""

    name: str
    port: str
    launched: int


class Voyage(BaseModel):
    """One voyage."""

    port: str
    left: dt.date | None = None
    crew: int | None = None


class ShipLog(BaseModel):
    """What a log says."""

    name: str
    length: float | None = None
    is_old: bool
    seen: dt.datetime | None = None
    sold: str | None = None
    voyages: list[Voyage] = Field(default_factory=list)


LOG_TEXT = (
    "The Vesper is an old ship. She is 34.5 m long."
    " She lay at Arven with 12 men. She left Belcor on 3 May 1801."
)
LOG_ANSWER = {
    "cite": [1, 2],
    "name": "Vesper",
    "length": 34.5,
    "is_old": True,
    "seen": None,
    "sold": None,
    "voyages": [
        {"cite": [3], "port": "Arven", "left": None, "crew": 12},
        {"cite": [4], "port": "Belcor", "left": "1801-05-03", "crew": None},
    ],
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in the folder of a project with three pieces of evidence."""
    (tmp_path / "archive").mkdir()
    (tmp_path / "holocron.toml").touch()
    for number in range(3):
        (tmp_path / "archive" / f"{number}.md").write_text(ship_text(number), encoding="utf-8")
    for name in ("HOLOCRON_DATABASE_URL", "HOLOCRON_MODEL", "HOLOCRON_SLOTS", "HOLOCRON_CONTEXT_TOKENS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_pydantic_model_in_and_out() -> None:
    """Answers are instances of the model, by subject, and their values cite the evidence."""
    results = holocron.derive(ShipFacts, ["archive/*.md"], model=ScriptedModel(HONEST))
    artifacts = list(results)
    assert [artifact.subject for artifact in artifacts] == [f"archive/{number}.md" for number in range(3)]
    assert [artifact.value for artifact in artifacts] == [
        ShipFacts.model_validate(ship_value(number)) for number in range(3)
    ]
    citation = artifacts[1].citation("/port")
    assert citation.quote == "Its home port is Arven on the inner sea."
    assert (citation.source, citation.start) == ("archive/1.md", ship_text(1).index("Its"))
    assert ship_text(1)[citation.start : citation.end] == citation.quote
    assert artifacts[1].claim("/launched").grounding == "verbatim"
    assert len(results) == 3
    assert results.summary.is_clean
    assert list(results) == artifacts


def test_a_derivation_gives_plain_json() -> None:
    """With a Derivation the values are what the contract says, untyped."""
    results = holocron.derive(make_derivation(), ship_bundle(7), model=ScriptedModel(HONEST))
    assert [artifact.value for artifact in results] == [ship_value(7)]


@pytest.mark.parametrize(
    ("evidence", "subjects"),
    [
        pytest.param("archive/1.md", ["archive/1.md"], id="a path"),
        pytest.param(Path("archive"), ["archive/0.md", "archive/1.md", "archive/2.md"], id="a folder"),
        pytest.param("archive/[02].md", ["archive/0.md", "archive/2.md"], id="a glob"),
        pytest.param(["archive/0.md", Path("archive/1.md")], ["archive/0.md", "archive/1.md"], id="paths"),
        pytest.param(ship_bundle(9), ["ship 9"], id="a bundle"),
        pytest.param([ship_bundle(9), "archive/2.md"], ["archive/2.md", "ship 9"], id="bundle and path"),
    ],
)
def test_evidence_may_be_named_or_given(evidence: object, subjects: list[str]) -> None:
    """Paths, folders, globs and bundles, one or several."""
    results = holocron.derive(ShipFacts, evidence, model=ScriptedModel(HONEST))  # type: ignore[call-overload]  # the table's
    assert [artifact.subject for artifact in results] == subjects


def test_an_absolute_path_is_evidence(project: Path) -> None:
    """A full path, whatever signs are in it, is that file."""
    place = project / "archive" / "a [1] b.md"
    place.write_text(ship_text(5), encoding="utf-8")
    results = holocron.derive(ShipFacts, place, model=ScriptedModel(HONEST))
    assert [artifact.value.name for artifact in results] == ["Vessel 5"]


def test_only_the_subjects_of_the_call_are_results() -> None:
    """What earlier calls derived stays in the store and out of the results."""
    model = ScriptedModel(HONEST)
    holocron.derive(ShipFacts, ships(4), model=model)
    results = holocron.derive(ShipFacts, [ship_bundle(2), ship_bundle(9)], model=model)
    assert [artifact.subject for artifact in results] == ["ship 2", "ship 9"]
    assert results.to_arrow().column("subject").to_pylist() == ["ship 2", "ship 9"]
    assert results.summary.unchanged == 1
    assert model.calls == 5


def test_results_read_no_more_than_they_give(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many subjects the store has, only those of the call are loaded, in the order of their names."""
    model = ScriptedModel(HONEST)
    holocron.derive(ShipFacts, ships(30), model=model)
    results = holocron.derive(ShipFacts, [ship_bundle(9), ship_bundle(2)], model=model)
    loaded: list[int] = []

    def load(store: Store, number: int) -> StoredArtifact:
        loaded.append(number)
        return load_artifact(store, number)

    def pass_rows(schema: object, rows: Iterable[Mapping[str, object]]) -> Iterator[object]:
        taken.extend(rows)
        return iter(())

    taken: list[Mapping[str, object]] = []
    monkeypatch.setattr(deriving, "load_artifact", load)
    assert [artifact.subject for artifact in results] == ["ship 2", "ship 9"]
    assert len(loaded) == 2
    monkeypatch.setattr(deriving, "arrow_batches", pass_rows)
    pytest.importorskip("pyarrow")
    results.to_arrow()
    assert [row["subject"] for row in taken] == ["ship 2", "ship 9"]


def test_a_rejected_answer_is_no_result() -> None:
    """A subject that was not believed is counted, and is in neither the artifacts nor the rows."""
    liar = lie(HONEST)
    model = ScriptedModel(lambda prompt: (liar if find_subject(prompt) == "ship 1" else HONEST)(prompt))
    results = holocron.derive(ShipFacts, ships(3), model=model)
    assert [artifact.subject for artifact in results] == ["ship 0", "ship 2"]
    assert results.to_arrow().column("subject").to_pylist() == ["ship 0", "ship 2"]
    assert len(results) == 2
    assert not results.summary.is_clean


@pytest.mark.parametrize("force", [False, True], ids=["changed", "forced"])
def test_an_older_answer_is_no_result_of_a_rejected_one(force: bool) -> None:
    """Where the newest answer was rejected, the accepted one before it is out of the results."""
    holocron.derive(ShipFacts, ship_bundle(1), model=ScriptedModel(HONEST))
    bundle = ship_bundle(1) if force else ship_bundle(1, port="Belcor")
    results = holocron.derive(ShipFacts, bundle, model=ScriptedModel(lie(HONEST)), force=force)
    assert len(results) == 0
    assert list(results) == []
    assert results.to_arrow().num_rows == 0


def test_rows_are_arrow_with_their_types() -> None:
    """The root's and a list's rows have the columns' types, nulls among them."""
    pa = pytest.importorskip("pyarrow")
    results = holocron.derive(ShipLog, inline_bundle("vesper", LOG_TEXT), model=ScriptedModel([LOG_ANSWER]))
    assert results.summary.is_clean
    root, child = results.to_arrow(), results.to_arrow("ship_log_voyages")
    assert {field.name: field.type for field in root.schema} == {
        "subject": pa.string(),
        "name": pa.string(),
        "length": pa.float64(),
        "is_old": pa.bool_(),
        "seen": pa.timestamp("us", tz="UTC"),
        "sold": pa.string(),
        "artifact_id": pa.int64(),
    }
    assert root.to_pylist() == [
        {
            "subject": "vesper",
            "name": "Vesper",
            "length": 34.5,
            "is_old": True,
            "seen": None,
            "sold": None,
            "artifact_id": 1,
        }
    ]
    assert child.schema.field("left").type == pa.date32()
    assert child.schema.field("row_number").type == pa.int32()
    assert child.select(["row_number", "port", "left", "crew"]).to_pylist() == [
        {"row_number": 1, "port": "Arven", "left": None, "crew": 12},
        {"row_number": 2, "port": "Belcor", "left": dt.date(1801, 5, 3), "crew": None},
    ]
    assert results.to_arrow("voyages") == child


def test_no_rows_are_an_empty_table() -> None:
    """Without an accepted answer the table has its columns and no row."""
    pytest.importorskip("pyarrow")
    results = holocron.derive(ShipFacts, ship_bundle(1), model=ScriptedModel(lie(HONEST)))
    table = results.to_arrow()
    assert (table.num_rows, table.column_names) == (0, ["subject", "name", "port", "launched", "artifact_id"])


def test_many_rows_come_in_batches() -> None:
    """More rows than a batch holds come back whole and in order."""
    pytest.importorskip("pyarrow")
    results = holocron.derive(ShipFacts, ships(1_100), model=ScriptedModel(HONEST))
    table = results.to_arrow()
    assert table.column("subject").to_pylist() == sorted(f"ship {number}" for number in range(1_100))
    assert sorted(table.column("name").to_pylist()) == sorted(f"Vessel {number}" for number in range(1_100))


def test_a_view_that_is_not_there_is_said() -> None:
    """An unknown view is named, with those that there are."""
    results = holocron.derive(ShipLog, inline_bundle("vesper", LOG_TEXT), model=ScriptedModel([LOG_ANSWER]))
    with pytest.raises(UsageError, match="'ships'") as caught:
        results.to_arrow("ships")
    assert "ship_log_voyages" in caught.value.hint


def test_arrow_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow there is one sentence and what to install; everything else works."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    results = holocron.derive(ShipFacts, ship_bundle(1), model=ScriptedModel(HONEST))
    assert len(list(results)) == 1
    with pytest.raises(UsageError, match="pyarrow") as caught:
        results.to_arrow()
    assert "pip install" in caught.value.hint


def test_a_claim_that_is_not_there_is_said() -> None:
    """An unknown pointer and a null are told apart."""
    results = holocron.derive(ShipLog, inline_bundle("vesper", LOG_TEXT), model=ScriptedModel([LOG_ANSWER]))
    (artifact,) = results
    assert artifact.citation("/voyages/1/left").quote == "She left Belcor on 3 May 1801."
    with pytest.raises(UsageError, match="no value at /captain"):
        artifact.claim("/captain")
    with pytest.raises(UsageError, match="is null: not_in_evidence"):
        artifact.citation("/sold")


def test_an_absent_value_has_the_models_default() -> None:
    """A property that the answer leaves out, or says null to, is what the class says."""
    results = holocron.derive(ShipLog, inline_bundle("vesper", LOG_TEXT), model=ScriptedModel([LOG_ANSWER]))
    (artifact,) = results
    assert artifact.value.sold is None
    assert artifact.value.voyages[1] == Voyage(port="Belcor", left=dt.date(1801, 5, 3))


def test_a_model_that_is_given_stays_open() -> None:
    """A model of the caller's is not closed; the database is the one that was named."""

    class Closable(ScriptedModel):
        is_closed = False

        def close(self) -> None:
            self.is_closed = True

    model = Closable(HONEST)
    assert isinstance(model, LanguageModel)
    results = holocron.derive(ShipFacts, ship_bundle(1), model=model, database="sqlite:///other/mine.sqlite")
    assert not model.is_closed
    assert Path("other/mine.sqlite").is_file()
    assert not Path(".holocron").exists()
    assert len(list(results)) == 1


def test_results_can_be_read_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative database is found again after the working folder has changed."""
    results = holocron.derive(
        ShipFacts, ship_bundle(1), model=ScriptedModel(HONEST), database="sqlite:///mine.sqlite"
    )
    (tmp_path / "archive").is_dir()
    monkeypatch.chdir(tmp_path / "archive")
    assert len(list(results)) == 1
    assert not Path("mine.sqlite").exists()


def test_the_projects_settings_count(project: Path) -> None:
    """Without a model and a database the project's are used, by the same names as the command's."""
    (project / "answers.json").write_text(json.dumps({"$patterns": SHIP_FACTS}), encoding="utf-8")
    (project / "holocron.toml").write_text('model = "scripted:answers.json"\n', encoding="utf-8")
    results = holocron.derive(ShipFacts, "archive")
    assert len(results) == 3
    assert (project / ".holocron" / "holocron.sqlite").is_file()


def test_the_command_finds_what_python_derived(project: Path) -> None:
    """A derivation file with the same question finds every subject unchanged: there is one path."""
    from holocron.work import derive_evidence

    model = ScriptedModel(answer_from_evidence(SHIP_FACTS))
    results = holocron.derive(make_derivation(), "archive", model=model)
    with Store(f"sqlite:///{(project / '.holocron/holocron.sqlite').as_posix()}") as store:
        from holocron.evidence import find_evidence, read_bundles

        bundles = read_bundles(find_evidence(["archive"], project), project)
        summary = derive_evidence(store, model, make_derivation(), bundles)
    assert (results.summary.subjects, summary.unchanged, model.calls) == (3, 3, 3)


def test_force_asks_again() -> None:
    """A forced call asks about every subject once more."""
    model = ScriptedModel(in_turn(HONEST, HONEST))
    for force in (False, True):
        assert len(holocron.derive(ShipFacts, ships(2), model=model, force=force)) == 2
    assert model.calls == 4


def test_evidence_that_is_not_there_is_said() -> None:
    """A glob without a file stops the call, by name; a file that is named and missing stops no other."""
    with pytest.raises(EvidenceMissing, match="nothing"):
        holocron.derive(ShipFacts, "nothing*.md", model=ScriptedModel(HONEST))
    results = holocron.derive(ShipFacts, ["nothing.md", "archive"], model=ScriptedModel(HONEST))
    assert len(results) == 3
    assert [rejected.source for rejected in results.summary.unusable] == ["nothing.md"]


def test_a_model_that_is_not_there_is_said() -> None:
    """An unknown model stops the call before a database is made."""
    with pytest.raises(HolocronError, match="no-such-engine"):
        holocron.derive(ShipFacts, "archive", model="no-such-engine:x")
    assert not Path(".holocron").exists()


def test_a_question_that_cannot_be_asked_is_said() -> None:
    """A class whose schema is no contract is refused before any call."""

    class Anything(BaseModel):
        """Anything at all."""

        things: dict[str, str]

    model = ScriptedModel(HONEST)
    with pytest.raises(HolocronError, match="things"):
        holocron.derive(Anything, "archive", model=model)
    assert model.calls == 0


def test_bad_files_stop_no_other(project: Path) -> None:
    """A file that cannot be used is counted with its name, and the others are results."""
    (project / "archive" / "bad.md").write_bytes(b"broken \xff here")
    results = holocron.derive(ShipFacts, "archive", model=ScriptedModel(HONEST))
    assert len(results) == 3
    assert [rejected.source for rejected in results.summary.unusable] == ["archive/bad.md"]
