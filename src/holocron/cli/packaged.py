"""Packaged files: the new project and the demo, copied out of the package.

In: the name of a packaged folder and a place. Out: files. Never: overwrites one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from holocron.errors import HolocronError


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOutcome:
    """What was written, and what was there before; paths relative to the place."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def list_packaged(name: str) -> dict[str, Traversable]:
    """Return the files of a packaged folder by their path in it."""
    return dict(_walk(files("holocron.cli").joinpath(name), ""))


def copy_packaged(name: str, place: Path) -> CopyOutcome:
    """Write a packaged folder's files below a place, and keep those that are there.

    Raises: HolocronError where the place cannot be written.
    """
    written: list[str] = []
    kept: list[str] = []
    for relative, packaged in list_packaged(name).items():
        path = place / relative
        if path.exists() or path.is_symlink():
            kept.append(relative)
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packaged.read_bytes())
        except OSError as problem:
            raise HolocronError(
                f"{path} cannot be written: {problem.strerror}", hint="Choose a folder that you may write to."
            ) from problem
        written.append(relative)
    return CopyOutcome(written=tuple(written), kept=tuple(kept))


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry
