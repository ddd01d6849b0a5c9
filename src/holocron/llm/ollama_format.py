"""From a decoding schema to Ollama's `format`: patterns in the words of its schema-to-grammar converter.

In: a JSON Schema as the specialiser makes it. Out: the same schema with its patterns rewritten.
Never: changes what matches. Version 0.24 crashes, server and all, over `(?:`; and a pattern's literals go
into JSON as they are, so that a quotation mark must be escaped for JSON in the pattern already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from holocron.fingerprint import JSONValue

#: the most pieces of a pattern made from the evidence; where a model with 100,000 tokens to choose from wants
#: to say something else, 1,500 pieces cost an answer seconds, 6,000 ten and 14,000 forty (0.24 on one core)
COPIED_PIECES = 2_000

_SIGN = re.compile(r'\(\?:|\\(.)|"')
_PLAIN = frozenset("-/")


def render_format(schema: JSONValue) -> JSONValue:
    """Return a schema that Ollama's converter takes; nothing but patterns is changed."""
    if isinstance(schema, Mapping):
        return {
            key: _rewrite(value) if key == "pattern" and isinstance(value, str) else render_format(value)
            for key, value in schema.items()
        }
    if isinstance(schema, list | tuple):
        return [render_format(part) for part in schema]
    return schema


def _rewrite(pattern: str) -> str:
    return _SIGN.sub(_translate, pattern)


def _translate(found: re.Match[str]) -> str:
    if found[0] == "(?:":
        return "("
    if found[0] == '"':
        return r"\\" + '"'
    if found[1] == "\\":
        return r"\\\\"
    return found[1] if found[1] in _PLAIN else found[0]
