from __future__ import annotations

from pathlib import Path

import pytest

from factories import make_derivation
from holocron.cli.project import choose_derivations, name_subject, read_evidence, show_database
from holocron.errors import UsageError
from holocron.settings import Settings

CATALOGUE = {name: make_derivation(name=name) for name in ("ships", "ports")}


def test_no_name_means_every_derivation() -> None:
    """`holocron derive` runs all of them, one name just that one."""
    assert [made.name for made in choose_derivations(CATALOGUE, None)] == ["ships", "ports"]
    assert [made.name for made in choose_derivations(CATALOGUE, "ports")] == ["ports"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    """A misspelt name is answered with the names there are."""
    with pytest.raises(UsageError, match="'shops'") as caught:
        choose_derivations(CATALOGUE, "shops")
    assert caught.value.hint == "Did you mean 'ships'? The derivations are: ships, ports."
    with pytest.raises(UsageError) as caught:
        choose_derivations(CATALOGUE, "unlike")
    assert caught.value.hint == "The derivations are: ships, ports."


def test_a_path_in_place_of_a_name_is_understood(tmp_path: Path) -> None:
    """Who forgets the name is told the whole command."""
    with pytest.raises(UsageError, match="is a path") as caught:
        choose_derivations(CATALOGUE, str(tmp_path))
    assert caught.value.hint == f"Type: holocron derive ships {tmp_path}"


def test_evidence_must_be_named_somewhere(tmp_path: Path) -> None:
    """A derivation without globs needs a path."""
    with pytest.raises(UsageError, match="names no evidence"):
        read_evidence(make_derivation(), (), tmp_path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@db.example/facts", "postgresql://db.example/facts"),
        ("postgresql://db.example/facts", "postgresql://db.example/facts"),
        ("postgresql://me:se?cret@db.example:5/facts?password=se@cret", "postgresql://…"),
        ("postgresql://[::1]:5/f%20s?password=se%40cret", "postgresql://[::1]:5/f s"),
        ("postgresql://db.example:5/facts?password=se@cret", "postgresql://…"),
        ("postgresql://me:pw@secret@db.example/facts", "postgresql://…"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
    ],
)
def test_a_database_is_shown_without_its_password(tmp_path: Path, url: str, shown: str) -> None:
    """A secret is never printed."""
    assert show_database(Settings(root=tmp_path, database_url=url, model="builtin")) == shown


def test_a_path_names_its_files_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a subfolder, a file's name is enough; what is no file is the subject itself."""
    (tmp_path / "ships").mkdir()
    (tmp_path / "ships" / "1.txt").write_text("x")
    monkeypatch.chdir(tmp_path / "ships")
    assert name_subject("1.txt", tmp_path) == "ships/1.txt"
    assert name_subject("ships/1.txt", tmp_path) == "ships/1.txt"
    assert name_subject("Nils Orrin", tmp_path) == "Nils Orrin"


def test_a_name_that_is_not_utf_8_is_written_out() -> None:
    """What a shell completes is the subject that the evidence got, and no sign that a database refuses."""
    assert name_subject("n\udcff.txt", Path.cwd()) == "n\\xff.txt"


def test_a_subject_need_not_be_able_to_be_a_file(tmp_path: Path) -> None:
    """A name that is longer than any file's is a subject all the same."""
    assert name_subject("long " * 100, tmp_path) == "long " * 100
