"""Counting the cores that may be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from holocron.llm.cores import count_cores


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("100000 100000", 1), ("150000 100000", 1), ("50000 100000", 1)],
    ids=["one core", "one and a half", "half a core"],
)
def test_a_containers_quota_counts(quota: str, expected: int, tmp_path: Path) -> None:
    """A container with a quota gets no more threads than whole cores, and at least one."""
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert count_cores(file) == expected


@pytest.mark.parametrize(
    "content", ["max 100000", "", "nonsense here"], ids=["no quota", "empty", "nonsense"]
)
def test_without_a_quota_the_machine_counts(content: str, tmp_path: Path) -> None:
    """Where no quota can be read, the machine's cores are the limit."""
    file = tmp_path / "cpu.max"
    file.write_text(content)
    assert count_cores(file) == count_cores(tmp_path / "missing") >= 1
