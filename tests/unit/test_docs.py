from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest
import yaml

import holocron
import holocron.testing
from documents import DOCS, PACKAGE, ROOT, Block, list_documents, read_document, split_commands
from holocron import settings
from holocron.cli.exits import Exit
from holocron.cli.main import SUMMARIES, cli
from holocron.derivation import Contract, Grounding, load_derivation
from holocron.derivation.definition_files import DerivationEntry, OptionsEntry
from holocron.derivation.derivations import NAME_PATTERN, OUTPUT_TOKENS, REPAIRS
from holocron.derivation.shapes import MAX_REPETITIONS
from holocron.derivation.specialise import MAX_ARRAY_ITEMS, MAX_STRING_CHARACTERS
from holocron.doctor import Cause
from holocron.evidence import MAX_ITEM_BYTES, EvidenceBundle, MediaType, read_bundles
from holocron.evidence.bundle_files import BUNDLE_SUFFIX
from holocron.evidence.paths import SUFFIXES
from holocron.llm.llamacpp import DEFAULT_SLOTS
from holocron.llm.window import DEFAULT_CONTEXT_TOKENS
from holocron.pipeline import Question
from holocron.store import tables
from holocron.validation import NullReason

DOCUMENTS = list_documents()
CONFIGURATION = "docs/configuration.md"
DERIVATIONS = "docs/derivations.md"


def import_file(path: Path) -> ModuleType:
    """Import a program that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def resolve_name(name: str) -> object:
    """Return what a dotted name below `holocron` stands for: modules first, then attributes."""
    parts = name.split(".")
    found: object = holocron
    for index, part in enumerate(parts):
        try:
            found = importlib.import_module(".".join(["holocron", *parts[: index + 1]]))
        except ModuleNotFoundError:
            found = getattr(found, part)
    return found


def table_keys(document: str, column: str) -> list[str]:
    """Return the first cells of a table, as they read."""
    return [row[0] for row in read_document(document).table_of(column)]


def test_the_command_reference_is_what_the_program_says() -> None:
    """docs/cli.md is what its generator writes now; make it again with python docs/make_cli_reference.py."""
    made = import_file(DOCS / "make_cli_reference.py").render_page()
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == made


def test_the_command_reference_has_every_command_and_exit_code() -> None:
    """Each command file has its section with an example, each exit code its row."""
    commands = {path.stem for path in (PACKAGE / "cli" / "commands").glob("*.py")} - {"__init__"}
    assert commands == set(SUMMARIES)
    document = read_document("docs/cli.md")
    sections = {block.section: block.text for block in document.blocks_of("text")}
    below = {
        f"holocron {name} {verb}"
        for name in commands
        if isinstance(group := cli.get_command(click.Context(cli), name), click.Group)
        for verb in group.commands
    }
    assert sections.keys() == {"holocron"} | {f"holocron {name}" for name in commands} | below
    for name in commands:
        assert f"Examples:\n    holocron {name}" in sections[f"holocron {name}"]
    assert [int(row[0]) for row in document.table_of("Code")] == list(Exit)


def test_every_setting_is_documented() -> None:
    """docs/configuration.md and a new project's holocron.toml name every key, variable and option."""
    rows = read_document(CONFIGURATION).table_of("Key")
    assert {key: variable for key, variable, *_ in rows} == settings._VARIABLES
    options = {parameter.opts[0] for parameter in cli.params}
    packaged = (PACKAGE / "cli/new_project/holocron.toml").read_text(encoding="utf-8")
    for key, variable, option, *_ in rows:
        assert not option or option in options
        assert f"\n# {key} = " in packaged
        assert variable in packaged
    (example,) = read_document(CONFIGURATION).blocks_of("toml")
    assert tomllib.loads(example.text).keys() == settings._VARIABLES.keys()


def test_the_defaults_of_settings_are_the_documented_ones() -> None:
    """A default in docs/configuration.md is the one in the code."""
    defaults = {row[0]: row[4] for row in read_document(CONFIGURATION).table_of("Key")}
    assert defaults["model"] == settings.DEFAULT_MODEL
    assert defaults["database_url"] == f"{settings.STORE_FOLDER}/holocron.sqlite in the project"
    assert defaults["slots"].endswith(f": {DEFAULT_SLOTS}")
    assert f": {DEFAULT_CONTEXT_TOKENS:,}, or less" in defaults["context_tokens"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_name_real_variables(name: str) -> None:
    """A HOLOCRON_ variable in a document is one that settings.py, the compose files or the tests read."""
    named = set(re.findall(r"\bHOLOCRON_[A-Z_]+", read_document(name).text))
    stack = re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    read = {*settings._VARIABLES.values(), "HOLOCRON_TRACEBACK", settings.CONTAINER_VARIABLE}
    tests = re.findall(r'"(HOLOCRON_TEST_[A-Z_]+)"', (ROOT / "tests/conftest.py").read_text(encoding="utf-8"))
    assert named <= read | {*stack, *tests}


def test_every_public_name_is_explained() -> None:
    """docs/python.md says what each public name of holocron and holocron.testing is for."""
    text = read_document("docs/python.md").text
    names = {*holocron.__all__, *holocron.testing.__all__} - {"__version__"}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", text)] == []


def test_every_key_of_a_derivation_is_documented() -> None:
    """The table of keys in docs/derivations.md is the file format, with its limits and defaults."""
    rows = {row[0]: row[1:] for row in read_document(DERIVATIONS).table_of("Key")}
    options = {f"options.{name}": field for name, field in OptionsEntry.model_fields.items()}
    fields = {
        name: field for name, field in DerivationEntry.model_fields.items() if name != "options"
    } | options
    assert rows.keys() == fields.keys()
    for name, field in fields.items():
        default = rows[name][1]
        assert (default == "required") == field.is_required()
        assert field.is_required() or default == (str(field.default) if field.default else "none")
    for name, allowed in (("max_output_tokens", OUTPUT_TOKENS), ("repairs", REPAIRS)):
        assert f"{allowed[0]} to {allowed[-1]:,}" in rows[f"options.{name}"][0]
    assert NAME_PATTERN.fullmatch("a" * 40)
    assert not NAME_PATTERN.fullmatch("a" * 41)


@pytest.mark.parametrize(
    "sentence",
    [
        f"stops at {MAX_STRING_CHARACTERS} characters",
        f"at {MAX_ARRAY_ITEMS} items",
        f"{MAX_REPETITIONS:,}.",
        f"over {MAX_ITEM_BYTES >> 20} MiB",
        *(f"`{reason}`" for reason in NullReason),
        *(f"`{media_type}`" for media_type in MediaType),
    ],
)
def test_limits_are_the_documented_ones(sentence: str) -> None:
    """A number or a name that docs/derivations.md gives is the one in the code."""
    assert sentence in read_document(DERIVATIONS).text


def test_the_tables_about_evidence_and_grounding_are_complete() -> None:
    """Every suffix that is read, and every level of grounding, has its row."""
    suffixes = " ".join(table_keys(DERIVATIONS, "Suffix")).split()
    assert suffixes == [*SUFFIXES, BUNDLE_SUFFIX]
    assert table_keys(DERIVATIONS, "Level") == [str(level) for level in Grounding]


def whole_derivations() -> list[Block]:
    """Return the YAML blocks that are no fragments."""
    return [block for block in read_document(DERIVATIONS).blocks_of("yaml") if "contract:" in block.text]


def test_documented_derivations_load_and_their_examples_are_judged(tmp_path: Path) -> None:
    """Every whole derivation in the documents can be asked as it stands; its examples are accepted."""
    assert whole_derivations()
    for block in whole_derivations():
        path = tmp_path / f"{block.line}.yaml"
        path.write_text(block.text, encoding="utf-8")
        question = Question.prepare(load_derivation(path))
        assert len(question.derivation.worked_examples) == block.text.count("- subject:")


def test_documented_properties_are_contracts() -> None:
    """A YAML block that is no whole derivation is a map of properties that a contract may have."""
    fragments = [b for b in read_document(DERIVATIONS).blocks_of("yaml") if b not in whole_derivations()]
    assert fragments
    for block in fragments:
        properties = yaml.safe_load(block.text)
        contract = Contract.parse({"type": "object", "properties": properties})
        assert [part.name for part in contract.shape.properties] == list(properties)


def test_documented_bundle_lines_are_read(tmp_path: Path) -> None:
    """Each JSON block in docs/derivations.md is a line of a bundle file."""
    (tmp_path / "veen").mkdir()
    (tmp_path / "veen" / "letter.md").write_text("Dear Lina.\n", encoding="utf-8")
    path = tmp_path / f"all{BUNDLE_SUFFIX}"
    path.write_text("".join(b.text for b in read_document(DERIVATIONS).blocks_of("json")), encoding="utf-8")
    (bundle,) = read_bundles([path], tmp_path)
    assert isinstance(bundle, EvidenceBundle)
    assert [item.media_type for item in bundle.items] == [MediaType.TEXT, MediaType.MARKDOWN]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name: str) -> None:
    """Every relative link names a file of the repository, and a heading of it after `#`."""
    for link in read_document(name).links:
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = ((ROOT / name).parent / place).resolve() if place else ROOT / name
        assert target.is_file(), link
        if anchor:
            assert anchor in read_document(target.relative_to(ROOT).as_posix()).anchors, link


def documented_commands(name: str) -> Iterator[list[str]]:
    """Yield every command line that begins with `holocron` in a document's shell blocks and sentences."""
    document = read_document(name)
    scripts = [block.text for block in document.blocks_of("sh", "powershell")]
    spans = [" ".join(span.split()) for span in document.code if span.startswith("holocron ")]
    for script in [*scripts, *spans]:
        for words in split_commands(script):
            if words and words[0] == "holocron":
                yield words[1:]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documented_commands_exist(name: str) -> None:
    """What looks like `holocron X --option` is a real command with this option."""
    for words in documented_commands(name):
        command: click.Command = cli
        for word in words:
            if command is cli and word in SUMMARIES:
                found = cli.get_command(click.Context(cli), word)
                assert found is not None
                command = found
            elif isinstance(command, click.Group) and command is not cli and word in command.commands:
                command = command.commands[word]
            elif word.startswith("-"):
                options = {option for parameter in command.params for option in parameter.opts}
                assert word in options | {"--help", "-h"}, f"holocron {' '.join(words)}"
            elif command is cli:
                previous = words[words.index(word) - 1]
                assert previous.startswith("--"), f"there is no command holocron {word}"


def _list_below(group: click.Group) -> list[click.Command]:
    """Return the commands of a group; those of `holocron` itself are made when they are called."""
    return list(group.commands.values())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documented_options_exist(name: str) -> None:
    """An option that stands alone in a sentence belongs to some command."""
    commands = [cli, *(cli.get_command(click.Context(cli), command) for command in SUMMARIES)]
    commands += [below for made in commands if isinstance(made, click.Group) for below in _list_below(made)]
    known = {option for made in commands if made for parameter in made.params for option in parameter.opts}
    named = {option for span in read_document(name).code for option in re.findall(r"^--[a-z-]+", span)}
    assert named <= known | {"--help"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documented_programs_exist(name: str) -> None:
    """A documented `python PROGRAM` or `python -m MODULE` is in this repository and takes the options."""
    document = read_document(name)
    scripts = [block.text for block in document.blocks_of("sh")] + list(document.code)
    commands = [words for script in scripts for words in split_commands(script) if words[:1] == ["python"]]
    for _, *words in commands:
        place = words[1].replace(".", "/") + ".py" if words[0] == "-m" else words[0]
        # the package itself is run by its __main__
        place = "src/holocron/__main__.py" if words[:2] == ["-m", "holocron"] else place
        source = (ROOT / place).read_text(encoding="utf-8")
        for option in words[2 if words[0] == "-m" else 1 :]:
            assert not option.startswith("--") or f'"{option}"' in source


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documented_python_names_exist(name: str) -> None:
    """A dotted name below holocron in a sentence is one that can be imported."""
    spans = [span for span in read_document(name).code if re.match(r"holocron\.[A-Za-z_.]+(\(|$)", span)]
    for span in spans:
        path = span.partition("(")[0].removeprefix("holocron.")
        assert path in ("toml",) or resolve_name(path) is not None


def test_every_cause_of_the_doctor_is_documented() -> None:
    """The table in docs/doctor.md has each cause in its order, with the words of the code."""
    written = re.findall(r"#: (.+)\n\s+\w+ = \"([\w-]+)\"", inspect.getsource(Cause))
    rows = read_document("docs/doctor.md").table_of("Cause")
    assert [(cause, meaning) for cause, meaning, _ in rows] == [(cause, words) for words, cause in written]
    assert len(rows) == len(Cause)


def test_the_troubleshooting_names_causes() -> None:
    """Each row of what people see names a cause that there is."""
    for _, called in read_document("docs/doctor.md").table_of("What you see"):
        first = re.split(r"[:;,]", called)[0]
        assert first in list(Cause), first


def test_glossary_nouns_are_in_the_code() -> None:
    """Each noun stands once, and its last column names something that is there, or a table."""
    rows = read_document("docs/glossary.md").table_of("Noun")
    nouns = [row[0] for row in rows]
    assert len(set(nouns)) == len(nouns)
    for noun, meaning, place in rows:
        assert meaning
        assert place in tables.metadata.tables or resolve_name(place) is not None, noun
