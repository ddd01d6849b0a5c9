from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from documents import PACKAGE, ROOT, read_document
from holocron.derivation.copying import MAX_PIECES
from holocron.store import tables

ARCHITECTURE = "docs/architecture.md"
#: how the page writes what is imported under another name
LIBRARIES = {
    "markdown-it": "markdown_it",
    "PyYAML": "yaml",
    "jsonschema-rs": "jsonschema_rs",
    "SQLAlchemy": "sqlalchemy",
}


@cache
def list_imports() -> dict[str, frozenset[str]]:
    """Return what each room imports: other rooms as `holocron.ROOM`, libraries by their first name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for module in _modules(path):
            first, _, rest = module.partition(".")
            name = f"holocron.{rest.partition('.')[0]}" if first == "holocron" else first
            if name not in ("holocron.", f"holocron.{room}"):
                found[room].add(name)
    return {room: frozenset(names) for room, names in found.items()}


def _modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            yield node.module
            if node.module == "holocron":
                yield from (f"holocron.{name.name}" for name in node.names)


def split_names(cell: str) -> list[str]:
    """Return the names in a cell of a table."""
    return [name for name in re.split(r"[,;]\s*", cell) if name]


def read_rooms() -> dict[str, set[str]]:
    """Return for each room of the table the rooms that it may import, in the table's order."""
    rooms: dict[str, set[str]] = {}
    for names, may_import, _ in read_document(ARCHITECTURE).table_of("Room"):
        above = set(rooms)
        if may_import.startswith("all above"):
            allowed = above - set(split_names(may_import.removeprefix("all above").removeprefix(" but ")))
        else:
            allowed = set(split_names(may_import)) - {"nothing"}
        assert allowed <= above, f"{names} may import what stands below it"
        rooms |= dict.fromkeys(split_names(names), allowed)
    return rooms


def test_the_tree_of_rooms_is_the_package() -> None:
    """Every file and folder of the tree is there, and everything in the package stands in the tree."""
    (tree,) = [b.text for b in read_document(ARCHITECTURE).blocks if b.text.startswith("src/holocron/")]
    named = [
        name
        for line in tree.splitlines()[1:]
        for name in re.findall(r"(?:^|  ?)([\w./]+(?:\.py|/))(?= )", line)
    ]
    there = {f"{path.name}/" if path.is_dir() else path.name for path in PACKAGE.iterdir()}
    assert set(named) == there - {"__pycache__/", "py.typed"}
    assert len(named) == len(set(named))


def test_every_room_imports_only_what_the_table_allows() -> None:
    """The table has every room, and no file of a room imports another room than the table says."""
    rooms = read_rooms()
    assert rooms.keys() == {path.stem for path in PACKAGE.iterdir()} - {"__init__", "__pycache__", "py"}
    for room, allowed in rooms.items():
        used = {
            name.removeprefix("holocron.") for name in list_imports()[room] if name.startswith("holocron.")
        }
        assert used <= allowed, room


def test_the_table_has_the_order_of_the_import_contract() -> None:
    """What import-linter holds in CI is the table's order from the bottom up."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = [made for made in settings["tool"]["importlinter"]["contracts"] if made["type"] == "layers"]
    layers = [
        {name.strip().removeprefix("holocron.") for name in layer.split("|")} for layer in contract["layers"]
    ]
    rooms = read_rooms()
    assert set().union(*layers) <= rooms.keys()
    for level, layer in enumerate(layers):
        for room in layer:
            higher = set().union(*layers[:level])
            assert not rooms[room] & higher, f"{room} may import a room of a higher layer"


def test_libraries_have_one_owner() -> None:
    """A library that the table gives to a room is imported there and nowhere else; signals too."""
    owners = {}
    for room, _, owned in read_document(ARCHITECTURE).table_of("Room"):
        owners |= {
            LIBRARIES.get(name, name).replace("signals", "signal"): room for name in split_names(owned)
        }
    imported = defaultdict(set)
    for room, names in list_imports().items():
        for name in names:
            imported[name].add(room)
    outside = {name for name in imported if name != "holocron" and not name.startswith("holocron.")}
    libraries = outside - sys.stdlib_module_names
    assert {name for name in libraries if len(imported[name]) == 1 and name not in owners} <= {"pandas"}
    for name, owner in owners.items():
        if name in imported:
            assert imported[name] == {owner}, name


def test_the_stored_tables_are_the_documented_ones() -> None:
    """The table of what is stored has every fixed table, and no other."""
    rows = read_document(ARCHITECTURE).table_of("Table")
    named = [name for row in rows for name in split_names(row[0]) if name.startswith("holocron_")]
    assert sorted(named) == sorted(tables.metadata.tables)


def test_a_limit_of_copying_is_the_documented_one() -> None:
    """The page says above how much evidence verbatim strings are not held to it."""
    assert f"Above {MAX_PIECES:,} pieces" in read_document(ARCHITECTURE).text


@pytest.mark.parametrize("name", ["README.md", ARCHITECTURE, "docs/quickstart.md", "docs/derivations.md"])
def test_files_named_in_sentences_are_there(name: str) -> None:
    """A Python file or a room that a sentence names is in the package or the repository."""
    spans = {span for span in read_document(name).code if re.fullmatch(r"[\w/]+(?:\.py|/)", span)}
    generated = {"holocron-demo/", "derivations/", "evidence/", "web/"}
    for span in spans - generated:
        assert (PACKAGE / span).exists() or (ROOT / span).exists(), span
