"""Words: the lists that names, ledgers and numbers are made of, read once.

In: patterns/words.yaml. Out: the lists by name.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml


@cache
def read_words() -> dict[str, Any]:
    """Return every list under its name."""
    return yaml.safe_load((Path(__file__).parent / "patterns" / "words.yaml").read_text(encoding="utf-8"))
