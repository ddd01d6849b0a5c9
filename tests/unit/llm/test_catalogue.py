"""Names of models into models."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import holocron.llm.llamacpp
from holocron.errors import ModelDamaged, ModelNotFound, SettingsInvalid
from holocron.llm.catalogue import open_model
from holocron.settings import ServerSettings


def test_opens_a_gguf_file(tiny_path: Path) -> None:
    """The name stays as the user wrote it, and slots and window are taken over."""
    model = open_model(f"gguf:{tiny_path}", slots=2, context_tokens=512)
    assert (model.identity.name, model.slots) == (f"gguf:{tiny_path}", 2)
    assert model.identity.context_tokens == 512
    model.close()


def test_opens_a_script(tmp_path: Path) -> None:
    """A script file is a model too, for tests of what is built on Holocron."""
    path = tmp_path / "script.json"
    path.write_text("{}")
    assert open_model(f"scripted:{path}").identity.engine == "scripted"


@pytest.mark.parametrize("name", ["", "gguf", "gguf:", "llama3", "scripted:", "cloud:big", "builtin:x"])
def test_an_unknown_name_says_what_there_is(name: str) -> None:
    """The hint lists the forms that a name may have."""
    with pytest.raises(ModelNotFound, match="there is no model") as caught:
        open_model(name)
    assert "gguf:PATH" in caught.value.hint


def test_a_missing_builtin_model_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a model in the package the hint names the way out."""
    monkeypatch.setattr(holocron.llm.llamacpp, "builtin_model_path", lambda: None)
    with pytest.raises(ModelNotFound) as caught:
        open_model("builtin")
    assert "gguf:PATH" in caught.value.hint


def test_a_file_that_is_no_model_is_damaged(tmp_path: Path) -> None:
    """A name in the right form of a file in the wrong one is refused before anything is loaded."""
    path = tmp_path / "letter.gguf"
    path.write_text("Dear reader")
    with pytest.raises(ModelDamaged):
        open_model(f"gguf:{path}")


def test_a_server_has_an_address() -> None:
    """Models of servers need to be told where these are; the sentence names what to set."""
    with pytest.raises(SettingsInvalid, match="no addresses of servers"):
        open_model("ollama:tiny")
    with pytest.raises(SettingsInvalid, match="needs the address of its server") as caught:
        open_model("openai:tiny", servers=ServerSettings())
    assert "OPENAI_BASE_URL" in caught.value.hint


def test_the_engine_is_loaded_only_where_it_answers(tiny_path: Path) -> None:
    """Opening a model to learn its digest costs neither the library nor the weights."""
    program = (
        "import sys; from holocron.llm.catalogue import open_model;"
        f"open_model({f'gguf:{tiny_path}'!r}).close(); print('xllamacpp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_home_folder_of_nobody_is_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip behind the tilde is told as a file that is not there."""

    def expand(_: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", expand)
    with pytest.raises(ModelNotFound, match="~nobody") as caught:
        open_model("gguf:~nobody/model.gguf")
    assert "path" in caught.value.hint
