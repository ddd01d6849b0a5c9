"""The catalogue: derivations read from YAML files and from Pydantic models.

In: `derivations/*.yaml`, or a model class. Out: Derivations. Never: guesses; an unknown key, a missing
field or a wrong type is refused by name, file and mend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from holocron.derivation.contract import Contract
from holocron.derivation.derivations import Derivation, DerivationOptions, Example
from holocron.errors import ContractInvalid, DerivationInvalid
from holocron.evidence import compile_patterns
from holocron.fingerprint import JSONValue

DERIVATIONS_FOLDER = "derivations"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _ExampleEntry(_Strict):
    subject: str = "example"
    evidence: str
    answer: dict[str, object]


class _OptionsEntry(_Strict):
    max_output_tokens: int = Field(default=DerivationOptions().max_output_tokens, ge=16, le=32768)
    repairs: int = Field(default=DerivationOptions().repairs, ge=0, le=5)
    redact: list[str] = []


class _DerivationFile(_Strict):
    name: str
    version: str | int | float = "1"
    instructions: str
    contract: dict[str, object] | str
    vocabulary: dict[str, dict[str, list[str] | None] | list[str]] = {}
    examples: list[_ExampleEntry] = []
    options: _OptionsEntry = _OptionsEntry()
    evidence: list[str] | str = []


def load_catalogue(root: Path) -> dict[str, Derivation]:
    """Read every derivation of a project, by name.

    Raises: DerivationInvalid where the folder, a file or a name cannot be used.
    """
    folder = root / DERIVATIONS_FOLDER
    files = sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".yml"))
    if not files:
        raise DerivationInvalid(
            f"there is no derivation in {folder}",
            hint="Make a project with 'holocron init', or write derivations/NAME.yaml.",
        )
    catalogue: dict[str, Derivation] = {}
    for path in files:
        derivation = load_derivation(path)
        if derivation.name in catalogue:
            raise DerivationInvalid(f"two files in {folder} define the derivation {derivation.name!r}")
        catalogue[derivation.name] = derivation
    return catalogue


def load_derivation(path: Path) -> Derivation:
    """Read one derivation file.

    Raises: DerivationInvalid naming the file and the key, ContractInvalid naming the pointer.
    """
    entry = _read_entry(path)
    schema = _read_contract_file(path, entry.contract) if isinstance(entry.contract, str) else entry.contract
    try:
        return _build(entry, schema)
    except ContractInvalid as problem:
        raise ContractInvalid(
            f"{problem.reason} ({path.name})", pointer=problem.pointer, hint=problem.hint
        ) from problem
    except DerivationInvalid as problem:
        raise DerivationInvalid(f"{path}: {problem}", hint=problem.hint) from problem


def derivation_from_model(
    model: type[BaseModel],
    *,
    name: str | None = None,
    version: str = "1",
    instructions: str | None = None,
    options: DerivationOptions | None = None,
) -> Derivation:
    """Make a derivation of a Pydantic model: its schema is the contract, its docstring the instructions.

    Extra words go through `Field(json_schema_extra={"x-ground": "verbatim"})`.
    """
    schema: JSONValue = model.model_json_schema(by_alias=True)
    return Derivation(
        name=name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model.__name__).lower(),
        version=version,
        instructions=instructions if instructions is not None else (model.__doc__ or "").strip(),
        contract=Contract.parse(_without_titles(schema)),
        options=options or DerivationOptions(),
    )


def derivation_from_definition(definition: JSONValue) -> Derivation:
    """Return the derivation that a stored definition describes; the inverse of Derivation.definition."""
    entry = _DerivationFile.model_validate(definition)
    return _build(entry, entry.contract)


def _read_entry(path: Path) -> _DerivationFile:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise DerivationInvalid(f"{path} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise DerivationInvalid(f"{path} is not UTF-8 at byte {problem.start}") from problem
    except (yaml.YAMLError, RecursionError) as problem:
        place = getattr(problem, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        what = getattr(problem, "problem", None) or "it is nested too deep"
        raise DerivationInvalid(f"{path}{line} is not YAML: {what}") from problem
    try:
        return _DerivationFile.model_validate(loaded)
    except ValidationError as problem:
        first = problem.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DerivationInvalid(
            f"{path}: {key}: {first['msg'].lower()}",
            hint="The keys are name, version, instructions, contract, vocabulary, examples, options, evidence.",
        ) from problem


def _read_contract_file(path: Path, reference: str) -> JSONValue:
    place = path.parent / reference
    try:
        loaded: JSONValue = json.loads(place.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise DerivationInvalid(
            f"{path}: the contract file {reference!r} cannot be read: {problem.strerror}"
        ) from problem
    except (ValueError, RecursionError) as problem:
        raise DerivationInvalid(f"{path}: the contract file {reference!r} is not JSON: {problem}") from problem
    return loaded


def _build(entry: _DerivationFile, schema: object) -> Derivation:
    vocabulary = {name: _read_vocabulary(entries) for name, entries in entry.vocabulary.items()}
    patterns = tuple(entry.options.redact)
    try:
        compile_patterns(patterns)
    except ValueError as problem:
        raise DerivationInvalid(f"options.redact: {problem}") from problem
    return Derivation(
        name=entry.name,
        version=str(entry.version),
        instructions=entry.instructions,
        contract=Contract.parse(_plain(schema, ""), vocabulary),
        vocabulary=vocabulary,
        examples=tuple(_read_example(example) for example in entry.examples),
        options=DerivationOptions(
            max_output_tokens=entry.options.max_output_tokens, repairs=entry.options.repairs, redact=patterns
        ),
        evidence=(entry.evidence,) if isinstance(entry.evidence, str) else tuple(entry.evidence),
    )


def _read_example(entry: _ExampleEntry) -> Example:
    answer = _plain(entry.answer, "")
    assert isinstance(answer, Mapping)
    return Example(subject=entry.subject, evidence=entry.evidence, answer=answer)


def _read_vocabulary(entries: Mapping[str, Sequence[str] | None] | Sequence[str]) -> dict[str, tuple[str, ...]]:
    if isinstance(entries, Mapping):
        return {value: tuple(words or ()) for value, words in entries.items()}
    return {value: () for value in entries}


def _plain(value: object, pointer: str) -> JSONValue:
    """Return YAML's value as JSON; YAML reads unquoted dates and non-text keys that JSON has no form for."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ContractInvalid(f"the key {key!r} is not text", pointer=pointer, hint="Quote it in the YAML.")
        return {key: _plain(entry, f"{pointer}/{key}") for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry, f"{pointer}/{index}") for index, entry in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ContractInvalid(
        f"{value!s} is a {type(value).__name__}, not JSON", pointer=pointer, hint="Quote it in the YAML."
    )


def _without_titles(schema: JSONValue) -> JSONValue:
    """Drop Pydantic's generated titles, which only repeat the names, and its null defaults."""
    if isinstance(schema, Mapping):
        return {
            key: (
                {name: _without_titles(part) for name, part in value.items()}
                if key in ("properties", "$defs") and isinstance(value, Mapping)
                else _without_titles(value)
            )
            for key, value in schema.items()
            if key not in ("title", "default")
        }
    if isinstance(schema, list):
        return [_without_titles(part) for part in schema]
    return schema
