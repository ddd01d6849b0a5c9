from __future__ import annotations

from pathlib import Path

import pytest

from holocron.cli.packaged import copy_packaged, list_packaged
from holocron.derivation.catalogue import load_catalogue
from holocron.errors import HolocronError
from holocron.pipeline import Question
from holocron.settings import Settings


@pytest.mark.parametrize("name", ["new_project", "demo_project"])
def test_a_packaged_project_is_a_project(tmp_path: Path, name: str) -> None:
    """What is copied has settings that load and a derivation that is ready to be asked."""
    outcome = copy_packaged(name, tmp_path)
    assert set(outcome.written) == set(list_packaged(name))
    settings = Settings.load(tmp_path, environment={})
    catalogue = load_catalogue(settings.root)
    assert list(catalogue) == ["entity_facts"]
    assert Question.prepare(catalogue["entity_facts"])


def test_the_settings_that_are_commented_out_are_the_ones_there_are(tmp_path: Path) -> None:
    """Every commented key of a new project's holocron.toml can be used when the mark is taken away."""
    copy_packaged("new_project", tmp_path)
    path = tmp_path / "holocron.toml"
    lines = [line.removeprefix("# ") for line in path.read_text().splitlines() if " = " in line]
    path.write_text("\n".join(lines))
    assert Settings.load(tmp_path, environment={}).slots == 4


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    """A copy never overwrites, and says what it kept."""
    (tmp_path / "holocron.toml").write_text("# mine")
    outcome = copy_packaged("new_project", tmp_path)
    assert outcome.kept == ("holocron.toml",)
    assert (tmp_path / "holocron.toml").read_text() == "# mine"
    assert copy_packaged("new_project", tmp_path).written == ()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Where a folder cannot be made, the error names it."""
    (tmp_path / "file").write_text("")
    with pytest.raises(HolocronError, match="file"):
        copy_packaged("new_project", tmp_path / "file" / "below")
