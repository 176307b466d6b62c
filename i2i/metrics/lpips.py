"""Perceptual distance of results from their true translations, and of several answers from each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from i2i.metrics.draws import SEED
from i2i.metrics.lpips_network import Net, Perceptual
from i2i.metrics.means import Mean
from i2i.metrics.weights import Weights

NetWeights = Annotated[
    Weights,
    Field(description='a file that `i2i import --as lpips-alex` made, "download", or "random" for trials'),
]


class LPIPS:
    """Perceptual distance of results from their true translations (Zhang et al., 2018), 0 for equal ones."""

    higher_is_better: ClassVar[bool] = False

    def __init__(self, *, net: Net = "alex", weights: NetWeights = None) -> None:
        self.distance, self.mean = Perceptual(net, weights, "lpips"), Mean("lpips")

    def update(self, result: Tensor, truth: Tensor) -> None:
        """Compare results with truths, both (N, C, H, W) in [-1, 1].

        Raises:
            I2IError: they differ in shape, or a side is too small.
        """
        self.mean.add(self.distance(result, truth))

    def compute(self) -> float:
        """The mean over all pictures."""
        return self.mean.value()

    def protocol(self) -> Mapping[str, str | int | float]:
        """The network, its weights, and how pictures get into it."""
        return self.distance.protocol()


class Diversity:
    """Mean perceptual distance of pairs of answers to the same input (Zhu et al., 2017, BicycleGAN).

    As published: 19 pairs for each input, drawn at random from the pairs of 20 answers with other random numbers; it
    is computed on 100 inputs. Results that differ only by noise score well too: look at them.
    """

    higher_is_better: ClassVar[bool] = True

    def __init__(
        self,
        *,
        net: Net = "alex",
        weights: NetWeights = None,
        answers: Annotated[int, Field(ge=2, description="results for each input")] = 20,
        pairs: Annotated[int, Field(ge=1, description="pairs of them that are compared")] = 19,
    ) -> None:
        if pairs > (most := answers * (answers - 1) // 2):
            raise ValueError(f"pairs: {answers} answers make {most} pairs, not {pairs}")
        self.distance, self.mean = Perceptual(net, weights, "diversity"), Mean("diversity")
        self.answers, self.pairs = answers, pairs
        self.random = torch.Generator().manual_seed(SEED)

    def update(self, answers: Tensor) -> None:
        """Compare the answers (K, C, H, W) to one input, in [-1, 1]."""
        every = torch.combinations(torch.arange(len(answers)))
        drawn = every[torch.randperm(len(every), generator=self.random)[: self.pairs]]
        for first, second in drawn.tolist():
            self.mean.add(self.distance(answers[first : first + 1], answers[second : second + 1]))

    def compute(self) -> float:
        """The mean over all pairs of all inputs."""
        return self.mean.value()

    def protocol(self) -> Mapping[str, str | int | float]:
        """The network, its weights, how pictures get into it, answers and pairs."""
        options: dict[str, Any] = {"answers": self.answers, "pairs": self.pairs}
        return {**self.distance.protocol(), **options}
