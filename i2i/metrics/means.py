"""The mean over all pictures of what each of them is worth."""

from __future__ import annotations

import torch
from torch import Tensor

from i2i.core.errors import I2IError


class Mean:
    """Values of pictures, kept where they are until somebody asks: no device has to be waited for."""

    def __init__(self, metric: str) -> None:
        self.metric, self.values = metric, list[Tensor]()

    def add(self, values: Tensor) -> None:
        """One value for each of some pictures."""
        self.values.append(values.detach().flatten())

    def value(self) -> float:
        """The mean.

        Raises:
            I2IError: there was no picture.
        """
        if not self.values:
            raise I2IError(f"metric '{self.metric}': it was shown no result")
        return float(torch.cat(self.values).cpu().double().mean())
