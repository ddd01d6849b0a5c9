"""Kernels: kernels.cpp compiled on the spot and called on groups, for CPUs that have AMX tiles.

In: a network's weights as one flat tensor, and encoded groups. Out: gradients, losses, what was right.
Never: needed; network.py trains anywhere.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from ctypes import POINTER, Structure, c_double, c_float, c_int, c_long, c_void_p
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import torch
from models.builtin.batches import Group
from models.builtin.network import Network
from torch import Tensor

_SOURCES = tuple(Path(__file__).with_name(name) for name in ("kernels.cpp", "pass.h", "weights.h", "tiles.h"))
_FLAGS = ("-std=c++20", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC")
#: memory for one group's pass
_ROOM = 1_200_000_000
#: sorts of taught heads
SORTS = 4


class _Shape(Structure):
    _fields_ = [(name, c_long) for name in ("vocabulary", "width", "layers", "heads", "hidden")] + [
        (name, c_float) for name in ("rope_base", "epsilon")
    ]


class _GroupIn(Structure):
    _fields_ = [
        *((name, c_long) for name in ("count", "beginning", "endings")),
        *((name, c_void_p) for name in ("tokens", "starts", "lengths", "asked")),
        ("aims", c_long),
        *((name, c_void_p) for name in ("aim_sort", "aim_ending", "aim_row", "aim_seen", "aim_weight")),
        ("row_weights", c_void_p),
    ]


class _GroupOut(Structure):
    _fields_ = [("loss", c_double), ("missed", c_double * 4), ("right", c_void_p)]


@dataclass(slots=True)
class Flat:
    """A group as flat arrays."""

    tokens: np.ndarray
    beginning: int
    starts: np.ndarray
    lengths: np.ndarray
    asked: np.ndarray
    #: [M, 4] sort, ending, row, seen; and [M] weights
    aims: np.ndarray
    weights: np.ndarray
    #: how much each answer token counts
    counts: np.ndarray

    @property
    def answers(self) -> np.ndarray:
        """Return how many answer tokens each ending has."""
        return self.lengths - self.asked


def flatten(group: Group) -> Flat:
    """Lay a group's tokens end to end."""
    tokens = list(group.beginning)
    starts = []
    aims: list[tuple[int, int, int, int]] = []
    weights: list[float] = []
    for number, ending in enumerate(group.endings):
        starts.append(len(tokens))
        tokens += ending.tokens
        for sort, row, seen, weight in ending.aims:
            aims.append((int(sort), number, row, seen))
            weights.append(weight)
    return Flat(
        np.array(tokens, np.int32),
        len(group.beginning),
        np.array(starts, np.int32),
        np.array([len(ending.tokens) for ending in group.endings], np.int32),
        np.array([ending.asked for ending in group.endings], np.int32),
        np.ascontiguousarray(np.array(aims, np.int32).reshape(-1, 4)),
        np.array(weights, np.float32),
        np.array([count for ending in group.endings for count in ending.counts], np.float32),
    )


def flat_parameters(network: Network) -> tuple[Tensor, Tensor]:
    """Move parameters and gradients into flat tensors, of which they become views, in the kernels' order."""
    ordered = [(network, "embedding"), (network, "final_norm")]
    names = ("attention_norm", "qkv", "out", "feed_norm", "gate", "up", "down")
    ordered += [(layer, name) for layer in network.layers for name in names]
    flat = torch.cat([getattr(owner, name).detach().float().flatten() for owner, name in ordered])
    grads = torch.zeros_like(flat)
    at = 0
    for owner, name in ordered:
        parameter = getattr(owner, name)
        count = parameter.numel()
        parameter.data = flat[at : at + count].view_as(parameter)
        parameter.grad = grads[at : at + count].view_as(parameter)
        at += count
    return flat, grads


@dataclass(slots=True)
class Figures:
    """What a pass over some groups found."""

    loss: float
    #: by sort of taught heads
    missed: list[float]
    #: by ending: whether each answer token was the likeliest
    right: list[np.ndarray]


class Kernels:
    """The compiled passes over one network's weights, on some threads."""

    def __init__(self, network: Network, threads: int, folder: Path) -> None:
        self._library = _compile(folder)
        if self._library.prepare_tiles() != 0:
            raise OSError("This machine has no AMX tiles. Hint: train without the kernels.")
        self.flat, self.grads = flat_parameters(network)
        size = network.size
        shape = _Shape(
            size.vocabulary, size.width, size.layers, size.heads, size.hidden, size.rope_base, size.epsilon
        )
        self._weights = self._library.make_weights(ctypes.byref(shape))
        self._pool = ThreadPoolExecutor(threads)
        self._places: SimpleQueue[tuple[np.ndarray, Tensor]] = SimpleQueue()
        for _ in range(threads):
            self._places.put((make_room(), torch.zeros_like(self.grads)))

    def refresh(self) -> None:
        """Take over the weights as they are now."""
        self._library.set_weights(self._weights, self.flat.data_ptr())

    def update_matrices(
        self, matrices: list[tuple[Tensor, Tensor]], rate: float, keep: float, decay: float
    ) -> None:
        """Update matrices by their gradients, with one momentum each; a stack of matrices one by one."""
        list(self._pool.map(lambda pair: self._update(*pair, rate, keep, decay), matrices))

    def _update(self, parameter: Tensor, momentum: Tensor, rate: float, keep: float, decay: float) -> None:
        room, grads = self._places.get()
        rows, columns = parameter.shape[-2:]
        at = [tensor.data_ptr() for tensor in (parameter, parameter.grad, momentum)]
        for n in range(parameter.numel() // (rows * columns)):
            skip = 4 * n * rows * columns
            self._library.update_matrix(
                *(place + skip for place in at),
                rows,
                columns,
                rate,
                keep,
                decay,
                room.ctypes.data,
                room.nbytes,
            )
        self._places.put((room, grads))

    def run_all(self, groups: list[Flat], teaching: float, *, train: bool) -> Figures:
        """Pass over a batch; when training, set the gradients. The losses are means over the batch."""
        rows = sum(float(group.counts.sum()) for group in groups)
        totals = np.zeros(SORTS, np.float32)
        for group in groups:
            np.add.at(totals, group.aims[:, 0], group.weights)
        scales = teaching / np.maximum(totals, 1)
        if train:
            self.grads.zero_()
        # the largest first, so that no thread is left with much to do alone
        order = sorted(range(len(groups)), key=lambda place: -len(groups[place].tokens))
        run = self._pool.map(lambda place: self._run(groups[place], 1 / rows, scales, train=train), order)
        found = [figures for _, figures in sorted(zip(order, run, strict=True), key=lambda pair: pair[0])]
        for _ in range(self._places.qsize() if train else 0):
            room, grads = self._places.get()
            self.grads += grads
            grads.zero_()
            self._places.put((room, grads))
        missed = np.sum([figures.missed for figures in found], axis=0) / max(teaching, 1e-9)
        return Figures(
            sum(figures.loss for figures in found),
            missed.tolist(),
            [part for figures in found for part in figures.right],
        )

    def _run(self, group: Flat, share: float, scales: np.ndarray, *, train: bool) -> Figures:
        room, grads = self._places.get()
        weights = np.ascontiguousarray(group.weights * scales[group.aims[:, 0]])
        columns = [np.ascontiguousarray(group.aims[:, n]) for n in range(4)]
        right = np.zeros(len(group.counts), np.int32)
        counts = np.ascontiguousarray(group.counts * np.float32(share))
        told = _GroupIn(
            len(group.tokens), group.beginning, len(group.starts),
            *(array.ctypes.data for array in (group.tokens, group.starts, group.lengths, group.asked)),
            len(weights), *(array.ctypes.data for array in (*columns, weights, counts)),
        )  # fmt: skip
        result = _GroupOut(0.0, (c_double * 4)(), right.ctypes.data)
        told_at, result_at = ctypes.byref(told), ctypes.byref(result)
        self._library.run_group(
            self._weights, told_at, result_at, grads.data_ptr(), room.ctypes.data, room.nbytes, train
        )
        self._places.put((room, grads))
        return Figures(result.loss, list(result.missed), np.split(right, np.cumsum(group.answers)[:-1]))


def make_room() -> np.ndarray:
    """Return memory for one thread's passes."""
    room = np.empty(_ROOM + 64, np.uint8)
    return room[-room.ctypes.data % 64 :][:_ROOM]


def _compile(folder: Path) -> ctypes.CDLL:
    marked = zlib.crc32(b"".join(path.read_bytes() for path in _SOURCES) + repr(_FLAGS).encode())
    library = folder / f"kernels-{marked:08x}.so"
    if not library.exists():
        compiler = shutil.which("g++") or "g++"
        subprocess.run([compiler, *_FLAGS, str(_SOURCES[0]), "-o", str(library)], check=True)  # noqa: S603 - ours
    loaded = ctypes.CDLL(str(library))
    loaded.make_weights.restype = c_void_p
    loaded.make_weights.argtypes = [POINTER(_Shape)]
    loaded.set_weights.argtypes = [c_void_p, c_void_p]
    loaded.set_weights.restype = None
    taken = [c_void_p, POINTER(_GroupIn), POINTER(_GroupOut), c_void_p, c_void_p, c_long, c_int]
    loaded.run_group.argtypes = taken
    loaded.run_group.restype = None
    loaded.update_matrix.argtypes = [c_void_p] * 3 + [c_long] * 2 + [c_float] * 3 + [c_void_p, c_long]
    loaded.update_matrix.restype = None
    return loaded
