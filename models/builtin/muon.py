"""Muon: momentum whose update is made orthogonal, for matrices (Jordan and others, 2024).

In: parameters with gradients. Out: updated parameters. Never: vectors or embeddings; AdamW has those.
"""

from __future__ import annotations

import torch
from models.builtin.kernels import Kernels
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal by five Newton-Schulz steps."""

    def __init__(self, parameters: list[Tensor], rate: float) -> None:
        super().__init__(parameters, {"lr": rate, "momentum": 0.95, "decay": 0.01})

    def momentum(self, parameter: Tensor) -> Tensor:
        """Return a matrix's running gradient."""
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        return state["momentum"]

    @torch.no_grad()
    def step_by(self, kernels: Kernels) -> None:
        """Update every matrix by the kernels."""
        for group in self.param_groups:
            pairs = [(parameter, self.momentum(parameter)) for parameter in group["params"]]
            kernels.update_matrices(pairs, group["lr"], group["momentum"], group["decay"])

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update every matrix; a stack of matrices is updated one by one."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                momentum = self.momentum(parameter).lerp_(parameter.grad, 1 - group["momentum"])
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
