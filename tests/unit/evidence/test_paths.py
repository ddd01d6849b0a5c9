from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from holocron.errors import EvidenceMissing
from holocron.evidence.paths import find_evidence

FILES = [
    "a.txt",
    "a/b.md",
    "a/deep/c.JSON",
    "a/deep/er/d.csv",
    "a/picture.png",
    "b/e.html",
    "b/f[1].txt",
    "b/notes.rst",
    ".hidden.txt",
    ".holocron/store.txt",
    "a/.git/g.txt",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with evidence, other files and hidden ones."""
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    return tmp_path


def found(patterns: list[str], root: Path) -> list[str]:
    """Return what the patterns give, relative to root."""
    return [path.relative_to(root).as_posix() for path in find_evidence(patterns, root)]


KNOWN = ["a.txt", "a/b.md", "a/deep/c.JSON", "a/deep/er/d.csv", "b/e.html", "b/f[1].txt"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param(["."], KNOWN, id="a folder, with all below it"),
        pytest.param(["a/"], KNOWN[1:4], id="a folder with a slash"),
        pytest.param(["a", "a/b.md", "./a/../a/b.md", "a.txt"], KNOWN[:4], id="each once, sorted"),
        pytest.param(
            ["a/picture.png", "b/notes.rst"], ["a/picture.png", "b/notes.rst"], id="any file by its name"
        ),
        pytest.param([".hidden.txt"], [".hidden.txt"], id="a hidden file by its name"),
        pytest.param(["not-there.txt"], ["not-there.txt"], id="a name is not looked up here"),
        pytest.param(["b/f[1].txt"], ["b/f[1].txt"], id="a name with brackets"),
        pytest.param(["*.txt"], ["a.txt"], id="a glob"),
        pytest.param(["**/*.md"], ["a/b.md"], id="a deep glob"),
        pytest.param(["**/*.txt"], ["a.txt", "b/f[1].txt"], id="a deep glob matches at the top too"),
        pytest.param(["*/*"], ["a/b.md", "b/e.html", "b/f[1].txt"], id="a wild ending takes known endings"),
        pytest.param(["*/*.rst"], ["b/notes.rst"], id="a named ending takes any"),
        pytest.param(["a/**"], KNOWN[1:4], id="two stars at the end"),
        pytest.param(["a/**/d.csv"], ["a/deep/er/d.csv"], id="two stars inside"),
        pytest.param(["?/[bc].md"], ["a/b.md"], id="one character, and a choice"),
        pytest.param(["[!b]/*.md"], ["a/b.md"], id="a negated choice"),
        pytest.param(["[a-z].txt"], ["a.txt"], id="a range"),
        pytest.param(["[b&&||~~--a].txt"], ["a.txt"], id="signs that mean nothing between brackets"),
        pytest.param(["[]a-].txt"], ["a.txt"], id="a closing bracket and a dash as themselves"),
        pytest.param(["[!z-a].txt"], ["a.txt"], id="all but a range that holds nothing"),
        pytest.param(["b", "*.txt", "a/deep"], ["a.txt", *KNOWN[2:]], id="several patterns"),
    ],
)
def test_patterns(root: Path, patterns: list[str], expected: list[str]) -> None:
    """Files, folders and globs give sorted paths, each once, without what is hidden."""
    assert found(patterns, root) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("*.pdf", "nothing matches '*.pdf'"),
        ("nowhere/*.md", "nothing matches 'nowhere/*.md'"),
        ("[z-a].txt", "nothing matches '[z-a].txt'"),
        ("[]x.txt", "nothing matches '[]x.txt'"),
        ("[!].txt", "nothing matches '[!].txt'"),
        ("a[!x]b.md", "nothing matches 'a[!x]b.md'"),
        ("[^].txt", "nothing matches '[^].txt'"),
        ("", "nothing matches ''"),
        ("empty", "the folder empty holds no evidence"),
    ],
)
def test_a_pattern_that_gives_nothing(root: Path, pattern: str, message: str) -> None:
    """A glob or a folder without evidence is an error before the first path."""
    (root / "empty").mkdir()
    with pytest.raises(EvidenceMissing) as caught:
        next(find_evidence(["a.txt", pattern], root))
    assert str(caught.value) == message
    assert caught.value.hint


def test_absolute_patterns(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An absolute path or glob is taken as it is."""
    other = tmp_path_factory.mktemp("other")
    (other / "x.md").write_text("x", encoding="utf-8")
    assert list(find_evidence([str(other / "*.md")], root)) == [other / "x.md"]


def test_some_patterns_may_give_nothing(root: Path) -> None:
    """Where not every pattern is needed, one that gives nothing stops nothing, and all of them do."""
    assert [path.name for path in find_evidence(["*.csv", "a.txt"], root, every=False)] == ["a.txt"]
    with pytest.raises(EvidenceMissing, match=r"nothing matches '\*\.csv'"):
        list(find_evidence(["*.csv", "*.html"], root, every=False))


def test_a_base_with_wild_signs_in_its_name(tmp_path: Path) -> None:
    """Brackets and stars in the project's own folder are no part of a glob."""
    base = tmp_path / "notes [1] *"
    base.mkdir()
    (base / "a.txt").write_text("x", encoding="utf-8")
    assert found(["*.txt"], base) == found([str(base / "*.txt")], base) == ["a.txt"]


def test_the_order_is_that_of_whole_paths(tmp_path: Path) -> None:
    """Folders sort among files as their paths do."""
    for name in ["a/z.txt", "a.txt", "a-b.txt", "ab/c.txt", "a b.txt"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x", encoding="utf-8")
    names = found(["."], tmp_path)
    assert names == sorted(names)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_linked_folders_are_not_followed(root: Path) -> None:
    """A ring of links ends; a link to a file is a file; a broken one is yielded, to be rejected by name."""
    (root / "a/ring").symlink_to(root, target_is_directory=True)
    (root / "a/self.txt").symlink_to("self.txt")
    (root / "a/broken.txt").symlink_to("gone.txt")
    (root / "a/linked.txt").symlink_to(root / "a.txt")
    assert found(["a"], root) == ["a/b.md", "a/broken.txt", *KNOWN[2:4], "a/linked.txt", "a/self.txt"]
    assert found(["a/ring/*.txt"], root) == ["a/ring/a.txt"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="this user may open any folder")
def test_a_locked_folder_is_yielded_itself(root: Path) -> None:
    """A folder that cannot be listed is not passed over in silence."""
    (root / "b").chmod(0)
    try:
        assert found(["."], root) == [*KNOWN[:4], "b"]
    finally:
        (root / "b").chmod(0o755)
