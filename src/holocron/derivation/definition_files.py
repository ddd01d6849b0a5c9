"""Definition files: a derivation's YAML, and the JSON of its contract, read strictly.

In: a path, or a stored definition. Out: a DerivationEntry. Never: guesses; an unknown key, a missing field,
a wrong type or a key that stands twice is refused by file, line and mend. As in YAML 1.2, `no` and
`1977-05-25` are text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from holocron.derivation.derivations import DerivationOptions
from holocron.errors import DerivationInvalid
from holocron.fingerprint import JSONValue

_DEFAULTS = DerivationOptions()


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ExampleEntry(_Strict):
    """An example, as a file has it."""

    subject: str = "example"
    evidence: str
    answer: dict[str, object]


class OptionsEntry(_Strict):
    """The options, as a file has them; DerivationOptions says which values they may have."""

    max_output_tokens: int = _DEFAULTS.max_output_tokens
    repairs: int = _DEFAULTS.repairs
    redact: list[str] = []


class DerivationEntry(_Strict):
    """A derivation, as a file has it."""

    name: str
    version: str | int | float = "1"
    instructions: str
    contract: dict[str, object] | str
    vocabulary: dict[str, dict[str, list[str] | None] | list[str]] = {}
    examples: list[ExampleEntry] = []
    options: OptionsEntry = OptionsEntry()
    evidence: list[str] | str = []


_UNFIT = (KeyError, IndexError, AttributeError, TypeError, ValueError)


class _Loader(yaml.SafeLoader):
    """YAML into JSON values: keys are text and stand once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.tag == "tag:yaml.org,2002:merge":
                continue
            if key.tag != "tag:yaml.org,2002:str" or not isinstance(key, yaml.ScalarNode):
                written = key.value if isinstance(key, yaml.ScalarNode) else "…"
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {written} is not text; quote it", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:  # noqa: FBT001, FBT002 - as above
        try:
            return super().construct_object(node, deep)
        except _UNFIT as problem:
            # PyYAML reads `!!bool maybe` with a plain look-up
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"what is tagged !!{kind} is none", node.start_mark
            ) from problem


# YAML 1.1 reads `no` as false, 12:30 as 750, 010 as 8 and 1977-05-25 as a date; only JSON's forms are kept.
_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _starts in (
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)",
        list("-+0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern})$"), _starts)


def read_derivation_file(path: Path) -> DerivationEntry:
    """Read a YAML file.

    Raises: DerivationInvalid, naming the file and the line or the key.
    """
    try:
        # nothing but JSON values is made: the loader is SafeLoader with fewer resolvers
        loaded = yaml.load(path.read_text(encoding="utf-8-sig"), _Loader)  # noqa: S506 - _Loader is the safe one, stricter
    except OSError as problem:
        raise DerivationInvalid(f"{path} cannot be read: {problem.strerror}", hint=_PATH_HINT) from problem
    except UnicodeDecodeError as problem:
        raise DerivationInvalid(
            f"{path} is not UTF-8 at byte {problem.start}", hint="Save the file as UTF-8."
        ) from problem
    except yaml.MarkedYAMLError as problem:
        line = f", line {problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise DerivationInvalid(
            f"{path}{line} cannot be read as YAML: {problem.problem}", hint=_YAML_HINT
        ) from problem
    except (yaml.YAMLError, ValueError) as problem:
        reason = " ".join(str(problem).split())
        raise DerivationInvalid(f"{path} cannot be read as YAML: {reason}", hint=_YAML_HINT) from problem
    except RecursionError as problem:
        raise DerivationInvalid(f"{path} is nested too deep", hint=_DEPTH_HINT) from problem
    return read_entry(loaded, str(path))


def read_entry(loaded: object, place: str) -> DerivationEntry:
    """Check a definition's keys and types.

    Raises: DerivationInvalid naming the place and the key.
    """
    if not isinstance(loaded, Mapping):
        what = "is empty" if loaded is None else "is no map of keys and values"
        raise DerivationInvalid(f"{place} {what}", hint=_name_keys())
    try:
        return DerivationEntry.model_validate(loaded)
    except ValidationError as problem:
        # a misspelt key tells why another one is missing; of the types that a key may have, the one whose
        # error lies deepest was meant
        key, kind, message = max(
            ((_find_key(error["loc"], loaded), error["type"], error["msg"]) for error in problem.errors()),
            key=lambda found: (found[1] == _EXTRA, len(found[0])),
        )
        what = _REASONS.get(kind) or ": " + message.lower().replace("dictionary", "map")
        raise DerivationInvalid(f"{place}: {'.'.join(key)}{what}", hint=_name_keys(key)) from problem


_ENTRY_KEYS = frozenset(
    name for entry in (DerivationEntry, ExampleEntry, OptionsEntry) for name in entry.model_fields
)
_EXTRA = "extra_forbidden"
_REASONS = {"missing": " is missing", _EXTRA: " is not a key of a derivation"}
_PATH_HINT = "Check the path, and that it is a file which you may read."
_YAML_HINT = "Indent with spaces, close quotes and brackets, and quote texts that hold ': ', ' #' or signs."
_DEPTH_HINT = "Put fewer maps and lists inside each other."
_ENTRIES: Mapping[str, type[_Strict]] = {"examples": ExampleEntry, "options": OptionsEntry}


def _name_keys(path: Sequence[str] = ()) -> str:
    """Return the keys that may stand where a path of keys ends, the likeliest one first."""
    entry = _ENTRIES.get(path[0], DerivationEntry) if len(path) > 1 else DerivationEntry
    meant = get_close_matches("".join(path[-1:]), entry.model_fields, 1)
    guess = "".join(f"Did you mean {name!r}? " for name in meant if name != path[-1])
    place = "" if entry is DerivationEntry else f" of {path[0]}"
    return f"{guess}The keys{place} are {', '.join(entry.model_fields)}."


def _find_key(location: tuple[int | str, ...], loaded: object) -> list[str]:
    """Return the path of keys that an error is about; Pydantic adds the names of the types it has tried."""
    path: list[str] = []
    for part in location:
        is_key = isinstance(loaded, Mapping) and part in loaded
        is_index = isinstance(loaded, list) and isinstance(part, int) and part < len(loaded)
        if is_key or is_index:
            path.append(str(part))
            loaded = loaded[part]  # type: ignore[index]  # looked up above
        elif part is location[-1] and isinstance(loaded, Mapping) and part in _ENTRY_KEYS:
            path.append(str(part))
    return path


def read_contract_file(path: Path, reference: str) -> JSONValue:
    """Return the JSON of the contract that a derivation file names, relative to that file.

    Raises: DerivationInvalid, naming both files.
    """
    place = f"{path}: the contract file {reference!r}"
    try:
        text = (path.parent / reference).read_text(encoding="utf-8-sig")
        loaded: JSONValue = json.loads(text, object_pairs_hook=_read_pairs)
    except OSError as problem:
        raise DerivationInvalid(
            f"{place} cannot be read: {problem.strerror}",
            hint="Name it as it lies from the derivation file's folder.",
        ) from problem
    except ValueError as problem:
        raise DerivationInvalid(
            f"{place} is not JSON: {problem}", hint="It must hold one JSON Schema, in UTF-8."
        ) from problem
    except RecursionError as problem:
        raise DerivationInvalid(f"{place} is nested too deep", hint=_DEPTH_HINT) from problem
    return loaded


def _read_pairs(pairs: list[tuple[str, JSONValue]]) -> dict[str, JSONValue]:
    read: dict[str, JSONValue] = {}
    for key, value in pairs:
        if key in read:
            raise ValueError(f"the key {key!r} stands twice in one object")
        read[key] = value
    return read
