"""Checks of the engine in this process: its library, the model's file, the memory for it.

In: a path. Out: diagnoses. Never: loads the weights, or hashes them, which takes a second for each gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from holocron.doctor.diagnosis import Cause, Diagnosis, fail, show_size, warn, well
from holocron.doctor.loading import MEND_MEMORY, WantedModel, check_answer
from holocron.doctor.project import check_windows
from holocron.errors import ModelDamaged, ModelError, ModelNotFound, SettingsInvalid
from holocron.llm.gguf import read_gguf
from holocron.llm.llamacpp import load_library
from holocron.llm.window import choose_window, estimate_tokens


def find_available_bytes() -> int:
    """Return the memory that a new program could have."""
    return psutil.virtual_memory().available


def examine_file(
    path: Path | None, wanted: WantedModel, find_memory: Callable[[], int] = find_available_bytes
) -> Iterator[Diagnosis]:
    """Check a GGUF file and the engine for it. path: None for a built-in model that is not there."""
    try:
        yield well("engine", f"the engine in this process is there: {load_library()}")
    except ModelError as problem:
        yield fail("engine", Cause.LIBRARY_BROKEN, str(problem), problem.hint)
    if path is None:
        yield fail(
            "model",
            Cause.MODEL_MISSING,
            "this installation has no built-in model",
            "Name another one with --model or HOLOCRON_MODEL: gguf:PATH for a GGUF file, or ollama:NAME.",
        )
        return
    try:
        header = read_gguf(path)
        window = choose_window(header.context_length, wanted.context_tokens)
    except ModelNotFound as problem:
        yield fail("model", Cause.MODEL_MISSING, str(problem), problem.hint)
        return
    except ModelDamaged as problem:
        yield fail("model", Cause.MODEL_DAMAGED, str(problem), problem.hint)
        return
    except SettingsInvalid as problem:
        yield fail("window", Cause.SETTING_INVALID, str(problem), problem.hint)
        return
    size = path.stat().st_size
    yield well("model", f"{path} is a whole {header.architecture} model of {show_size(size)}")
    yield from check_windows(
        wanted.questions,
        window,
        trained=header.context_length,
        estimate=lambda text: estimate_tokens(text, header.vocabulary_size),
    )
    if size > (free := find_memory()):
        yield warn(
            "memory",
            Cause.MEMORY_LOW,
            f"the model takes {show_size(size)} and {show_size(free)} of memory are free",
            MEND_MEMORY,
        )
    if wanted.open is not None:
        yield check_answer(wanted.open)
