"""Makes the built-in model's workshop importable; a source distribution does not carry it.

In: the repository's root. Out: `models` on the import path, or nothing collected. Never: imports PyTorch.
"""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_IS_HERE = (_ROOT / "models" / "builtin").is_dir()

collect_ignore_glob = [] if _IS_HERE else ["test_*.py"]
if _IS_HERE and str(_ROOT) not in sys.path:
    sys.path.append(str(_ROOT))
