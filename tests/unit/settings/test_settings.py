"""Settings: which of four places counts, and what is said of a value that cannot be used."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from holocron.errors import SettingsInvalid
from holocron.settings import Settings, detect_container, find_root, wants_traceback
from holocron.store import Store


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project's folder with an empty holocron.toml; the working folder is another one."""
    folder, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    (folder / "sub" / "deep").mkdir(parents=True)
    elsewhere.mkdir()
    (folder / "holocron.toml").touch()
    monkeypatch.chdir(elsewhere)
    return folder


def _load(project: Path, toml: str = "", **environment: str) -> Settings:
    (project / "holocron.toml").write_text(toml, encoding="utf-8")
    return Settings.load(project, environment=environment)


def test_a_project_without_settings_has_defaults(project: Path) -> None:
    """The built-in model, and SQLite in the project's own folder."""
    settings = _load(project)
    assert settings.root == project
    assert settings.model == "builtin"
    assert settings.database_file == project / ".holocron" / "holocron.sqlite"
    assert (settings.slots, settings.context_tokens) == (None, None)


def test_the_nearest_project_upwards_counts(project: Path) -> None:
    """A command in a subfolder works the project around it; without one, the folder itself is the project."""
    assert find_root(project / "sub" / "deep") == project
    (project / "sub" / "holocron.toml").touch()
    assert find_root(project / "sub" / "deep") == project / "sub"
    assert find_root(project.parent / "elsewhere") == project.parent / "elsewhere"


def test_each_place_counts_before_the_next(project: Path) -> None:
    """What was given comes before the environment, that before the file, and that before the default."""
    toml = 'model = "scripted:/file"\nslots = 1\ncontext_tokens = 100\n'
    assert _load(project, toml).model == "scripted:/file"
    assert _load(project, toml, HOLOCRON_MODEL="builtin").model == "builtin"
    settings = Settings.load(
        project,
        given={"model": "gguf:given", "slots": 3, "database_url": None},
        environment={"HOLOCRON_MODEL": "environment", "HOLOCRON_SLOTS": "2", "HOLOCRON_CONTEXT_TOKENS": ""},
    )
    assert (settings.model, settings.slots, settings.context_tokens) == ("gguf:given", 3, 100)


def test_the_environment_of_the_process_is_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without another environment, the process's own counts."""
    monkeypatch.setenv("HOLOCRON_SLOTS", "7")
    monkeypatch.chdir(project / "sub")
    settings = Settings.load()
    assert (settings.root, settings.slots) == (project, 7)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        pytest.param("model = ", "is not TOML", id="not TOML"),
        pytest.param('modle = "x"', "unknown key 'modle'", id="unknown key"),
        pytest.param("model = 3", "model must be text", id="model is no text"),
        pytest.param('model = "  "', "model is empty", id="model is blank"),
        pytest.param("database_url = 3", "database_url must be text", id="database is no text"),
        pytest.param("slots = 0", "slots must be a whole number", id="no slots"),
        pytest.param("slots = 100000", "from 1 to 1,024", id="more slots than there can be threads"),
        pytest.param("slots = -1", "slots must be a whole number", id="negative slots"),
        pytest.param("slots = 1.5", "slots must be a whole number", id="half a slot"),
        pytest.param("slots = true", "slots must be a whole number", id="slots is a boolean"),
        pytest.param('slots = "many"', "slots must be a whole number", id="slots in words"),
        pytest.param("[model]", "model must be text", id="a table"),
        pytest.param("slots = [2]", "slots must be a whole number", id="a list"),
    ],
)
def test_a_file_that_cannot_be_used_is_said(project: Path, toml: str, said: str) -> None:
    """The file and the key are named."""
    with pytest.raises(SettingsInvalid, match=said) as caught:
        _load(project, toml)
    assert "holocron.toml" in str(caught.value)


def test_a_variable_that_cannot_be_used_is_said(project: Path) -> None:
    """The variable is named, not the key of the file."""
    with pytest.raises(SettingsInvalid, match="HOLOCRON_SLOTS must be a whole number"):
        _load(project, "slots = 2", HOLOCRON_SLOTS="x")


def test_a_file_that_cannot_be_read_is_said(project: Path) -> None:
    """A file that is not UTF-8 is named; a byte order mark is no fault."""
    file = project / "holocron.toml"
    file.write_bytes(b'model = "\xff"')
    with pytest.raises(SettingsInvalid, match="is not TOML"):
        Settings.load(project, environment={})
    file.write_bytes(b'\xef\xbb\xbfmodel = "builtin"')
    assert Settings.load(project, environment={}).model == "builtin"
    file.unlink()
    file.mkdir()
    with pytest.raises(SettingsInvalid, match=r"holocron\.toml cannot be read"):
        Settings.load(project, environment={})


@pytest.mark.parametrize(
    ("name", "placed"),
    [
        ("builtin", "builtin"),
        ("gguf:models/x.gguf", "gguf:{project}/models/x.gguf"),
        ("scripted:answers.json", "scripted:{project}/answers.json"),
        ("gguf:/models/x.gguf", "gguf:/models/x.gguf"),
        ("gguf:~/x.gguf", "gguf:{home}/x.gguf"),
        ("gguf:", "gguf:"),
        ("ollama:llama3.2", "ollama:llama3.2"),
    ],
)
def test_a_models_path_in_the_file_is_the_projects(project: Path, name: str, placed: str) -> None:
    """A relative path in holocron.toml is found from the project; any other stays as it was typed."""
    expected = placed.format(project=project.as_posix(), home=Path.home().as_posix())
    assert _load(project, f'model = "{name}"').model.replace("\\", "/") == expected
    assert _load(project, HOLOCRON_MODEL=name).model == name


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://scott:tiger@localhost/x",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=ro&uri=true",
    ],
)
def test_a_database_without_a_path_stays_as_it_is(project: Path, url: str) -> None:
    """A server's URL, or one that is no place, is left to the store; it has no file."""
    settings = _load(project, f'database_url = "{url}"')
    assert settings.database_url == url
    assert _load(project, HOLOCRON_DATABASE_URL=url).database_url == url


def test_a_relative_database_is_found_from_its_owner(project: Path) -> None:
    """A relative path in holocron.toml is the project's; in a variable, the working folder's."""
    url = "sqlite:///sub/a.sqlite?timeout=5"
    assert (
        _load(project, f'database_url = "{url}"').database_url
        == f"sqlite:///{(project / 'sub/a.sqlite').as_posix()}?timeout=5"
    )
    here = Path.cwd() / "sub" / "a.sqlite"
    assert _load(project, HOLOCRON_DATABASE_URL=url).database_file == here
    assert Settings.load(project, given={"database_url": url}, environment={}).database_file == here


def test_a_plain_path_is_a_database(project: Path) -> None:
    """A path without a scheme is the file of a database, placed as a URL's would be."""
    assert _load(project, 'database_url = "sub/a b.sqlite"').database_file == project / "sub" / "a b.sqlite"
    assert _load(project, HOLOCRON_DATABASE_URL="a?b.sqlite").database_file == Path.cwd() / "a?b.sqlite"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("host=db.example user=me password=S3CRET dbname=x", id="libpq"),
        pytest.param("Server=tcp:db,1433;User Id=sa;Password=S3CRET", id="ADO"),
        pytest.param("Password=S3CRET;Server=tcp://db", id="ADO with an address"),
        pytest.param("postgresql:/me:S3CRET@db.example/x", id="one slash"),
        pytest.param("postgresql//me:S3CRET@db.example/x", id="no colon"),
        pytest.param("me:S3CRET@db.example/x", id="no scheme"),
        pytest.param("db.example/x?password=S3CRET", id="an option"),
        pytest.param("jdbc:postgresql://db.example/x?password=S3CRET", id="JDBC"),
    ],
)
def test_what_may_hold_a_password_is_no_files_name(project: Path, text: str) -> None:
    """Another program's way to name a server is refused without being quoted, wherever it is written."""
    for place in ("HOLOCRON_DATABASE_URL", "database_url"):
        toml = f"database_url = '{text}'" if place == "database_url" else ""
        with pytest.raises(SettingsInvalid, match=f"{place} is neither a URL nor a path") as caught:
            _load(project, toml, **({} if toml else {place: text}))
        assert "S3CRET" not in f"{caught.value} {caught.value.hint}"
        assert "postgresql://" in caught.value.hint


@pytest.mark.parametrize("path", ["./a=b.sqlite", "/data/date=2/x;y.sqlite", "../a:b", "C:\\x\\a=b.sqlite"])
def test_a_path_that_begins_like_one_may_have_any_sign(project: Path, path: str) -> None:
    """Only what does not begin like a path is taken for a connection string."""
    assert _load(project, HOLOCRON_DATABASE_URL=path).database_file == Path.cwd() / path


@pytest.mark.skipif(os.name == "nt", reason="ON WINDOWS every name has a home folder beside the user's own")
@pytest.mark.parametrize(
    "toml", ["model = 'gguf:~nosuchuser/x.gguf'", "database_url = '~nosuchuser/x.sqlite'"]
)
def test_nobodys_home_folder_is_a_setting_that_cannot_be_used(project: Path, toml: str) -> None:
    """A `~` with a name that no user has is told with the path and a mend."""
    with pytest.raises(SettingsInvalid, match="no home folder for '~nosuchuser/x") as caught:
        _load(project, toml)
    assert caught.value.hint


def test_a_root_that_is_not_there_yet_is_the_projects(project: Path) -> None:
    """Nothing is looked for upwards from a root that is named as that."""
    (project / "holocron.toml").write_text("slots = 3")
    new = project / "new"
    assert Settings.load(new, environment={}).slots == 3
    settings = Settings.load(root=new, environment={})
    assert (settings.root, settings.slots) == (new, None)


@pytest.mark.parametrize("name", ["plain", "a b", "50%", "%20", "a?b", "a#b", "a+b", "ü 海", "a&b=c", "'"])
def test_a_projects_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """The database lies inside the project, whatever signs are in the folder's name."""
    try:
        (tmp_path / name).mkdir()
    except OSError:
        pytest.skip(f"NO SUCH FOLDER HERE: {name!r}")
    settings = Settings.load(tmp_path / name, environment={})
    Store(settings.database_url).close()
    assert (tmp_path / name / ".holocron" / "holocron.sqlite").is_file()
    assert settings.database_file == tmp_path / name / ".holocron" / "holocron.sqlite"
    relative = Settings.load(
        tmp_path / name,
        given={"database_url": f"sqlite:///{(tmp_path / 'other').as_posix()}"},
        environment={},
    )
    assert relative.database_file == tmp_path / "other"


@pytest.mark.parametrize(
    ("inside", "set_", "url", "reason"),
    [
        ("0", {}, "http://localhost:11434", "OLLAMA_HOST_BASE_URL counts outside a container"),
        ("1", {}, "http://ollama:11434", "OLLAMA_BASE_URL counts inside a container"),
        (
            "0",
            {"OLLAMA_HOST_BASE_URL": "http://h:1", "OLLAMA_BASE_URL": "http://c:2"},
            "http://h:1",
            "is set",
        ),
        (
            "1",
            {"OLLAMA_HOST_BASE_URL": "http://h:1", "OLLAMA_BASE_URL": "http://c:2"},
            "http://c:2",
            "is set",
        ),
        ("1", {"OLLAMA_HOST_BASE_URL": "http://h:1"}, "http://ollama:11434", "its default counts"),
        (
            "1",
            {"OLLAMA_HOST_BASE_URL": "http://h:1"},
            "http://ollama:11434",
            "OLLAMA_HOST_BASE_URL is set, and is not read here, but would be with HOLOCRON_IN_CONTAINER=0",
        ),
    ],
)
def test_ollama_is_where_this_process_can_reach_it(
    project: Path, inside: str, set_: dict[str, str], url: str, reason: str
) -> None:
    """Inside a container one variable counts, elsewhere the other; the reason can be told."""
    servers = _load(project, HOLOCRON_IN_CONTAINER=inside, **set_).servers
    assert servers.ollama_url == servers.ollama.url == url
    assert reason in servers.ollama.reason
    assert f"HOLOCRON_IN_CONTAINER={inside}" in servers.ollama.reason


@pytest.mark.parametrize(
    ("files", "environment", "inside", "sign"),
    [
        ({}, {}, False, "no sign of one"),
        ({".dockerenv": ""}, {}, True, "/.dockerenv is there"),
        ({"run/.containerenv": ""}, {}, True, "/run/.containerenv is there"),
        ({"proc/1/cgroup": "1:name=systemd:/docker/abc"}, {}, True, "/proc/1/cgroup names one"),
        ({"proc/1/cgroup": "0::/init.scope"}, {}, False, "no sign of one"),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True, "KUBERNETES_SERVICE_HOST is set"),
        ({".dockerenv": ""}, {"HOLOCRON_IN_CONTAINER": "0"}, False, "HOLOCRON_IN_CONTAINER=0"),
        ({}, {"HOLOCRON_IN_CONTAINER": "1"}, True, "HOLOCRON_IN_CONTAINER=1"),
    ],
)
def test_a_container_has_its_signs(
    tmp_path: Path, files: dict[str, str], environment: dict[str, str], inside: bool, sign: str
) -> None:
    """Docker, Podman and Kubernetes each leave one; a person's word goes before them all."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert detect_container(environment, tmp_path) == (inside, sign)


@pytest.mark.parametrize("key", ["model", "database_url", "ollama_host_base_url"])
def test_an_empty_text_is_called_empty(project: Path, key: str) -> None:
    """A text that says nothing is told apart from what is no text."""
    with pytest.raises(SettingsInvalid, match=f"{key} is empty") as caught:
        _load(project, f'{key} = " "', HOLOCRON_IN_CONTAINER="0")
    assert caught.value.hint
    with pytest.raises(SettingsInvalid, match=f"{key} must be text, and is 3"):
        _load(project, f"{key} = 3", HOLOCRON_IN_CONTAINER="0")


def test_a_container_is_yes_or_no(project: Path) -> None:
    """Any other word is refused."""
    with pytest.raises(SettingsInvalid, match="HOLOCRON_IN_CONTAINER must be 1 or 0, and is 'yes'"):
        _load(project, HOLOCRON_IN_CONTAINER="yes")


def test_a_server_is_named_by_variable_or_file(project: Path) -> None:
    """The address and the way of asking may stand in the file; the key may not."""
    toml = 'openai_base_url = "http://h:1/v1"\nopenai_response_format = "none"'
    servers = _load(project, toml, OPENAI_API_KEY="sk-secret").servers
    assert (servers.openai_url, servers.openai_format) == ("http://h:1/v1", "none")
    assert servers.openai_key == "sk-secret"
    assert _load(project).servers.openai_url is None
    with pytest.raises(SettingsInvalid, match="unknown key 'openai_api_key'"):
        _load(project, 'openai_api_key = "sk-secret"')
    with pytest.raises(SettingsInvalid, match="OPENAI_RESPONSE_FORMAT must be one of json_schema"):
        _load(project, OPENAI_RESPONSE_FORMAT="xml")


def test_a_key_is_never_shown(project: Path) -> None:
    """Settings may be printed; the key is not among what is."""
    settings = _load(project, OPENAI_API_KEY="sk-secret")
    assert "sk-secret" not in f"{settings} {settings!r} {settings.servers}"


def test_settings_cannot_be_changed(project: Path) -> None:
    """Settings are read once and stay."""
    settings = _load(project)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.model = "other"  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(("value", "wanted"), [(None, False), ("", False), ("1", True)])
def test_a_traceback_is_asked_for(value: str | None, wanted: bool) -> None:
    """HOLOCRON_TRACEBACK counts when it is set and not empty."""
    assert wants_traceback({} if value is None else {"HOLOCRON_TRACEBACK": value}) is wanted
