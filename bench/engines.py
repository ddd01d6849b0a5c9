"""What Holocron costs beside its engines, and what it saves.

    python -m bench.engines                            # all parts that need no model file
    python -m bench.engines --model builtin            # and those that need one; or gguf:PATH
    python -m bench.engines --part client --jobs 2000

client   CPU of one request in the client, 32 in flight, against a server that answers at once, and of a token
latency  wall time by ideal where every answer takes 200 ms, 16 at once, through HTTP and the whole path
derive   tokens/s of a derivation by those of the engine alone, given the same requests over the same slots
grouping time that prompts take with jobs of one derivation together, and with two taking turns
tokens   output tokens per fact over the demo's archive, ours and LangExtract's, by the model's vocabulary
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable

from bench.in_process import measure_derive, measure_grouping
from bench.over_http import measure_client, measure_latency
from bench.tokens import measure_tokens


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", help="builtin or gguf:PATH")
    parser.add_argument("--part", choices=("client", "latency", "derive", "grouping", "tokens"))
    parser.add_argument("--jobs", type=int)
    options = parser.parse_args()
    logging.disable()
    parts: dict[str, Callable[[], None]] = {
        "client": lambda: measure_client(options.jobs or 2000),
        "latency": lambda: measure_latency(options.jobs or 1600),
    }
    if options.model:
        parts |= {
            "derive": lambda: measure_derive(options.model, options.jobs or 30),
            "grouping": lambda: measure_grouping(options.model, options.jobs or 12),
            "tokens": lambda: measure_tokens(options.model),
        }
    if options.part and options.part not in parts:
        parser.error(f"--part {options.part} needs --model")
    for name, measure in parts.items():
        if options.part in (None, name):
            measure()


if __name__ == "__main__":
    main()
