"""The house style, held by reading the sources: sizes, names, docstrings, and what is imported where."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_SOURCES = sorted((_ROOT / "src").rglob("*.py"))
_TESTS = sorted((_ROOT / "tests").rglob("*.py"))
_BENCHES = sorted((_ROOT / "bench").rglob("*.py"))
_ALL = [*_SOURCES, *_TESTS, *_BENCHES]

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
#: all of them are counted, those that may only be named too; self and cls are not
MAX_PARAMETERS = 6
MAX_MODULE_DOCSTRING_LINES = 6

#: module: why its docstring may be longer
_LONG_DOCSTRINGS = {
    "holocron/errors.py": "the error tree is drawn there",
    "holocron/pipeline.py": "the way through the rooms is drawn there",
    "bench/pipeline.py": "it is what --help says",
}
#: function: why it may take more
_MANY_PARAMETERS = {
    "holocron/work/deriving.py:derive_evidence": "the one door of every surface; all but four are named",
}

_FORBIDDEN_NAMES = frozenset({"utils", "helpers", "common", "misc", "core", "base", "data"})
_POSIX_ONLY = frozenset({"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"})
_WINDOWS_ONLY = frozenset({"msvcrt", "winreg", "winsound", "_winapi"})
_BROAD_EXCEPTS = {
    "holocron/cli/main.py": "the border where a person gets a sentence",
    "holocron/work/worker.py": "the border of a job",
}
_ENVIRONMENT = {
    "holocron/settings.py": "the one reader",
    "holocron/llm/llamacpp.py": "tells OpenMP how to wait, and reads nothing",
}
_MARKED = re.compile(
    r"#\s*(noqa|type:\s*ignore)(?P<codes>:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[^\]]*\])?(?P<rest>.*)"
)


def _name(path: Path) -> str:
    top = _ROOT / "src" if path.is_relative_to(_ROOT / "src") else _ROOT
    return path.relative_to(top).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


every_file = pytest.mark.parametrize("path", _ALL, ids=_name)
every_source = pytest.mark.parametrize("path", _SOURCES, ids=_name)


def test_there_is_something_to_read() -> None:
    """The guards below look at real files."""
    assert len(_SOURCES) > 50
    assert len(_TESTS) > 20


@every_file
def test_files_stay_short(path: Path) -> None:
    """A file stops at 500 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES


@every_file
def test_functions_stay_short(path: Path) -> None:
    """A function stops at 60 lines, with its decorators."""
    long = {
        found.name: (found.end_lineno or 0)
        - min([found.lineno, *(at.lineno for at in found.decorator_list)])
        + 1
        for found in _functions(path)
        if not _is_test_table(found)
    }
    assert {name: lines for name, lines in long.items() if lines > MAX_FUNCTION_LINES} == {}


def _is_test_table(found: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a test's length is that of its table of cases; its body is short."""
    body = (found.end_lineno or 0) - found.lineno + 1
    return found.name.startswith("test_") and bool(found.decorator_list) and body <= MAX_FUNCTION_LINES


@every_source
def test_functions_take_few_parameters(path: Path) -> None:
    """A function takes six parameters at most."""
    many = {
        f"{_name(path)}:{found.name}"
        for found in _functions(path)
        if _count_parameters(found) > MAX_PARAMETERS
    }
    assert many - _MANY_PARAMETERS.keys() == set()


def test_the_exceptions_are_still_needed() -> None:
    """An exception that nothing needs any more is taken off its list."""
    many = {
        f"{_name(path)}:{found.name}"
        for path in _SOURCES
        for found in _functions(path)
        if _count_parameters(found) > MAX_PARAMETERS
    }
    assert many == _MANY_PARAMETERS.keys()
    names = {_name(path) for path in _ALL}
    assert {*_LONG_DOCSTRINGS, *_BROAD_EXCEPTS, *_ENVIRONMENT} <= names


def _count_parameters(found: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = found.args
    named = [
        one.arg
        for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)
        if one.arg not in ("self", "cls")
    ]
    return len(named) + (given.vararg is not None) + (given.kwarg is not None)


@every_file
def test_modules_say_what_they_are(path: Path) -> None:
    """A module opens with at most six lines on what enters, what leaves and what it never does."""
    said = ast.get_docstring(_tree(path)) or ""
    if _name(path).startswith("tests/") and path.name.startswith("test_"):
        return
    assert said or not path.read_bytes(), "no docstring"
    if _name(path) not in _LONG_DOCSTRINGS:
        assert len(said.splitlines()) <= MAX_MODULE_DOCSTRING_LINES


@every_file
def test_names_are_nouns_and_verbs_of_their_own(path: Path) -> None:
    """No module, class or function is called what every program calls something."""
    parts = Path(_name(path)).with_suffix("").parts
    names = {part for part in parts if part not in ("src", "tests", "bench")}
    for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
    assert {name for name in names if name.strip("_").lower() in _FORBIDDEN_NAMES} == set()
    assert {name for name in names if name.endswith("Handler") or name.strip("_") == "Manager"} == set()


@every_file
def test_tests_say_what_they_hold(path: Path) -> None:
    """Every test function has a docstring that states the behaviour."""
    if path in _TESTS:
        silent = [
            one.name
            for one in _functions(path)
            if one.name.startswith("test_") and not ast.get_docstring(one)
        ]
        assert silent == []


@every_source
def test_broad_excepts_stand_at_two_borders(path: Path) -> None:
    """`except Exception` stands where a job ends and where the command line ends; a bare except nowhere."""
    caught = [node.type for node in ast.walk(_tree(path)) if isinstance(node, ast.ExceptHandler)]
    assert None not in caught
    names = [
        one.id for kind in caught if kind is not None for one in ast.walk(kind) if isinstance(one, ast.Name)
    ]
    assert names.count("Exception") <= (_name(path) in _BROAD_EXCEPTS)


@every_source
def test_nothing_of_one_system_is_imported_at_import(path: Path) -> None:
    """A module of POSIX or of Windows alone is imported inside the function that needs it."""
    pending: list[ast.AST] = [_tree(path)]
    imported: set[str] = set()
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            imported |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module.partition(".")[0])
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            pending += ast.iter_child_nodes(node)
    assert imported & (_POSIX_ONLY | _WINDOWS_ONLY) == set()


@every_source
def test_the_environment_has_one_reader(path: Path) -> None:
    """os.environ and os.getenv stand in settings.py."""
    read = [node.attr for node in ast.walk(_tree(path)) if isinstance(node, ast.Attribute)]
    if _name(path) not in _ENVIRONMENT:
        assert {"environ", "getenv"} & set(read) == set()


@every_file
def test_every_exemption_has_a_reason(path: Path) -> None:
    """A noqa or a type: ignore names its rule and says why."""
    with tokenize.open(path) as file:
        source = file.read()
    bare: list[str] = []
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        for match in _MARKED.finditer(token.string):
            reason = match["rest"].lstrip(" -#—").strip()
            follows = lines[token.start[0]] if token.start[0] < len(lines) else ""
            if match["codes"] is None or not (reason or follows.startswith("# Reason:")):
                bare.append(f"{token.start[0]}: {token.string}")
    assert bare == []


@every_source
def test_nothing_is_left_for_later(path: Path) -> None:
    """No note in the sources says that something is still to be done."""
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", path.read_text(encoding="utf-8"))
