"""The window of one request: how many tokens of prompt and answer an engine is asked to hold.

In: what the model was trained with, what a person asked for, a text. Out: a number of tokens.
Never: more than the model's own.
"""

from __future__ import annotations

from holocron.errors import SettingsInvalid

#: the window of a request where the user names none: memory for longer ones would be held for nothing
DEFAULT_CONTEXT_TOKENS = 4096
#: llama.cpp rounds windows to this
_STEP = 256
#: UTF-8 bytes that a token stands for, about
BYTES_PER_TOKEN = 3
#: a vocabulary up to this size holds few whole words: a token is a byte
_SMALL_VOCABULARY = 1024


def choose_window(trained: int, asked: int | None) -> int:
    """Return the window of a request, a multiple of 256.

    trained: tokens of the model's own window; 0 where it is not known. Raises: SettingsInvalid.
    """
    if 0 < trained < _STEP:
        raise SettingsInvalid(
            f"the model's own window of {trained} tokens is too small",
            hint=f"Choose a model with {_STEP} or more.",
        )
    if asked is not None and trained and asked > trained:
        raise SettingsInvalid(
            f"a window of {asked} tokens is more than the model's own {trained}",
            hint="Ask for a smaller window, or leave it out.",
        )
    usual = min(trained, DEFAULT_CONTEXT_TOKENS) if trained else DEFAULT_CONTEXT_TOKENS
    window = usual if asked is None else asked
    if window < _STEP:
        raise SettingsInvalid(f"a window of {window} tokens is too small", hint=f"Use {_STEP} or more.")
    return window // _STEP * _STEP


def estimate_tokens(text: str, vocabulary_size: int = 0) -> int:
    """Return about how many tokens a text takes, rounded up; the vocabulary's size is 0 where unknown."""
    per_token = 1 if 0 < vocabulary_size <= _SMALL_VOCABULARY else BYTES_PER_TOKEN
    return -(-len(text.encode("utf-8", "replace")) // per_token)
