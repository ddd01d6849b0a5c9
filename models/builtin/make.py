"""Make: the built-in model from nothing, in one command.

In: a folder to work in, and which plan. Out: tokenizer, checkpoint, log and GGUF in that folder.
Resumes what is there; copies nothing into the package by itself.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from models.builtin.export import MatrixType, export_gguf
from models.builtin.network import Size
from models.builtin.tokenizer import train_tokenizer
from models.builtin.training import Plan, train

PLANS = {
    # for two cores of a CPU with AMX tiles, and a C++ compiler; README.md tells how the shipped file came
    "cpu": Plan(
        size=Size(layers=8),
        updates=1_000_000,
        seconds=18_000,
        groups=6,
        matrix_rate=0.014,
        other_rate=0.003,
        warm_updates=60,
        easy=0.3,
        catalogue=0.3,
        kernel_threads=2,
        workers=1,
        makers=1,
        cooling=0.5,
        teaching=0.3,
        fused=False,
        examine_every=200,
    ),
    # for a day on two free cores without such tiles
    "cpu-torch": Plan(size=Size(), updates=60_000, seconds=80_000, matrix_rate=0.014, other_rate=0.003),
    # 14 million weights and about half a billion tokens, for one data-centre GPU with 16 cores beside it
    "gpu": Plan(
        size=Size(width=320, layers=10, heads=5, hidden=864),
        updates=12_000,
        seconds=1_500,
        groups=24,
        chunk=48,
        warm_updates=300,
        easy=0.15,
        catalogue=0.2,
        device="cuda",
        workers=1,
        makers=15,
        save_every_s=120,
        examine_every=500,
    ),
}


def main() -> None:
    """Read the options and do what is not done yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where everything is kept")
    parser.add_argument("--plan", choices=list(PLANS), default="cpu")
    parser.add_argument("--minutes", type=float, help="training time, instead of the plan's")
    parser.add_argument(
        "--export-only", action="store_true", help="write the GGUF of the checkpoint that is there"
    )
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.exists():
        train_tokenizer(tokenizer)
    plan = PLANS[options.plan]
    if options.minutes is not None:
        plan = replace(plan, seconds=60 * options.minutes)
    if not options.export_only:
        train(plan, folder)
    kept = MatrixType.EIGHT_BIT if options.plan == "gpu" else MatrixType.HALF
    export_gguf(folder / "checkpoint.pt", tokenizer, folder / "builtin.gguf", kept)


if __name__ == "__main__":
    main()
