"""Spectral normalisation: a convolution that cannot stretch its input by much."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPSILON = 1e-12


class SpectralConv(nn.Conv2d):
    """Convolution whose weight is divided by an estimate of its largest singular value (Miyato et al., 2018).

    The weight that is trained, initialised and stored is the raw one, `weight`; what convolves is weight / sigma. Each
    forward pass in training mode brings `u` and `v` nearer to the singular vectors by one step of the power method, as
    `torch.nn.utils.spectral_norm` does; they are stored too. The estimate is in fp32 (fp64 for fp64), also under
    autocast.
    """

    u: Tensor
    v: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, padding, bias=bias)
        self.register_buffer("u", _unit(torch.randn(out_channels)))
        self.register_buffer("v", _unit(torch.randn(self.weight[0].numel())))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.normalised(), self.bias, self.stride, self.padding)

    def normalised(self) -> Tensor:
        """The weight that convolves; in training mode it takes a step of the power method first."""
        matrix = self.weight.flatten(1)
        # Sums of products instead of products of matrices, which autocast would compute in half precision.
        u, v = self._vectors(matrix.detach())
        return self.weight / (u * (matrix * v).sum(1)).sum()

    @torch.no_grad()
    def _vectors(self, matrix: Tensor) -> tuple[Tensor, Tensor]:
        """The singular vectors of this pass: copies, because a later pass moves the buffers before its backward."""
        if not self.training:
            return self.u.clone(), self.v.clone()
        v = _unit((self.u[:, None] * matrix).sum(0))
        u = _unit((matrix * v).sum(1))
        self.u.copy_(u)
        self.v.copy_(v)
        return u, v


def convolution(
    in_channels: int,
    out_channels: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    bias: bool = True,
    spectral: bool = True,
) -> nn.Conv2d:
    """A convolution, with spectral normalisation or without."""
    if spectral:
        return SpectralConv(in_channels, out_channels, kernel, stride=stride, padding=padding, bias=bias)
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=bias)


def _unit(vector: Tensor) -> Tensor:
    return F.normalize(vector, dim=0, eps=EPSILON)
