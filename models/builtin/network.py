"""Network: a llama-architecture transformer that reads a shared beginning once for several endings.

In: a packed batch. Out: logits where answers are predicted. Never: generates;
llama.cpp does, from the export.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The network's dimensions."""

    vocabulary: int = 3072
    width: int = 192
    layers: int = 6
    heads: int = 3
    hidden: int = 512
    rope_base: float = 100_000.0
    epsilon: float = 1e-5


@dataclass(slots=True)
class Chunk:
    """Endings of about one length, which lie padded and end to end in the flat tensors."""

    count: int
    length: int
    #: [count]: which beginning each ending continues
    groups: Tensor
    #: [count, 1, length, P + length]: 0 where an ending's token may look, else far below
    bias: Tensor
    #: [M, 5]: taught looks: which heads, ending, row, column that should be seen, weight
    aims: Tensor


@dataclass(slots=True)
class Batch:
    """Beginnings, padded to one length, then chunks of endings; all laid flat."""

    #: [N] token numbers and their positions in their own conversation
    tokens: Tensor
    positions: Tensor
    count: int
    length: int
    chunks: list[Chunk]
    #: [A]: the rows whose next token counts, those tokens, and how much each counts
    rows: Tensor
    targets: Tensor
    counts: Tensor
    #: how many of them each answer has, in their order
    lengths: list[int]

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        chunks = [
            replace(c, groups=c.groups.to(device), bias=c.bias.to(device), aims=c.aims.to(device))
            for c in self.chunks
        ]
        moved = {
            name: getattr(self, name).to(device)
            for name in ("tokens", "positions", "rows", "targets", "counts")
        }
        return replace(self, chunks=chunks, **moved)


class Layer(nn.Module):
    """Attention, then a gated feed-forward network, each behind a norm."""

    def __init__(self, size: Size, number: int) -> None:
        super().__init__()
        #: the sorts of aims that this layer is taught: one head each, from the first on
        self.taught = {size.layers // 2: (0, 1), size.layers - 1: (2, 3)}.get(number, ())
        self.misses: list[tuple[Tensor, Tensor]] = []
        d, h = size.width, size.hidden
        self.heads = size.heads
        self.attention_norm = nn.Parameter(torch.ones(d))
        self.qkv = nn.Parameter(torch.randn(3, d, d) / math.sqrt(d))
        self.out = nn.Parameter(torch.randn(d, d) / math.sqrt(d) / math.sqrt(2 * size.layers))
        self.feed_norm = nn.Parameter(torch.ones(d))
        self.gate = nn.Parameter(torch.randn(h, d) / math.sqrt(d))
        self.up = nn.Parameter(torch.randn(h, d) / math.sqrt(d))
        self.down = nn.Parameter(torch.randn(d, h) / math.sqrt(h) / math.sqrt(2 * size.layers))
        self.epsilon = size.epsilon

    def attend(self, x: Tensor, batch: Batch, rotation: tuple[Tensor, Tensor], rows: Tensor | None) -> Tensor:
        """Return what attention adds; with rows, for those rows alone."""
        n, d = x.shape
        y = _norm(x, self.attention_norm, self.epsilon)
        q, k, v = _linear(y, self.qkv.flatten(0, 1)).view(n, 3, self.heads, -1).unbind(1)
        q, k = _rotate(q, *rotation), _rotate(k, *rotation)
        counts = [(batch.count, batch.length), *((chunk.count, chunk.length) for chunk in batch.chunks)]
        # split, not slices: the gradient of a slice is as large as the whole
        sizes = [count * length for count, length in counts]
        early, *late = (
            [part.view(*counts[n], self.heads, -1).transpose(1, 2) for part in parts]
            for n, parts in enumerate(zip(*(part.split(sizes) for part in (q, k, v)), strict=True))
        )
        begun = F.scaled_dot_product_attention(*early, is_causal=True) if rows is None else early[0]
        results = [begun.transpose(1, 2).reshape(-1, d)]
        for chunk, own in zip(batch.chunks, late, strict=True):
            keys, values = (
                torch.cat((early[n].index_select(0, chunk.groups), own[n]), dim=2) for n in (1, 2)
            )
            scores = torch.matmul(own[0] * keys.shape[-1] ** -0.5, keys.mT)
            self._look(scores, chunk)
            results.append(
                torch.matmul(_attention_weights(scores, chunk.bias), values).transpose(1, 2).reshape(-1, d)
            )
        told = torch.cat(results)
        return _linear(told if rows is None else told.index_select(0, rows), self.out)

    def _look(self, scores: Tensor, chunk: Chunk) -> None:
        """Keep how far the taught heads are from looking where they should."""
        for head, sort in enumerate(self.taught):
            aims = chunk.aims[chunk.aims[:, 0] == sort]
            place, row, seen = aims[:, 1].long(), aims[:, 2].long(), aims[:, 3].long()
            looks = scores[place, head, row].float() + chunk.bias[place, 0, row].float()
            self.misses.append((F.cross_entropy(looks, seen, reduction="none"), aims[:, 4]))

    def feed(self, x: Tensor) -> Tensor:
        """Return what the feed-forward network adds."""
        y = _norm(x, self.feed_norm, self.epsilon)
        return _linear(_gate(_linear(y, self.gate), _linear(y, self.up)), self.down)


class Network(nn.Module):
    """The whole model; input and output share their embedding."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.embedding = nn.Parameter(torch.randn(size.vocabulary, size.width))
        self.layers = nn.ModuleList(Layer(size, number) for number in range(size.layers))
        self.final_norm = nn.Parameter(torch.full((size.width,), 1 / size.width**0.5))

    def misses(self) -> list[Tensor]:
        """Return, for each sort of taught heads, the mean of how far they were off since the last call."""
        means = []
        for layer in self.layers:
            count = len(layer.taught)
            for head in range(count):
                mine = layer.misses[head::count]
                lost = torch.cat([miss * weight for miss, weight in mine]).sum()
                means.append(lost / torch.cat([weight for _, weight in mine]).sum().clamp(min=1))
            layer.misses.clear()
        return means

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [A, vocabulary] for the rows that count."""
        rotation = rotation_of(batch.positions, self.size)
        x = F.embedding(batch.tokens, self.embedding).bfloat16()
        for layer in self.layers[:-1]:
            x = x + layer.attend(x, batch, rotation, None)
            x = x + layer.feed(x)
        last = self.layers[-1]
        x = x.index_select(0, batch.rows) + last.attend(x, batch, rotation, batch.rows)
        x = x + last.feed(x)
        return _linear(_norm(x, self.final_norm, self.size.epsilon), self.embedding)


def rotation_of(positions: Tensor, size: Size) -> tuple[Tensor, Tensor]:
    """Return cosine and sine [N, 1, half a head] of each position's rotation."""
    half = size.width // size.heads // 2
    frequencies = size.rope_base ** (-torch.arange(half, dtype=torch.float32, device=positions.device) / half)
    angles = positions[:, None, None].float() * frequencies
    return angles.cos().bfloat16(), angles.sin().bfloat16()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs whose halves lie half a head apart; the export interleaves them for llama.cpp."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


def _norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon) * weight).to(x.dtype)


def _gate(gate: Tensor, up: Tensor) -> Tensor:
    return F.silu(gate) * up


def _attention_weights(scores: Tensor, bias: Tensor) -> Tensor:
    return (scores + bias).softmax(-1)


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    return F.linear(x, weight.to(x.dtype))


def fuse_kernels() -> None:
    """Compile the element-wise parts; the products are fast already. Optional, and only for training."""
    global _rotate, _norm, _gate, _attention_weights
    _rotate, _norm, _gate, _attention_weights = (
        torch.compile(part, dynamic=True) for part in (_rotate, _norm, _gate, _attention_weights)
    )


@torch.no_grad()
def prime_copying(network: Network) -> None:
    """Set the first layers up to copy: heads that look a few tokens back, then heads that look for that past.

    A transformer finds this circuit by itself after some million tokens; beginning with it spares them. One
    direction of every embedding is constant, so that queries and keys can hold a fixed look at a distance.
    """
    size = network.size
    d, heads = size.width, size.heads
    head = d // heads
    half = head // 2
    frequencies = size.rope_base ** (-torch.arange(half, dtype=torch.float32) / half)
    constant = 4.0
    network.embedding[:, -1] = constant
    scale = constant / math.sqrt((d - 1 + constant**2) / d)
    first, second = network.layers[0], network.layers[1]
    compress = torch.randn(heads, head, d) / math.sqrt(d)
    compress[:, :, -1] = 0
    spread = torch.linalg.qr(torch.randn(d, d))[0].view(heads, head, d)
    spread[:, :, -1] = 0
    strength = 7.0 / scale
    for number, distance in enumerate((1, 1, 2, 3)[:heads]):
        rows = slice(number * head, (number + 1) * head)
        angles = frequencies * distance
        first.qkv[0, rows] *= 0.1
        first.qkv[1, rows] *= 0.1
        first.qkv[0, rows, -1] = torch.cat((angles.cos(), -angles.sin())) * strength
        first.qkv[1, rows, -1] = torch.cat((torch.ones(half), torch.zeros(half))) * strength
        first.qkv[2, rows] = compress[number]
        first.out[:, rows] = spread[number].T * 1.0
    # the second layer's heads: what stood before a place is compared with what stands here
    slow = torch.arange(head).view(2, half)[:, half // 2 :].flatten()
    values = torch.linalg.qr(torch.randn(d, d))[0].view(heads, head, d)
    for number in range(heads):
        rows = number * head + slow
        second.qkv[0, number * head : (number + 1) * head] *= 0.1
        second.qkv[1, number * head : (number + 1) * head] *= 0.1
        source = number if number < 2 else number - 2
        second.qkv[0, rows] = compress[source][: len(slow)] * 2.2
        second.qkv[1, rows] = spread[source][: len(slow)] * 2.2
        second.qkv[2, number * head : (number + 1) * head] = values[number]
        second.out[:, number * head : (number + 1) * head] = values[number].T * 1.0
