"""The public door: its names, and that nothing heavy stands behind it before it is opened."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

import holocron

PUBLIC = {
    "Artifact",
    "Derivation",
    "DerivationOptions",
    "EvidenceBundle",
    "EvidenceItem",
    "HolocronError",
    "JobStatus",
    "MediaType",
    "Results",
    "Store",
    "WorkObserver",
    "__version__",
    "derivation_from_model",
    "derive",
    "inline_bundle",
    "load_derivation",
}
#: what takes a moment to import and is not needed to say a name
_HEAVY = (
    "sqlalchemy",
    "pydantic",
    "jsonschema_rs",
    "selectolax",
    "markdown_it",
    "xllamacpp",
    "rich",
    "pyarrow",
)


def test_the_public_names_are_these() -> None:
    """A name is made public, or taken back, in this list and in the changelog."""
    assert set(holocron.__all__) == PUBLIC
    assert list(holocron.__all__) == sorted(holocron.__all__)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_is_there(name: str) -> None:
    """Each name can be had, and says what it is."""
    found = getattr(holocron, name)
    assert isinstance(found, str) or found.__doc__


def test_other_names_are_not_there() -> None:
    """An unknown name is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = holocron.nothing


def test_the_version_is_the_packages() -> None:
    """The version is that of the installed package."""
    assert holocron.__version__ == version("holocron-analytics")


def test_importing_holocron_imports_nothing_heavy() -> None:
    """The package alone is imported in a moment."""
    code = f"import sys, holocron; print([name for name in {_HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
