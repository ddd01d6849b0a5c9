from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holocron.evidence.csv_rows import cut_csv, find_delimiter, read_csv
from holocron.evidence.cutting import read_quote
from holocron.evidence.items import MediaType
from holocron.evidence.segments import label_cells


def cuts(text: str) -> list[tuple[str, str]]:
    """Return quotes and readings."""
    return [(text[piece.start : piece.end], piece.reading) for piece in cut_csv(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "name,length_m\nFalcon,34.75\nX-wing,12.5\n",
            [
                ("Falcon,34.75", "name: Falcon; length_m: 34.75"),
                ("X-wing,12.5", "name: X-wing; length_m: 12.5"),
            ],
            id="commas",
        ),
        pytest.param(
            "name;len\r\nFalcon;34,75\r\n",
            [("Falcon;34,75", "name: Falcon; len: 34,75")],
            id="semicolons, CRLF",
        ),
        pytest.param("name\tlen\nFalcon\ta, b", [("Falcon\ta, b", "name: Falcon; len: a, b")], id="tabs"),
        pytest.param("name|len\rFalcon|3\r", [("Falcon|3", "name: Falcon; len: 3")], id="bars, lone CR"),
        pytest.param(
            'name,note\n"Solo, Han","He said ""no""\nand left"\n',
            [('"Solo, Han","He said ""no""\nand left"', 'name: Solo, Han; note: He said "no"\nand left')],
            id="quotes, with a line break inside",
        ),
        pytest.param(
            "a,b\n1\n1,2,3\n", [("1", "a: 1"), ("1,2,3", "a: 1; b: 2; 3")], id="too few and too many cells"
        ),
        pytest.param("a,,c\n1,2,3\n", [("1,2,3", "a: 1; 2; c: 3")], id="a column without a name"),
        pytest.param("\n\na,b\n,\n\n ,x\n", [(",x", "b: x")], id="blank rows and cells"),
        pytest.param("name,length_m\n", [("name,length_m", "name; length_m")], id="a header alone is a row"),
        pytest.param("name\nHan\nLuke", [("Han", "name: Han"), ("Luke", "name: Luke")], id="one column"),
        pytest.param("名,长\n猎鹰号,三十\n", [("猎鹰号,三十", "名: 猎鹰号; 长: 三十")], id="chinese"),
        pytest.param("اسم,नाम\nهان,हान\n", [("هان,हान", "اسم: هان; नाम: हान")], id="arabic and hindi"),
        pytest.param(
            "a,b\n👩‍👩‍👧,E\u0301 🇵🇱\n",
            [("👩‍👩‍👧,E\u0301 🇵🇱", "a: 👩‍👩‍👧; b: E\u0301 🇵🇱")],
            id="emoji and marks",
        ),
        pytest.param(
            "a,b\n1; 2; 3,4; 5\n", [("1; 2; 3,4; 5", "a: 1; 2; 3; b: 4; 5")], id="another delimiter inside"
        ),
        pytest.param('a,b\n"open,1\n2', [('"open,1\n2', "a: open,1\n2")], id="a quote that never closes"),
        pytest.param(" \n", [], id="blank"),
    ],
)
def test_rows(text: str, expected: list[tuple[str, str]]) -> None:
    """Each row is one piece at its exact place, read under the header."""
    assert cuts(text) == expected


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("Falcon,34.75", "Falcon | 34.75"),
        ("Falcon;34,75;12", "Falcon | 34,75 | 12"),
        ('"Solo, Han","a ""b"""', 'Solo, Han | a "b"'),
        ("12,345", "12 | 345"),
        ("Falcon,,3", "Falcon | 3"),
        ("Falcon,fast; strong,3", "Falcon | fast; strong | 3"),
        ("a, b, c", "a, b, c"),
        ("X\t1\t2", "X | 1 | 2"),
        ("X|1,5|2", "X | 1,5 | 2"),
        ("", ""),
    ],
)
def test_the_cells_of_a_row_stand_apart(quote: str, expected: str) -> None:
    """Cells stand apart, so that 12 and 345 never read as 12,345."""
    assert read_csv(quote, find_delimiter(quote)) == expected


@pytest.mark.parametrize(
    ("text", "row", "expected"),
    [
        pytest.param("a;b\n1,5; 2,5\n", "1,5; 2,5", "1,5; 2,5", id="commas in numbers"),
        pytest.param("a;b\n1,5;2,5\n", "1,5;2,5", "1,5 | 2,5", id="tight"),
        pytest.param("a\tb\n1,5\t\n", "1,5", "1,5", id="an empty last cell that is not quoted"),
        pytest.param("a;b\n1,5\n2,5;3\n", "1,5", "1,5", id="too few cells"),
        pytest.param("a,b,c\n1,5; 2,5\n", "1,5; 2,5", "1 | 5; 2 | 5", id="a file of commas"),
        pytest.param("a,b\nx|y;z,3\n", "x|y;z,3", "x|y;z | 3", id="other delimiters inside"),
        pytest.param("a|b\n1,5|x\n", "1,5|x", "1,5 | x", id="bars"),
    ],
)
def test_a_row_reads_by_the_delimiter_of_its_file(text: str, row: str, expected: str) -> None:
    """1,5 is one number in a file of semicolons, and two cells in a file of commas."""
    assert read_csv(row, find_delimiter(text)) == read_quote(row, MediaType.CSV, text) == expected


def test_a_part_of_a_long_cell_reads_as_prose_under_every_delimiter() -> None:
    """A sentence keeps its commas, spaced semicolons and thousands, and loses its doubled quotes."""
    quote = 'He said ""yes"", paid 12,345 credits; and left. ' * 6
    for delimiter in ",;\t|":
        assert read_csv(quote, delimiter) == quote.replace('""', '"')


def test_an_endless_column_name_is_shortened() -> None:
    """A name stands before every cell of its column, so it is cut, visibly."""
    (_, reading), *_ = cuts("h" * 5_000 + ",b\n1,2\n3,4\n")
    assert reading == "h" * 200 + "…: 1; b: 2"


def test_a_long_row_is_cut_between_its_cells() -> None:
    """A row over the bound becomes several pieces, none of them inside a short cell."""
    cells = [f"cell {number} " + "x" * 300 for number in range(10)]
    header = [f"c{number}" for number in range(10)]
    text = ",".join(header) + "\n" + ",".join(cells)
    found = cuts(text)
    assert [quote.split(",") for quote, _ in found] == [cells[0:3], cells[3:6], cells[6:9], cells[9:]]
    assert found[3][1] == f"c9: {cells[9]}"


def test_a_long_cell_is_cut_into_sentences_that_read_as_prose() -> None:
    """Part of a long cell keeps its commas and thousands, and loses its doubled quotes."""
    sentence = 'He said "yes", and paid 12,345 credits to Tal.'
    table = io.StringIO()
    csv.writer(table).writerows([["id", "body", "n"], ["7", " ".join([sentence] * 60), "9"]])
    text = table.getvalue()
    found = cuts(text)
    assert (found[0], found[-1]) == (("7", "id: 7"), ("9", "n: 9"))
    assert all(len(quote) <= 1_000 for quote, _ in found)
    assert " ".join(read_csv(quote, ",") for quote, _ in found[1:-1]) == " ".join([sentence] * 60)
    assert all(reading == f"body: {read_csv(quote, ',')}" for quote, reading in found[1:-1])


_CELLS = st.text(st.sampled_from("ab1 ,;|\t\"\n\r'é中\u0301👩"), max_size=8)
_TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(_CELLS, min_size=width, max_size=width), min_size=1, max_size=5)
)


@settings(deadline=None)
@given(rows=_TABLES, delimiter=st.sampled_from(",;|\t"), ending=st.sampled_from(["\n", "\r\n"]))
def test_rows_are_those_of_the_csv_module(rows: list[list[str]], delimiter: str, ending: str) -> None:
    """For any table that the csv module writes, each row reads as that module reads it."""
    header = [f"col{number}" for number in range(max(len(rows[0]), 2))]
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter, lineterminator=ending)
    writer.writerow(header)
    writer.writerows([*row, "end"] for row in rows)
    text = table.getvalue()
    read = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    expected = [label_cells(header, row) for row in read[1:]]
    assert [reading for _, reading in cuts(text)] == [reading for reading in expected if reading]


@settings(deadline=None)
@given(
    st.lists(
        st.text(st.sampled_from('ab1"\né中'), max_size=6).map(lambda cell: f"x{cell}x"),
        min_size=2,
        max_size=5,
    )
)
def test_a_quote_reads_as_the_csv_module_reads_it(cells: list[str]) -> None:
    """A row's slice gives the same cells as the csv module, without its file."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerow(cells)
    assert read_csv(table.getvalue()[:-1], ",") == " | ".join(cells)
