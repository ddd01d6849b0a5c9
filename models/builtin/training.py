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

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from models.builtin.batches import BatchMaker
from models.builtin.examples import CATALOGUE, EASY, FULL, LONG, PLAIN, WARM, Stage
from models.builtin.network import Batch, Network, Size, fuse_kernels, prime_copying
from torch import Tensor, distributed, multiprocessing
from torch.utils.data import DataLoader, Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train."""

    size: Size
    #: training ends after so many updates or wall seconds, whatever comes first
    updates: int
    seconds: float
    #: questions per worker and update, and examples per question
    groups: int = 2
    examples: int = 8
    #: endings that are attended to together: few on a CPU, many on a GPU
    chunk: int = 4
    matrix_rate: float = 0.02
    other_rate: float = 0.004
    #: updates on short, copy-heavy examples
    warm_updates: int = 110
    primed: bool = True
    #: share of easy examples after the warm start; a short training gains by more of them
    easy: float = 0.3
    #: share of the plain catalogue question among the others, after the warm start
    catalogue: float = 0.35
    #: compile the element-wise kernels
    fused: bool = True
    seed: int = 20
    device: str = "cpu"
    #: processes of one thread each, which share every update; 1 on a GPU
    workers: int = 2
    #: processes that make each worker's batches ahead; 0 makes them in the worker
    makers: int = 0
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


class _Stream(Dataset["Batch"]):
    """The batches of one worker, by their place after the one where it begins."""

    def __init__(self, batches: BatchMaker, plan: Plan, first: int, rank: int) -> None:
        self.batches, self.plan, self.first, self.rank = batches, plan, first, rank

    def __len__(self) -> int:
        return self.plan.updates - self.first

    def __getitem__(self, place: int) -> Batch:
        step = self.first + place
        return self.batches.make(step * self.plan.workers + self.rank, stages_of(self.plan, step))


def stages_of(plan: Plan, step: int) -> list[tuple[float, Stage]]:
    """Return the mixture at a step: short and copy-heavy first, then everything."""
    if step < plan.warm_updates:
        return [(1.0, WARM)]
    easy = plan.easy
    mixture = [(easy, EASY), (0.85 - 0.85 * easy, FULL), (0.15 - 0.15 * easy, LONG)]
    return [(share, replace(stage, catalogue=plan.catalogue)) for share, stage in mixture]


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
            folder / "tokenizer.json",
            groups=plan.groups,
            size=plan.examples,
            chunk=plan.chunk,
            seed=plan.seed,
        )
        self.network = Network(plan.size)
        if plan.primed:
            prime_copying(self.network)
        self.network.to(plan.device)
        matrices = [p for p in self.network.layers.parameters() if p.ndim >= 2]
        others = [self.network.embedding, self.network.final_norm] + [
            p for p in self.network.layers.parameters() if p.ndim < 2
        ]
        self.muon = Muon(matrices, plan.matrix_rate)
        self.adam = torch.optim.AdamW(others, lr=plan.other_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.exams = {
            name: self.batches.make_exam(stage, 4).to(torch.device(plan.device))
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

    def run(self) -> None:
        """Train until the plan's time is up; all workers count the same seconds and stop at the same step."""
        saved = self.seconds
        losses: list[float] = []
        for batch in self._batches():
            losses.append(self.step(batch))
            if self.rank == 0 and self.step_number % 20 == 0:
                looked = self.examine() if self.step_number % self.plan.examine_every == 0 else {}
                self._log({"loss": round(sum(losses) / len(losses), 4), **looked})
                losses.clear()
            if self.rank == 0 and self.seconds - saved > self.plan.save_every_s:
                self.save()
                saved = self.seconds
            if self.done >= 1:
                break
        if self.rank == 0:
            self.save()

    @property
    def done(self) -> float:
        """Return how much of the plan is done, from 0 to 1."""
        return max(self.step_number / self.plan.updates, self.seconds / self.plan.seconds)

    def _batches(self) -> DataLoader[Batch]:
        """Return this worker's batches from its place in the plan on, made ahead where the plan says so."""
        stream = _Stream(self.batches, self.plan, self.step_number, self.rank)
        makers = self.plan.makers
        return DataLoader(
            stream,
            batch_size=None,
            num_workers=makers,
            prefetch_factor=4 if makers else None,
            multiprocessing_context="spawn" if makers else None,
        )

    def step(self, batch: Batch) -> float:
        """Do one update on all workers' batches; return the mean loss."""
        batch = batch.to(torch.device(self.plan.device))
        done = self.done
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
        flat = torch.cat([*(g.flatten() for g in gradients), torch.tensor(figures)])  # on the CPU alone
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
        state = torch.load(self.checkpoint, weights_only=True, map_location=self.plan.device)
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
