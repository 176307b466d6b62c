"""torch's optimizers, less what they do for its compiler: building and stepping one imports it, a second and more.

Networks are compiled here, optimizers never are.
"""

from __future__ import annotations

from inspect import unwrap

import torch
from torch.optim import Optimizer


class _Quick(Optimizer):
    add_param_group = unwrap(Optimizer.add_param_group)
    zero_grad = unwrap(Optimizer.zero_grad)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)


class Adam(_Quick, torch.optim.Adam):
    """`torch.optim.Adam`."""

    step = torch.no_grad()(unwrap(torch.optim.Adam.step))


class AdamW(_Quick, torch.optim.AdamW):
    """`torch.optim.AdamW`."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


class SGD(_Quick, torch.optim.SGD):
    """`torch.optim.SGD`."""

    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


class RMSprop(_Quick, torch.optim.RMSprop):
    """`torch.optim.RMSprop`."""

    step = torch.no_grad()(unwrap(torch.optim.RMSprop.step))
