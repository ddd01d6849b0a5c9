"""`holocron models`: what the `ollama` command does for models, over the engine in use."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial

import click

from holocron.cli.chatting import Turn, answer_openai, chat
from holocron.cli.citations import show_value
from holocron.cli.engines import Engine, NamedModel, engine_in_use, read_name, require_ollama
from holocron.cli.given import Given, json_option, pass_given
from holocron.cli.model_rows import (
    MODELS_FOLDER,
    list_files,
    listed_to_json,
    loaded_to_json,
    read_file,
    show_loaded,
    show_shown,
    shown_to_json,
)
from holocron.cli.project import explain_address
from holocron.cli.pulling import open_pull_display
from holocron.cli.terminal import note, one_line, print_json, print_table, say
from holocron.doctor.diagnosis import show_size
from holocron.errors import ModelNotFound, ModelStalled, ModelUnavailable, UsageError
from holocron.fingerprint import JSONValue
from holocron.llm.catalogue import BUILTIN, open_openai_server
from holocron.llm.ollama import find_model, missing_model
from holocron.llm.ollama_api import ListedModel, OllamaApi
from holocron.llm.window import choose_window
from holocron.settings import Settings

#: pulls in a row that broke off without a byte more than the one before
_MOST_IDLE_PULLS = 3
_UNLOAD_LIMIT_S = 10.0

name_argument = click.argument("name")


@click.group(
    epilog="""\b
Examples:
  holocron models list ollama
  holocron models pull llama3.2
  holocron models run ollama:llama3.2"""
)
def command() -> None:
    """List, pull, show, try and remove models.

    NAME is a model of the engine in use (--model, HOLOCRON_MODEL), or says its engine: ollama:llama3.2,
    openai:NAME, gguf:PATH, builtin. Where the engine in use is the built-in one, a plain NAME is Ollama's.
    """


@command.command("list")
@click.argument("engine", required=False, type=click.Choice([str(engine) for engine in Engine]))
@json_option
@pass_given
def list_models(given: Given, engine: str | None, as_json: bool) -> None:  # noqa: FBT001 - an option
    """List the models that an engine has: ENGINE, or the one in use.

    `builtin` lists the built-in model, the file that is set, and the project's models/*.gguf.
    """
    settings = given.load_settings()
    chosen = Engine(engine) if engine else engine_in_use(settings)
    if chosen is Engine.OLLAMA:
        with _open_ollama(settings) as api:
            _print_listed(api.list_models(), as_json=as_json)
        return
    if chosen is Engine.OPENAI:
        with closing(open_openai_server(settings.servers)) as server:
            names = [f"openai:{name}" for name in sorted(server.list_models())]
        headers = ["name"]
        rows: list[tuple[str, ...]] = [(name,) for name in names]
        document: JSONValue = [{"name": name} for name in names]
        none = f"The server at {server.url} lists no model. Load one there, and try again."
    else:
        files = list_files(settings)
        headers = ["name", "size", "architecture", "window"]
        rows = [file.to_row() for file in files]
        document = [file.to_json() for file in files]
        place = settings.root / MODELS_FOLDER
        none = f"There is no model file yet. Put one into {place}; it is named gguf:PATH."
    if as_json:
        print_json(document)
    elif rows:
        print_table(headers, rows)
    else:
        say(none)


def _print_listed(models: Sequence[ListedModel], *, as_json: bool) -> None:
    if as_json:
        print_json([listed_to_json(model) for model in models])
    elif models:
        print_table(
            ["name", "digest", "size", "parameters", "quantization", "modified"],
            [
                (
                    f"ollama:{model.name}",
                    model.digest[:12],
                    show_size(model.size_bytes),
                    model.parameters,
                    model.quantization,
                    model.modified_at[:10],
                )
                for model in models
            ],
        )
    else:
        say("Ollama has no model yet. Pull one: holocron models pull llama3.2")


@command.command("pull")
@name_argument
@json_option
@pass_given
def pull(given: Given, name: str, as_json: bool) -> None:  # noqa: FBT001 - an option
    """Pull a model into Ollama, or bring it up to date.

    Ctrl-C cancels. What came stays there: pulling again goes on from it.
    """
    settings = given.load_settings()
    wanted = require_ollama(read_name(settings, name), "pull")
    with _open_ollama(settings) as api:
        _pull(api, wanted)
        listed = find_model(api.list_models(), wanted)
    if listed is None:
        raise ModelUnavailable(f"Ollama says that it pulled {wanted!r}, and does not list it")
    if as_json:
        print_json(listed_to_json(listed))
    else:
        say(f"Ollama has {listed.name} now ({show_size(listed.size_bytes)}, digest {listed.digest[:12]}).")


def _pull(api: OllamaApi, name: str) -> None:
    """Pull, again where it broke off and something had come."""
    layers: dict[str, int] = {}
    idle = 0
    with open_pull_display() as display:
        while True:
            before = sum(layers.values())
            try:
                with closing(api.pull(name)) as lines:
                    for progress in lines:
                        display.show(progress)
                        if progress.digest:
                            layers[progress.digest] = progress.completed_bytes
                return
            except (ModelUnavailable, ModelStalled) as problem:
                idle = 0 if sum(layers.values()) > before else idle + 1
                if not layers or idle == _MOST_IDLE_PULLS:
                    raise
                note(f"{one_line(str(problem))}; going on from there")


@command.command("show")
@name_argument
@json_option
@pass_given
def show(given: Given, name: str, as_json: bool) -> None:  # noqa: FBT001 - an option
    """Show what is known of a model: its size, its window, what it can do."""
    settings = given.load_settings()
    model = read_name(settings, name)
    if model.engine is Engine.OLLAMA:
        with _open_ollama(settings) as api:
            listed = _find(api, model.name)
            shown = api.show(listed.name)
        window = choose_window(shown.context_length, settings.context_tokens)
        if as_json:
            print_json(shown_to_json(listed, shown, window))
        else:
            show_shown(listed, shown, window)
        return
    entry = _describe_other(settings, model)
    if as_json:
        print_json(dict(entry))
        return
    for key, value in entry.items():
        if value != "":
            say(f"{key + ':':<14} {show_value(value)}")


def _describe_other(settings: Settings, model: NamedModel) -> Mapping[str, JSONValue]:
    if model.engine is Engine.OPENAI:
        with closing(open_openai_server(settings.servers)) as server:
            listed = server.list_models()
        if model.name not in listed:
            raise ModelNotFound(
                f"the server at {server.url} lists no model {model.name!r}",
                hint="'holocron models list openai' shows what it has.",
            )
        return listed[model.name]
    return read_file(f"gguf:{model.name}" if model.name else BUILTIN).to_json()


@command.command("ps")
@json_option
@pass_given
def list_loaded(given: Given, as_json: bool) -> None:  # noqa: FBT001 - an option
    """List Ollama's models in memory: window, size, share on the graphics card, and until when."""
    settings = given.load_settings()
    if engine_in_use(settings) is Engine.OPENAI:
        raise UsageError("an OpenAI-compatible server does not say what it has in memory")
    with _open_ollama(settings) as api:
        loaded = api.list_loaded()
    if as_json:
        print_json([loaded_to_json(model) for model in loaded])
    elif loaded:
        show_loaded(loaded)
    else:
        say("No model is in memory.")


@command.command("stop")
@name_argument
@pass_given
def stop(given: Given, name: str) -> None:
    """Take a model out of Ollama's memory; it stays on its disk."""
    settings = given.load_settings()
    wanted = require_ollama(read_name(settings, name), "stop")
    with _open_ollama(settings) as api:
        listed = _find(api, wanted, is_leaving=True)
        outcome = _unload(api, listed)
    say(f"{listed.name} {outcome}.")


@command.command("rm")
@name_argument
@pass_given
def remove(given: Given, name: str) -> None:
    """Delete a model from Ollama's disk and memory; asks nothing, and says what went."""
    settings = given.load_settings()
    wanted = require_ollama(read_name(settings, name), "rm")
    with _open_ollama(settings) as api:
        listed = _find(api, wanted, is_leaving=True)
        # Ollama would keep a deleted model in memory until its time is over
        _unload(api, listed)
        api.delete(listed.name)
    say(f"{listed.name} is deleted ({show_size(listed.size_bytes)}, digest {listed.digest[:12]}).")


@command.command("run")
@name_argument
@pass_given
def run(given: Given, name: str) -> None:
    """Chat with a model, to try it: nothing of it is stored. `/bye` leaves.

    Standard input may be a file or a pipe: every line is a question.
    """
    settings = given.load_settings()
    model = read_name(settings, name)
    if model.engine is Engine.BUILTIN:
        raise UsageError(
            "the engine in this process answers only under a contract, and cannot chat",
            hint="Try it on a small project: holocron demo --model gguf:PATH.",
        )
    if model.engine is Engine.OPENAI:
        with closing(open_openai_server(settings.servers)) as server:
            chat(partial(answer_openai, server, model.name))
        return
    with _open_ollama(settings) as api:
        listed = _find(api, model.name)
        # the window of derive, so that neither of the two has the model loaded anew
        window = choose_window(api.show(listed.name).context_length, settings.context_tokens)

        def answer(turns: Sequence[Turn]) -> Iterator[str]:
            return api.chat(listed.name, turns, options={"num_ctx": window})

        chat(answer)


@contextmanager
def _open_ollama(settings: Settings) -> Iterator[OllamaApi]:
    with explain_address(settings), closing(OllamaApi(settings.servers.ollama_url)) as api:
        yield api


def _unload(api: OllamaApi, listed: ListedModel) -> str:
    """Take a model out of memory and return what became of it, as a sentence goes on."""
    if not _is_loaded(api, listed):
        return "was not in memory"
    api.unload(listed.name)
    # Ollama answers before it is done
    until = time.monotonic() + _UNLOAD_LIMIT_S
    while _is_loaded(api, listed):
        if time.monotonic() > until:
            return "leaves the memory as soon as what it is asked now is answered"
        time.sleep(0.05)
    return "was unloaded from memory"


def _is_loaded(api: OllamaApi, listed: ListedModel) -> bool:
    return any(model.digest == listed.digest for model in api.list_loaded())


def _find(api: OllamaApi, name: str, *, is_leaving: bool = False) -> ListedModel:
    """Return the listed model of a name.

    is_leaving: it is to be taken away, so that nobody would pull it first. Raises: ModelNotFound.
    """
    listed = find_model(api.list_models(), name)
    if listed is not None:
        return listed
    missing = missing_model(api.url, name)
    if is_leaving:
        missing.hint = "'holocron models list ollama' shows what it has."
    raise missing
