#!/usr/bin/env python3
"""The program `ollama` of the stand-in: the verbs that the stack and the documents use.

In: a verb and a model's name; OLLAMA_HOST. Out: lines much like Ollama's, and its exit codes.
Never: is Ollama.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError


def ask(path: str, body: dict[str, str | int] | None = None, method: str | None = None) -> Iterator[Any]:
    """Yield the objects that the server answers with; ends the program where it refuses."""
    host = os.environ["OLLAMA_HOST"].removeprefix("http://").replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - compares
    request = urllib.request.Request(
        f"http://{host}{path}", data=None if body is None else json.dumps(body).encode(), method=method
    )
    try:
        with urllib.request.urlopen(request) as reply:  # noqa: S310 - http
            for line in reply:
                answer = json.loads(line)
                if "error" in answer:
                    sys.exit(f"Error: {answer['error']}")
                yield answer
    except HTTPError as problem:
        sys.exit(f"Error: {json.load(problem)['error']}")
    except URLError as problem:
        sys.exit(f"Error: ollama server not responding - {problem.reason}")


def serve() -> None:
    """Serve until the process ends."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from serving import serve_forever

    serve_forever()


def show_rows(path: str) -> None:
    """Print the names that a list holds."""
    (answer,) = ask(path)
    print("NAME")
    for model in answer["models"]:
        print(model["name"])


def pull(name: str) -> None:
    """Pull a model, printing its progress."""
    for line in ask("/api/pull", {"model": name}):
        print(line["status"], flush=True)


def show(name: str) -> None:
    """Print what the server knows of a model."""
    (answer,) = ask("/api/show", {"model": name})
    print(json.dumps(answer["model_info"], indent=2))


def stop(name: str) -> None:
    """Take a model out of memory."""
    list(ask("/api/generate", {"model": name, "keep_alive": 0}))


def remove(name: str) -> None:
    """Delete a model."""
    list(ask("/api/delete", {"model": name}, "DELETE"))


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    match arguments:
        case ["serve"]:
            serve()
        case ["list" | "ls"]:
            show_rows("/api/tags")
        case ["ps"]:
            show_rows("/api/ps")
        case ["pull", name]:
            pull(name)
        case ["show", name]:
            show(name)
        case ["stop", name]:
            stop(name)
        case ["rm", name]:
            remove(name)
        case _:
            sys.exit(f"Error: the stand-in has no {' '.join(arguments)!r}")


if __name__ == "__main__":
    main(sys.argv[1:])
