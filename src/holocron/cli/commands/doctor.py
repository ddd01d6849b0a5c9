"""`holocron doctor`: what stands between this project and its answers, from the bottom up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import click

from holocron.cli.exits import Exit
from holocron.cli.given import Given, json_option, model_option, pass_given
from holocron.cli.project import open_project_model, show_database
from holocron.cli.terminal import one_line, print_json, say
from holocron.doctor import Cause, Diagnosis, Health
from holocron.doctor.diagnosis import fail, well
from holocron.doctor.files import examine_file
from holocron.doctor.loading import WantedModel, check_answer
from holocron.doctor.machine import read_machine
from holocron.doctor.ollama import examine_ollama
from holocron.doctor.openai import examine_openai
from holocron.doctor.project import examine_project, load_questions
from holocron.doctor.reaching import ServerPlace
from holocron.doctor.rounds import Round, make_rounds
from holocron.doctor.storage import examine_storage
from holocron.errors import ModelError, SettingsInvalid
from holocron.llm.catalogue import BUILTIN, MODEL_FORMS
from holocron.llm.llamacpp import builtin_model_path
from holocron.settings import PROJECT_FILE, Settings, expand_home

#: what all checks of one group may take together; the groups run at once
_LIMIT_S = 8.0
#: with --load: a large model is read from a slow disk
_LOAD_LIMIT_S = 600.0
_SIGNS = {Health.OK: "ok", Health.WARNING: "warning", Health.ERROR: "ERROR"}


@click.command(
    epilog="""\b
Examples:
  holocron doctor
  holocron doctor --load
  holocron doctor --model ollama:llama3.2 --json"""
)
@click.option(
    "--load",
    is_flag=True,
    help="Load the model too and have it answer: may take minutes, and all of the memory.",
)
@model_option
@json_option
@pass_given
def command(given: Given, load: bool, model: str | None, as_json: bool) -> Exit:  # noqa: FBT001 - options
    """Check the project, the database and the model's engine from the bottom up, and say how to mend each.

    Nothing is changed, and no model is loaded without --load. Without it all is said in about ten seconds,
    whatever hangs.

    Exit codes: 0 all is well, or there are warnings; 1 there is an error; 2 usage.
    """
    found: list[Diagnosis] = []
    for diagnosis in _examine(given, model, load=load):
        found.append(diagnosis)
        if not as_json:
            _show(diagnosis)
    health = [diagnosis.health for diagnosis in found]
    worst = next((one for one in (Health.ERROR, Health.WARNING) if one in health), Health.OK)
    if as_json:
        print_json({"health": str(worst), "checks": [diagnosis.to_json() for diagnosis in found]})
    else:
        errors, warnings = health.count(Health.ERROR), health.count(Health.WARNING)
        say()
        say(
            f"{errors} {'error' if errors == 1 else 'errors'}, {warnings} "
            f"{'warning' if warnings == 1 else 'warnings'}."
        )
    return Exit.CANNOT_RUN if worst is Health.ERROR else Exit.DONE


def _show(diagnosis: Diagnosis) -> None:
    sign = f"{_SIGNS[diagnosis.health]:<8}"
    say(f"{sign} {diagnosis.check:<12} {one_line(diagnosis.sentence)}")
    if diagnosis.mend:
        say(f"{'':<21} -> {one_line(diagnosis.mend)}")


def _examine(given: Given, model: str | None, *, load: bool) -> Iterator[Diagnosis]:
    try:
        settings = given.load_settings(model=model)
    except SettingsInvalid as problem:
        yield _refuse_setting(problem)
        return
    root = settings.root
    is_marked = (root / PROJECT_FILE).is_file()
    yield from make_rounds(
        [
            Round(
                name="project",
                checks=partial(examine_project, root, is_marked=is_marked),
                limit_s=_LIMIT_S,
            ),
            Round(
                name="database",
                checks=partial(
                    examine_storage,
                    settings.database_url,
                    shown=show_database(settings),
                    file=settings.database_file,
                    model=settings.model,
                ),
                limit_s=_LIMIT_S,
            ),
            Round(
                name="engine",
                checks=partial(_examine_engine, settings, load=load),
                limit_s=_LOAD_LIMIT_S if load else _LIMIT_S,
            ),
        ]
    )


def _refuse_setting(problem: SettingsInvalid) -> Diagnosis:
    return fail("settings", Cause.SETTING_INVALID, str(problem), problem.hint or "Correct it and try again.")


def _examine_engine(settings: Settings, *, load: bool) -> Iterator[Diagnosis]:
    try:
        yield from _examine_model(settings, load=load)
    except SettingsInvalid as problem:
        yield _refuse_setting(problem)


def _examine_model(settings: Settings, *, load: bool) -> Iterator[Diagnosis]:
    prefix, _, name = settings.model.partition(":")
    questions, _ = load_questions(settings.root)
    wanted = WantedModel(
        name=name,
        questions=questions,
        context_tokens=settings.context_tokens,
        open=partial(open_project_model, settings) if load else None,
    )
    yield well("settings", f"the model is {settings.model}")
    if settings.model == BUILTIN:
        yield from examine_file(builtin_model_path(), wanted)
    elif prefix == "gguf" and name:
        yield from examine_file(expand_home(name), wanted)
    elif prefix == "ollama" and name:
        yield from examine_ollama(_place_ollama(settings), wanted, read_machine())
    elif prefix == "openai" and name:
        yield from _examine_openai(settings, wanted)
    elif prefix == "scripted" and name:
        yield _examine_script(settings, load=load)
    else:
        forms = ", ".join(MODEL_FORMS)
        yield fail(
            "model", Cause.SETTING_INVALID, f"there is no model {settings.model!r}", f"Write it as {forms}."
        )


def _examine_script(settings: Settings, *, load: bool) -> Diagnosis:
    if load:
        return check_answer(partial(open_project_model, settings))
    try:
        with open_project_model(settings):
            return well("model", f"{settings.model} is a script")
    except ModelError as problem:
        return fail("model", Cause.MODEL_MISSING, str(problem), problem.hint or "Correct its path.")


def _place_ollama(settings: Settings) -> ServerPlace:
    ollama = settings.servers.ollama
    return ServerPlace(
        url=ollama.url,
        engine="Ollama",
        variable=ollama.variable,
        in_container=ollama.in_container,
        reason=ollama.reason,
        ollama_host=ollama.ollama_host,
    )


def _examine_openai(settings: Settings, wanted: WantedModel) -> Iterator[Diagnosis]:
    servers = settings.servers
    if servers.openai_url is None:
        yield fail(
            "address",
            Cause.SETTING_INVALID,
            f"{settings.model!r} needs the address of its server",
            "Set OPENAI_BASE_URL, for example to http://localhost:8000/v1.",
        )
        return
    place = ServerPlace(
        url=servers.openai_url,
        engine="the model's server",
        variable="OPENAI_BASE_URL",
        in_container=servers.ollama.in_container,
    )
    yield from examine_openai(place, wanted, servers.openai_key)
