from __future__ import annotations

import pytest

from holocron.errors import EvidenceUnreadable
from holocron.evidence.nesting import check_nesting


@pytest.mark.parametrize(
    "part", ["<div>", "<div></x>", "<DIV></SPAN>", "<optgroup>", "<rt>", "<rp>"], ids=lambda part: part
)
def test_tags_that_nest(part: str) -> None:
    """An end tag of nothing that is open lowers no count, and what may lie in itself counts."""
    with pytest.raises(EvidenceUnreadable, match="more than 20,000 deep") as caught:
        check_nesting("<p>word</p> " * 50_000 + part * 20_001)
    assert caught.value.hint


@pytest.mark.parametrize(
    "part",
    ["<li><dd>", "<span><div></span></div>", "<div><!--</div>-->", '<div a="</div>">'],
    ids=lambda part: part,
)
def test_a_tree_that_nests(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its tags do not tell of a page shows in the tree of its beginning."""
    monkeypatch.setattr("holocron.evidence.nesting.MAX_DEPTH", 500)
    check_nesting(part * 250)
    with pytest.raises(EvidenceUnreadable, match="more than 500 deep"):
        check_nesting(part * 2_000)


def test_elements_that_multiply() -> None:
    """Open style elements that every paragraph repeats are refused before they fill the memory."""
    with pytest.raises(EvidenceUnreadable, match="multiply") as caught:
        check_nesting("".join(f"<p><font a={number}>" for number in range(20_000)))
    assert caught.value.hint


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param("<p>x<br>" * 25_000, id="end tags left out"),
        pytest.param("<div><span>x</div></span>" * 15_000, id="end tags crossed"),
        pytest.param("<table>" + "<tr><td><font color=red>x</font>" * 15_000, id="an old table"),
    ],
)
def test_long_pages_are_not_deep(markup: str) -> None:
    """Many elements beside each other are no depth."""
    check_nesting(markup)
