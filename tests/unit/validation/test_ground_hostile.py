"""Evidence that was written to hang or to blow up the search."""

from __future__ import annotations

import time

import pytest

from holocron.derivation.grounding import Grounding
from holocron.validation.ground import ground_value

SIZE = 12_000
HOSTILE = {
    "digits": "1" * SIZE,
    "list": "1," * SIZE,
    "groups": "111 " * SIZE,
    "points": "1.1" * SIZE,
    "slashes": "1/" * SIZE,
    "powers": "10²" * SIZE,
    "exponents": "1e9999 " * SIZE,
    "huge-exponents": "1e999999999 " * SIZE,
    "scales": "1 " + "million " * SIZE,
    "han-scales": "1万" * SIZE,
    "han": "一万" * SIZE,
    "vulgar": "½" * SIZE,
    "units": "5 m per " * SIZE,
    "words": "one " * SIZE,
    "word-sums": "one hundred and " * SIZE,
    "halves": "one and a half " * SIZE,
    "minus": "-" * SIZE,
    "dates": "25 May " * SIZE,
    "years": "1977-05-" * SIZE,
    "months": "May 1977 " * SIZE,
    "times": "10:30 " * SIZE,
    "initials": "J. " * SIZE,
    "one-letter": "a" * SIZE,
    "zero-width": "a\u200b" * SIZE,
    "only-zero-width": "\u200b" * SIZE,
    "marks": "e" + "\u0301" * SIZE,
    "expanding": "\ufdfa" * SIZE,
    "spaces": " " * SIZE,
    "apostrophes": "a'" * SIZE,
}
VALUES = ["Han", "a", "the a", "J. R. R. T", "5 m", "1", 7, 2.5, "1977-05-26T10:31:00"]


@pytest.mark.parametrize("quote", HOSTILE.values(), ids=HOSTILE)
def test_the_search_grows_with_the_quote_and_no_faster(quote: str) -> None:
    """Four times the text takes about four times as long: no pattern backtracks over it."""

    def measure(text: str) -> float:
        started = time.process_time()
        for value in VALUES:
            ground_value(value, [text])
        ground_value(text[: len(text) // 2], [text])
        ground_value(f"x{text}", [text])
        return time.process_time() - started

    short = measure(quote[: len(quote) // 16])
    assert measure(quote[: len(quote) // 4]) < 12 * short + 0.2


def test_numbers_beyond_all_bounds_are_only_compared_as_they_stand() -> None:
    """Ten thousand digits and exponents of nine are neither computed nor a crash."""
    digits = "7" * 10_000
    assert ground_value(int("7" * 4_000) * 10**6_000, [digits, "1e999999999", "9e-999999999"]).grounding is (
        Grounding.INFERRED
    )
    assert ground_value(10**9_999, ["1" + "0" * 9_999]).grounding is Grounding.VERBATIM
    assert ground_value(5, [digits, "1e999999999 and 5"]).quotes == (1,)
    assert ground_value(digits, [digits]).grounding is Grounding.VERBATIM
    assert ground_value(1e308, ["1e308"]).grounding is Grounding.NORMALIZED
