from __future__ import annotations

from pathlib import Path

import pytest

from holocron.cli.given import Given


@pytest.mark.parametrize(
    ("given", "command"),
    [
        pytest.param(Given(), "holocron jobs", id="nothing"),
        pytest.param(Given(project=Path("a b")), 'holocron --project "a b" jobs', id="project"),
        pytest.param(Given(database="x.sqlite"), "holocron --database x.sqlite jobs", id="path"),
        pytest.param(
            Given(database="sqlite:///x.sqlite"), "holocron --database sqlite:///x.sqlite jobs", id="file"
        ),
        pytest.param(
            Given(database="postgresql://db.example/x"),
            "holocron --database postgresql://db.example/x jobs",
            id="server",
        ),
        pytest.param(
            Given(database="postgresql://me:S3CRET@db.example/x"),
            "holocron --database URL jobs",
            id="password",
        ),
        pytest.param(
            Given(database="mssql://db.example/x?password=S3CRET"),
            "holocron --database URL jobs",
            id="option",
        ),
        pytest.param(
            Given(database="postgresql://me:S3@CRET@db.example/x"),
            "holocron --database URL jobs",
            id="bare @",
        ),
        pytest.param(Given(model="builtin"), "holocron jobs", id="a model is for work alone"),
    ],
)
def test_the_next_command_looks_where_this_one_did(given: Given, command: str) -> None:
    """Project and database are named again as they were; a password never is."""
    assert given.name_command("jobs") == command


def test_the_next_work_is_done_with_the_same_model() -> None:
    """A command's own model goes before the global one."""
    given = Given(project=Path("p"), model="builtin")
    assert given.name_work("worker") == "holocron --project p worker --model builtin"
    assert given.name_work("worker", "gguf:a b") == 'holocron --project p worker --model "gguf:a b"'
    assert Given().name_work("worker") == "holocron worker"
