"""Settings: where the project lies, which database, which model, and where the models' servers are.

In: command line, environment, holocron.toml, defaults, in that order. Out: a frozen Settings.
Never: prints a secret. This is the only reader of os.environ and of holocron.toml.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from holocron.errors import SettingsInvalid

PROJECT_FILE = "holocron.toml"
STORE_FOLDER = ".holocron"
DEFAULT_MODEL = "builtin"
#: what a compose stack calls Ollama from inside, and from the host
DEFAULT_OLLAMA_URL = "http://ollama:11434"
DEFAULT_OLLAMA_HOST_URL = "http://localhost:11434"
#: each request in flight is a thread, and no model's window is larger
MOST_SLOTS = 1024
MOST_TOKENS = 100_000_000
RESPONSE_FORMATS = ("json_schema", "json_object", "none")
#: 1 or 0 where the machine's own signs of a container are wrong
CONTAINER_VARIABLE = "HOLOCRON_IN_CONTAINER"
#: never read from a file: files are copied and committed
KEY_VARIABLE = "OPENAI_API_KEY"

#: key in holocron.toml -> environment variable
_VARIABLES = {
    "database_url": "HOLOCRON_DATABASE_URL",
    "model": "HOLOCRON_MODEL",
    "slots": "HOLOCRON_SLOTS",
    "context_tokens": "HOLOCRON_CONTEXT_TOKENS",
    "ollama_base_url": "OLLAMA_BASE_URL",
    "ollama_host_base_url": "OLLAMA_HOST_BASE_URL",
    "openai_base_url": "OPENAI_BASE_URL",
    "openai_response_format": "OPENAI_RESPONSE_FORMAT",
}
#: model names that hold a path
_MODEL_FILES = ("gguf", "scripted")
#: what does not begin like a path and has a sign of a connection string, in which a password may stand
_CONNECTION = re.compile(r"(?![./\\~]|[A-Za-z]:[\\/]).*[=;:]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaAddress:
    """Where Ollama is, and why that is believed."""

    url: str = DEFAULT_OLLAMA_HOST_URL
    #: the variable that counts here
    variable: str = "OLLAMA_HOST_BASE_URL"
    #: whether it is set; otherwise `url` is its default
    is_set: bool = False
    in_container: bool = False
    #: the variable of the other place, where it is set and does not count; empty otherwise
    passed_over: str = ""
    #: what tells that this is a container, or that it is none
    sign: str = "no sign of one"
    #: what OLLAMA_HOST holds: Ollama reads it and Holocron does not, but 'holocron doctor' explains it
    ollama_host: str = ""

    @property
    def reason(self) -> str:
        """Return in one sentence which variable counts and why."""
        place = "inside a container" if self.in_container else "outside a container"
        said = "is set" if self.is_set else "is not set, so its default counts"
        reason = f"{self.variable} counts {place} ({self.sign}) and {said}"
        if not self.is_set and self.passed_over:
            otherwise = f"{CONTAINER_VARIABLE}={0 if self.in_container else 1}"
            reason += f"; {self.passed_over} is set, and is not read here, but would be with {otherwise}"
        return reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where the servers of models are; what open_model needs to know of them."""

    ollama: OllamaAddress = OllamaAddress()
    #: None where no variable names one
    openai_url: str | None = None
    #: how that server is asked for JSON: one of RESPONSE_FORMATS
    openai_format: str = RESPONSE_FORMATS[0]
    #: a secret
    openai_key: str | None = field(default=None, repr=False)

    @property
    def ollama_url(self) -> str:
        """Return Ollama's base URL."""
        return self.ollama.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a surface needs to know before it opens anything."""

    #: the project's folder; relative evidence and derivations are found from here
    root: Path
    database_url: str
    model: str
    servers: ServerSettings = ServerSettings()
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
        root: Path | None = None,
        given: Mapping[str, str | int | None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Settings:
        """Read the settings of the project around `start`, the working folder by default.

        root: the project's own folder, which may not be there yet; nothing is looked for upwards from it.
        given: what the command line or a caller named, by the keys of holocron.toml.
        Raises: SettingsInvalid naming the place and the key.
        """
        environment = os.environ if environment is None else environment
        root = root.resolve() if root else find_root(start or Path.cwd())
        found = _read_project_file(root / PROJECT_FILE)
        named: dict[str, tuple[object, str]] = {
            key: (environment[variable], variable)
            for key, variable in _VARIABLES.items()
            if environment.get(variable)
        }
        named |= {key: (value, key) for key, value in (given or {}).items() if value is not None}
        if "database_url" in named:
            url, place = named["database_url"]
            named["database_url"] = (_place_database(url, Path.cwd(), place), place)
        found |= named
        return cls(
            root=root,
            database_url=_text(found, "database_url", _sqlite_url(root / STORE_FOLDER / "holocron.sqlite")),
            model=_text(found, "model", DEFAULT_MODEL),
            servers=_find_servers(found, environment),
            slots=_count(found, "slots", MOST_SLOTS),
            context_tokens=_count(found, "context_tokens", MOST_TOKENS),
        )


def detect_container(environment: Mapping[str, str], root: Path = Path("/")) -> tuple[bool, str]:
    """Tell whether this process runs in a container, and by which sign.

    root: the folder in which the signs of Docker, Podman and Kubernetes are looked for.
    Raises: SettingsInvalid where HOLOCRON_IN_CONTAINER says neither 0 nor 1.
    """
    said = environment.get(CONTAINER_VARIABLE, "")
    if said:
        if said not in ("0", "1"):
            raise SettingsInvalid(f"{CONTAINER_VARIABLE} must be 1 or 0, and is {said!r}")
        return said == "1", f"{CONTAINER_VARIABLE}={said}"
    for sign in (".dockerenv", "run/.containerenv"):
        if (root / sign).exists():
            return True, f"/{sign} is there"
    if environment.get("KUBERNETES_SERVICE_HOST"):
        return True, "KUBERNETES_SERVICE_HOST is set"
    try:
        groups = (root / "proc" / "1" / "cgroup").read_text(encoding="utf-8", errors="replace")
    except OSError:
        groups = ""
    if any(sign in groups for sign in ("docker", "kubepods", "containerd", "libpod")):
        return True, "/proc/1/cgroup names one"
    return False, "no sign of one"


def _find_servers(found: Mapping[str, tuple[object, str]], environment: Mapping[str, str]) -> ServerSettings:
    in_container, sign = detect_container(environment)
    inside, outside = (
        ("ollama_base_url", DEFAULT_OLLAMA_URL),
        ("ollama_host_base_url", DEFAULT_OLLAMA_HOST_URL),
    )
    (key, default), (other, _) = (inside, outside) if in_container else (outside, inside)
    form = _text(found, "openai_response_format", RESPONSE_FORMATS[0])
    if form not in RESPONSE_FORMATS:
        place = found["openai_response_format"][1]
        raise SettingsInvalid(f"{place} must be one of {', '.join(RESPONSE_FORMATS)}, and is {form!r}")
    return ServerSettings(
        ollama=OllamaAddress(
            url=_text(found, key, default),
            variable=_VARIABLES[key],
            is_set=key in found,
            in_container=in_container,
            passed_over=_VARIABLES[other] if other in found else "",
            sign=sign,
            ollama_host=environment.get("OLLAMA_HOST", ""),
        ),
        openai_url=_text(found, "openai_base_url", "") or None,
        openai_format=form,
        openai_key=environment.get(KEY_VARIABLE) or None,
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
    places = {key: f"{path}: {key}" for key in entries}
    return {
        key: (_place(key, value, path.parent, places[key]), places[key]) for key, value in entries.items()
    }


def _place(key: str, value: object, folder: Path, place: str) -> object:
    """Return an entry of a file in a folder; a relative path in it is found from there."""
    if key == "model":
        return place_model(value, folder)
    return _place_database(value, folder, place) if key == "database_url" else value


def place_model(name: object, folder: Path) -> object:
    """Return a model's name whose path, where it is relative, is found from a folder.

    Raises: SettingsInvalid as expand_home.
    """
    scheme, _, place = name.partition(":") if isinstance(name, str) else ("", "", "")
    return f"{scheme}:{folder / expand_home(place)}" if place and scheme in _MODEL_FILES else name


def expand_home(path: str) -> Path:
    """Return a path whose `~` is written out. Raises: SettingsInvalid where that is nobody's home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError as problem:
        raise SettingsInvalid(
            f"there is no home folder for {path!r}", hint="Write the path out, without '~'."
        ) from problem


def _place_database(url: object, folder: Path, place: str) -> object:
    """Return the URL of an embedded database whose path, where it is relative, is found from a folder.

    place: where it was named. Raises: SettingsInvalid for what is neither a URL nor a path, quoting nothing.
    """
    text = url.strip() if isinstance(url, str) else ""
    scheme, mark, _ = text.partition("://")
    if _CONNECTION.match(scheme):
        raise SettingsInvalid(
            f"{place} is neither a URL nor a path",
            hint="Write a server as postgresql://LOGIN:PASSWORD@HOST/DATABASE or mssql://…, and a file as "
            "./PATH or sqlite:///PATH.",
        )
    if text and not mark:
        # a plain path is what a person tries first
        return _sqlite_url(folder / expand_home(text))
    scheme, _, file = text.partition(":///")
    path, mark, query = file.partition("?")
    if scheme.split("+")[0] != "sqlite" or not path or path.startswith((":", "file:")):
        return url
    return f"{scheme}{_sqlite_url(folder / expand_home(unquote(path)))[len('sqlite') :]}{mark}{query}"


def _sqlite_url(path: Path) -> str:
    """Return the URL of a file, whatever signs are in its name."""
    return f"sqlite:///{path.as_posix().replace('%', '%25').replace('?', '%3F')}"


def _text(found: Mapping[str, tuple[object, str]], key: str, default: str) -> str:
    if key not in found:
        return default
    value, place = found[key]
    if not isinstance(value, str):
        raise SettingsInvalid(f"{place} must be text, and is {value!r}")
    if not value.strip():
        raise SettingsInvalid(f"{place} is empty", hint="Leave it out to have the default.")
    return value.strip()


def _count(found: Mapping[str, tuple[object, str]], key: str, most: int) -> int | None:
    if key not in found:
        return None
    value, place = found[key]
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if not 1 <= number <= most:
        raise SettingsInvalid(f"{place} must be a whole number from 1 to {most:,}, and is {value!r}")
    return number


def wants_traceback(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether HOLOCRON_TRACEBACK asks for the traceback of an unforeseen fault."""
    return bool((os.environ if environment is None else environment).get("HOLOCRON_TRACEBACK"))
