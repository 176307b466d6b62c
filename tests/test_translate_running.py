"""The networks at work: the precision that a method can be computed in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from plain import plain
from torch import Tensor, nn

import i2i.engine.inference as inference
from i2i.core.errors import I2IError


class InFloat32Only(nn.Module):
    """A network with an operation that bf16 has no kernel for."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.layer(x)
        if made.dtype == torch.bfloat16:
            raise NotImplementedError("\"fold\" not implemented for 'BFloat16'")
        return made.tanh()


@pytest.fixture(autouse=True)
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "native_bf16", lambda device: True)


def test_what_bf16_has_no_kernel_for_is_computed_in_fp32() -> None:
    model, picture = plain(InFloat32Only()), np.full((8, 8, 3), 99, np.uint8)
    made = model.translate(picture)
    assert model.precision == "fp32"
    assert np.array_equal(made, model.translate(picture))


def test_who_asked_for_bf16_is_told() -> None:
    model = plain(InFloat32Only())
    model.precision = "bf16"
    with pytest.raises(I2IError, match='this method cannot be computed in bf16: "fold" not implemented'):
        model.translate(np.full((8, 8, 3), 99, np.uint8))
