"""The house style, held by reading the sources: sizes, names, docstrings, and what is imported where."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

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
    "bench/engines.py": "it is what --help says",
    "bench/queue.py": "it is what --help says",
}
#: function: why it may take more
_MANY_PARAMETERS = {
    "holocron/work/deriving.py:derive_evidence": "the one door of every surface; all but four are named",
    "holocron/work/deriving.py:enqueue_evidence": "its twin",
}

_FORBIDDEN_NAMES = frozenset({"utils", "helpers", "common", "misc", "core", "base", "data"})
_POSIX_ONLY = frozenset({"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"})
_WINDOWS_ONLY = frozenset({"msvcrt", "winreg", "winsound", "_winapi"})
_BROAD_EXCEPTS = {
    "holocron/cli/main.py": "the border where a person gets a sentence",
    "holocron/work/crew.py": "the border of a job",
    "holocron/doctor/rounds.py": "carried over from the check's thread, and raised in the caller's",
    "holocron/llm/stream.py": "carried over the engine's border, and raised behind it",
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


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _offenders(paths: Iterable[Path], find: Callable[[Path], object]) -> dict[str, object]:
    """Return what a guard finds, by file."""
    return {_name(path): found for path in paths if (found := find(path))}


def test_there_is_something_to_read() -> None:
    """The guards below look at real files."""
    assert len(_SOURCES) > 50
    assert len(_TESTS) > 20


def test_files_stay_short() -> None:
    """A file stops at 500 lines."""

    def find(path: Path) -> int:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        return lines if lines > MAX_FILE_LINES else 0

    assert _offenders(_ALL, find) == {}


def test_functions_stay_short() -> None:
    """A function stops at 60 lines, with its decorators; a test's table of cases is not counted."""

    def find(path: Path) -> list[str]:
        return [one.name for one in _functions(path) if _count_lines(one) > MAX_FUNCTION_LINES]

    assert _offenders(_ALL, find) == {}


def _count_lines(found: Function) -> int:
    decorators = [] if found.name.startswith("test_") else [one.lineno for one in found.decorator_list]
    return (found.end_lineno or 0) - min([found.lineno, *decorators]) + 1


def test_functions_take_few_parameters() -> None:
    """A function takes six parameters at most; an exception that nothing needs any more goes off its list."""
    many = {
        f"{_name(path)}:{one.name}"
        for path in _SOURCES
        for one in _functions(path)
        if _count_parameters(one) > MAX_PARAMETERS
    }
    assert many == _MANY_PARAMETERS.keys()


def _count_parameters(found: Function) -> int:
    given = found.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in named if name not in ("self", "cls")]) + sum(
        1 for rest in (given.vararg, given.kwarg) if rest is not None
    )


def test_modules_say_what_they_are() -> None:
    """A module opens with at most six lines on what enters, what leaves and what it never does."""

    def find(path: Path) -> str:
        said = ast.get_docstring(_tree(path)) or ""
        if not said:
            return "no docstring" if path.read_bytes() and not path.name.startswith("test_") else ""
        is_long = len(said.splitlines()) > MAX_MODULE_DOCSTRING_LINES and _name(path) not in _LONG_DOCSTRINGS
        return "too long" if is_long else ""

    assert _offenders(_ALL, find) == {}


def test_names_are_nouns_and_verbs_of_their_own() -> None:
    """No module, class or function is called what every program calls something."""

    def find(path: Path) -> set[str]:
        names = set(Path(_name(path)).with_suffix("").parts) - {"tests", "bench"}
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
        return {
            name
            for name in names
            if name.strip("_").lower() in _FORBIDDEN_NAMES or name.endswith("Handler") or name == "Manager"
        }

    assert _offenders(_ALL, find) == {}


def test_tests_say_what_they_hold() -> None:
    """Every test function has a docstring that states the behaviour."""

    def find(path: Path) -> list[str]:
        return [
            one.name
            for one in _functions(path)
            if one.name.startswith("test_") and not ast.get_docstring(one)
        ]

    assert _offenders(_TESTS, find) == {}


def test_broad_excepts_stand_at_the_borders() -> None:
    """What catches everything and does not raise it again stands once in each of the places listed above."""

    def find(path: Path) -> list[str]:
        broad = [_how_broad(node) for node in ast.walk(_tree(path)) if isinstance(node, ast.ExceptHandler)]
        return [kind for kind in broad if kind][_name(path) in _BROAD_EXCEPTS :]

    assert _offenders(_SOURCES, find) == {}


def _how_broad(handler: ast.ExceptHandler) -> str:
    """Return what a handler catches if it is everything; one that only cleans up and raises is none."""
    if any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler)):
        return ""
    if handler.type is None:
        return "bare"
    names = [node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)]
    return next((name for name in names if name in ("Exception", "BaseException")), "")


def test_nothing_of_one_system_is_imported_at_import() -> None:
    """A module of POSIX or of Windows alone is imported inside the function that needs it."""

    def find(path: Path) -> set[str]:
        pending: list[ast.AST] = [_tree(path)]
        imported: set[str] = set()
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Import):
                imported |= {one.name.partition(".")[0] for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                pending += ast.iter_child_nodes(node)
        return imported & (_POSIX_ONLY | _WINDOWS_ONLY)

    assert _offenders(_SOURCES, find) == {}


def test_the_environment_has_one_reader() -> None:
    """os.environ and os.getenv stand in settings.py."""

    def find(path: Path) -> set[str]:
        read = {node.attr for node in ast.walk(_tree(path)) if isinstance(node, ast.Attribute)}
        return {"environ", "getenv"} & read if _name(path) not in _ENVIRONMENT else set()

    assert _offenders(_SOURCES, find) == {}


def test_every_exemption_has_a_reason() -> None:
    """A noqa or a type: ignore names its rule and says why."""

    def find(path: Path) -> list[str]:
        source = path.read_text(encoding="utf-8")
        if not _MARKED.search(source):
            return []
        lines = source.splitlines()
        bare: list[str] = []
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            for match in _MARKED.finditer(token.string) if token.type == tokenize.COMMENT else ():
                below = lines[token.start[0]] if token.start[0] < len(lines) else ""
                has_reason = match["rest"].strip(" -#") or below.startswith("# Reason:")
                if match["codes"] is None or not has_reason:
                    bare.append(f"{token.start[0]}: {token.string}")
        return bare

    assert _offenders(_ALL, find) == {}


def test_nothing_is_left_for_later() -> None:
    """No note in the sources says that something is still to be done."""
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert _offenders(_SOURCES, lambda path: later.search(path.read_text(encoding="utf-8"))) == {}


def test_the_exceptions_are_of_files_that_are_there() -> None:
    """An exception for a file that is gone is taken off its list."""
    assert {*_LONG_DOCSTRINGS, *_BROAD_EXCEPTS, *_ENVIRONMENT} <= {_name(path) for path in _ALL}
