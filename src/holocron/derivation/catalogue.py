"""The catalogue: derivations read from YAML files, from stored definitions and from Pydantic models.

In: `derivations/*.yaml`, a definition, or a model class. Out: Derivations.
Never: asks a model, or leaves a mistake to the first answer.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from holocron.derivation.contract import Contract, check_values
from holocron.derivation.definition_files import (
    DerivationEntry,
    ExampleEntry,
    read_contract_file,
    read_derivation_file,
    read_entry,
)
from holocron.derivation.derivations import Derivation, DerivationOptions, Example
from holocron.errors import ContractInvalid, DerivationInvalid
from holocron.fingerprint import JSONValue

DERIVATIONS_FOLDER = "derivations"


def load_catalogue(root: Path) -> dict[str, Derivation]:
    """Read every derivation of a project, by name.

    Raises: DerivationInvalid where the folder, a file or a name cannot be used.
    """
    folder = root / DERIVATIONS_FOLDER
    files = list_derivation_files(root)
    if not files:
        raise DerivationInvalid(
            f"there is no derivation in {folder}",
            hint="Make a project with 'holocron init', or write derivations/NAME.yaml.",
        )
    catalogue: dict[str, Derivation] = {}
    paths: dict[str, Path] = {}
    for path in files:
        derivation = load_derivation(path)
        other = paths.setdefault(derivation.name, path)
        if other is not path:
            raise DerivationInvalid(
                f"{other.name} and {path.name} in {folder} both define the derivation {derivation.name!r}",
                hint="Give one of them another name.",
            )
        catalogue[derivation.name] = derivation
    return catalogue


def list_derivation_files(root: Path) -> list[Path]:
    """Return the files of a project that should each hold a derivation, by name.

    Raises: DerivationInvalid where the folder may not be read.
    """
    folder = root / DERIVATIONS_FOLDER
    try:
        # glob would pass by a folder that may not be read
        found = list(folder.iterdir()) if folder.is_dir() else []
    except OSError as problem:
        raise DerivationInvalid(
            f"{folder} cannot be read: {problem.strerror}", hint="Check that you may read the folder."
        ) from problem
    return sorted(path for path in found if path.suffix in (".yaml", ".yml"))


def load_derivation(path: Path) -> Derivation:
    """Read one derivation file.

    Raises: DerivationInvalid naming the file and the key, ContractInvalid naming the pointer.
    """
    entry = read_derivation_file(path)
    schema = read_contract_file(path, entry.contract) if isinstance(entry.contract, str) else entry.contract
    try:
        return _build(entry, cast("JSONValue", schema))
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
    Raises: ContractInvalid where the model has no usable schema, DerivationInvalid for its name.
    """
    try:
        schema: JSONValue = model.model_json_schema(by_alias=True)
    except PydanticUserError as problem:
        raise ContractInvalid(
            f"{model.__name__} has no JSON Schema: {problem.message}",
            hint="Use types that JSON has: str, int, float, bool, date, Literal, Enum, lists and models.",
        ) from problem
    return Derivation(
        name=name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model.__name__).lower(),
        version=version,
        instructions=instructions if instructions is not None else inspect.cleandoc(model.__doc__ or ""),
        contract=Contract.parse(_without_titles(schema)),
        options=options or DerivationOptions(),
    )


def derivation_from_definition(definition: JSONValue) -> Derivation:
    """Return the derivation that a stored definition describes; the inverse of Derivation.definition.

    Raises: DerivationError where the definition has been damaged.
    """
    entry = read_entry(definition, "the stored definition")
    return _build(entry, cast("JSONValue", entry.contract))


def _build(entry: DerivationEntry, schema: JSONValue) -> Derivation:
    vocabulary = {name: _read_vocabulary(entries) for name, entries in entry.vocabulary.items()}
    return Derivation(
        name=entry.name,
        version=str(entry.version),
        instructions=entry.instructions,
        contract=Contract.parse(schema, vocabulary),
        vocabulary=vocabulary,
        examples=tuple(_read_example(number, example) for number, example in enumerate(entry.examples)),
        options=DerivationOptions(
            max_output_tokens=entry.options.max_output_tokens,
            repairs=entry.options.repairs,
            redact=tuple(entry.options.redact),
        ),
        evidence=(entry.evidence,) if isinstance(entry.evidence, str) else tuple(entry.evidence),
    )


def _read_example(number: int, entry: ExampleEntry) -> Example:
    answer = cast("dict[str, JSONValue]", entry.answer)
    try:
        check_values(answer)
    except ContractInvalid as problem:
        place = f"examples.{number}.answer{problem.pointer.replace('/', '.')}"
        raise DerivationInvalid(f"{place}: {problem.reason}", hint=problem.hint) from problem
    return Example(subject=entry.subject, evidence=entry.evidence, answer=answer)


def _read_vocabulary(
    entries: Mapping[str, Sequence[str] | None] | Sequence[str],
) -> dict[str, tuple[str, ...]]:
    if isinstance(entries, Mapping):
        return {value: tuple(words or ()) for value, words in entries.items()}
    return dict.fromkeys(entries, ())


def _without_titles(schema: JSONValue) -> JSONValue:
    """Drop Pydantic's generated titles, which only repeat the names, and its defaults."""
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
