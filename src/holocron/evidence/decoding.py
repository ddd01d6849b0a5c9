# ruff: noqa: PTH114, PTH115, PTH116
# Reason: a hundred thousand files are opened; pathlib doubles what each of them costs.
"""One file, or one given text, into an evidence item.

In: a path or a text. Out: an item, its bytes hashed once. Never: guesses an encoding, waits for a pipe,
or reads a file that is over the limit.
"""

from __future__ import annotations

import os
import stat

from holocron.errors import EvidenceError, EvidenceMissing, EvidenceTooLarge, EvidenceUnreadable
from holocron.evidence.html import extract_html
from holocron.evidence.items import EvidenceItem, MediaType
from holocron.fingerprint import hash_bytes

#: bytes that one item may have
MAX_ITEM_BYTES = 64 * 1024 * 1024
# Windows alone has the first two.
_FLAGS = (
    os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0) | getattr(os, "O_CLOEXEC", 0)
)


def read_item(path: str, source: str, media_type: MediaType) -> EvidenceItem:
    """Return the item that a file holds.

    Raises: EvidenceMissing, EvidenceUnreadable or EvidenceTooLarge, naming the source.
    """
    content = _read_content(path, source)
    text = decode_content(content, source)
    if media_type is MediaType.HTML:
        return _page_item(text, source, hash_bytes(content))
    source_hash = hash_bytes(content)
    is_plain = content[:3] != b"\xef\xbb\xbf" and content[:2] not in _UTF16_MARKS
    return EvidenceItem(
        text=text,
        media_type=media_type,
        source=source,
        source_hash=source_hash,
        content_hash=source_hash if is_plain else "",
    )


def text_item(text: str, source: str, media_type: MediaType) -> EvidenceItem:
    """Return the item of a text that is given as it is; for HTML the text is markup.

    Raises: EvidenceUnreadable or EvidenceTooLarge, naming the source.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise EvidenceUnreadable(
            f"{source} is not text: character {error.start} is half of one (a lone surrogate)",
            hint="Give whole characters; decode bytes with errors='replace' where they are broken.",
        ) from error
    if size > MAX_ITEM_BYTES:
        raise too_large(source, size)
    _check_text(text, source)
    if media_type is MediaType.HTML:
        return _page_item(text, source, "")
    return EvidenceItem(text=text, media_type=media_type, source=source)


def _page_item(markup: str, source: str, source_hash: str) -> EvidenceItem:
    try:
        text = extract_html(markup)
    except EvidenceUnreadable as error:
        raise EvidenceUnreadable(f"{source} cannot be read: {error}", hint=error.hint) from error
    if not text:
        raise EvidenceUnreadable(
            f"{source} has no visible text", hint="A page that scripts fill must be saved after they ran."
        )
    return EvidenceItem(text=text, media_type=MediaType.HTML, source=source, source_hash=source_hash)


def too_large(source: str, size: int) -> EvidenceTooLarge:
    """Return the error for a size in bytes that is over the limit."""
    return EvidenceTooLarge(f"{source} has {size:,} bytes, and one item may have {MAX_ITEM_BYTES:,}")


def unreadable(what: str, error: OSError | ValueError) -> EvidenceUnreadable:
    """Return the error for a file that the system does not give."""
    reason = error.strerror if isinstance(error, OSError) else error
    return EvidenceUnreadable(
        f"{what}: {reason}", hint="Copy it to a disk of this machine under a plain name, or leave it out."
    )


def open_file(path: str, source: str) -> tuple[int, int]:
    """Open an ordinary file; return its descriptor and its size in bytes.

    Raises: EvidenceMissing where it is not there, EvidenceUnreadable where it is no file or is locked.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _no_file(path, source, status.st_mode)
        return os.open(path, _FLAGS), status.st_size
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise EvidenceMissing(
                f"{source} is a link to {os.readlink(path)}, which is not there", hint=""
            ) from error
        raise EvidenceMissing(f"there is no file {source}") from error
    except PermissionError as error:
        raise EvidenceUnreadable(
            f"{source} may not be opened: permission denied", hint="Give yourself the right to read it."
        ) from error
    except (OSError, ValueError) as error:
        raise unreadable(f"{source} cannot be opened", error) from error


def _no_file(path: str, source: str, mode: int) -> EvidenceError:
    """Return the error for a place that is there and is no ordinary file."""
    if not stat.S_ISDIR(mode):
        return EvidenceUnreadable(
            f"{source} is a device, a pipe or a socket, not a file",
            hint="Save what comes from it into a file first.",
        )
    try:
        os.scandir(path).close()
    except PermissionError:
        return EvidenceUnreadable(
            f"the folder {source} may not be opened: permission denied",
            hint="Give yourself the right to read it.",
        )
    return EvidenceUnreadable(f"{source} is a folder, not a file", hint="Name the files in it.")


def _read_content(path: str, source: str) -> bytes:
    """Return all bytes of a file that is within the limit."""
    descriptor, size = open_file(path, source)
    try:
        if size > MAX_ITEM_BYTES:
            raise too_large(source, size)
        content = os.read(descriptor, size + 1)
        while len(content) != size:  # it grew or shrank, or it is one of /proc, which have no size
            more = os.read(descriptor, 1 << 20)
            if not more:
                break
            content += more
            if len(content) > MAX_ITEM_BYTES:
                raise too_large(source, len(content))
    except OSError as error:
        raise unreadable(f"{source} cannot be read", error) from error
    finally:
        os.close(descriptor)
    return content


_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def decode_content(content: bytes, source: str) -> str:
    """Return the text of UTF-8, with or without a byte-order mark, or of UTF-16 with one.

    Raises: EvidenceUnreadable with the offset of the first byte that is no text, or where there is no text.
    """
    encoding = "utf-16" if content[:2] in _UTF16_MARKS else "utf-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.upper()
        raise EvidenceUnreadable(
            f"{source} is not {name} text: byte 0x{content[error.start]:02x} at offset {error.start}",
            hint="Save it as UTF-8; a picture, a PDF or an archive is not read.",
        ) from error
    if text.startswith("\ufeff"):
        text = text[1:]
    _check_text(text, source)
    return text


def _check_text(text: str, source: str) -> None:
    """Refuse a text that is blank, or that a NUL shows to be none."""
    if not text or text.isspace():
        raise EvidenceUnreadable(f"{source} is empty", hint="Leave it out, or put text into it.")
    if "\0" in text:
        raise EvidenceUnreadable(
            f"{source} is binary: it has a NUL at character {text.index(chr(0))}",
            hint="Only text is read; UTF-16 needs its byte-order mark.",
        )
