"""How a Markdown quote reads: without emphasis, links' targets, tags and escapes.

In: a quote. Out: the words a reader sees, or the same quote with markup that must not end a sentence masked.
Never: knows where the quote stood; it is a pure function of the slice.
"""

from __future__ import annotations

import html
import re

from holocron.evidence.raised import EDGE, NOTE, RAISED, read_raised

_TARGET = r"\((?:[^()\s]|\([^()\s]*+\))*+(?:\s(?:[^()]|\([^()]*+\))*+)?\)"
_TAG = r"</?[a-zA-Z][^<>]*+>"
_CODE = r"(?<!`)(?P<ticks>`++)(?P<code>(?:(?!(?P=ticks)(?!`)).)+?)(?P=ticks)(?!`)"
_MARKUP = re.compile(r"[*_`\[<&\\\ue000]|[\r\n][ \t]*+>")
_QUOTE_MARKS = re.compile(r"(\r\n?+|\n)([ \t]*+>[> \t]*+)")
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|bdi|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|q|s|small|span|strong|sub|sup|time|tt|u|var|wbr)\b",
    re.IGNORECASE,
)
_RAISING_TAG = re.compile(r"<(/?)(?:(sup)|sub)\b", re.IGNORECASE)
_NOTE_LINK = re.compile(r"\[\d{1,3}\]\(#|<a\s[^<>]*?href=[\"']?#", re.IGNORECASE)
# A comment and an inline tag read as nothing; the others read as literals that no later step may touch.
_LITERAL = re.compile(
    rf"{_CODE}|<!--.*?(?:-->|\Z)|<(?P<url>[a-zA-Z][a-zA-Z0-9+.-]++:[^\s<>]*+)>|{_TAG}"
    r"|\\(?P<escaped>[!-/:-@\[-`{-~])|\\(?=[\r\n])|(?P<entity>&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,31});)"
    r"|(?P<kept>\ue000)",
    re.DOTALL,
)
_LITERAL_SIGN = re.compile("[`<&\\\\\ue000]")
_LINK = re.compile(rf"!?\[((?:[^\[\]]|\[[^\[\]]*+\])*+)\](?:{_TARGET}|(?<!\d\])\[[^\[\]]*+\])")
_EMPHASIS = (
    re.compile(r"(?<![0-9*])(\*{2,3})(?=[^\s*])(.+?)(?<=\S)\1", re.DOTALL),
    re.compile(r"(?<![A-Za-z0-9*])(\*)(?=[^\s*])(.+?)(?<=[^\s*])\*(?![A-Za-z0-9*])", re.DOTALL),
    re.compile(r"(?<!\w)(_{1,3})(?=[^\s_])(.+?)(?<=[^\s_])\1(?!\w)", re.DOTALL),
)
# What is left of emphasis that began or ended in another sentence.
_STRAY = re.compile(
    r"\A\*{1,3}(?=\S)|(?<![,(]\s)(?<=\s)\*\*(?=\w)|(?<=[^\s\d*(,])\*\*(?=[\s.,;:!?)]|\Z)|(?<=[.!?…。！？])\*\Z"
)


def read_markdown(quote: str) -> str:
    """Return what a reader sees of a Markdown quote: `**Tal**` and `[Tal](u)` read as `Tal`."""
    if not _MARKUP.search(quote):
        return quote
    literals: list[str] = []

    def keep(match: re.Match[str]) -> str:
        read = _read_literal(match)
        if read.isspace() or not read:
            return read
        literals.append(read)
        return "\ue000"

    text = _QUOTE_MARKS.sub(r"\1", quote) if ">" in quote else quote
    text = _LITERAL.sub(keep, text) if _LITERAL_SIGN.search(text) else text
    if "](" in text or "][" in text:
        for _ in range(3):  # a picture inside a link
            text = _LINK.sub(r"\1", text)
    if "*" in text or "_" in text:
        for emphasis in _EMPHASIS:
            text = emphasis.sub(r"\2", text)
        text = _STRAY.sub("", text)
    if literals:
        rest = iter(literals)
        text = read_raised(re.sub("\ue000", lambda _: next(rest, ""), text))
    return text


def _read_literal(match: re.Match[str]) -> str:
    """Return what a code span, an escape, an entity, an address, a tag or a comment reads as."""
    code, url, escaped, entity, kept = match.group("code", "url", "escaped", "entity", "kept")
    if code is not None:
        return code[1:-1] if code[0] == code[-1] == " " and code.strip() else code
    if entity is not None:
        return html.unescape(entity)
    if match[0][0] != "<" or url is not None:
        return url or escaped or kept or ""
    if raising := _RAISING_TAG.match(match[0]):
        if raising[1] or not raising[2]:
            return EDGE
        return NOTE if _NOTE_LINK.match(match.string, match.end()) else RAISED
    return "" if match[0].startswith("<!--") or _INLINE_TAG.match(match[0]) else " "


_TICKS = re.compile("`+")
_OPAQUE = re.compile(
    rf"`++|(?<=\]){_TARGET}|<!--.*?(?:-->|\Z)|{_TAG}|<[a-zA-Z][a-zA-Z0-9+.-]++:[^\s<>]*+>", re.DOTALL
)


def mask_markup(quote: str) -> str:
    """Return the quote, as long as it was, with code, links' targets and tags masked.

    A target is masked as brackets, which close a sentence: `[Tal.](u) Next`.
    """
    if not _MARKUP.search(quote):
        return quote
    blank = _QUOTE_MARKS.sub(lambda marks: marks[1] + " " * len(marks[2]), quote)
    closing = _find_closing_ticks(blank)
    masked: list[str] = []
    done = position = 0
    while found := _OPAQUE.search(blank, position):
        start, position = found.span()
        is_code = blank[start] == "`"
        if is_code and start not in closing:
            continue
        position = closing[start] if is_code else position
        masked += (blank[done:start], (")" if blank[start] == "(" else "x") * (position - start))
        done = position
    return "".join(masked) + blank[done:]


def _find_closing_ticks(text: str) -> dict[int, int]:
    """Return, for where each run of backticks opens a code span, the end of the run that closes it.

    It is the next run of the same length. One look finds all; a pattern would look from each run anew.
    """
    closing: dict[int, int] = {}
    opened: dict[int, int] = {}
    for run in _TICKS.finditer(text):
        start, end = run.span()
        if end - start in opened:
            closing[opened[end - start]] = end
        opened[end - start] = start
    return closing
