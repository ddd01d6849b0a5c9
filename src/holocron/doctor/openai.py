"""Checks of an OpenAI-compatible server, from its address up to an answer.

In: where it is looked for, the model that is wanted. Out: diagnoses. Never: shows the key, or asks for an
answer unasked: it may cost money.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial

from holocron.doctor.diagnosis import Cause, Diagnosis, fail, warn, well
from holocron.doctor.loading import WantedModel, check_answer
from holocron.doctor.project import check_windows
from holocron.doctor.reaching import QUICK, ServerPlace, diagnose_failure, diagnose_name, find_addresses
from holocron.errors import HolocronError, SettingsInvalid
from holocron.llm.openai import OpenAIServer, find_vocabulary_size, find_window
from holocron.llm.window import choose_window, estimate_tokens
from holocron.llm.wire import EngineAddress


def examine_openai(place: ServerPlace, wanted: WantedModel, key: str | None) -> Iterator[Diagnosis]:
    """Check an OpenAI-compatible server and a model of it; what rests on a broken thing is left out."""
    try:
        address = EngineAddress(place.url)
    except SettingsInvalid as problem:
        yield fail("address", Cause.ADDRESS_INVALID, f"{place.variable}: {problem}", problem.hint)
        return
    place = replace(place, url=address.url)
    yield well("address", f"the server is looked for at {place.url} ({place.variable})")
    try:
        server = OpenAIServer(place.url, key=key, brief=QUICK)
    except SettingsInvalid as problem:
        yield fail("settings", Cause.SETTING_INVALID, str(problem), problem.hint)
        return
    if not find_addresses(address.host):
        yield diagnose_name(place, address)
        return
    with closing(server):
        try:
            listed = server.list_models()
        except HolocronError as problem:
            yield diagnose_failure(place, problem)
            return
    if listed:
        yield well("server", f"a server answers at {place.url} and lists {len(listed):,} models")
    else:
        yield warn(
            "server",
            Cause.OTHER_SERVER,
            f"what answers at {place.url} lists no models",
            "The address usually ends in /v1. Some servers have no such list: holocron doctor --load asks "
            "for an answer.",
        )
    if listed and wanted.name not in listed:
        yield fail(
            "model",
            Cause.MODEL_MISSING,
            f"the server has no model {wanted.name!r}",
            f"It has: {', '.join(sorted(listed)[:8])}.",
        )
        return
    entry = listed.get(wanted.name, {})
    trained = find_window(entry)
    try:
        window = choose_window(trained, wanted.context_tokens)
    except SettingsInvalid as problem:
        yield fail("window", Cause.SETTING_INVALID, str(problem), problem.hint)
        return
    yield from check_windows(
        wanted.questions,
        window,
        trained=trained,
        estimate=partial(estimate_tokens, vocabulary_size=find_vocabulary_size(entry)),
    )
    if wanted.open is not None:
        yield check_answer(wanted.open)
    else:
        yield well("load", "it was asked for no answer", "Ask for a small one: holocron doctor --load")
