"""Signs: a minus is seen through every space and dash, and no other dash is taken for one."""

from __future__ import annotations

import pytest

from holocron.derivation.grounding import Grounding
from holocron.validation.ground import ground_value
from holocron.validation.signs import follows_minus_word, sign_before

SPACES = {
    "space": " ",
    "spaces": "   ",
    "tab": "\t",
    "line-break": "\n",
    "no-break": "\u00a0",
    "figure": "\u2007",
    "thin": "\u2009",
    "narrow-no-break": "\u202f",
    "word-joiner": " \u2060",
}
DASHES = "-‐‑‒–−﹣－˗➖"


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("sign", ["−", "minus", "Negative", "零下", "(−", "−€", "minus US$"])
def test_a_minus_apart_from_its_number_is_a_minus(sign: str, space: str) -> None:
    """No space between a sign and its number lets the number stand without it."""
    quote = f"{sign}{space}7 °C"
    assert ground_value(7, [quote]).grounding is Grounding.INFERRED
    assert ground_value("7", [quote]).grounding is Grounding.INFERRED
    assert ground_value(-7, [quote]).grounding is Grounding.NORMALIZED


@pytest.mark.parametrize("dash", DASHES)
@pytest.mark.parametrize("before", ["", "at ", "at\u00a0", "(", "10 to ", "„", "\u2060"])
def test_a_dash_that_touches_its_number_is_a_minus(before: str, dash: str) -> None:
    """Whatever dash is written, the number is negative."""
    quote = f"{before}{dash}5 °C"
    assert ground_value(5, [quote]).grounding is Grounding.INFERRED
    assert ground_value("5", [quote]).grounding is Grounding.INFERRED
    assert ground_value(-5, [quote]).grounding is (
        Grounding.VERBATIM if dash == "-" else Grounding.NORMALIZED
    )


@pytest.mark.parametrize("space", ["\u00a0", "\u2007", "\u2009", "\u202f"])
def test_a_hyphen_tied_to_its_number_is_not_guessed_at(space: str) -> None:
    """It may be a minus or a list's dash, so the number is neither."""
    for dash in "-–":
        assert sign_before(f"{dash}{space}7", 2) is None
        assert ground_value(7, [f"{dash}{space}7 °C"]).grounding is Grounding.INFERRED
        assert ground_value(-7, [f"{dash}{space}7 °C"]).grounding is Grounding.INFERRED


def test_a_minus_after_a_word_is_not_guessed_at() -> None:
    """It may take 7 from a quantity that has a name."""
    for number in (7, -7):
        assert ground_value(number, ["it is − 7"]).grounding is Grounding.INFERRED


@pytest.mark.parametrize(
    ("quote", "number"),
    [
        pytest.param("5 − 7", 7, id="subtraction"),
        pytest.param("5\u00a0−\u00a07", 7, id="subtraction-no-break"),
        pytest.param("5–7 ships", 7, id="range"),
        pytest.param("5\u2009–\u20097 ships", 7, id="range-thin"),
        pytest.param("- 7 ships", 7, id="list"),
        pytest.param("the terminus 7 is near", 7, id="terminus"),
        pytest.param("肩负 7 项任务", 7, id="shoulder"),
        pytest.param("$5–$7", 7, id="prices"),
        pytest.param("mid-1977", 1977, id="year"),
        pytest.param("x\u00a07", 7, id="no-break"),
        pytest.param("(7)", 7, id="bracket"),
    ],
)
def test_other_dashes_and_words_leave_a_number_as_it_is(quote: str, number: int) -> None:
    """Between two numbers, before an item, or as a part of another word nothing is a minus."""
    assert ground_value(number, [quote]).grounding is Grounding.VERBATIM
    assert ground_value(-number, [quote]).grounding is Grounding.INFERRED


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("word", ["minus", "Negative"])
def test_a_minus_before_a_number_word_counts(word: str, space: str) -> None:
    """Fractions and numerals too have the sign that stands before them."""
    for quote, number in (("five", 5), ("three quarters", 0.75), ("½", 0.5), ("1/2", 0.5)):
        assert ground_value(number, [f"{word}{space}{quote}"]).grounding is Grounding.INFERRED, quote
        assert ground_value(-number, [f"{word}{space}{quote}"]).grounding is Grounding.NORMALIZED, quote


def test_a_minus_word_ends_right_before_the_number() -> None:
    """A hyphen may part them; another word may not."""
    assert follows_minus_word("minus-five", 6)
    assert not follows_minus_word("minus the five", 10)
    assert not follows_minus_word("five", 0)


@pytest.mark.parametrize("space", ["", " ", "\u00a0", "\u2009", "\u202f", "\t", "\n"])
@pytest.mark.parametrize("times", "x×·⋅∙✕*")
def test_a_power_of_ten_belongs_to_its_number(times: str, space: str) -> None:
    """5 × 10⁶ is neither 5 nor 10, whatever stands between."""
    quote = f"about 5{space}{times}{space}10⁶ ships"
    assert ground_value(5, [quote]).grounding is Grounding.INFERRED
    assert ground_value(10, [quote]).grounding is Grounding.INFERRED
    assert ground_value(5_000_000, [quote]).grounding is Grounding.NORMALIZED


@pytest.mark.parametrize("space", ["\u00a0", "\u2007", "\u2009", "\u202f"])
def test_a_fraction_after_a_no_break_space_belongs_to_its_number(space: str) -> None:
    """34 ½ is no 34, and 5 m / s no 5 m."""
    for half in ("½", "1/2"):
        assert ground_value(34, [f"34{space}{half} m"]).grounding is Grounding.INFERRED
        assert ground_value(34.5, [f"34{space}{half} m"]).grounding is Grounding.NORMALIZED
    assert ground_value("5 m", [f"5 m{space}/{space}s"]).grounding is Grounding.INFERRED


@pytest.mark.parametrize("before", ["", " ", "\u00a0", "\n", "p<", "≈", "$", "(", "−"])
def test_a_point_that_begins_a_number_is_a_decimal_point(before: str) -> None:
    """.5 is no 5."""
    assert ground_value(5, [f"{before}.5 mm"]).grounding is Grounding.INFERRED
    assert ground_value("5", [f"{before}.5 mm"]).grounding is Grounding.INFERRED


def test_a_sign_of_another_script_is_no_word_for_word_sign() -> None:
    """The text "-5" stands to the letter only where a hyphen is written."""
    assert ground_value("-5", ["at －5 °C"]).grounding is Grounding.NORMALIZED
    assert ground_value("-5", ["at -5 °C"]).grounding is Grounding.VERBATIM
