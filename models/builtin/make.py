"""Make: the built-in model from nothing, in one command.

In: a folder to work in, and how long and how large. Out: tokenizer, checkpoint, log and GGUF in that folder.
Resumes what is there; copies nothing into the package by itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from models.builtin.export import export_gguf
from models.builtin.network import Size
from models.builtin.tokenizer import train_tokenizer
from models.builtin.training import Plan, train


def main() -> None:
    """Read the options and do what is not done yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where everything is kept")
    parser.add_argument(
        "--minutes", type=float, default=72, help="training time; the learning rate falls towards its end"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--groups", type=int, default=2, help="questions per worker and update")
    parser.add_argument("--examples", type=int, default=8, help="examples per question")
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument(
        "--export-only", action="store_true", help="write the GGUF of the checkpoint that is there"
    )
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.exists():
        train_tokenizer(tokenizer)
    if not options.export_only:
        size = Size(width=options.width, layers=options.layers, heads=options.heads, hidden=options.hidden)
        train(
            Plan(
                size=size,
                seconds=60 * options.minutes,
                groups=options.groups,
                examples=options.examples,
                workers=options.workers,
            ),
            folder,
        )
    export_gguf(folder / "checkpoint.pt", tokenizer, folder / "builtin.gguf")


if __name__ == "__main__":
    main()
