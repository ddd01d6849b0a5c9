from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from holocron.cli.model_rows import ModelFile, list_files, show_end
from holocron.settings import Settings
from tiny_gguf import write_tiny_gguf

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("expires_at", "text"),
    [
        ("2026-01-01T00:05:00.123456789Z", "5 min from now"),
        ("2026-01-01T01:00:30+01:00", "30 s from now"),
        ("2318-01-01T00:00:00Z", "forever"),
        ("2025-12-31T23:59:59Z", "stopping"),
        ("0001-01-01T00:00:00Z", "stopping"),
        ("2026-01-01T00:05:00", "2026-01-01T00:05:00"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_the_end_of_a_models_stay_reads_as_people_say_it(expires_at: str, text: str) -> None:
    """A time with nanoseconds or a zone is a span from now; what is no time is shown as it is."""
    assert show_end(expires_at, NOW) == text


def test_a_file_that_is_set_by_its_home_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` in the name is the user's home folder, as where the model is opened."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_tiny_gguf(tmp_path / "x.gguf")
    settings = Settings(root=tmp_path, database_url="sqlite:///x", model="gguf:~/x.gguf")
    file = list_files(settings)[-1]
    assert (file.name, file.architecture, file.problem) == ("gguf:~/x.gguf", "llama", "")


def test_why_a_file_cannot_be_used_has_a_place_of_its_own(tmp_path: Path) -> None:
    """Scripts find the reason under `problem`; a person sees it in the row."""
    settings = Settings(root=tmp_path, database_url="sqlite:///x", model="gguf:nowhere.gguf")
    file = list_files(settings)[-1]
    assert (file.architecture, "nowhere.gguf" in file.problem) == ("", True)
    assert file.to_json() == {
        "name": "gguf:nowhere.gguf",
        "size": "",
        "architecture": "",
        "window": "",
        "problem": file.problem,
    }
    assert file.to_row() == ("gguf:nowhere.gguf", "", file.problem, "")
    assert ModelFile(name="x", architecture="llama").to_row() == ("x", "", "llama", "")
