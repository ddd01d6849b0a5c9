"""The stand-in's server: Ollama's wire format over the built-in engine.

In: requests on port 11434; a folder for the models that were pulled. Out: answers that llama.cpp held to the
schema they came with. Never: goes to a registry: it can pull a few names only, all of them the same weights.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from holocron.derivation.prompt import Message, Prompt, Role
from holocron.llm.llamacpp import LlamaCppModel
from ollama_server import Installed, OllamaServer, Pull
from scripted_http import Exchange

FOLDER = Path("/root/.ollama")
WEIGHTS = Path("/opt/standin/tiny.gguf")
PULLABLE = ("llama3.2:latest", "llama3.2:1b", "mistral:latest")
CONTEXT_TOKENS = 4096


class StandIn(OllamaServer):
    """Ollama's wire format; what was pulled stands in the volume."""

    def respond(self, exchange: Exchange, path: str) -> None:
        """Answer, and write down which models are there."""
        super().respond(exchange, path)
        if path in ("/api/pull", "/api/delete"):
            (FOLDER / "models.json").write_text(json.dumps(sorted(self.models)), encoding="utf-8")


def read_prompt(body: dict[str, Any]) -> Prompt:
    """Return a generate or chat request as the built-in engine takes it."""
    turns = body.get("messages") or [
        {"role": "system", "content": body.get("system", "")},
        {"role": "user", "content": body.get("prompt", "")},
    ]
    return Prompt(
        messages=tuple(Message(Role(turn["role"]), turn["content"]) for turn in turns),
        schema=body.get("format") or {"type": "object", "properties": {}},
        max_output_tokens=body.get("options", {}).get("num_predict", 256),
    )


def serve_forever() -> None:
    """Serve until the process ends."""
    slots = int(os.environ.get("OLLAMA_NUM_PARALLEL") or 1)
    engine = LlamaCppModel(WEIGHTS, slots=slots, context_tokens=CONTEXT_TOKENS)
    place = FOLDER / "models.json"
    names = json.loads(place.read_text(encoding="utf-8")) if place.exists() else []
    model = Installed(context_length=CONTEXT_TOKENS, size=WEIGHTS.stat().st_size)
    server = StandIn(
        address=("0.0.0.0", 11434),  # noqa: S104 - in a container
        models=dict.fromkeys(names, model),
        pullable={name: Pull(becomes=model) for name in PULLABLE},
        answer=lambda body: engine.complete(read_prompt(body)).text,
        slots=slots,
        token_s=0.01,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with server:
        server.ending.wait()
