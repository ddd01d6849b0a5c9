from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from holocron.doctor import Cause, Health
from holocron.doctor.files import examine_file
from holocron.doctor.loading import WantedModel
from holocron.llm.llamacpp import LlamaCppModel
from tiny_gguf import write_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a whole model file."""
    return write_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


def test_a_whole_file_is_well_and_answers(tiny: Path) -> None:
    """The library, the file and the window are named; with a way to open it, it answers too."""
    wanted = WantedModel(name="tiny", open=lambda: closing(LlamaCppModel(tiny)))
    found = list(examine_file(tiny, wanted))
    assert {one.health for one in found} == {Health.OK}
    assert [one.check for one in found] == ["engine", "model", "window", "load"]


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        pytest.param(None, Cause.MODEL_MISSING, id="missing"),
        pytest.param(b"This is a letter.", Cause.MODEL_DAMAGED, id="another-file"),
        pytest.param(-1000, Cause.MODEL_DAMAGED, id="cut"),
    ],
)
def test_a_file_that_is_no_whole_model_is_an_error(
    tmp_path: Path, tiny: Path, content: bytes | int | None, cause: Cause
) -> None:
    """Missing, of another kind and cut short are told before anything is loaded."""
    path = tmp_path / "x.gguf"
    if isinstance(content, int):
        path.write_bytes(tiny.read_bytes()[:content])
    elif content is not None:
        path.write_bytes(content)
    last = list(examine_file(path, WantedModel(name="x")))[-1]
    assert (last.health, last.cause) == (Health.ERROR, cause)
    assert last.mend


def test_an_installation_without_a_built_in_model_says_what_to_use() -> None:
    """The mend names the other forms of a model's name."""
    last = list(examine_file(None, WantedModel(name="")))[-1]
    assert last.cause is Cause.MODEL_MISSING
    assert "gguf:PATH" in last.mend


def test_a_library_that_does_not_load_is_an_error(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation is told apart from a broken model."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    found = list(examine_file(tiny, WantedModel(name="tiny")))
    assert (found[0].health, found[0].cause) == (Health.ERROR, Cause.LIBRARY_BROKEN)
    assert found[1].check == "model"


def test_little_memory_is_a_warning(tiny: Path) -> None:
    """A file that is larger than the free memory is told."""
    found = list(examine_file(tiny, WantedModel(name="tiny"), lambda: 1000))
    assert (found[-1].health, found[-1].cause) == (Health.WARNING, Cause.MEMORY_LOW)


def test_a_window_beyond_the_models_own_is_an_error(tiny: Path) -> None:
    """What derive would refuse is refused here in the same words."""
    last = list(examine_file(tiny, WantedModel(name="tiny", context_tokens=99_999)))[-1]
    assert (last.health, last.cause) == (Health.ERROR, Cause.SETTING_INVALID)
