# ruff: noqa: PTH117, PTH118, PTH120, PTH122
# Reason: paths are plain text in the whole room (see decoding.py).
"""Bundle files: one JSON object per line, each a subject with its items.

In: `{"subject": "Falcon", "items": [{"text": "…"}, {"file": "notes/falcon.md"}]}` line by line.
Out: bundles, and for each bad line what is wrong with it.
Never: reads a file outside the bundle file's folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping

from holocron.errors import EvidenceError, EvidenceUnreadable
from holocron.evidence.bundles import EvidenceBundle, EvidenceRejected
from holocron.evidence.decoding import MAX_ITEM_BYTES, open_file, read_item, text_item, too_large, unreadable
from holocron.evidence.items import EvidenceItem, MediaType
from holocron.evidence.paths import SUFFIXES
from holocron.fingerprint import JSONValue

#: how a bundle file's name ends
BUNDLE_SUFFIX = ".bundle.jsonl"
_SHAPE = (
    'A line is {"subject": "…", "items": [{"text": "…"}, {"file": "…"}]}; media_type and source are optional.'
)


def read_bundle_file(path: str, source: str) -> Iterator[EvidenceBundle | EvidenceRejected]:
    """Yield the bundle of each line; a bad line is rejected by its number and stops no other."""
    try:
        descriptor, _ = open_file(path, source)
    except EvidenceError as error:
        yield EvidenceRejected(source, error)
        return
    folder = os.path.dirname(path) or "."
    number = 0
    try:
        with os.fdopen(descriptor, "rb") as lines:
            while line := lines.readline(MAX_ITEM_BYTES + 1):
                number += 1
                place = f"{source}:{number}"
                size = len(line)
                if size > MAX_ITEM_BYTES:
                    while line and not line.endswith(b"\n"):
                        line = lines.readline(MAX_ITEM_BYTES)
                        size += len(line)
                    yield EvidenceRejected(place, too_large(place, size))
                    continue
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line.strip():
                    yield _read_bundle(line, place, folder)
    except OSError as error:
        yield EvidenceRejected(source, unreadable(f"{source} cannot be read past line {number}", error))
        return
    if number == 0:
        yield EvidenceRejected(source, EvidenceUnreadable(f"{source} is empty", hint=_SHAPE))


def _read_bundle(line: bytes, place: str, folder: str) -> EvidenceBundle | EvidenceRejected:
    try:
        return _read_line(line, place, folder)
    except EvidenceError as error:
        return EvidenceRejected(place, error)


def _read_line(line: bytes, place: str, folder: str) -> EvidenceBundle:
    try:
        entry = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise EvidenceUnreadable(
            f"{place} is not UTF-8 text: byte {error.start + 1} of the line", hint=_SHAPE
        ) from error
    except json.JSONDecodeError as error:
        raise EvidenceUnreadable(
            f"{place} is not JSON: column {error.colno}: {error.msg}", hint=_SHAPE
        ) from error
    except ValueError as error:
        raise EvidenceUnreadable(
            f"{place} holds an integer of more digits than can be read", hint=_SHAPE
        ) from error
    except RecursionError as error:
        raise EvidenceUnreadable(f"{place} nests too deep", hint=_SHAPE) from error
    if not isinstance(entry, dict):
        raise EvidenceUnreadable(f"{place} is not a JSON object", hint=_SHAPE)
    _check_names(entry, ("subject", "items"), place)
    subject, items = entry.get("subject"), entry.get("items")
    if not isinstance(subject, str) or not subject.strip() or not subject.isprintable():
        raise EvidenceUnreadable(f"{place} has no subject that is one line of text", hint=_SHAPE)
    if not isinstance(items, list) or not items:
        raise EvidenceUnreadable(f"{place} has no items", hint=_SHAPE)
    return EvidenceBundle(
        subject=subject,
        items=tuple(_read_entry(item, f"{place}#{index}", folder) for index, item in enumerate(items)),
    )


def _check_names(entry: Mapping[str, JSONValue], known: tuple[str, ...], place: str) -> None:
    """Refuse a name that would be passed over in silence."""
    unknown = [name for name in entry if name not in known]
    if unknown:
        raise EvidenceUnreadable(f"{place} has {unknown[0]!r}, which means nothing there", hint=_SHAPE)


def _read_entry(entry: JSONValue, place: str, folder: str) -> EvidenceItem:
    """Return one item: a text, or a file below the bundle file's folder."""
    if not isinstance(entry, Mapping) or ("text" in entry) == ("file" in entry):
        raise EvidenceUnreadable(f"{place} is not an object with either text or file", hint=_SHAPE)
    _check_names(entry, ("text", "file", "media_type", "source"), place)
    wanted = {name: entry[name] for name in ("text", "file", "media_type", "source") if name in entry}
    given: dict[str, str] = {}
    for name, value in wanted.items():
        if not isinstance(value, str) or not value:
            raise EvidenceUnreadable(f"{place} has a {name} that is not text", hint=_SHAPE)
        given[name] = value
    if "text" in given:
        return text_item(given["text"], given.get("source", place), _media_type(given, MediaType.TEXT, place))
    known = SUFFIXES.get(os.path.splitext(given["file"])[1].lower(), MediaType.TEXT)
    path = _inside(folder, given["file"], place)
    holder = place.rpartition("/")[0]
    source = given.get("source", f"{holder}/{given['file']}" if holder else given["file"])
    return read_item(path, source, _media_type(given, known, place))


def _media_type(given: Mapping[str, str], default: MediaType, place: str) -> MediaType:
    name = given.get("media_type", default)
    try:
        return MediaType(name)
    except ValueError as error:
        known = ", ".join(MediaType)
        raise EvidenceUnreadable(
            f"{place} has an unknown media type {name!r}", hint=f"Known: {known}."
        ) from error


def _inside(folder: str, name: str, place: str) -> str:
    """Return the real path of a file; links are followed first, so that none leads outside."""
    try:
        home = os.path.realpath(folder)
        path = os.path.realpath(os.path.join(home, name))
        is_inside = not os.path.isabs(name) and os.path.commonpath([home, path]) == home
    except (OSError, ValueError) as error:
        raise EvidenceUnreadable(
            f"{place} names a file that cannot be: {name!r}",
            hint="Name a file by its path from the bundle file's folder.",
        ) from error
    if not is_inside:
        raise EvidenceUnreadable(
            f"{place} names {name!r}, which is outside the bundle file's folder",
            hint="Put the bundle file beside or above what it names.",
        )
    return path
