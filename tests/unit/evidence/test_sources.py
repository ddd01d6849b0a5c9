from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from holocron.errors import EvidenceUnreadable
from holocron.evidence import (
    EvidenceBundle,
    EvidenceRejected,
    MediaType,
    find_evidence,
    inline_bundle,
    number_segments,
    read_bundles,
)


def write(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file and the folders above it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "media_type", "lines"),
    [
        ("a.txt", "One. Two.", MediaType.TEXT, ["One.", "Two."]),
        ("a.LOG", "up", MediaType.TEXT, ["up"]),
        ("a.md", "# Tal", MediaType.MARKDOWN, ["Tal"]),
        ("a.htm", "<p>Tal", MediaType.HTML, ["Tal"]),
        ("a.json", '{"a": 1}', MediaType.JSON, ["/a: 1"]),
        ("a.ndjson", "[1]\n[2]", MediaType.JSON, ["/0/0: 1", "/1/0: 2"]),
        ("a.tsv", "n\tm\nHan\t1", MediaType.CSV, ["n: Han; m: 1"]),
        ("a.weird", "Tal.", MediaType.TEXT, ["Tal."]),
        ("no-ending", "Tal.", MediaType.TEXT, ["Tal."]),
    ],
)
def test_a_file_is_one_subject(
    tmp_path: Path, name: str, content: str, media_type: MediaType, lines: list[str]
) -> None:
    """A file's bundle is named by its path, and its ending says how it is cut."""
    (bundle,) = read_bundles([write(tmp_path, f"deep/{name}", content)], tmp_path)
    assert isinstance(bundle, EvidenceBundle)
    assert (bundle.subject, bundle.items[0].source) == (f"deep/{name}", f"deep/{name}")
    assert bundle.items[0].media_type is media_type
    assert [segment.text for segment in number_segments(bundle)] == lines


def test_one_bad_file_never_stops_the_others(tmp_path: Path) -> None:
    """What cannot be read is yielded in its place, with its source and a sentence."""
    write(tmp_path, "a.txt", "One.")
    write(tmp_path, "b.txt", b"\xff")
    write(tmp_path, "c.bundle.jsonl", '{"subject": "Han", "items": [{"text": "x"}]}\n{')
    write(tmp_path, "d.txt", "Two.")
    results = list(read_bundles([*find_evidence(["."], tmp_path), tmp_path / "e.txt"], tmp_path))
    places = [result.source if isinstance(result, EvidenceRejected) else result.subject for result in results]
    assert places == ["a.txt", "b.txt", "Han", "c.bundle.jsonl:2", "d.txt", "e.txt"]
    assert [isinstance(result, EvidenceRejected) for result in results] == [
        False,
        True,
        False,
        True,
        False,
        True,
    ]


def test_subjects_of_other_spellings(tmp_path: Path) -> None:
    """A relative or roundabout path gives the same subject; one outside root gives its real path."""
    root = tmp_path / "project"
    write(root, "x/.a.txt", "One.")
    outside = write(tmp_path, "b.txt", "Two.")
    paths: list[Path | str] = ["x/.a.txt", "x/../x/./.a.txt", root / "x/.a.txt", outside, "../b.txt"]
    bundles = list(read_bundles(paths, root))
    subjects = [bundle.subject for bundle in bundles if isinstance(bundle, EvidenceBundle)]
    assert subjects == ["x/.a.txt"] * 3 + [outside.resolve().as_posix()] * 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are not UTF-8")
def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    """A file's odd name becomes a subject that any database takes."""
    path = bytes(tmp_path) + b"/caf\xe9.txt"
    with open(path, "wb") as file:  # noqa: PTH123 - the name is bytes
        file.write(b"One.")
    (bundle,) = read_bundles(find_evidence(["."], tmp_path), tmp_path)
    assert isinstance(bundle, EvidenceBundle)
    assert bundle.subject == "caf\\xe9.txt"


def test_a_moved_file_is_the_same_bundle_only_under_its_subject() -> None:
    """The bundle's hash is of subject, media type and content, not of the source."""
    here = inline_bundle("Han", "He flies.", source="a.txt")
    assert here.bundle_hash == inline_bundle("Han", "He flies.", source="b.txt").bundle_hash
    assert here.bundle_hash != inline_bundle("Luke", "He flies.").bundle_hash
    assert here.bundle_hash != inline_bundle("Han", "He flies.", MediaType.MARKDOWN).bundle_hash
    assert here.bundle_hash != inline_bundle("Han", "He flew.").bundle_hash


def test_inline_text_needs_a_subject_and_words() -> None:
    """A blank subject or text is refused."""
    for subject, text in [(" ", "x"), ("x", " ")]:
        with pytest.raises(EvidenceUnreadable):
            inline_bundle(subject, text)


def test_unchanged_files_are_read_fast(tmp_path: Path) -> None:
    """Finding, reading and hashing a small file stays far below a millisecond of CPU time."""
    for number in range(500):
        write(tmp_path, f"{number}.txt", "The ship is fast. " * 55 + str(number))
    started = time.process_time()
    hashes = {
        bundle.bundle_hash
        for bundle in read_bundles(find_evidence(["."], tmp_path), tmp_path)
        if isinstance(bundle, EvidenceBundle)
    }
    assert len(hashes) == 500
    assert (time.process_time() - started) / 500 < 0.001
