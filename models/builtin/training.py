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
from models.builtin.batches import BatchMaker, pack
from models.builtin.examples import CATALOGUE, EASY, FULL, LONG, PLAIN, WARM, Stage
from models.builtin.kernels import Flat, Kernels, flatten
from models.builtin.muon import Muon
from models.builtin.network import Batch, Network, Size, fuse_kernels, prime_copying
from torch import distributed, multiprocessing
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
    #: how much the taught heads count beside the answers
    teaching: float = 0.3
    seed: int = 20
    device: str = "cpu"
    #: processes of one thread each, which share every update; 1 on a GPU
    workers: int = 2
    #: processes that make each worker's batches ahead; 0 makes them in the worker
    makers: int = 0
    #: use kernels.cpp: this many threads, on a CPU with AMX tiles; 0 trains with PyTorch alone
    kernel_threads: int = 0
    #: share of the time over which the learning rate falls
    cooling: float = 0.6
    save_every_s: float = 180.0
    #: updates between two looks at unseen names
    examine_every: int = 100


class _Stream(Dataset["Batch | list[Flat]"]):
    """The batches of one worker, by their place after the one where it begins."""

    def __init__(self, batches: BatchMaker, plan: Plan, first: int, rank: int) -> None:
        self.batches, self.plan, self.first, self.rank = batches, plan, first, rank

    def __len__(self) -> int:
        return self.plan.updates - self.first

    def __getitem__(self, place: int) -> Batch | list[Flat]:
        step = self.first + place
        stages = stages_of(self.plan, step)
        if self.plan.kernel_threads:
            return [flatten(group) for group in self.batches.make_groups(step, stages)]
        return self.batches.make(step * self.plan.workers + self.rank, stages)


def _as_it_is(batch: object) -> object:
    return batch


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
        if plan.kernel_threads:
            self.kernels = Kernels(self.network, plan.kernel_threads, folder)
        matrices = [p for p in self.network.layers.parameters() if p.ndim >= 2]
        others = [self.network.embedding, self.network.final_norm] + [
            p for p in self.network.layers.parameters() if p.ndim < 2
        ]
        self.muon = Muon(matrices, plan.matrix_rate)
        self.adam = torch.optim.AdamW(others, lr=plan.other_rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.exams = {
            "any": self.batches.make_exam(PLAIN, 4),
            "catalogue": self.batches.make_exam(CATALOGUE, 4),
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
        """Train until the plan's time is up, or until a file named `stop` lies in the folder."""
        saved = self.seconds
        losses: list[float] = []
        for batch in self._batches():
            losses.append(self.step(batch))
            if self.rank == 0 and self.step_number % 20 == 0:
                looked = self.examine() if self.step_number % self.plan.examine_every == 0 else {}
                self._log({"loss": round(sum(losses) / len(losses), 4), "missed": self.missed, **looked})
                losses.clear()
            if self.rank == 0 and self.seconds - saved > self.plan.save_every_s:
                self.save()
                saved = self.seconds
            if self.done >= 1 or (self.folder / "stop").exists():
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
            collate_fn=_as_it_is,
        )

    def step(self, batch: Batch | list[Flat]) -> float:
        """Do one update on all workers' batches; return the mean loss."""
        done = self.done
        rate = min(1.0, (self.step_number + 1) / 30, (1.0 - done) / self.plan.cooling + 0.02)
        for optimiser, top in ((self.muon, self.plan.matrix_rate), (self.adam, self.plan.other_rate)):
            for group in optimiser.param_groups:
                group["lr"] = top * rate
        loss, tokens = self._kernel_pass(batch) if isinstance(batch, list) else self._torch_pass(batch)
        # a machine that was stopped for others must not count as progress
        now = time.monotonic()
        spent, self.clock = now - self.clock, now
        mean_loss, mean_tokens, mean_spent = self._share([loss, tokens, spent])
        torch.nn.utils.clip_grad_norm_([p for g in self.adam.param_groups for p in g["params"]], 1.0)
        if self.plan.kernel_threads:
            self.muon.step_by(self.kernels)
        else:
            self.muon.step()
        self.adam.step()
        self.step_number += 1
        self.tokens += round(mean_tokens * self.plan.workers)
        self.seconds += mean_spent
        return mean_loss

    def _torch_pass(self, batch: Batch) -> tuple[float, float]:
        """Set the gradients; return the loss and how many tokens were read."""
        batch = batch.to(torch.device(self.plan.device))
        losses = F.cross_entropy(self.network(batch).float(), batch.targets, reduction="none")
        loss = (losses * batch.counts).sum() / batch.counts.sum()
        misses = self.network.misses()
        self.network.zero_grad(set_to_none=True)
        (loss + self.plan.teaching * sum(misses)).backward()
        self.missed = [round(miss.item(), 3) for miss in misses]
        return loss.item(), float(len(batch.tokens))

    def _kernel_pass(self, groups: list[Flat]) -> tuple[float, float]:
        self.kernels.refresh()
        figures = self.kernels.run_all(groups, self.plan.teaching, train=True)
        self.missed = [round(miss, 3) for miss in figures.missed]
        return figures.loss, float(sum(len(group.tokens) for group in groups))

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
        for name, groups in self.exams.items():
            if self.plan.kernel_threads:
                self.kernels.refresh()
                looked = self.kernels.run_all([flatten(group) for group in groups], 1.0, train=False)
                answers, missed = [torch.tensor(part) > 0 for part in looked.right], looked.missed
            else:
                batch = pack(groups, self.plan.chunk).to(torch.device(self.plan.device))
                right = self.network(batch).argmax(-1) == batch.targets
                answers = list(right.split(batch.lengths))
                missed = [miss.item() for miss in self.network.misses()]
            whole = [bool(part.all()) for part in answers]
            figures[f"{name}_tokens"] = round(torch.cat(answers).float().mean().item(), 4)
            figures[f"{name}_exact"] = round(sum(whole) / len(whole), 4)
            figures[f"{name}_missed"] = [round(miss, 3) for miss in missed]
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
