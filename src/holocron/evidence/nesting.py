"""How deep a page nests, before it is parsed as a whole.

In: markup. Out: nothing, or the refusal of a page that would keep the parser busy for minutes.
Never: holds for sure: what only the second half of a page does is judged by its tags alone.
"""

from __future__ import annotations

import re
from collections import Counter

from holocron.errors import EvidenceUnreadable

#: elements that may lie inside each other; a parser's time grows with the square of it
MAX_DEPTH = 20_000
#: elements that a character of markup may become; each block repeats the style elements that are left open
_MAX_ELEMENTS = 4
#: characters of the first beginning that is measured
_FIRST_LOOK = 8_192
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Their end tags may be left out, or they have none: they do not show how deep a page is.
_UNCLOSED_NAMES = (
    "area base br col embed hr img input link meta source track wbr p li dt dd option tr td th "
    "thead tbody tfoot colgroup caption html head body"
)
_UNCLOSED = frozenset(_UNCLOSED_NAMES.split())
_HINT = "Save the page's text, or a part of the page, and read that."


def check_nesting(markup: str) -> None:
    """Refuse a page by its tags, or by how one of its beginnings is parsed.

    Tags alone do not tell: a parser passes over an end tag that lies wrong, and what it closes is in no tag.
    Raises: EvidenceUnreadable where elements lie more than 20,000 deep inside each other, or multiply.
    """
    if markup.count("<") > MAX_DEPTH:
        _check_tags(markup)
    size = _FIRST_LOOK
    while size < len(markup):
        _check_tree(markup[:size])
        size *= 2


def _check_tags(markup: str) -> None:
    opened: Counter[str] = Counter()
    depth = 0
    for match in _TAG.finditer(markup):
        name = match[2].lower()
        if name in _UNCLOSED:
            continue
        if not match[1]:
            opened[name] += 1
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep()
        elif opened[name]:  # any other end tag is passed over
            opened[name] -= 1
            depth -= 1


def _check_tree(beginning: str) -> None:
    from selectolax.lexbor import LexborHTMLParser  # here, because most runs read no HTML

    tree = LexborHTMLParser(beginning.encode("utf-8", "replace"))
    if len(tree.css("*")) > _MAX_ELEMENTS * len(beginning):
        raise EvidenceUnreadable("the page leaves so many elements open that they multiply", hint=_HINT)
    node, depth = tree.root, 0
    while node is not None:  # what is open at the end
        node, depth = node.last_child, depth + 1
    if depth > MAX_DEPTH:
        raise _too_deep()


def _too_deep() -> EvidenceUnreadable:
    return EvidenceUnreadable(f"the page nests its elements more than {MAX_DEPTH:,} deep", hint=_HINT)
