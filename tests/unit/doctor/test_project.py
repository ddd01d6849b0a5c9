from __future__ import annotations

from pathlib import Path

import pytest

from cli_calls import make_project, write_derivation
from holocron.doctor import Cause, Health
from holocron.doctor.project import check_windows, examine_project, load_questions


def estimate(text: str) -> int:
    """Take three bytes for a token."""
    return len(text.encode()) // 3


def test_a_sound_project_is_well(tmp_path: Path) -> None:
    """The folder, its derivations and their evidence are named."""
    make_project(tmp_path)
    found = list(examine_project(tmp_path, is_marked=True))
    assert [(one.check, one.health) for one in found] == [
        ("project", Health.OK),
        ("derivations", Health.OK),
        ("evidence", Health.OK),
    ]


def test_an_empty_folder_has_two_warnings(tmp_path: Path) -> None:
    """No holocron.toml and no derivation stop nothing: a worker needs neither."""
    found = list(examine_project(tmp_path, is_marked=False))
    assert [one.cause for one in found] == [Cause.PROJECT_MISSING, Cause.DERIVATIONS_MISSING]
    assert all("holocron init" in one.mend for one in found)


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        pytest.param({"contract": {"type": "string"}}, "contract", id="contract"),
        pytest.param({"options": {"repairs": -1}}, "repairs", id="option"),
        pytest.param({"name": "ships__"}, "both define", id="two-of-a-name"),
    ],
)
def test_each_bad_derivation_is_named(tmp_path: Path, keys: dict[str, object], word: str) -> None:
    """Every file that cannot be used is an error of its own; the good ones are looked at all the same."""
    make_project(tmp_path)
    if word == "both define":
        folder = tmp_path / "derivations"
        (folder / "copy.yaml").write_bytes((folder / "ship_facts.yaml").read_bytes())
    else:
        write_derivation(tmp_path, "broken_one", **keys)  # type: ignore[arg-type]  # a table of bad keys
        write_derivation(tmp_path, "broken_two", **keys)  # type: ignore[arg-type]  # a table of bad keys
    found = list(examine_project(tmp_path, is_marked=True))
    bad = [one for one in found if one.cause is Cause.DERIVATION_INVALID]
    assert len(bad) == (1 if word == "both define" else 2)
    assert all(word in one.sentence and one.mend for one in bad)
    assert all(one.health is Health.ERROR for one in bad)
    assert found[-1].check == "evidence"


@pytest.mark.parametrize("pattern", ["nowhere/*.txt", "nowhere/one.txt", "nowhere"])
def test_missing_evidence_is_a_warning_with_its_pattern(tmp_path: Path, pattern: str) -> None:
    """A glob, a file and a folder that are not there are told before a run."""
    make_project(tmp_path)
    write_derivation(tmp_path, evidence=["ships/*", pattern])
    (found,) = [one for one in examine_project(tmp_path, is_marked=True) if one.check == "evidence"]
    assert (found.health, found.cause) == (Health.WARNING, Cause.EVIDENCE_MISSING)
    assert "nowhere" in found.sentence


@pytest.mark.parametrize(
    ("window", "trained", "health", "word"),
    [
        pytest.param(8192, 8192, Health.OK, "leaves", id="enough"),
        pytest.param(1024, 8192, Health.WARNING, "in part", id="tight"),
        pytest.param(256, 8192, Health.ERROR, "too small", id="too-small"),
        pytest.param(256, 256, Health.ERROR, "too small", id="of-a-small-model"),
        pytest.param(256, 0, Health.ERROR, "too small", id="unknown-training"),
    ],
)
def test_the_window_must_hold_question_answer_and_evidence(
    tmp_path: Path, window: int, trained: int, health: Health, word: str
) -> None:
    """A window that leaves nothing for evidence is an error, one that leaves little a warning."""
    make_project(tmp_path)
    write_derivation(tmp_path, instructions="Facts about a ship. " * 15)
    questions, _ = load_questions(tmp_path)
    (found,) = check_windows(questions, window, trained=trained, estimate=estimate)
    assert (found.health, found.cause) == (health, None if health is Health.OK else Cause.WINDOW_SMALL)
    assert word in found.sentence
    assert "ship_facts" in found.sentence
    if health is not Health.OK:
        assert ("HOLOCRON_CONTEXT_TOKENS=" in found.mend) == (trained != 256)


def test_without_derivations_the_window_is_only_said() -> None:
    """Where nothing is asked, any window will do."""
    (found,) = check_windows([], 4096, trained=0, estimate=estimate)
    assert found.health is Health.OK
