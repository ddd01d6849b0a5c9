"""The catalogue of a project, and derivations made of Pydantic models."""

# ruff: noqa: D101 - a model's docstring is its instructions

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

import pytest
from pydantic import BaseModel, ConfigDict, Field

from holocron.derivation.catalogue import derivation_from_definition, derivation_from_model, load_catalogue
from holocron.derivation.derivations import DerivationOptions
from holocron.derivation.grounding import Grounding
from holocron.derivation.prompt import sketch_shape
from holocron.derivation.shapes import ScalarShape
from holocron.errors import ContractInvalid, DerivationInvalid

YAML = "name: {name}\ninstructions: x\ncontract: {{type: object, properties: {{a: {{type: string}}}}}}\n"


def _project(folder: Path, **files: str) -> Path:
    (folder / "derivations").mkdir()
    for name, text in files.items():
        (folder / "derivations" / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def test_a_catalogue_holds_every_derivation_by_name(tmp_path: Path) -> None:
    """Both endings of YAML are read; other files and folders are left alone."""
    root = _project(tmp_path, a_yaml=YAML.format(name="first"), b_yml=YAML.format(name="second"), c_json="{}")
    (root / "derivations" / "more").mkdir()
    assert list(load_catalogue(root)) == ["first", "second"]


@pytest.mark.parametrize("files", [None, {}, {"c_json": "{}"}], ids=["no-folder", "empty", "others"])
def test_a_project_without_derivations_is_told_how_to_get_one(
    tmp_path: Path, files: dict[str, str] | None
) -> None:
    """The folder is named, and the hint says what to do."""
    root = tmp_path if files is None else _project(tmp_path, **files)
    with pytest.raises(DerivationInvalid, match="there is no derivation in") as caught:
        load_catalogue(root)
    assert "holocron init" in caught.value.hint


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """A name is one table; the second file is a mistake."""
    root = _project(tmp_path, a_yaml=YAML.format(name="same"), b_yaml=YAML.format(name="same"))
    with pytest.raises(DerivationInvalid, match="define the derivation 'same'") as caught:
        load_catalogue(root)
    assert "a.yaml and b.yaml" in str(caught.value)
    assert "another name" in caught.value.hint


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal of the system is an error of ours, with the folder in it."""

    def refuse(folder: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied", str(folder))

    root = _project(tmp_path, a_yaml=YAML.format(name="first"))
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DerivationInvalid, match="derivations cannot be read: Permission denied") as caught:
        load_catalogue(root)
    assert "read the folder" in caught.value.hint


class Kind(Enum):
    SHIP = "ship"
    PLACE = "place"


class Stop(BaseModel):
    place: str
    year: int | None = None


class ShipFacts(BaseModel):
    """Facts about a ship.

    Only what the log says.
    """

    name: str = Field(description="the name as it is painted")
    home: str | None = Field(None, json_schema_extra={"x-ground": "verbatim"}, description="home port")
    kind: Kind
    colour: Literal["red", "blue"] | None
    launched: dt.date | None = None
    seen: dt.datetime | None = None
    masts: Annotated[int, Field(ge=1, le=9)]
    tags: list[str] = []
    codes: list[Annotated[str, Field(json_schema_extra={"x-ground": "inferred"})]] = []
    stops: list[Stop] = []
    title: str | None = Field(None, title="A title", alias="the title")
    is_afloat: bool | None = None


class Part(BaseModel):
    name: str
    parts: list[Part] = []


class Bare(BaseModel):
    a: str


def test_a_model_is_a_derivation() -> None:
    """Its schema is the contract, its docstring the instructions, its name the table's name."""
    derivation = derivation_from_model(ShipFacts)
    assert derivation.name == "ship_facts"
    assert derivation.version == "1"
    assert derivation.instructions == "Facts about a ship.\n\nOnly what the log says."
    assert sketch_shape(derivation.contract.shape) == (
        '{"cite": [lines], "name": string, "home": string | null, "kind": "ship" | "place",'
        ' "colour": "red" | "blue" | null,'
        ' "launched": date | null, "seen": date-time | null, "masts": integer, "tags": [string] | null,'
        ' "codes": [string] | null,'
        ' "stops": [{"cite": [lines], "place": string, "year": integer | null}] | null,'
        ' "the title": string | null, "is_afloat": boolean | null}'
    )
    assert "name: the name as it is painted\nhome: home port" in derivation.system_message
    shapes = {part.name: part.shape for part in derivation.contract.shape.properties}
    home, masts = shapes["home"], shapes["masts"]
    assert isinstance(home, ScalarShape)
    assert home.ground is Grounding.VERBATIM
    assert isinstance(masts, ScalarShape)
    assert (masts.minimum, masts.maximum) == (1, 9)
    assert '"title"' not in derivation.system_message


def test_a_recursive_model_is_closed() -> None:
    """A tree of parts is unfolded some rounds deep."""
    text = sketch_shape(derivation_from_model(Part).contract.shape)
    assert text.count('"name"') == 4
    assert '"parts": []' in text


def test_what_is_given_counts_over_the_model() -> None:
    """Name, version, instructions and options can be said beside the model."""
    options = DerivationOptions(repairs=3)
    made = derivation_from_model(Bare, name="other", version="7", instructions="Do.", options=options)
    assert (made.name, made.version, made.instructions, made.options) == ("other", "7", "Do.", options)
    assert derivation_from_model(Bare).instructions == ""


def test_a_models_derivation_comes_back_from_its_definition() -> None:
    """The Python way and the store's agree."""
    made = derivation_from_model(ShipFacts)
    assert derivation_from_definition(made.definition).derivation_hash == made.derivation_hash


class Open(BaseModel):
    numbers: dict[str, int]


class Empty(BaseModel):
    pass


class Uncallable(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    call: Callable[[], int]


class Citing(BaseModel):
    cite: str


T = TypeVar("T")


class Boxed(BaseModel, Generic[T]):
    value: T


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        pytest.param(Open, "must declare its properties", id="open-map"),
        pytest.param(Empty, "must declare its properties", id="no-fields"),
        pytest.param(Uncallable, "Uncallable has no JSON Schema", id="callable"),
        pytest.param(Citing, "Holocron's own", id="cite"),
    ],
)
def test_a_model_that_makes_no_contract_is_refused(model: type[BaseModel], reason: str) -> None:
    """The error is a contract's, with the pointer into the model's schema."""
    with pytest.raises(ContractInvalid, match=reason):
        derivation_from_model(model)


def test_a_model_whose_name_makes_no_table_needs_one() -> None:
    """`Boxed[int]` is no name of a table; a given name is."""
    with pytest.raises(DerivationInvalid, match=r"cannot be called 'boxed\[int\]'"):
        derivation_from_model(Boxed[int])
    assert derivation_from_model(Boxed[int], name="boxed").name == "boxed"


class Money(BaseModel):
    amount: Decimal
    pair: tuple[str, int]
    anything: object


def test_other_types_become_choices() -> None:
    """Decimals are numbers or their text, tuples lists of either, and anything is any scalar."""
    assert sketch_shape(derivation_from_model(Money).contract.shape) == (
        '{"cite": [lines], "amount": number | string, "pair": [string | integer],'
        ' "anything": string | number | boolean | null}'
    )
