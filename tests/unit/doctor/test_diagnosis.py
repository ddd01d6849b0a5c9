from __future__ import annotations

from pathlib import Path

import pytest

from holocron.doctor import Cause, Health
from holocron.doctor.diagnosis import fail, show_size, warn, well

_TESTS = Path(__file__).parents[2]


def test_a_diagnosis_is_json() -> None:
    """A script reads health and cause by their names; where all is well there is no cause."""
    assert well("disk", "it is large").to_json() == {
        "check": "disk",
        "health": "ok",
        "cause": None,
        "sentence": "it is large",
        "mend": "",
    }
    assert fail("disk", Cause.DISK_LOW, "full", "Free some.").to_json()["cause"] == "disk-low"
    assert warn("disk", Cause.DISK_LOW, "full", "Free some.").health is Health.WARNING


def test_every_cause_is_planted_somewhere() -> None:
    """No cause is without a test that plants its fault."""
    files = [*_TESTS.glob("unit/doctor/*.py"), *_TESTS.glob("acceptance/test_cli_doctor.py")]
    said = "\n".join(path.read_text(encoding="utf-8") for path in files if path != Path(__file__))
    assert [cause for cause in Cause if f"Cause.{cause.name}" not in said] == []


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 kB"), (435_747, "436 kB"), (350_000_000, "350 MB"), (2_019_393_189, "2.0 GB")]
)
def test_sizes_read_as_people_say_them(number: int, text: str) -> None:
    """Decimal units, as Ollama shows them."""
    assert show_size(number) == text
