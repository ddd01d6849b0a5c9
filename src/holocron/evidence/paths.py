# ruff: noqa: PTH100, PTH112, PTH118, PTH122
# Reason: a hundred thousand paths are looked at; pathlib takes ten times as long for each.
"""Where evidence lies: files, folders and globs into paths.

In: patterns as a person or a derivation writes them, and the folder they are relative to.
Out: paths in sorted order, each once.
Never: opens a file, follows a linked folder, or looks into hidden ones.
"""

from __future__ import annotations

import heapq
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, takewhile
from pathlib import Path

from holocron.errors import EvidenceMissing
from holocron.evidence.items import MediaType

#: the endings that are looked for in folders
SUFFIXES = {
    ".txt": MediaType.TEXT,
    ".text": MediaType.TEXT,
    ".log": MediaType.TEXT,
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".xhtml": MediaType.HTML,
    ".json": MediaType.JSON,
    ".jsonl": MediaType.JSON,
    ".ndjson": MediaType.JSON,
    ".csv": MediaType.CSV,
    ".tsv": MediaType.CSV,
}
_WILD = re.compile(r"[*?\[]")
_ENDING = re.compile(r"\.[^*?\[\]/]+\Z")


def find_evidence(patterns: Sequence[str], root: Path, *, every: bool = True) -> Iterator[Path]:
    """Yield the files that the patterns name, sorted, each once.

    A folder gives the files with known endings in and below it, a glob (`archive/**/*.md`) what it matches; a
    glob whose ending is wild takes known endings only. A file's own name is taken as it is: whether it is
    there, and is text, shows when it is read. A folder that cannot be listed is yielded itself.
    Raises: EvidenceMissing, before the first path, where a folder or a glob gives nothing; with `every` off
    only where all of them do.
    """
    base = _slashes(os.path.abspath(root))
    last = ""
    for path in heapq.merge(*_begin([_find_files(pattern, base) for pattern in patterns], every=every)):
        if path != last:
            last = path
            yield Path(path)


def _begin(sources: Sequence[Iterator[str]], *, every: bool) -> Iterator[Iterator[str]]:
    """Yield the sources that give something, each with its first path looked for."""
    missing: EvidenceMissing | None = None
    given = False
    for source in sources:
        try:
            first = next(source, None)
        except EvidenceMissing as problem:
            if every:
                raise
            missing = missing or problem
            continue
        if first is not None:
            given = True
            yield chain([first], source)
    if missing is not None and not given:
        raise missing


def _slashes(path: str) -> str:
    """Return a path with forward slashes, which every system takes."""
    return path if os.sep == "/" else path.replace(os.sep, "/")


def _find_files(pattern: str, base: str) -> Iterator[str]:
    """Yield what one pattern names, sorted."""
    path = _slashes(os.path.normpath(os.path.join(base, pattern))) if pattern else ""
    if os.path.isdir(path):
        found = _walk(path, _has_known_suffix, deep=True)
    elif os.path.lexists(path) or (path and not _WILD.search(pattern)):
        yield path
        return
    else:
        found = _match(path, base)
    first = next(found, None)
    if first is not None:
        yield first
        yield from found
    elif os.path.isdir(path):
        raise EvidenceMissing(
            f"the folder {pattern} holds no evidence",
            hint=f"Files that end in {', '.join(SUFFIXES)} are read; name a file to read it as plain text.",
        )
    else:
        raise EvidenceMissing(f"nothing matches {pattern!r}")


def _has_known_suffix(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in SUFFIXES


def _match(pattern: str, base: str) -> Iterator[str]:
    """Yield the files that match an absolute glob; signs in base's own name are no wild cards."""
    parts = pattern.split("/")
    own = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(parts, base.split("/"), strict=False))
    )
    wild = next((index for index in range(own, len(parts)) if _WILD.search(parts[index])), len(parts))
    folder, wanted = "/".join(parts[:wild]) or "/", parts[wild:]
    flags = re.IGNORECASE if os.name == "nt" else re.NOFLAG
    expression = re.compile(
        "".join(_translate(part, is_last=index == len(wanted) - 1) for index, part in enumerate(wanted)),
        flags,
    )
    any_ending = _ENDING.search(wanted[-1] if wanted else "") is None
    prefix = len(folder.rstrip("/")) + 1

    def accept(path: str) -> bool:
        return expression.fullmatch(path, prefix) is not None and (not any_ending or _has_known_suffix(path))

    if os.path.isdir(folder):
        yield from _walk(folder, accept, deep="**" in wanted, levels=len(wanted))


def _translate(part: str, *, is_last: bool) -> str:
    """Return the expression for one part of a glob, its slash included."""
    if part == "**":
        return r"(?:[^/]+/)*[^/]+" if is_last else r"(?:[^/]+/)*"
    expression = ""
    for sign in re.findall(r"\[[!^]?+\]?+[^\]]*\]|.", part, re.DOTALL):
        if sign == "*":
            expression += "[^/]*"
        elif sign == "?":
            expression += "[^/]"
        elif len(sign) > 1:
            expression += _translate_choice(sign[1:-1])
        else:
            expression += re.escape(sign)
    return expression if is_last else expression + "/"


def _translate_choice(choice: str) -> str:
    """Return the expression for what stands between brackets: `a-cx` or `!0-9`; never the slash."""
    negated = choice[0] in "!^"
    chosen = ""
    for first, last, single in re.findall(r"(.)-(.)|(.)", choice[negated:], re.DOTALL):
        if single:
            chosen += re.escape(single)
        elif first <= last:  # nothing lies between z and a
            chosen += f"{re.escape(first)}-{re.escape(last)}"
    if not chosen:
        return "[^/]" if negated else "(?!)"
    return f"(?!/)[{'^' if negated else ''}{chosen}]"


def _walk(folder: str, accept: Callable[[str], bool], *, deep: bool, levels: int = 1) -> Iterator[str]:
    """Yield the accepted files below a folder in the order of their paths, one folder in memory at a time."""
    top = folder.rstrip("/") + "/"
    stack = [(top, iter(_list_folder(top, accept)))]
    while stack:
        prefix, names = stack[-1]
        for name in names:
            if not name.endswith("/"):
                yield prefix + name
            elif name == "/":
                yield prefix  # it could not be listed
            elif deep or len(stack) < levels:
                stack.append((prefix + name, iter(_list_folder(prefix + name, accept))))
                break
        else:
            stack.pop()


def _list_folder(prefix: str, accept: Callable[[str], bool]) -> list[str]:
    """Return a folder's accepted files and its folders (with a slash), sorted; `/` where it cannot be listed.

    With the slash, a folder sorts where its files' paths do. A linked folder is left out: it may be a ring.
    """
    names: list[str] = []
    try:
        with os.scandir(prefix) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith("."):
                    continue
                is_junction = getattr(entry, "is_junction", None)  # Python 3.12 on Windows
                if entry.is_dir(follow_symlinks=False):
                    if is_junction is None or not is_junction():
                        names.append(name + "/")
                elif accept(prefix + name) and not (entry.is_symlink() and os.path.isdir(prefix + name)):
                    names.append(name)
    except OSError:
        return ["/"]
    names.sort()
    return names
