from __future__ import annotations

import itertools
import json
import re
import shutil
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_stack import OVERRIDES, PASSWORDS, ROOT, Stack, say

FILES = sorted(path.name for path in ROOT.glob("*compose*.y*ml"))
COMBINATIONS = [chosen for size in range(4) for chosen in itertools.combinations(OVERRIDES, size)]
needs_compose = pytest.mark.skipif(
    shutil.which("docker") is None or say("docker", "compose", "version").code != 0,
    reason="NO DOCKER COMPOSE: the compose files are not checked by it here",
)


@cache
def read_services(overrides: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the services of a stack as compose reads its files."""
    stack = Stack(folder=ROOT, overrides=overrides, passwords=PASSWORDS)
    rendered = json.loads(stack.must("--profile", "*", "config", "--format", "json"))
    services: dict[str, dict[str, Any]] = rendered["services"]
    return services


@needs_compose
@pytest.mark.compose
@pytest.mark.parametrize("passwords", [PASSWORDS, {}], ids=["with passwords", "without .env"])
@pytest.mark.parametrize("overrides", COMBINATIONS, ids=lambda chosen: "+".join(chosen) or "main file")
def test_every_combination_is_a_stack(
    overrides: tuple[str, ...], passwords: dict[str, str], tmp_path: Path
) -> None:
    """`docker compose config -q` finds nothing wrong, and nothing to warn of."""
    said = Stack(folder=tmp_path, overrides=overrides, passwords=passwords).compose("config", "-q")
    assert (said.code, said.out, said.err) == (0, "", "")


@pytest.mark.compose
def test_the_files_are_of_the_compose_specification() -> None:
    """Each file holds against the schema of the Compose specification."""
    said = say(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *FILES)
    assert said.code == 0, said.out


@needs_compose
@pytest.mark.compose
def test_published_ports_are_on_loopback() -> None:
    """No combination publishes a port on an address that another machine reaches."""
    for overrides in COMBINATIONS:
        ports = [port for service in read_services(overrides).values() for port in service.get("ports", ())]
        assert ports
        assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


@needs_compose
@pytest.mark.compose
def test_who_is_given_which_password() -> None:
    """The runner's settings hold its own password alone; Ollama's hold none."""
    for overrides in COMBINATIONS:
        told = {name: str(service["environment"]) for name, service in read_services(overrides).items()}
        own = PASSWORDS["HOLOCRON_DB_PASSWORD"]
        admins = set(PASSWORDS.values()) - {own}
        assert own in told["runner"]
        assert not any(password in told["runner"] for password in admins)
        for name in ("ollama", "ollama-pull"):
            assert not any(password in told[name] for password in PASSWORDS.values())


def test_every_variable_is_in_the_example() -> None:
    """.env.example names every variable of the files, each with its default, and no other."""
    used: dict[str, str] = {}
    for name in FILES:
        text = re.sub(r"^ *#.*", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
        used |= dict(re.findall(r"(?<!\$)\$\{([A-Z_]+):?-?([^${}]*)", text))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert named.keys() - used.keys() == {"COMPOSE_FILE", "COMPOSE_PATH_SEPARATOR"}
    assert used.keys() <= named.keys()
    defaults = {name: named[name] for name in used if name != "HOLOCRON_MODEL"}
    assert defaults == {name: default for name, default in used.items() if name != "HOLOCRON_MODEL"}
    assert not re.search(r"^[^#\n]", example, re.MULTILINE)


def test_the_gpu_lines_stand_in_the_main_file_too() -> None:
    """Taking the comment away from docker-compose.yml gives what compose.gpu.yaml adds."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    commented = re.search(r"^    # deploy:\n(    #.*\n)+", text, re.MULTILINE)
    assert commented
    lines = re.sub(r"^    # ", "", commented[0], flags=re.MULTILINE)
    override = yaml.safe_load((ROOT / "compose.gpu.yaml").read_text(encoding="utf-8"))
    assert yaml.safe_load(lines) == override["services"]["ollama"]


def test_the_image_is_of_this_version() -> None:
    """The label of the image is the version of the package, and every package in it is pinned by hash."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f'org.opencontainers.image.version="{project["version"]}"' in dockerfile
    assert not dockerfile.startswith("# syntax")
    pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "docker-requirements.txt").read_text(), re.MULTILINE))
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras.get("postgres", ()), *extras.get("mssql", ())]
    assert {re.split(r"[^A-Za-z0-9-]", need)[0].lower() for need in wanted} <= pinned


def test_only_what_the_image_needs_goes_to_its_builder() -> None:
    """.dockerignore shuts everything out and names what comes in."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {f"!{name}" for line in sources for name in line.split()} <= set(rules)
    assert not {"!.", "!.env", "!.git", "!evidence"} & set(rules)
