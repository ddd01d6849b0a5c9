from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from cli_calls import call, make_project, write_derivation, write_script, write_ship
from factories import ship_value

#: a script whose answer about one ship names a port that its evidence does not
WRONG = {"cite": [1, 2, 3], **ship_value(2), "port": "Nowhere"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project of three ships, entered."""
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


@pytest.fixture
def derived(project: Path) -> Path:
    """Return the project with its three ships derived."""
    assert call("derive").code == 0
    return project


@pytest.fixture
def rejected(project: Path) -> Path:
    """Return the project with the second of its three ships rejected."""
    answers = {f"ships/{n}.txt": {"cite": [1, 2, 3], **ship_value(n)} for n in (1, 3)}
    write_script(project / "script.json", answers | {"ships/2.txt": WRONG})
    assert call("derive").code == 3
    return project


def test_init_makes_a_project_that_derives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new project runs as it is, once it has a model; a second init keeps everything."""
    monkeypatch.chdir(tmp_path)
    done = call("init", "mine")
    assert done.code == 0
    assert "cd mine" in done.out
    script = write_script(
        tmp_path / "s.json",
        {"*": {"cite": [1], "name": "Grey Tern", "kind": "ship", "home": None, "year": None, "journeys": []}},
    )
    done = call("--project", "mine", "--model", f"scripted:{script}", "derive", "--json")
    assert (done.code, done.document["derivations"][0]["accepted"]) == (0, 1)
    again = call("init", "mine")
    assert again.code == 0
    assert "made" not in again.out
    assert again.out.count("kept") == 3


def test_derive_accepts_and_then_has_nothing_to_do(project: Path) -> None:
    """Everything is accepted with exit code 0; unchanged evidence is not asked about again."""
    done = call("derive", "--json")
    assert done.code == 0
    (entry,) = done.document["derivations"]
    assert {key: entry[key] for key in ("derivation", "subjects", "accepted", "rejected", "open")} == {
        "derivation": "ship_facts", "subjects": 3, "accepted": 3, "rejected": 0, "open": 0,
    }  # fmt: skip
    assert done.document["database"] == str(project / ".holocron" / "holocron.sqlite")
    assert done.document["exit_code"] == 0
    # a model that knows nothing shows that it is not asked
    write_script(project / "script.json", {})
    again = call("derive", "ship_facts")
    assert again.code == 0
    assert "3 subjects: 3 accepted; 3 unchanged, so not asked again." in again.out


def test_a_changed_file_is_derived_alone(derived: Path) -> None:
    """A changed file supersedes its own subject's row; --force asks about all again."""
    write_ship(derived, 2, port="Belmar")
    done = call("derive", "--json")
    assert done.document["derivations"][0]["unchanged"] == 2
    rows = call("export", "ship_facts").out.splitlines()
    assert [row.split(",")[2] for row in rows[1:]] == ["Arven", "Belmar", "Arven"]
    assert call("derive", "--force", "--json").document["derivations"][0]["unchanged"] == 0


def test_paths_are_those_of_the_working_folder(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, folders and globs are found from where the command is typed; subjects from the project."""
    monkeypatch.chdir(project / "ships")
    assert call("derive", "ship_facts", "1.txt", "[23].txt").code == 0
    subjects = {job["subject"] for job in call("jobs", "--json").document}
    assert subjects == {"ships/1.txt", "ships/2.txt", "ships/3.txt"}


def test_without_a_name_every_derivation_runs(project: Path) -> None:
    """`holocron derive` answers every question of the project, and `status` counts each."""
    write_derivation(project, "ship_names", evidence=["ships/1.txt"])
    done = call("derive", "--json")
    assert [entry["derivation"] for entry in done.document["derivations"]] == ["ship_facts", "ship_names"]
    counts = call("status", "--json").document["derivations"]
    assert [counts[name]["accepted"] for name in counts] == [3, 1]
    assert len(call("show", "ships/1.txt", "--json").document) == 2
    assert len(call("show", "ships/1.txt", "--derivation", "ship_names", "--json").document) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence", "hint"),
    [
        pytest.param(["ships"], "is a path", "holocron derive ship_facts ships", id="path-first"),
        pytest.param(["boats"], "no derivation 'boats'", "ship_facts", id="unknown-name"),
    ],
)
def test_a_wrong_name_is_usage(project: Path, arguments: list[str], sentence: str, hint: str) -> None:
    """What is no derivation is told so with exit code 2."""
    done = call("derive", *arguments)
    assert done.code == 2
    assert sentence in done.err
    assert hint in done.err


def test_a_terminal_gets_a_bar_that_is_gone_at_the_end(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal progress is a bar; on one that cannot draw, plain lines."""
    monkeypatch.setenv("TERM", "xterm")
    done = call("derive", terminal=True)
    assert (done.code, "3 of 3 done" in done.err, "\x1b[" in done.err) == (0, True, True)
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b[" not in call("derive", "--force", terminal=True).err


def test_rejections_are_named_and_explained(rejected: Path) -> None:
    """Exit code 3 comes with the subject, the first finding and the command that shows more."""
    done = call("derive", "--force")
    assert done.code == 3
    assert "rejected: ships/2.txt: /port: 'Nowhere' does not stand in lines 1, 2, 3." in done.out
    assert "holocron jobs --status rejected" in done.out
    (job,) = call("jobs", "--status", "rejected", "--json").document
    assert (job["subject"], job["why"]) == (
        "ships/2.txt", "/port: 'Nowhere' does not stand in lines 1, 2, 3.",
    )  # fmt: skip
    table = call("jobs", "ship_facts", "--limit", "2")
    assert len(table.out.splitlines()) == 3
    assert "and more" in table.err
    assert call("jobs", "--status", "failed").out == "There is no such job.\n"


def test_an_unchanged_rejection_still_counts(rejected: Path) -> None:
    """A second run does not ask again, and does not call the project done either."""
    done = call("derive")
    assert done.code == 3
    assert "3 unchanged" in done.out
    assert "holocron retry" in done.out


def test_retry_works_rejected_jobs_again(rejected: Path) -> None:
    """What was rejected is put back and worked; where nothing is left, that is said."""
    assert call("retry").code == 3
    assert call("retry", "--status", "failed").out == "There is nothing to try again.\n"
    write_script(rejected / "script.json")
    done = call("retry", "ship_facts", "--json")
    assert done.code == 0
    assert done.document["derivations"][0]["accepted"] == 1
    assert "nothing to try again" in call("retry").out


def test_retry_leaves_other_models_alone(rejected: Path) -> None:
    """A rejected job is its own model's; whose it is and the whole command are told to another one."""
    write_script(rejected / "other.json", digest="other")
    done = call("retry", "--model", f"scripted:{rejected / 'other.json'}")
    assert done.code == 0
    own = f"scripted:{rejected / 'script.json'}"
    assert f"1 job of ship_facts, of another model: holocron retry --model {own}\n" in done.out
    write_derivation(rejected, instructions="Other facts about a ship.")
    assert (
        "1 job of ship_facts, of an older question or other weights: holocron derive\n" in call("retry").out
    )
    (rejected / "derivations" / "ship_facts.yaml").unlink()
    write_derivation(rejected, "ship_names")
    assert "1 job of ship_facts, which is not in this project\n" in call("retry").out


@pytest.mark.parametrize("is_global", [False, True], ids=["own", "global"])
def test_what_to_type_next_names_the_model_that_was_named(project: Path, is_global: bool) -> None:
    """A command that is copied from the output goes on with the same model."""
    write_script(project / "other.json", {"*": WRONG}, digest="other")
    named = ["--model", "scripted:other.json"]
    before, after = (named, []) if is_global else ([], named)
    done = call(*before, "enqueue", *after)
    assert "holocron worker --model scripted:other.json\n" in done.out
    assert "holocron worker --until-empty --model scripted:other.json" in call("show", "ships/1.txt").err
    done = call(*before, "derive", *after)
    assert "Work them again: holocron retry --model scripted:other.json\n" in done.out
    done = call(*before, "retry", *after)
    assert "Work them again: holocron retry --model scripted:other.json\n" in done.out
    assert "holocron retry ship_facts --model scripted:other.json" in call("show", "ships/1.txt").err
    assert "Work them again: holocron retry\n" in call("derive", "--force", *_set_model(project)).out


def test_what_to_type_next_looks_in_the_same_place(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From elsewhere, a command that is copied from the output names the project and the database again."""
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    write_script(project / "script.json", {"*": WRONG})
    named = ["--project", str(project), "--database", "other.sqlite"]
    typed = f"holocron --project {project} --database other.sqlite"
    assert f"Work them: {typed} worker\n" in call(*named, "enqueue").out
    derived = call(*named, "derive").out
    assert f"Look at them: {typed} jobs --status rejected. Work them again: {typed} retry\n" in derived
    assert "3 rejected" in call(*named, "retry").out


def _set_model(project: Path) -> list[str]:
    """Let the project's own model be wrong too; nothing is named on the command line."""
    write_script(project / "script.json", {"*": WRONG})
    return []


@pytest.mark.parametrize(
    "arguments",
    [
        ["cancel", "ship_fact"],
        ["pause", "ship_fact"],
        ["pause", "ship_fact", "--off"],
        ["jobs", "ship_fact"],
        ["retry", "ship_fact"],
        ["derive", "ship_fact"],
        ["enqueue", "ship_fact"],
        ["export", "ship_fact"],
        ["show", "ships/1.txt", "--derivation", "ship_fact"],
        ["why", "ships/1.txt", "/name", "--derivation", "ship_fact"],
    ],
    ids=" ".join,
)
def test_every_command_knows_a_name_that_was_misspelt(derived: Path, arguments: list[str]) -> None:
    """Exit code 2, the name that was meant, and the names there are."""
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "no derivation 'ship_fact'" in done.err
    assert "Did you mean 'ship_facts'?" in done.err


def test_a_subject_without_a_job_is_told(derived: Path) -> None:
    """To cancel what is not there is a slip; to cancel what is done cancels nothing."""
    done = call("cancel", "ship_facts", "ships/11.txt")
    assert (done.code, done.out) == (2, "")
    assert "'ship_facts' has no job about 'ships/11.txt'" in done.err
    assert "Did you mean 'ships/1.txt'?" in done.err
    done = call("cancel", "ship_facts", "ships/1.txt")
    assert (done.code, done.out) == (0, "0 open jobs cancelled.\n")
    assert "Did you mean 'ships/1.txt'?" in call("show", "ships/11.txt").err


@pytest.mark.parametrize(
    "arguments",
    [["--database", "", "derive"], ["--model", "", "derive"], ["derive", "--model", " "]],
    ids=["database", "model", "own model"],
)
def test_an_option_that_says_nothing_is_usage(project: Path, arguments: list[str]) -> None:
    """An unset variable in a script is not taken for the default: nothing is made."""
    done = call(*arguments)
    assert done.code == 2
    assert "it is empty; leave the option out" in done.err
    assert not (project / ".holocron").exists()


def test_what_was_read_in_part_is_said_once(project: Path) -> None:
    """Evidence beyond the window is told after the counts, and stays out of JSON."""
    (project / "ships" / "1.txt").write_text("The ship Vessel 1 was built. " * 2000)
    done = call("derive", "--force")
    assert done.out.count("Read in part: 1 of them") == 1
    assert call("derive", "--force", "--json").document["derivations"][0]["subjects"] == 3


def test_status_says_where_everything_is(project: Path) -> None:
    """Before the first run nothing is made; afterwards the jobs are counted."""
    before = call("status")
    assert before.code == 0
    assert "not made yet" in before.out
    assert not (project / ".holocron").exists()
    assert call("derive").code == 0
    after = call("status")
    assert after.out.splitlines()[-1].split() == ["ship_facts", "0", "0", "3", "0", "0"]
    document = call("status", "--json").document
    assert document["project"] == str(project)
    assert document["model"].startswith("scripted:")


def test_show_prints_values_with_their_quotes(derived: Path) -> None:
    """Each value comes with its grounding, its place and the words that it stands on."""
    done = call("show", "ships/1.txt")
    assert done.code == 0
    assert "/port: Arven  (verbatim)" in done.out
    assert "“Its home port is Arven on the inner sea.”" in done.out
    (artifact,) = call("show", "ships/1.txt", "--json").document
    assert artifact["value"] == ship_value(1)
    port = next(claim for claim in artifact["claims"] if claim["pointer"] == "/port")
    (citation,) = port["citations"]
    text = (derived / "ships" / "1.txt").read_text(encoding="utf-8")
    assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_an_unknown_or_rejected_subject_is_told_apart(rejected: Path) -> None:
    """Nothing derived and nothing accepted are two answers."""
    assert "nothing was derived about 'ships/9.txt'" in call("show", "ships/9.txt").err
    for arguments in (["show", "ships/2.txt"], ["why", "ships/2.txt", "port"]):
        done = call(*arguments)
        assert done.code == 2
        assert "was rejected: /port: 'Nowhere'" in done.err


def test_an_answer_that_waits_for_its_successor_says_so(derived: Path) -> None:
    """A subject whose changed evidence was rejected still shows its last answer, and that it is old."""
    write_ship(derived, 1, port="Belmar")
    write_script(derived / "script.json", {"*": WRONG})
    assert call("derive").code == 3
    done = call("show", "ships/1.txt")
    assert "Arven" in done.out
    assert "A newer answer is wanted; its job is rejected." in done.out


def test_why_walks_back_to_span_prompt_and_model(derived: Path) -> None:
    """A value is followed to its characters, hashes, model, manifest and prompt."""
    done = call("why", "ships/1.txt", "port", "--prompt")
    assert done.code == 0
    assert "»Its home port is Arven on the inner sea.« It was launched" in done.out
    assert "the same as the one that was asked" in done.out
    assert "[2] Its home port is Arven on the inner sea." in done.out
    document = call("why", "ships/1.txt", "/port", "--json").document
    assert document["claim"]["value"] == "Arven"
    assert document["manifest"]["model"]["engine"] == "scripted"
    assert document["prompt_matches"] is True
    assert "prompt" not in document


def test_why_of_a_value_that_is_not_there_lists_those_that_are(derived: Path) -> None:
    """A wrong pointer is answered with the right ones."""
    done = call("why", "ships/1.txt", "/harbour")
    assert done.code == 2
    assert "/name, /port, /launched" in done.err


def test_verify_finds_a_changed_store(derived: Path) -> None:
    """What holds is counted; the first lie is named with exit code 1."""
    done = call("verify", "--json")
    assert (done.code, done.document["lie"]) == (0, None)
    assert done.document["checked"] > 9
    assert "true of the evidence" in call("verify").out
    with sqlite3.connect(derived / ".holocron" / "holocron.sqlite") as connection:
        connection.execute("UPDATE holocron_content SET text = replace(text, 'Arven', 'Zoran')")
    connection.close()
    done = call("verify")
    assert done.code == 1
    assert done.out.startswith("A lie")
    assert call("verify", "--json").document["lie"]["sentence"]


@pytest.fixture
def voyages(project: Path) -> Path:
    """Return a project whose answers have an array of objects."""
    contract = {
        "type": "object",
        "required": ["name", "stops"],
        "properties": {
            "name": {"type": "string"},
            "stops": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["port", "seen"],
                    "properties": {"port": {"type": "string"}, "seen": {"type": "boolean"}},
                },
            },
        },
    }
    write_derivation(project, contract=contract)
    stops = [{"cite": [2], "port": "Arven", "seen": True}, {"cite": [2], "port": "inner sea", "seen": False}]
    answers = {f"ships/{n}.txt": {"cite": [1], "name": f"Vessel {n}", "stops": stops} for n in (1, 2, 3)}
    write_script(project / "script.json", answers)
    assert call("derive").code == 0
    return project


def test_export_writes_rows_and_child_rows(voyages: Path) -> None:
    """CSV has the view's columns; --table takes the rows of an array; JSONL has whole answers."""
    rows = list(csv.DictReader(call("export", "ship_facts").out.splitlines()))
    assert [row["name"] for row in rows] == ["Vessel 1", "Vessel 2", "Vessel 3"]
    rows = list(csv.DictReader(call("export", "ship_facts", "--table", "stops").out.splitlines()))
    assert [(row["subject"], row["row_number"], row["port"], row["seen"]) for row in rows[:2]] == [
        ("ships/1.txt", "1", "Arven", "true"),
        ("ships/1.txt", "2", "inner sea", "false"),
    ]
    lines = call("export", "ship_facts", "--format", "jsonl").out.splitlines()
    first = json.loads(lines[0])
    assert first["subject"] == "ships/1.txt"
    assert [stop["port"] for stop in first["value"]["stops"]] == ["Arven", "inner sea"]
    child = call("export", "ship_facts", "--format", "jsonl", "--table", "ship_facts_stops").out
    assert json.loads(child.splitlines()[0])["seen"] is True


def test_export_writes_parquet(voyages: Path) -> None:
    """A Parquet file has the same rows, with types."""
    pq = pytest.importorskip("pyarrow.parquet")
    done = call("export", "ship_facts", "--format", "parquet", "--table", "stops", "-o", "stops.parquet")
    assert (done.code, done.err) == (0, "6 rows in stops.parquet\n")
    table = pq.read_table(voyages / "stops.parquet")
    assert table.column("seen").to_pylist() == [True, False] * 3


def test_export_replaces_a_file_as_a_whole(derived: Path) -> None:
    """An export that fails leaves what was there, and nothing beside it; a device is written to."""
    target = derived / "out" / "facts.csv"
    target.parent.mkdir()
    target.write_text("old")
    assert call("export", "nothing", "--output", target).code == 2
    assert target.read_text() == "old"
    assert call("export", "ship_facts", "--output", target).code == 0
    assert len(target.read_text().splitlines()) == 4
    assert [path.name for path in target.parent.iterdir()] == ["facts.csv"]
    done = call("export", "ship_facts", "--output", derived / "missing" / "facts.csv")
    assert done.code == 1
    assert "cannot be written" in done.err
    assert "a folder that is there" in done.err
    for place in (target / "below.csv", target.with_name("x" * 300), target.parent):
        done = call("export", "ship_facts", "--output", place)
        assert done.code == 1
        assert "cannot be written" in done.err


def test_export_to_a_terminal_cannot_control_it(project: Path) -> None:
    """A file gets values as they are; a terminal gets controls written out, and no binary at all."""
    (project / "ships" / "1.txt").write_text("The ship Vessel 1 was\x1b[2J here. It is \x1b[7mthere.")
    contract = {"type": "object", "required": ["what"], "properties": {"what": {"type": "string"}}}
    write_derivation(project, contract=contract, evidence=["ships/1.txt"])
    write_script(project / "script.json", {"*": {"cite": [1], "what": "was\x1b[2J here"}})
    assert call("derive").code == 0
    for form in ("csv", "jsonl"):
        assert "\x1b" not in call("export", "ship_facts", "--format", form, terminal=True).out
    assert "was\x1b[2J here" in call("export", "ship_facts").out
    done = call("export", "ship_facts", "--format", "parquet", terminal=True)
    assert done.code == 2
    assert "--output" in done.err


def test_export_names_the_tables_there_are(voyages: Path) -> None:
    """A wrong table is answered with the right ones."""
    done = call("export", "ship_facts", "--table", "cargo")
    assert done.code == 2
    assert "The views are ship_facts, ship_facts_stops." in done.err


def test_a_contract_that_was_edited_and_not_derived_is_no_trouble(derived: Path) -> None:
    """Exports show what the database has, whatever the YAML file says by now."""
    write_derivation(
        derived,
        contract={"type": "object", "required": ["crew"], "properties": {"crew": {"type": "integer"}}},
    )
    assert "Arven" in call("export", "ship_facts").out


def test_the_project_is_found_upwards_or_named(
    derived: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command works from a subfolder, and from elsewhere with --project."""
    monkeypatch.chdir(derived / "ships")
    assert call("status", "--json").document["project"] == str(derived)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert call("--project", derived, "show", "ships/1.txt").code == 0


def test_a_database_can_be_named(project: Path) -> None:
    """--database goes before the settings; the project's own place stays empty."""
    url = f"sqlite:///{(project / 'other.sqlite').as_posix()}"
    assert call("--database", url, "derive").code == 0
    assert (project / "other.sqlite").exists()
    assert not (project / ".holocron").exists()
    shutil.rmtree(project / "ships")
    assert call("--database", url, "show", "ships/1.txt").code == 0
