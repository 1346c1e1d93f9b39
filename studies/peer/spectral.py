"""Adapters on singular values in PyTorch: S-SAM (arXiv 2408.06447) and SALT (arXiv 2503.16055)."""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize


class SSAM(nn.Module):
    """U diag(relu(a * s + c)) V'."""

    def __init__(self, weight):
        super().__init__()
        u, s, v = torch.linalg.svd(weight.detach(), full_matrices=False)
        self.register_buffer("u", u)
        self.register_buffer("s", s)
        self.register_buffer("v", v)
        self.scale = nn.Parameter(torch.ones_like(s))
        self.shift = nn.Parameter(torch.zeros_like(s))

    def forward(self, _):
        return (self.u * F.relu(self.scale * self.s + self.shift)) @ self.v


class SALT(nn.Module):
    """U relu(M) V': leading values scaled and shifted, X Y added to the rest."""

    def __init__(self, weight, ratio=0.1, rank=8):
        super().__init__()
        u, s, v = torch.linalg.svd(weight.detach(), full_matrices=False)
        self.register_buffer("u", u)
        self.register_buffer("s", s)
        self.register_buffer("v", v)
        self.lead = max(1, int(len(s) * ratio))
        rest = len(s) - self.lead
        self.scale = nn.Parameter(torch.ones(self.lead))
        self.shift = nn.Parameter(torch.zeros(self.lead))
        self.x = nn.Parameter(torch.empty(rest, rank))
        self.y = nn.Parameter(torch.zeros(rank, rest))
        nn.init.kaiming_uniform_(self.x, a=math.sqrt(20))

    def forward(self, _):
        top = torch.diag(self.scale * self.s[: self.lead] + self.shift)
        rest = torch.diag(self.s[self.lead :]) + self.x @ self.y
        return self.u @ F.relu(torch.block_diag(top, rest)) @ self.v


def attach(model, method, names):
    """Puts the method on the weights of the named linear layers; all else is frozen."""
    for parameter in model.parameters():
        parameter.requires_grad = False
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and name.endswith(tuple(names)):
            parametrize.register_parametrization(module, "weight", method(module.weight))
            module.parametrizations.weight.original.requires_grad = False
