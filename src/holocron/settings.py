"""Settings: where the project lies, which database, which model.

In: command line, environment, holocron.toml, defaults, in that order. Out: a frozen Settings.
Never: prints a secret. This is the only reader of os.environ and of holocron.toml.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from holocron.errors import SettingsInvalid

PROJECT_FILE = "holocron.toml"
STORE_FOLDER = ".holocron"
DEFAULT_MODEL = "builtin"

#: key in holocron.toml -> environment variable
_VARIABLES = {
    "database_url": "HOLOCRON_DATABASE_URL",
    "model": "HOLOCRON_MODEL",
    "slots": "HOLOCRON_SLOTS",
    "context_tokens": "HOLOCRON_CONTEXT_TOKENS",
}
#: model names that hold a path
_MODEL_FILES = ("gguf", "scripted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a surface needs to know before it opens anything."""

    #: the project's folder; relative evidence and derivations are found from here
    root: Path
    database_url: str
    model: str
    #: requests in flight; None lets the engine choose
    slots: int | None = None
    #: tokens in the window of one request; None lets the engine choose
    context_tokens: int | None = None

    @property
    def database_file(self) -> Path | None:
        """Return the file of an embedded database; None for a server's, or one in memory."""
        scheme, _, place = self.database_url.partition(":///")
        if scheme.split("+")[0] != "sqlite" or place in ("", ":memory:"):
            return None
        return Path(unquote(place.partition("?")[0]))

    @classmethod
    def load(
        cls,
        start: Path | None = None,
        *,
        given: Mapping[str, str | int | None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Settings:
        """Read the settings of the project around `start`, the working folder by default.

        given: what the command line or a caller named, by the keys of holocron.toml.
        Raises: SettingsInvalid naming the place and the key.
        """
        environment = os.environ if environment is None else environment
        root = find_root(start or Path.cwd())
        found = _read_project_file(root / PROJECT_FILE)
        named: dict[str, tuple[object, str]] = {
            key: (environment[variable], variable)
            for key, variable in _VARIABLES.items()
            if environment.get(variable)
        }
        named |= {key: (value, key) for key, value in (given or {}).items() if value is not None}
        if "database_url" in named:
            url, place = named["database_url"]
            named["database_url"] = (_place_database(url, Path.cwd()), place)
        found |= named
        return cls(
            root=root,
            database_url=_text(found, "database_url", _sqlite_url(root / STORE_FOLDER / "holocron.sqlite")),
            model=_text(found, "model", DEFAULT_MODEL),
            slots=_count(found, "slots"),
            context_tokens=_count(found, "context_tokens"),
        )


def find_root(start: Path) -> Path:
    """Return the nearest folder upwards that holds holocron.toml, or `start` itself."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    return start


def _read_project_file(path: Path) -> dict[str, tuple[object, str]]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise SettingsInvalid(f"{path} cannot be read: {problem.strerror}") from problem
    try:
        entries = tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as problem:
        raise SettingsInvalid(f"{path} is not TOML: {problem}") from problem
    for key in entries:
        if key not in _VARIABLES:
            raise SettingsInvalid(
                f"{path} has an unknown key {key!r}", hint="The keys are " + ", ".join(_VARIABLES) + "."
            )
    placed = {"model": _place_model, "database_url": _place_database}
    return {
        key: (placed[key](value, path.parent) if key in placed else value, f"{path}: {key}")
        for key, value in entries.items()
    }


def _place_model(name: object, folder: Path) -> object:
    """Return a model's name whose path, where it is relative, is found from a folder."""
    scheme, _, place = name.partition(":") if isinstance(name, str) else ("", "", "")
    return f"{scheme}:{folder / Path(place).expanduser()}" if place and scheme in _MODEL_FILES else name


def _place_database(url: object, folder: Path) -> object:
    """Return the URL of an embedded database whose path, where it is relative, is found from a folder."""
    if isinstance(url, str) and url.strip() and "://" not in url:
        # a plain path is what a person tries first
        return _sqlite_url(folder / Path(url.strip()).expanduser())
    scheme, _, place = url.partition(":///") if isinstance(url, str) else ("", "", "")
    path, mark, query = place.partition("?")
    if scheme.split("+")[0] != "sqlite" or not path or path.startswith((":", "file:")):
        return url
    return f"{scheme}{_sqlite_url(folder / Path(unquote(path)).expanduser())[len('sqlite') :]}{mark}{query}"


def _sqlite_url(path: Path) -> str:
    """Return the URL of a file, whatever signs are in its name."""
    return f"sqlite:///{path.as_posix().replace('%', '%25').replace('?', '%3F')}"


def _text(found: Mapping[str, tuple[object, str]], key: str, default: str) -> str:
    if key not in found:
        return default
    value, place = found[key]
    if not isinstance(value, str) or not value.strip():
        raise SettingsInvalid(f"{place} must be text")
    return value.strip()


def _count(found: Mapping[str, tuple[object, str]], key: str) -> int | None:
    if key not in found:
        return None
    value, place = found[key]
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise SettingsInvalid(f"{place} must be a whole number from 1 upwards, and is {value!r}")
    return number


def wants_traceback(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether HOLOCRON_TRACEBACK asks for the traceback of an unforeseen fault."""
    return bool((os.environ if environment is None else environment).get("HOLOCRON_TRACEBACK"))
