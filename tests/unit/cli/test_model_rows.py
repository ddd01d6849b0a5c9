from __future__ import annotations

import datetime as dt

import pytest

from holocron.cli.model_rows import show_end

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("expires_at", "text"),
    [
        ("2026-01-01T00:05:00.123456789Z", "5 min from now"),
        ("2026-01-01T01:00:30+01:00", "30 s from now"),
        ("2318-01-01T00:00:00Z", "forever"),
        ("2025-12-31T23:59:59Z", "stopping"),
        ("0001-01-01T00:00:00Z", "stopping"),
        ("2026-01-01T00:05:00", "2026-01-01T00:05:00"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_the_end_of_a_models_stay_reads_as_people_say_it(expires_at: str, text: str) -> None:
    """A time with nanoseconds or a zone is a span from now; what is no time is shown as it is."""
    assert show_end(expires_at, NOW) == text
