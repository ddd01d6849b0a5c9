from __future__ import annotations

from pathlib import Path

import pytest

from cli_calls import Call, call, make_project, write_script
from demo_answers import ANSWERS_FILE, WRONG, read_archive, read_gold, render_answers

MODEL = f"scripted:{ANSWERS_FILE}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, entered."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_demo(*arguments: str) -> Call:
    """Run the demo with the scripted answers."""
    return call("demo", "--model", MODEL, *arguments)


def test_the_gold_has_an_answer_for_every_subject() -> None:
    """The demo's evidence and its right answers are about the same subjects, of every kind."""
    gold = read_gold()
    assert gold.keys() == read_archive().keys()
    assert {answer["kind"] for answer in gold.values()} == {"person", "ship", "place", "organisation"}


def test_the_scripted_answers_are_up_to_date() -> None:
    """demo_answers.json is what demo_answers.py makes of gold and archive."""
    assert ANSWERS_FILE.read_text(encoding="utf-8") == render_answers(), "run python tests/demo_answers.py"


def test_the_demo_derives_its_archive(folder: Path) -> None:
    """All that the scripted model answers rightly is accepted, and what it invents is not."""
    done = run_demo("--json")
    assert done.code == 3
    document = done.document
    values = {artifact["subject"]: artifact["value"] for artifact in document["artifacts"]}
    gold = read_gold()
    assert values == {subject: gold[subject] for subject in gold.keys() - WRONG.keys()}
    (run,) = document["derivations"]
    assert (run["subjects"], run["rejected"], run["unusable"]) == (len(gold), len(WRONG), [])
    assert call("--project", "holocron-demo", "verify").code == 0
    absent = call("--project", "holocron-demo", "why", "archive/viktor-sand.txt", "/year")
    assert absent.out.splitlines()[2].split() == ["null", "because", "not", "in", "evidence"]


def test_the_demo_shows_rows_citations_and_what_to_type(folder: Path) -> None:
    """A person sees the rows with their lines of evidence, where the database is, and the next commands."""
    done = run_demo()
    assert "42 files written" in done.err
    row = next(line for line in done.out.splitlines() if line.startswith("Mara Veen"))
    assert row.split() == [
        "Mara", "Veen", "person", "Tolvik", "1841", "2", "archive/mara-veen.txt", "[1,", "2]",
    ]  # fmt: skip
    assert "Søren Ålund      Karsk" in done.out
    assert "“He reached Karsk in 1884 and stayed for one year.”" in done.out
    assert f"Database: {folder / 'holocron-demo' / '.holocron' / 'holocron.sqlite'}" in done.out
    commands = [line.split() for line in done.out.splitlines() if line.startswith("  holocron ")]
    assert len(commands) == 3
    for command in commands:
        assert call("--project", "holocron-demo", *command[1:]).code == 0


def test_the_demo_goes_on_where_it_was(folder: Path) -> None:
    """A second call writes nothing, asks nothing again, and keeps what a person has changed."""
    run_demo()
    note = folder / "holocron-demo" / "archive" / "mara-veen.txt"
    note.write_text(note.read_text(encoding="utf-8").replace("1841", "1842"), encoding="utf-8")
    done = run_demo("--json")
    assert "is there already" in done.err
    (run,) = done.document["derivations"]
    assert run["unchanged"] == 41
    assert "1842" in note.read_text(encoding="utf-8")


def test_the_demo_refuses_a_folder_of_something_else(folder: Path) -> None:
    """A folder with other files in it is left alone."""
    (folder / "holocron-demo").mkdir()
    (folder / "holocron-demo" / "mine.txt").write_text("mine")
    done = run_demo()
    assert done.code == 2
    assert "not the demo's" in done.err
    assert [path.name for path in (folder / "holocron-demo").iterdir()] == ["mine.txt"]
    (folder / "file").write_text("")
    assert call("demo", "file").code == 2


def test_the_demo_says_what_is_missing_before_it_derives(folder: Path) -> None:
    """Without a model nothing is written, and the error says how to name one."""
    done = call("demo", "--model", "gguf:missing.gguf")
    assert done.code == 1
    assert "missing.gguf" in done.err
    assert not (folder / "holocron-demo").exists()


def test_the_demo_is_a_project_of_its_own(folder: Path) -> None:
    """What is set around its folder is not the demo's: one model is set in it, used and told."""
    make_project(folder, answers={"*": "no JSON"})
    script = write_script(folder / "demo.json", {"*": "lies"})
    toml = folder / "holocron-demo" / "holocron.toml"
    done = call("demo", "--model", f"scripted:{script}", "--json")
    assert done.document["model"] == f"scripted:{script}"
    toml.write_text(toml.read_text(encoding="utf-8").replace('"builtin"', '"scripted:own.json"'))
    write_script(toml.parent / "own.json", {"*": "more lies"}, digest="own")
    done = call("demo", "--json")
    own = f"scripted:{toml.parent / 'own.json'}"
    assert done.document["model"] == own
    (row, *_) = call("--project", toml.parent, "jobs", "--json").document
    assert row["model"] == own


def test_what_to_type_next_names_the_demos_database(folder: Path) -> None:
    """A database that was named from here is named in full for the demo's folder."""
    done = call("--database", "other.sqlite", "--project", folder, "demo", "--model", MODEL)
    commands = [line.strip() for line in done.out.splitlines() if line.startswith("  holocron ")]
    place = folder / "other.sqlite"
    assert commands[0] == f"holocron --database {place} show archive/mara-veen.txt"
    assert f"holocron --database {place} retry --model {MODEL}\n" in done.out


def test_a_model_that_is_never_believed_still_ends_well(folder: Path) -> None:
    """Where nothing is accepted there are no rows to show, and the jobs say why."""
    (folder / "lies.json").write_text('{"*": "no JSON"}', encoding="utf-8")
    done = call("demo", "--model", f"scripted:{folder / 'lies.json'}")
    assert done.code == 3
    assert "42 rejected" in done.out
    assert done.out.splitlines()[-1] == "  holocron jobs"
