"""Numbered segments: a bundle's pieces as the lines that a prompt shows.

In: a bundle. Out: segments numbered from 1 across its items, each with a one-line text.
Never: lets a text speak as more than one line, or as a special token of a model.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from holocron.errors import EvidenceUnreadable
from holocron.evidence.bundles import EvidenceBundle
from holocron.evidence.cutting import READERS, cut_text
from holocron.evidence.segments import Segment

# Controls; what reorders a line; what has no width; halves of a character; letters made of tags.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNSHOWN = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)"  # a region's flag is made of tags, and stays
    "|[\u200b\ufeff\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
_HALF = re.compile("[\ud800-\udfff]")
_MARKER_START = re.compile(r"<(?=[|｜/_A-Za-z])|\[(?=/?g?[A-Z][A-Z_]{2,}\])")
_MARKER_END = re.compile(r"(?<=\S)(?=[|｜]>)")
# Nothing but the characters of a drawn line.
_DRAWN_LINE = re.compile(r"[-=_*#~+.|\s]*")


def show_line(text: str) -> str:
    """Return a text as one line that no model's tokenizer takes for a special token.

    White space and controls become single spaces; bidirectional overrides and characters without width are
    taken out; `<|`, `</`, `<s`, `|>` and `[INST]` get a space inside.
    """
    # Printable leaves out controls, every space but U+0020, and what has no width: most lines end here.
    if text.isprintable() and not (
        "<" in text or "[" in text or "  " in text or "|>" in text or "｜>" in text
    ):
        return text.strip()
    line = " ".join(_UNSHOWN.sub(r"\1", _CONTROL.sub(" ", text)).split())
    return _MARKER_END.sub(" ", _MARKER_START.sub(r"\g<0> ", _HALF.sub("\ufffd", line)))


def number_segments(bundle: EvidenceBundle, hide: Callable[[str], str] | None = None) -> tuple[Segment, ...]:
    """Return a bundle's segments, numbered from 1 across its items.

    hide: takes out of a text what must not be shown.
    Raises: EvidenceUnreadable, naming the source, where an item cannot be cut or has nothing to cite.
    """
    segments: list[Segment] = []
    for position, item in enumerate(bundle.items):
        text = item.text
        reader = READERS.get(item.media_type)
        before = len(segments)
        try:
            pieces = cut_text(text, item.media_type)
        except EvidenceUnreadable as error:
            raise EvidenceUnreadable(f"{item.source} cannot be read: {error}", hint=error.hint) from error
        for kind, start, end, label, reading in pieces:
            quote = text[start:end]
            value = reading or (reader(quote) if reader else quote)
            if hide is None:
                line = show_line(f"{label}: {value}" if label else value)
            else:
                # before and after: showing evens out spaces, and puts some into marks
                line = hide(show_line(hide(f"{label}: {value}" if label else value)))
            if line[:1].isalnum() or not _DRAWN_LINE.fullmatch(line):
                segments.append(Segment(len(segments) + 1, position, kind, start, end, line))
        if len(segments) == before:
            raise EvidenceUnreadable(
                f"{item.source} has nothing that can be cited",
                hint="It holds no sentence, row or value; leave it out.",
            )
    return tuple(segments)


def check_bundle(bundle: EvidenceBundle) -> None:
    """Raise EvidenceUnreadable where an item of the bundle cannot be cut or has nothing to cite."""
    number_segments(bundle)
