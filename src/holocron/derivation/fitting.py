"""Fitting: the prompt that a model's window holds, and what had to stay out of it.

In: a derivation, numbered segments, a window, an estimate of tokens. Out: a prompt over the leading segments.
Never: cuts inside a segment, or in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from holocron.derivation.derivations import Derivation
from holocron.derivation.prompt import Prompt
from holocron.errors import PromptTooLong
from holocron.evidence import Segment, fit_segments

#: what a chat template adds around one message, at most
_TURN_TOKENS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedPrompt:
    """A prompt, the segments in it, and the numbers of those that were cut."""

    prompt: Prompt
    shown: tuple[Segment, ...]
    not_read: tuple[int, ...]
    #: the estimate before any correction
    estimated_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a model can hold of one prompt."""

    #: tokens of prompt and answer together
    tokens: int
    #: about how many tokens a text takes
    estimate: Callable[[str], int]
    #: the most pieces of the pattern of what may be copied; None is as many as needed
    copied_pieces: int | None = None


def fit_prompt(
    derivation: Derivation,
    subject: str,
    segments: Sequence[Segment],
    window: Window,
    *,
    correction: float = 1.0,
) -> FittedPrompt:
    """Return the prompt whose estimate, times `correction`, leaves room for the answer.

    correction: how much the engine's own count of an earlier prompt was over its estimate.
    Raises: PromptTooLong where not even the first segment fits.
    """
    context_tokens, estimate, copied_pieces = window.tokens, window.estimate, window.copied_pieces
    answer_tokens = min(derivation.options.max_output_tokens, context_tokens // 2)
    room = context_tokens - answer_tokens
    whole = derivation.render_prompt(subject, segments, copied_pieces=copied_pieces)
    estimated = _estimate(whole, estimate)
    if segments and estimated * correction <= room:
        return FittedPrompt(prompt=whole, shown=tuple(segments), not_read=(), estimated_tokens=estimated)
    static = _estimate(derivation.render_prompt(subject, ()), estimate)
    # a line adds its number and its break to its text
    reading = fit_segments(segments, int(room / correction) - static, lambda text: estimate(text) + 4)
    if not reading.shown:
        least = static + (estimate(segments[0].text) if segments else 0)
        raise PromptTooLong(
            prompt_tokens=ceil(least * correction),
            context_tokens=context_tokens,
            answer_tokens=answer_tokens,
        )
    prompt = derivation.render_prompt(subject, reading.shown, copied_pieces=copied_pieces)
    return FittedPrompt(
        prompt=prompt,
        shown=reading.shown,
        not_read=reading.not_read,
        estimated_tokens=_estimate(prompt, estimate),
    )


def _estimate(prompt: Prompt, estimate: Callable[[str], int]) -> int:
    return sum(estimate(message.content) + _TURN_TOKENS for message in prompt.messages)
