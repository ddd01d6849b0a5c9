"""Training: Muon for the matrices, AdamW for the rest, loss on answers alone, a checkpoint every few minutes.

In: a plan. Out: checkpoints and a log. Resumes from the checkpoint that is there.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from models.builtin.batches import BatchMaker, pack
from models.builtin.examples import CATALOGUE, FULL, LONG, PLAIN, WARM, Side, Stage, make_group
from models.builtin.network import Network, Size, fuse_kernels, prime_copying
from models.builtin.tokenizer import load_tokenizer
from torch import Tensor, distributed, multiprocessing


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train."""

    size: Size
    #: wall seconds for the learning rate to fall to its end; training stops then
    seconds: float
    groups: int = 3
    examples: int = 8
    matrix_rate: float = 0.02
    other_rate: float = 0.004
    warm_tokens: int = 1_500_000
    primed: bool = True
    #: share of the plain catalogue question among the others, after the warm start
    catalogue: float = 0.35
    fused: bool = True
    seed: int = 20
    #: processes of one thread each, which share every update
    workers: int = 2
    #: share of the time over which the learning rate falls
    cooling: float = 0.6
    save_every_s: float = 180.0
    #: updates between two looks at unseen names
    examine_every: int = 100


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal by five Newton-Schulz steps (Jordan and others, 2024)."""

    def __init__(self, parameters: list[Tensor], rate: float) -> None:
        super().__init__(parameters, {"lr": rate, "momentum": 0.95, "decay": 0.01})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update every matrix; a stack of matrices is updated one by one."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                update = _orthogonal(parameter.grad.lerp(momentum, group["momentum"]))
                shape = max(1.0, parameter.shape[-2] / parameter.shape[-1]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["decay"]).add_(
                    update.to(parameter.dtype), alpha=-group["lr"] * shape
                )


def _orthogonal(gradient: Tensor) -> Tensor:
    x = gradient.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.mT if tall else x


class Trainer:
    """Holds the network, its optimisers and its place in the plan."""

    def __init__(self, plan: Plan, folder: Path, rank: int = 0) -> None:
        self.rank = rank
        torch.manual_seed(plan.seed)
        torch.set_num_threads(1)
        if plan.fused:
            fuse_kernels()
        self.plan, self.folder = plan, folder
        self.batches = BatchMaker(
            load_tokenizer(folder / "tokenizer.json"), groups=plan.groups, size=plan.examples, seed=plan.seed
        )
        self.network = Network(plan.size)
        if plan.primed:
            prime_copying(self.network)
        matrices = [p for p in self.network.layers.parameters() if p.ndim >= 2]
        others = [self.network.embedding, self.network.final_norm] + [
            p for p in self.network.layers.parameters() if p.ndim < 2
        ]
        self.muon = Muon(matrices, plan.matrix_rate)
        self.adam = torch.optim.AdamW(others, lr=plan.other_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.exams = {
            name: pack(
                [
                    self.batches.encode(
                        make_group(Random(f"exam {n}"), Side(held_out_names=True), stage, plan.examples)
                    )
                    for n in range(4)
                ]
            )
            for name, stage in (("any", PLAIN), ("catalogue", CATALOGUE))
        }
        self.step_number, self.tokens, self.seconds = 0, 0, 0.0
        self.clock = time.monotonic()
        if self.checkpoint.exists():
            self._resume()

    @property
    def checkpoint(self) -> Path:
        """Where the state is kept."""
        return self.folder / "checkpoint.pt"

    def stages(self) -> list[tuple[float, Stage]]:
        """Return the mixture of the moment: short and copy-heavy first, then everything."""
        if self.tokens < self.plan.warm_tokens:
            return [(1.0, WARM)]
        mixture = [(0.05, WARM), (0.85, FULL), (0.1, LONG)]
        return [(share, replace(stage, catalogue=self.plan.catalogue)) for share, stage in mixture]

    def run(self) -> None:
        """Train until the plan's time is up; all workers count the same seconds and stop at the same step."""
        saved = self.seconds
        losses: list[float] = []
        while self.seconds < self.plan.seconds:
            losses.append(self.step())
            if self.rank == 0 and self.step_number % 20 == 0:
                looked = self.examine() if self.step_number % self.plan.examine_every == 0 else {}
                self._log({"loss": round(sum(losses) / len(losses), 4), **looked})
                losses.clear()
            if self.rank == 0 and self.seconds - saved > self.plan.save_every_s:
                self.save()
                saved = self.seconds
        if self.rank == 0:
            self.save()

    def step(self) -> float:
        """Do one update on all workers' batches; return the mean loss."""
        batch = self.batches.make(self.step_number * self.plan.workers + self.rank, self.stages())
        done = self.seconds / self.plan.seconds
        rate = min(1.0, (self.step_number + 1) / 30, (1.0 - done) / self.plan.cooling + 0.02)
        for optimiser, top in ((self.muon, self.plan.matrix_rate), (self.adam, self.plan.other_rate)):
            for group in optimiser.param_groups:
                group["lr"] = top * rate
        loss = F.cross_entropy(self.network(batch).float(), batch.targets)
        self.network.zero_grad(set_to_none=True)
        loss.backward()
        # a machine that was stopped for others must not count as progress
        now = time.monotonic()
        spent, self.clock = min(now - self.clock, 20.0), now
        mean_loss, mean_tokens, mean_spent = self._share([loss.item(), float(len(batch.tokens)), spent])
        torch.nn.utils.clip_grad_norm_([p for g in self.adam.param_groups for p in g["params"]], 1.0)
        self.muon.step()
        self.adam.step()
        self.step_number += 1
        self.tokens += round(mean_tokens * self.plan.workers)
        self.seconds += mean_spent
        return mean_loss

    def _share(self, figures: list[float]) -> list[float]:
        """Average the gradients, and some figures, over the workers."""
        if self.plan.workers == 1:
            return figures
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        flat = torch.cat([*(g.flatten() for g in gradients), torch.tensor(figures)])
        distributed.all_reduce(flat)
        flat /= self.plan.workers
        parts = flat.split([*(g.numel() for g in gradients), len(figures)])
        for gradient, part in zip(gradients, parts, strict=False):
            gradient.copy_(part.view_as(gradient))
        return [float(figure) for figure in parts[-1]]

    @torch.no_grad()
    def examine(self) -> dict[str, float]:
        """Return the share of right tokens, and of answers that greedy decoding would get wholly right.

        The names are unseen; a token is predicted with the right ones before it.
        """
        figures: dict[str, float] = {}
        for name, batch in self.exams.items():
            right = self.network(batch).argmax(-1) == batch.targets
            whole = [bool(part.all()) for part in right.split(batch.lengths)]
            figures[f"{name}_tokens"] = round(right.float().mean().item(), 4)
            figures[f"{name}_exact"] = round(sum(whole) / len(whole), 4)
        return figures

    def _log(self, figures: dict[str, float]) -> None:
        line = {"step": self.step_number, "tokens": self.tokens, "seconds": round(self.seconds, 1), **figures}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def save(self) -> None:
        """Keep everything that is needed to go on, in one step."""
        state = {
            "size": asdict(self.plan.size),
            "network": self.network.state_dict(),
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
            "step": self.step_number,
            "tokens": self.tokens,
            "seconds": self.seconds,
        }
        torch.save(state, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.step_number, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]


def train(plan: Plan, folder: Path) -> None:
    """Train in as many processes as the plan says."""
    if plan.workers == 1:
        Trainer(plan, folder).run()
        return
    with tempfile.TemporaryDirectory() as meeting:
        multiprocessing.spawn(_work, args=(plan, folder, Path(meeting) / "point"), nprocs=plan.workers)


def _work(rank: int, plan: Plan, folder: Path, meeting: Path) -> None:
    distributed.init_process_group(
        "gloo", init_method=meeting.as_uri(), rank=rank, world_size=plan.workers, timeout=timedelta(hours=2)
    )
    Trainer(plan, folder, rank).run()
    distributed.destroy_process_group()
