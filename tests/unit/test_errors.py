"""The error family: the tree that is drawn is the tree that is there."""

from __future__ import annotations

import inspect

import pytest

from holocron import errors
from holocron.errors import ContractInvalid, HolocronError, PromptTooLong

_FAMILY = sorted(
    (found for _, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, HolocronError)),
    key=lambda found: found.__name__,
)


def _drawn() -> dict[str, str | None]:
    """Return the drawn names with their parents."""
    parents: dict[str, str | None] = {}
    trail: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        label = line.lstrip("│├└─ ")
        if label.startswith("HolocronError") or "── " in line:
            depth = (len(line) - len(label)) // 4
            name = label.split()[0]
            del trail[depth:]
            parents[name] = trail[-1] if trail else None
            trail.append(name)
    return parents


def test_the_drawn_tree_is_the_real_one() -> None:
    """Every error of the module is drawn under its own parent, and nothing else is."""
    real = {found.__name__: found.__mro__[1].__name__ for found in _FAMILY}
    assert _drawn() == {**real, "HolocronError": None}


@pytest.mark.parametrize("kind", _FAMILY, ids=lambda kind: kind.__name__)
def test_an_error_speaks_for_itself(kind: type[HolocronError]) -> None:
    """Without a message an error says what it is; it has a hint and knows if trying again helps."""
    match kind:
        case errors.ContractInvalid:
            error: HolocronError = ContractInvalid("it is empty")
        case errors.PromptTooLong:
            error = PromptTooLong(prompt_tokens=9, context_tokens=8)
        case _:
            error = kind()
            assert str(error) == (kind.__doc__ or "").strip().partition("\n")[0]
    assert str(error).strip()
    assert "\n" not in str(error)
    assert isinstance(error.hint, str)
    assert isinstance(error.retryable, bool)


def test_a_hint_can_be_given() -> None:
    """The one that raises may know better what to do."""
    assert HolocronError("x", hint="Do y.").hint == "Do y."
    assert HolocronError("x").hint == ""
