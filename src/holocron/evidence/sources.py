# ruff: noqa: PTH100, PTH118, PTH122
# Reason: paths are plain text in the whole room (see decoding.py).
"""Sources into bundles: the way into the evidence room.

In: paths, or a text given as it is. Out: bundles, and for each bad file one sentence about it.
Never: lets one bad file stop the others, or holds more than one file in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from holocron.errors import EvidenceError, EvidenceUnreadable
from holocron.evidence.bundle_files import BUNDLE_SUFFIX, read_bundle_file
from holocron.evidence.bundles import EvidenceBundle, EvidenceRejected
from holocron.evidence.decoding import read_item, text_item
from holocron.evidence.items import MediaType
from holocron.evidence.paths import SUFFIXES


def read_bundles(paths: Iterable[Path | str], root: Path) -> Iterator[EvidenceBundle | EvidenceRejected]:
    """Yield a bundle per file, and one per line of a `*.bundle.jsonl` file.

    A file's subject is its path relative to root with forward slashes, or its real path where it lies
    outside; an unknown ending is read as plain text.
    """
    home = os.path.join(os.path.abspath(root), "")
    for given in paths:
        path = os.path.join(home, given)
        source = _source_of(path, home)
        if source.endswith(BUNDLE_SUFFIX):
            yield from read_bundle_file(path, source)
            continue
        media_type = SUFFIXES.get(os.path.splitext(source)[1].lower(), MediaType.TEXT)
        try:
            item = read_item(path, source, media_type)
        except EvidenceError as error:
            yield EvidenceRejected(source, error)
        else:
            yield EvidenceBundle(subject=source, items=(item,))


def inline_bundle(
    subject: str, text: str, media_type: MediaType = MediaType.TEXT, *, source: str = "inline"
) -> EvidenceBundle:
    """Return the bundle of one text that is given as it is.

    Raises: EvidenceUnreadable where subject or text is blank, EvidenceTooLarge over the limit.
    """
    if not subject.strip():
        raise EvidenceUnreadable("a text was given without a subject", hint="Name what the text is about.")
    return EvidenceBundle(subject=subject, items=(text_item(text, source, media_type),))


def _source_of(path: str, home: str) -> str:
    """Return the path relative to home with forward slashes, or the real path where it lies outside."""
    if "/." in path or "\\." in path:
        path = os.path.normpath(path)
    if path.startswith(home):
        source = path[len(home) :]
    else:
        source = os.path.realpath(path).removeprefix(os.path.join(os.path.realpath(home), ""))
    if os.sep != "/":
        source = source.replace(os.sep, "/")
    if source.isascii():
        return source
    # A name that is not UTF-8 comes with lone surrogates, which no database takes.
    return source.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
