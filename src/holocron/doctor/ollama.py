"""Checks of Ollama, from its address up to a model in memory.

In: where it is looked for, the model that is wanted, facts of this machine. Out: diagnoses, each resting on
the one before. Never: loads a model; `loading.py` does where it was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from holocron.doctor.diagnosis import Cause, Diagnosis, fail, show_size, warn, well
from holocron.doctor.loading import WantedModel, check_answer
from holocron.doctor.machine import Machine
from holocron.doctor.project import check_windows
from holocron.doctor.reaching import (
    QUICK,
    ServerPlace,
    diagnose_failure,
    diagnose_name,
    find_addresses,
    is_loopback,
)
from holocron.errors import ModelError, SettingsInvalid
from holocron.llm.ollama import LEAST_VERSION, find_model, parse_version, require_text_model, whole_name
from holocron.llm.ollama_api import ListedModel, LoadedModel, OllamaApi, ShownModel
from holocron.llm.window import choose_window, estimate_tokens
from holocron.llm.wire import EngineAddress, Patience

#: the first version without CVE-2026-7482, by which anyone who reaches the port reads the server's memory
SAFE_VERSION = (0, 17, 1)
_PROBE = Patience(connect_s=0.5, first_s=1.0, next_s=1.0)
_MOST_PROBES = 6
#: the addresses that a server listens on for everyone
_EVERYWHERE = frozenset({"0.0.0.0", "::", "[::]", "*"})  # noqa: S104 - they are looked for, not bound


def examine_ollama(place: ServerPlace, wanted: WantedModel, machine: Machine) -> Iterator[Diagnosis]:
    """Check Ollama and a model of it, from the bottom up; what rests on a broken thing is left out."""
    try:
        address = EngineAddress(place.url)
    except SettingsInvalid as problem:
        yield fail("address", Cause.ADDRESS_INVALID, f"{place.variable}: {problem}", problem.hint)
        return
    # what stands before an `@` is a secret
    place = replace(place, url=address.url, ollama_host=place.ollama_host.rpartition("@")[2])
    yield well("address", f"Ollama is looked for at {place.url}: {place.reason}")
    yield from check_host_variable(place.ollama_host)
    found = find_addresses(address.host)
    if not found:
        yield diagnose_name(place, address)
        return
    is_here = all(map(is_loopback, found))
    with closing(OllamaApi(place.url, brief=QUICK)) as api:
        try:
            version = api.version()
            yield well("server", f"Ollama {version} answers at {place.url}")
            yield check_version(version)
            if not place.in_container:
                yield check_exposure(place, address, found, machine)
            yield from _examine_model(api, wanted, machine if is_here else Machine())
        except ModelError as problem:
            yield diagnose_failure(place, problem)


def check_host_variable(value: str) -> Iterator[Diagnosis]:
    """Check what OLLAMA_HOST holds; nothing is said where it is not set or names this machine alone."""
    said = f"OLLAMA_HOST={value}"
    host = re.sub(r"^[a-z]+://", "", value.strip().lower()).partition("/")[0]
    if host.startswith("["):
        host = host.partition("]")[0] + "]"
    elif host.count(":") < 2:  # more of them are an IPv6 address
        host = host.partition(":")[0]
    if not value.strip() or host in ("", "localhost", "::1", "[::1]") or host.startswith("127."):
        return
    if host in _EVERYWHERE:
        yield warn(
            "address",
            Cause.OLLAMA_HOST,
            f"{said}: a server that is started here listens to the whole network, and asks nobody for a "
            f"password",
            "Unset it outside the container; inside one it is right where the port is published on "
            "127.0.0.1.",
        )
    else:
        yield warn(
            "address",
            Cause.OLLAMA_HOST,
            f"{said} holds a client's address: a server that is started here would try to listen there",
            "Ollama alone reads it, as the address that it binds. Give Holocron the address in "
            "OLLAMA_HOST_BASE_URL (on the host) or OLLAMA_BASE_URL (in a container), and unset OLLAMA_HOST.",
        )


def check_version(version: str) -> Diagnosis:
    """Check that a version has no known hole and obeys what derivation asks of it."""
    numbers = parse_version(version)
    safe, least = (".".join(map(str, one)) for one in (SAFE_VERSION, LEAST_VERSION))
    mend = f"Upgrade it to {safe} or later: docker compose pull ollama, docker compose up -d ollama."
    if not any(numbers):
        return warn(
            "version", Cause.VERSION_OLD, f"Ollama calls its version {version!r}, which says nothing", mend
        )
    if numbers >= SAFE_VERSION:
        return well("version", f"Ollama {version} has no hole that is known here")
    said = f"Ollama {version} lets everyone who reaches it read its memory (CVE-2026-7482, fixed in {safe})"
    if numbers < LEAST_VERSION:
        said += f", and cuts long prompts in silence (before {least})"
    return fail("version", Cause.VERSION_OLD, said, mend)


def check_exposure(
    place: ServerPlace, address: EngineAddress, found: Sequence[str], machine: Machine
) -> Diagnosis:
    """Check that only this machine reaches the server: its other addresses must not answer on the port."""
    mend = (
        "Publish the port on this machine only: 127.0.0.1:11434:11434 in the Compose file, or unset "
        "OLLAMA_HOST "
        "where Ollama runs by itself. There is no password: who reaches it can pull, delete and push models."
    )
    if not all(map(is_loopback, found)):
        return warn(
            "exposure",
            Cause.EXPOSED,
            f"Ollama at {place.url} is reached over the network, so others reach it too",
            mend,
        )
    scheme = "https" if address.is_secure else "http"
    port = "" if address.port is None else f":{address.port}"
    for other in machine.addresses[:_MOST_PROBES]:
        host = f"[{other}]" if ":" in other else other
        if _answers(f"{scheme}://{host}{port}"):
            return warn(
                "exposure",
                Cause.EXPOSED,
                f"Ollama answers at {other} too, where other machines can reach it",
                mend,
            )
    return well("exposure", "Ollama answers on this machine only")


def _answers(url: str) -> bool:
    with closing(OllamaApi(url, brief=_PROBE)) as api:
        try:
            api.version()
        except ModelError:
            return False
        return True


def _examine_model(api: OllamaApi, wanted: WantedModel, machine: Machine) -> Iterator[Diagnosis]:
    models = api.list_models()
    listed = find_model(models, wanted.name)
    if listed is None:
        yield diagnose_missing(wanted.name, models)
        return
    facts = [listed.parameters and f"{listed.parameters} weights", listed.quantization]
    said = ", ".join(filter(None, [*facts, show_size(listed.size_bytes)]))
    yield well("model", f"Ollama has {listed.name} ({said})")
    shown = api.show(listed.name)
    try:
        require_text_model(shown)
        window = choose_window(shown.context_length, wanted.context_tokens)
    except SettingsInvalid as problem:
        is_window = "window" in str(problem)
        cause = Cause.SETTING_INVALID if is_window else Cause.MODEL_UNFIT
        yield fail("window" if is_window else "model", cause, str(problem), problem.hint)
        return
    yield from check_thinking(shown)
    yield from check_windows(
        wanted.questions,
        window,
        trained=shown.context_length,
        estimate=estimate_tokens,
    )
    yield from check_memory(listed, machine)
    if wanted.open is not None:
        answered = check_answer(wanted.open)
        yield answered
        if answered.cause is not None:
            return
    yield from check_loaded(api.list_loaded(), listed, window, machine)


def diagnose_missing(name: str, models: Sequence[ListedModel]) -> Diagnosis:
    """Return what it means that a server does not have a model."""
    family = whole_name(name).partition(":")[0]
    near = [model.name for model in models if whole_name(model.name).partition(":")[0] == family]
    others = near or [model.name for model in models][:5]
    has = f"it has {', '.join(others)}" if others else "it has none yet"
    return fail(
        "model",
        Cause.MODEL_MISSING,
        f"Ollama has no model {name!r}; {has}",
        f"Pull it: holocron models pull {name}. Where that fails, check the server's internet connection "
        f"and disk, "
        "and try a small one first: holocron models pull tinyllama.",
    )


def check_thinking(shown: ShownModel) -> Iterator[Diagnosis]:
    """Check whether a model thinks; nothing is said of one that does not."""
    if "thinking" in shown.capabilities:
        yield warn(
            "thinking",
            Cause.THINKING,
            f"{shown.name} is a thinking model; it is asked not to (think: false), and not every one obeys",
            "Where answers are slow or cut, choose a model that does not think, often tagged 'instruct'.",
        )


def check_memory(listed: ListedModel, machine: Machine) -> Iterator[Diagnosis]:
    """Check that this machine could hold a model at all; nothing is said where it can or is another one."""
    if machine.memory_bytes and not machine.gpu and listed.size_bytes > machine.memory_bytes:
        yield warn(
            "memory",
            Cause.MEMORY_LOW,
            f"{listed.name} takes {show_size(listed.size_bytes)} and this machine has "
            f"{show_size(machine.memory_bytes)}",
            "Use a smaller model, for example llama3.2:1b.",
        )


def check_loaded(
    loaded: Sequence[LoadedModel], listed: ListedModel, window: int, machine: Machine
) -> Iterator[Diagnosis]:
    """Check the window of a model in memory, and that a graphics card that is there is used."""
    found = next((model for model in loaded if model.digest == listed.digest), None)
    if found is None:
        yield well(
            "memory",
            f"{listed.name} is not in memory, so whether it fits is not known",
            "Load it and see: holocron doctor --load",
        )
        return
    if found.context_length and found.context_length < window:
        yield warn(
            "window",
            Cause.WINDOW_SHRUNK,
            f"{found.name} is in memory with a window of {found.context_length:,} tokens, and {window:,} "
            f"are wanted",
            "Another program loaded it so, or there was no room for more. The next derive loads it again and "
            f"stops where the window stays small; holocron doctor --load tells now. HOLOCRON_CONTEXT_TOKENS="
            f"{found.context_length} is content with less.",
        )
    yield check_processor(found, machine.gpu or ("it" if any(model.vram_bytes for model in loaded) else ""))


def check_processor(found: LoadedModel, gpu: str) -> Diagnosis:
    """Check where a model in memory runs. gpu: what the graphics card is called; empty where none is."""
    share = found.vram_bytes / found.size_bytes if found.size_bytes else 0.0
    mend = (
        "In Docker use compose.gpu.yaml as well, and see that 'docker compose exec -T ollama nvidia-smi' "
        "lists the "
        "card: update the NVIDIA driver, install its container toolkit or restart Docker Desktop. Docker on "
        "macOS has no GPU: run Ollama itself there. A smaller model or window needs less of the card's "
        "memory."
    )
    said = f"{found.name} is in memory ({show_size(found.size_bytes)})"
    card = "a graphics card is there" if gpu in ("", "it") else f"a graphics card ({gpu}) is there"
    if share >= 0.99:
        return well("processor", f"{said}, on the graphics card")
    if share > 0:
        return warn(
            "processor", Cause.ON_PROCESSOR, f"{said}, and only {share:.0%} of it on the graphics card", mend
        )
    if gpu:
        return warn("processor", Cause.ON_PROCESSOR, f"{said}, on the processor, although {card}", mend)
    return well("processor", f"{said}, on the processor; no graphics card was found")
