from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from pathlib import Path

import psycopg
import pytest
import sqlglot

from cli_calls import call
from documents import Block, list_documents, read_document, split_commands
from ollama_server import Installed, OllamaServer, Pull

#: what a good model says about the evidence of a new project
ANSWERS = {
    "evidence/example.md": {
        "cite": [1, 3],
        "name": "Grey Tern",
        "kind": "ship",
        "home": "Ysmouth",
        "year": 1911,
        "journeys": [{"cite": [4], "place": "Karsk", "year": 1923}],
    }
}
#: what it says to the questions of the Python examples, which have other fields
PATTERNS = {
    "$patterns": {
        "name": "Grey Tern|Tern",
        **dict.fromkeys(("launched", "year"), r"(?i:launched (?:in )?)(\d{4})"),
    },
    "archive/vesper.md": {
        "cite": [1],
        "name": "The Vesper",
        "length_m": 34.5,
        "voyages": [{"cite": [2], "port": "Tal", "year": 1921}],
    },
}
VESPER = "The Vesper is a cargo ship of 34.5 m. She reached Tal in 1921.\n"
#: the lines that make an environment: .ci/run runs them in a clean one, and here the packages are there
INSTALLING = re.compile(r"python3 -m venv |pip install ")
# Windows has a bash that starts another system.
BASH = None if sys.platform == "win32" else shutil.which("bash")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder whose path has spaces and letters of several scripts."""
    for name in os.environ:
        if name.startswith("HOLOCRON_"):
            monkeypatch.delenv(name)
    place = tmp_path / "Ihre Akten, größer 資料"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def use_answers(folder: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, object]) -> None:
    """Let the scripted model of these answers be the model."""
    script = folder.parent / "answers.json"
    script.write_text(json.dumps(answers), encoding="utf-8")
    monkeypatch.setenv("HOLOCRON_MODEL", f"scripted:{script}")


def run_here(block: Block, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the commands of a shell block in this process; each must succeed; return what they print."""
    printed = ""
    lines = [line for line in block.text.splitlines() if not INSTALLING.match(line)]
    for words in split_commands("\n".join(lines)):
        match words:
            case ["cd", place]:
                monkeypatch.chdir(place)
            case ["sqlite3", file, query]:
                printed += show_rows(Path(file), query)
            case ["holocron", *arguments]:
                done = call(*arguments)
                assert done.code == 0, (words, done)
                printed += done.out
            case _:
                pytest.fail(f"line {block.line}: nobody runs {' '.join(words)}")
    return printed


def show_rows(file: Path, query: str) -> str:
    """Return rows as the program sqlite3 prints them."""
    assert file.is_file()
    connection = sqlite3.connect(file)
    try:
        return "".join("|".join(map(str, row)) + "\n" for row in connection.execute(query))
    finally:
        connection.close()


def test_the_readme_runs_in_a_shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands of "Use it" run as they stand, with the installed program, and end with the row."""
    use_answers(folder, monkeypatch, ANSWERS)
    (block,) = [b for b in read_document("README.md").blocks_of("sh") if b.section == "Use it"]
    if BASH is None:
        printed = run_here(block, monkeypatch)
    else:
        path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        done = subprocess.run(
            [BASH, "-euo", "pipefail", "-c", block.text],
            env={**os.environ, "PATH": path},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        printed = done.stdout
    assert "In 1923 she sailed to Karsk." in printed
    assert "All are true of the evidence." in printed
    assert printed.endswith("evidence/example.md,Grey Tern,ship,Ysmouth,1911,1\n")


def test_the_quickstart_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every shell block of the quickstart runs in its order, and the files that it promises are there."""
    use_answers(folder, monkeypatch, ANSWERS)
    blocks = read_document("docs/quickstart.md").blocks_of("sh")
    assert [block.section[:2] for block in blocks] == ["1.", "2.", "3.", "4.", "5."]
    printed = [run_here(block, monkeypatch) for block in blocks]
    assert "1 accepted" in printed[2]
    assert printed[4] == "evidence/example.md|Grey Tern|1911\nevidence/example.md|Karsk|1923\n"
    project = folder / "my-archive"
    assert (project / "facts.csv").read_text(encoding="utf-8").count("\n") == 2
    assert (project / "journeys.csv").read_text(encoding="utf-8").count("\n") == 2
    assert (project / "facts.parquet").read_bytes()[:4] == b"PAR1"
    monkeypatch.chdir(project / "evidence")
    assert call("derive", "entity_facts", "example.md").out.count("1 unchanged") == 1
    assert call("show", "example.md").out in printed[3]


@pytest.mark.parametrize("name", ["docs/quickstart.md", "docs/architecture.md"])
def test_documented_sql_runs(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each SQL block runs on a project's database; quotes by SQL are what `holocron show` prints."""
    use_answers(folder, monkeypatch, ANSWERS)
    assert call("init").code == call("derive").code == 0
    use_answers(
        folder, monkeypatch, {"*": {"$digest": "another", **ANSWERS["evidence/example.md"], "year": 1900}}
    )
    assert call("derive", "--force").code == 3
    (block,) = read_document(name).blocks_of("sql")
    rows = show_rows(folder / ".holocron" / "holocron.sqlite", block.text)
    if name == "docs/quickstart.md":
        assert "1900 does not stand in" in rows
        return
    shown = call("show", "evidence/example.md", "--json").document[0]
    for claim in shown["claims"]:
        for citation in claim["citations"]:
            assert f"|{claim['pointer']}|{json.dumps(claim['value'])}|" in rows
            assert f"|evidence/example.md|{citation['quote']}\n" in rows


@pytest.mark.parametrize("name", ["README.md", "docs/quickstart.md", "docs/derivations.md", "docs/python.md"])
def test_documented_python_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """The Python blocks of a page run in their order, and print the lines behind `# ->`, and no others."""
    pytest.importorskip("pyarrow")
    use_answers(folder, monkeypatch, PATTERNS)
    assert call("init").code == 0
    (folder / "archive").mkdir()
    (folder / "archive" / "vesper.md").write_text(VESPER, encoding="utf-8")
    names: dict[str, object] = {"__name__": "documented"}
    blocks = read_document(name).blocks_of("python")
    assert blocks
    for block in blocks:
        if "to_pandas" in block.text and importlib.util.find_spec("pandas") is None:
            continue
        code = compile(block.text, f"{name}, line {block.line}", "exec", dont_inherit=True)
        exec(code, names)  # noqa: S102 - our own documents
        expected = re.findall(r"^ *# -> (.*)$", block.text, re.MULTILINE)
        assert [line.strip() for line in capsys.readouterr().out.splitlines()] == expected, (
            f"line {block.line}"
        )


def test_the_commands_about_models_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell blocks of docs/models.md and docs/doctor.md succeed against a scripted Ollama."""
    use_answers(folder, monkeypatch, ANSWERS)
    assert call("init").code == 0
    monkeypatch.setenv("HOLOCRON_IN_CONTAINER", "0")
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    with OllamaServer(pullable={"llama3.2:latest": Pull()}) as server:
        monkeypatch.setenv("OLLAMA_HOST_BASE_URL", server.url)
        (models,) = read_document("docs/models.md").blocks_of("sh")
        assert "llama3.2:latest is deleted" in run_here(models, monkeypatch)
        server.models["llama3.2:latest"] = Installed()
        (doctor,) = read_document("docs/doctor.md").blocks_of("sh")
        assert "0 errors, 0 warnings." in run_here(doctor, monkeypatch)


def test_the_commands_about_ollama_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell block of docs/llm/ollama.md derives through a scripted Ollama."""
    use_answers(folder, monkeypatch, ANSWERS)
    assert call("init").code == 0
    monkeypatch.setenv("HOLOCRON_IN_CONTAINER", "0")
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    answer = json.dumps(ANSWERS["evidence/example.md"])
    with OllamaServer(models={"llama3.2:latest": Installed()}, answer=lambda _: answer) as server:
        monkeypatch.setenv("OLLAMA_HOST_BASE_URL", server.url)
        (block,) = read_document("docs/llm/ollama.md").blocks_of("sh")
        assert "1 accepted" in run_here(block, monkeypatch)


def test_the_statements_about_readers_are_sql() -> None:
    """The statements of docs/databases.md parse as their databases' SQL, and PostgreSQL runs its own."""
    postgres, mssql = read_document("docs/databases.md").blocks_of("sql")
    assert len(sqlglot.parse(postgres.text, dialect="postgres")) == 2
    assert len([part for part in sqlglot.parse(mssql.text, dialect="tsql") if part]) >= 4
    server = os.environ.get("HOLOCRON_TEST_POSTGRES_URL")
    if server is None:
        return
    with psycopg.connect(server) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'holocron_reader'").fetchone()
        if known is None:
            connection.execute("CREATE ROLE holocron_reader NOLOGIN")
        connection.execute(postgres.text.encode())
        connection.rollback()


def test_every_block_that_can_run_is_run() -> None:
    """No other page has blocks to run, but for benchmarks, and the README has none that nobody runs."""
    run = {"README.md", "docs/quickstart.md", "docs/derivations.md", "docs/python.md", "docs/architecture.md"}
    run |= {"docs/models.md", "docs/doctor.md", "docs/llm/ollama.md", "docs/databases.md"}
    for name in set(list_documents()) - run:
        for block in read_document(name).blocks_of("sh", "sql", "python"):
            assert block.language == "sh", name
            assert all(line.startswith("python -m bench.") for line in block.text.splitlines()), name
    document = read_document("README.md")
    for block in document.blocks_of("sh"):
        is_marked = re.search(r"<!-- ci: \w+ -->\n```sh\n" + re.escape(block.text), document.text)
        assert is_marked or block.section == "Use it", f"line {block.line}"
