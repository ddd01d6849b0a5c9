from __future__ import annotations

import pytest

from holocron.evidence.html import extract_html
from holocron.evidence.markup import read_markdown
from holocron.evidence.raised import EDGE, NOTE, RAISED, read_raised


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("10<sup>6</sup> ships", "10^6 ships"),
        ("10<SUP>6</SUP> ships", "10^6 ships"),
        ("10<sup> 6</sup> ships", "10^ 6 ships"),
        ("10<sup>-6</sup> m", "10^-6 m"),
        ("10<sup>&minus;6</sup> m", "10^−6 m"),
        ("<b>10</b><sup>6</sup>", "10^6"),
        ("in 1977.<sup>2</sup> Next", "in 1977.^2 Next"),
        ("10101<sub>2</sub>", "10101_2"),
        ("3<sup>4</sup>5", "3^4_5"),
        ("<sup>6</sup>300 ships", "6_300 ships"),
        ("10<sup>6</sup> 300", "10^6 300"),
        ("10<sup></sup>6", "10^6"),
        ("H<sub>2</sub>O, 5 m<sup>2</sup>, 21<sup>st</sup>", "H2O, 5 m2, 21st"),
        ("<sup>1</sup>/<sub>2</sub>", "1/2"),
        ("1977<sup>[2]</sup>", "1977[2]"),
        ('1977<sup id="a"><a href="#fn2">2</a></sup>', "1977[2]"),
        ('left.<sup><a class="x" href="#fn2">2</a></sup> Next', "left.[2] Next"),
        ('10<sup><a href="six.html">6</a></sup>', "10^6"),
    ],
)
def test_raised_digits_stay_apart(markup: str, text: str) -> None:
    """Ten to the sixth is never 106, nor a year with a note's mark a number of five digits."""
    assert extract_html(markup) == text
    assert read_markdown(markup) == text


def test_a_note_in_a_format_of_its_own() -> None:
    """A link within the page around the raised number marks a note in HTML, a Markdown link in Markdown."""
    assert extract_html('1977<a href="#fn2"><sup>2</sup></a>') == "1977[2]"
    assert read_markdown("1977<sup>[2](#fn2)</sup>") == "1977[2]"


def test_raised_digits_in_a_row_and_in_code() -> None:
    """Cells and preformatted lines are read like any other text."""
    assert extract_html("<table><tr><td>10<sup>6</sup><td>5<sub>1</sub></table>") == "| 10^6 | 5_1 |"
    assert extract_html("<pre>10<sup>6</sup></pre>") == "    10^6"


def test_no_mark_is_left() -> None:
    """Marks that stand beside no number, or have no partner, go."""
    assert read_raised(f"a{RAISED}b{EDGE}{NOTE}c{RAISED}") == "abc"
