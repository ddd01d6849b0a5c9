from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from holocron.evidence.bundle_files import read_bundle_file
from holocron.evidence.bundles import EvidenceBundle, EvidenceRejected
from holocron.evidence.decoding import MAX_ITEM_BYTES
from holocron.evidence.items import MediaType
from holocron.fingerprint import JSONValue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a bundle file's neighbours, and a secret beside it."""
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    inside = tmp_path / "crew"
    (inside / "notes").mkdir(parents=True)
    (inside / "notes/han.md").write_text("**Han**", encoding="utf-8")
    return inside


def read(folder: Path, content: str | bytes) -> list[EvidenceBundle | EvidenceRejected]:
    """Write a bundle file and return what is read from it."""
    path = folder / "x.bundle.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_bundle_file(str(path), "crew/x.bundle.jsonl"))


def test_a_line_becomes_a_bundle(folder: Path) -> None:
    """Texts and files of a line become items in order, with sources and media types."""
    line = {
        "subject": "Han",
        "items": [
            {"text": "Han flies."},
            {"text": '{"a": 1}', "media_type": "application/json", "source": "holonet"},
            {"file": "notes/han.md"},
            {"file": "notes/han.md", "media_type": "text/plain", "source": "me"},
            {"text": "<p>Tal</p>", "media_type": "text/html"},
        ],
    }
    (bundle,) = read(folder, "\ufeff" + json.dumps(line) + "\r\n\r\n")
    assert isinstance(bundle, EvidenceBundle)
    assert bundle.subject == "Han"
    assert [(item.text, item.media_type, item.source) for item in bundle.items] == [
        ("Han flies.", MediaType.TEXT, "crew/x.bundle.jsonl:1#0"),
        ('{"a": 1}', MediaType.JSON, "holonet"),
        ("**Han**", MediaType.MARKDOWN, "crew/notes/han.md"),
        ("**Han**", MediaType.TEXT, "me"),
        ("Tal", MediaType.HTML, "crew/x.bundle.jsonl:1#4"),
    ]


TEXT: JSONValue = [{"text": "x"}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("{", "is not JSON: column ", id="no JSON"),
        pytest.param(b"\xff", "is not UTF-8 text: byte 1 of the line", id="no UTF-8"),
        pytest.param("[" * 100_000, "nests too deep", id="too deep"),
        pytest.param("1" * 5_000, "holds an integer of more digits than can be read", id="endless integer"),
        pytest.param([], "is not a JSON object", id="no object"),
        pytest.param({"items": TEXT}, "has no subject that is one line of text", id="no subject"),
        pytest.param({"subject": " ", "items": TEXT}, "has no subject", id="blank subject"),
        pytest.param({"subject": "a\nb", "items": TEXT}, "has no subject", id="subject of two lines"),
        pytest.param({"subject": "a\ud800", "items": TEXT}, "has no subject", id="half a character"),
        pytest.param({"subject": "a", "items": []}, "has no items", id="no items"),
        pytest.param({"subject": "a", "items": {"text": "x"}}, "has no items", id="items of another type"),
        pytest.param(
            {"subject": "a", "items": TEXT, "tag": 1},
            "has 'tag', which means nothing there",
            id="unknown name",
        ),
        pytest.param(
            {"subject": "a", "items": ["x"]}, "#0 is not an object with either text or file", id="bare item"
        ),
        pytest.param(
            {"subject": "a", "items": [{"text": "x", "file": "y"}]}, "either text or file", id="both"
        ),
        pytest.param(
            {"subject": "a", "items": [{"text": "x", "type": "y"}]}, "has 'type'", id="unknown item name"
        ),
        pytest.param({"subject": "a", "items": [{"text": 1}]}, "has a text that is not text", id="a number"),
        pytest.param(
            {"subject": "a", "items": [{"text": ""}]}, "has a text that is not text", id="empty text"
        ),
        pytest.param({"subject": "a", "items": [{"text": " "}]}, "#0 is empty", id="blank text"),
        pytest.param(
            {"subject": "a", "items": [{"text": "a\ud800"}]}, "character 1 is half of one", id="half in text"
        ),
        pytest.param(
            {"subject": "a", "items": [{"text": "x", "media_type": "text/x"}]},
            "unknown media type 'text/x'",
            id="media",
        ),
        pytest.param(
            {"subject": "a", "items": [{"file": "gone.md"}]},
            "there is no file crew/gone.md",
            id="missing file",
        ),
        pytest.param({"subject": "a", "items": [{"file": "notes"}]}, "crew/notes is a folder", id="a folder"),
        pytest.param(
            {"subject": "a", "items": [{"file": "../secret.txt"}]},
            "outside the bundle file's folder",
            id="above",
        ),
        pytest.param(
            {"subject": "a", "items": [{"file": "notes/../../secret.txt"}]}, "outside the", id="above, hidden"
        ),
        pytest.param({"subject": "a", "items": [{"file": "a\0b"}]}, "cannot be", id="no name of a file"),
    ],
)
def test_a_bad_line_stops_no_other(folder: Path, line: JSONValue | bytes, message: str) -> None:
    """A bad line is rejected by its number with a hint, and the lines around it are read."""
    bad = line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
    good = json.dumps({"subject": "good", "items": TEXT}).encode()
    before, rejected, after = read(folder, b"\n".join([good, bad, good]))
    assert isinstance(before, EvidenceBundle)
    assert isinstance(after, EvidenceBundle)
    assert isinstance(rejected, EvidenceRejected)
    assert rejected.source == "crew/x.bundle.jsonl:2"
    assert message in str(rejected.error)
    assert rejected.error.hint


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no file here that cannot be read")
def test_a_file_that_stops_being_read(folder: Path) -> None:
    """A fault of the disk rejects the bundle file, by the line that it came to, and stops nothing else."""
    (rejected,) = read_bundle_file("/proc/self/mem", "x.bundle.jsonl")
    assert isinstance(rejected, EvidenceRejected)
    assert str(rejected.error).startswith("x.bundle.jsonl cannot be read past line 0: ")
    assert rejected.error.hint


def test_absolute_paths_and_links_do_not_lead_outside(folder: Path) -> None:
    """Neither an absolute path nor a link escapes the folder."""
    names = [str(folder.parent / "secret.txt")]
    if sys.platform != "win32":
        (folder / "link.txt").symlink_to("../secret.txt")
        names.append("link.txt")
    for name in names:
        (rejected,) = read(folder, json.dumps({"subject": "a", "items": [{"file": name}]}))
        assert isinstance(rejected, EvidenceRejected)
        assert "outside the bundle file's folder" in str(rejected.error)


def test_an_endless_line_is_passed_over(folder: Path) -> None:
    """A line over the limit is rejected without being held, and the next one is read."""
    path = folder / "x.bundle.jsonl"
    with path.open("wb") as file:
        file.seek(MAX_ITEM_BYTES + 10)
        file.write(b'\n{"subject": "b", "items": [{"text": "x"}]}')
    rejected, bundle = read_bundle_file(str(path), "x.bundle.jsonl")
    assert isinstance(rejected, EvidenceRejected)
    assert str(rejected.error) == "x.bundle.jsonl:1 has 67,108,875 bytes, and one item may have 67,108,864"
    assert isinstance(bundle, EvidenceBundle)


def test_files_that_hold_nothing(folder: Path) -> None:
    """An empty or missing bundle file is rejected as a whole."""
    (empty,) = read(folder, "")
    (missing,) = read_bundle_file(str(folder / "gone.bundle.jsonl"), "gone.bundle.jsonl")
    assert isinstance(empty, EvidenceRejected)
    assert str(empty.error) == "crew/x.bundle.jsonl is empty"
    assert isinstance(missing, EvidenceRejected)
    assert str(missing.error) == "there is no file gone.bundle.jsonl"
