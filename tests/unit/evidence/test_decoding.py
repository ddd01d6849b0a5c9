from __future__ import annotations

import hashlib
import os
import sys
import time
from pathlib import Path

import pytest

from holocron.errors import EvidenceError, EvidenceMissing, EvidenceTooLarge, EvidenceUnreadable
from holocron.evidence.decoding import MAX_ITEM_BYTES, read_item, text_item
from holocron.evidence.items import EvidenceItem, MediaType


def read(path: Path) -> EvidenceItem:
    """Read a file as plain text."""
    return read_item(str(path), path.name, MediaType.TEXT)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("Tál\r\n中 👩‍👩‍👧\n".encode(), "Tál\r\n中 👩‍👩‍👧\n", id="UTF-8, CRLF kept"),
        pytest.param(b"\xef\xbb\xbfTal", "Tal", id="UTF-8 with a mark"),
        pytest.param("Tál 中".encode("utf-16"), "Tál 中", id="UTF-16, this machine's order"),
        pytest.param(b"\xfe\xff" + "Tál 👩".encode("utf-16-be"), "Tál 👩", id="UTF-16, big end first"),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, text: str) -> None:
    """A file's text is decoded unchanged but for a byte-order mark; both hashes are right."""
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    item = read(path)
    assert item.text == text
    assert item.source_hash == hashlib.sha256(content).hexdigest()
    assert item.content_hash == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "a.txt is empty", id="empty"),
        pytest.param(b" \r\n\t", "a.txt is empty", id="blank"),
        pytest.param(b"\xef\xbb\xbf", "a.txt is empty", id="a mark alone"),
        pytest.param(b"caf\xe9 noir", "a.txt is not UTF-8 text: byte 0xe9 at offset 3", id="Latin-1"),
        pytest.param(b"ab\x00c", "a.txt is binary: it has a NUL at character 2", id="binary"),
        pytest.param(
            b"\xff\xfea\x00b", "a.txt is not UTF-16 text: byte 0x62 at offset 4", id="half of UTF-16"
        ),
        pytest.param(
            b"\x89PNG\r\n\x1a\n\x00", "a.txt is not UTF-8 text: byte 0x89 at offset 0", id="a picture"
        ),
        pytest.param("a".encode("utf-32"), "a.txt is binary: it has a NUL at character 0", id="UTF-32"),
    ],
)
def test_what_is_no_text(tmp_path: Path, content: bytes, message: str) -> None:
    """What cannot be read is refused in one sentence that says where, with a hint."""
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(EvidenceUnreadable) as caught:
        read(path)
    assert str(caught.value) == message
    assert caught.value.hint


def test_a_huge_file_costs_nothing(tmp_path: Path) -> None:
    """A file over the limit is refused by its size alone."""
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    started = time.process_time()
    with pytest.raises(EvidenceTooLarge, match="1,073,741,824 bytes, and one item may have 67,108,864"):
        read(path)
    assert time.process_time() - started < 0.5


def rejected(path: Path) -> EvidenceError:
    """Return the error that reading a file raises; it has a hint, or names a link's target."""
    with pytest.raises(EvidenceError) as caught:
        read(path)
    assert caught.value.hint or "is a link to" in str(caught.value)
    return caught.value


def test_places_without_a_file(tmp_path: Path) -> None:
    """A missing file and a folder are told apart."""
    assert str(rejected(tmp_path / "gone.txt")) == "there is no file gone.txt"
    assert isinstance(rejected(tmp_path / "gone.txt"), EvidenceMissing)
    assert str(rejected(tmp_path)) == f"{tmp_path.name} is a folder, not a file"
    assert "cannot be opened" in str(rejected(Path("nul\0byte.txt")))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files, or links need a privilege")
def test_links_pipes_and_devices(tmp_path: Path) -> None:
    """A broken link names its target; a pipe is never waited for; a ring of links is no file."""
    (tmp_path / "broken.txt").symlink_to("gone.txt")
    (tmp_path / "ring.txt").symlink_to("ring.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    assert str(rejected(tmp_path / "broken.txt")) == "broken.txt is a link to gone.txt, which is not there"
    assert str(rejected(tmp_path / "ring.txt")).startswith("ring.txt cannot be opened: ")
    assert str(rejected(tmp_path / "pipe.txt")) == "pipe.txt is a device, a pipe or a socket, not a file"
    assert str(rejected(Path("/dev/zero"))) == "zero is a device, a pipe or a socket, not a file"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="this user may open any file")
def test_locked_files_and_folders(tmp_path: Path) -> None:
    """What may not be opened says so, and what to do."""
    locked, folder = tmp_path / "locked.txt", tmp_path / "folder"
    locked.write_text("x", encoding="utf-8")
    locked.chmod(0)
    folder.mkdir(mode=0)
    try:
        assert str(rejected(locked)) == "locked.txt may not be opened: permission denied"
        assert str(rejected(folder)) == "the folder folder may not be opened: permission denied"
    finally:
        folder.chmod(0o755)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")
def test_a_file_without_a_size_is_read_to_its_end() -> None:
    """What grows while it is read, or says it has no bytes, is read whole."""
    assert read(Path("/proc/self/status")).text.startswith("Name:")


def test_html_is_read_as_its_visible_text(tmp_path: Path) -> None:
    """A page's text is hashed as content, its bytes as source; a page without words is refused."""
    path = tmp_path / "a.html"
    path.write_text("<h1>Tal</h1>", encoding="utf-8")
    item = read_item(str(path), "a.html", MediaType.HTML)
    assert (item.text, item.source_hash) == ("# Tal", hashlib.sha256(b"<h1>Tal</h1>").hexdigest())
    assert item.content_hash == hashlib.sha256(b"# Tal").hexdigest()
    path.write_text("<script>fill()</script>", encoding="utf-8")
    with pytest.raises(EvidenceUnreadable, match=r"a.html has no visible text"):
        read_item(str(path), "a.html", MediaType.HTML)
    path.write_text("<div>" * 30_000, encoding="utf-8")
    with pytest.raises(EvidenceUnreadable, match=r"a.html cannot be read: the page nests") as caught:
        read_item(str(path), "a.html", MediaType.HTML)
    assert caught.value.hint


def test_given_texts() -> None:
    """A text that is given is held to the same rules as a file's."""
    assert text_item("Tal\r\n", "here", MediaType.TEXT).text == "Tal\r\n"
    assert text_item("<p>Tal</p>", "here", MediaType.HTML).text == "Tal"
    for text, message in [
        (" ", "here is empty"),
        ("a\0", "here is binary"),
        ("a\ud800", "character 1 is half of one"),
    ]:
        with pytest.raises(EvidenceUnreadable, match=message) as caught:
            text_item(text, "here", MediaType.TEXT)
        assert caught.value.hint
    with pytest.raises(EvidenceTooLarge, match="here has"):
        text_item("é" * (MAX_ITEM_BYTES // 2 + 1), "here", MediaType.TEXT)
