"""Results as a whole against real pictures as a whole: how far apart what a network sees in them lies."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from i2i.core.errors import I2IError, I2IWarning
from i2i.core.extras import needs
from i2i.core.words import counted
from i2i.metrics.collected import Collected, Precomputed, quiet
from i2i.metrics.draws import own_draws
from i2i.metrics.features import Network, NetworkWeights, feature_extractor

CHUNK = 1024  # pictures whose features are added up at once
LARGEST_SUBSET = 1000  # the published size


class _Distance:
    """Features of results, and of the real pictures that results should look like."""

    higher_is_better: ClassVar[bool] = False
    name: ClassVar[str]
    fewest: ClassVar[int]

    def __init__(self, network: str, weights: Any, module: str) -> None:
        self.library = needs(f"torchmetrics.image.{module}", "metrics", f"for the metric '{self.name}'")
        self.extractor = feature_extractor(network, weights, self.name)
        self.results, self.reals = Collected(), Collected()

    def update(self, result: Tensor) -> None:
        """Look at results (N, C, H, W) in [-1, 1]."""
        self.results.add(self.extractor.extract(result))

    def real(self, picture: Tensor) -> None:
        """Look at real pictures (N, C, H, W) in [-1, 1]."""
        self.reals.add(self.extractor.extract(picture))

    def protocol(self) -> Mapping[str, str | int | float]:
        """The network, its weights, and how pictures get into it."""
        return self.extractor.protocol

    def both(self) -> tuple[Tensor, Tensor]:
        """The features of results and of real pictures.

        Raises:
            I2IError: there are too few of them.
        """
        fewer = min(len(self.results), len(self.reals))
        if fewer < self.fewest:
            raise I2IError(
                f"metric '{self.name}' needs at least {self.fewest} results and as many real pictures, got "
                f"{counted(len(self.results), 'result')} and {counted(len(self.reals), 'real picture')}"
            )
        return self.results.all(), self.reals.all()


class FID(_Distance):
    """Fréchet distance of results from real pictures in the features of a network (Heusel et al., 2017).

    It is biased: the fewer pictures, the larger. Compare figures of equal counts only, or take kid.
    """

    name = "fid"
    fewest = 2

    def __init__(self, *, network: Network = "inception", weights: NetworkWeights = None) -> None:
        super().__init__(network, weights, "fid")

    def compute(self) -> float:
        """The distance, 0 for equal distributions."""
        results, reals = self.both()
        features, fewer = results.shape[1], min(len(results), len(reals))
        if fewer <= features:
            warnings.warn(
                f"metric 'fid': {counted(fewer, 'picture')} for {features} features; with so few it is much too large "
                "and only comparable with figures of equally many; kid has no such bias",
                I2IWarning,
                stacklevel=2,
            )
        distance = self.library.FrechetInceptionDistance(
            Precomputed(features), normalize=True, sync_on_compute=False
        )
        for seen, real in ((results, False), (reals, True)):
            for chunk in torch.split(seen, CHUNK):
                distance.update(chunk, real=real)
        return float(distance.compute())


class KID(_Distance):
    """Kernel distance of results from real pictures in the features of a network (Bińkowski et al., 2018), unbiased.

    The mean over subsets of both, and their spread: its standard deviation. Values are not multiplied by 100 or 1000.
    """

    name = "kid"
    fewest = 4

    def __init__(
        self,
        *,
        network: Network = "inception",
        weights: NetworkWeights = None,
        subsets: Annotated[int, Field(ge=1, description="drawn at random from both")] = 100,
        subset_size: Annotated[
            Annotated[int, Field(ge=2)] | Literal["auto"],
            Field(description="pictures of each kind; auto: half of the fewer ones, at most 1000"),
        ] = "auto",
    ) -> None:
        super().__init__(network, weights, "kid")
        self.subsets, self.subset_size = subsets, subset_size

    def compute(self) -> Mapping[str, float]:
        """The distance, and its spread.

        Raises:
            I2IError: there are fewer pictures than a subset has.
        """
        results, reals = self.both()
        if (size := self._size()) > min(len(results), len(reals)):
            raise I2IError(
                f"metric 'kid': subset_size is {size}, and there are {counted(len(results), 'result')} and "
                f'{counted(len(reals), "real picture")}; give a smaller one, or "auto"'
            )
        with own_draws(), quiet():
            distance = self.library.KernelInceptionDistance(
                Precomputed(results.shape[1]),
                subsets=self.subsets,
                subset_size=size,
                normalize=True,
                sync_on_compute=False,
            )
            distance.update(results, real=False)
            distance.update(reals, real=True)
            mean, spread = distance.compute()
        return {"kid": float(mean), "spread": float(spread)}

    def protocol(self) -> Mapping[str, str | int | float]:
        return {**super().protocol(), "subsets": self.subsets, "subset_size": self._size()}

    def _size(self) -> int:
        if self.subset_size != "auto":
            return self.subset_size
        return min(LARGEST_SUBSET, min(len(self.results), len(self.reals)) // 2)
