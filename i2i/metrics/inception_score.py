"""How sure a network is of what results show, and how many things it finds in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.core.words import counted
from i2i.metrics.collected import Collected, Precomputed, quiet
from i2i.metrics.draws import own_draws
from i2i.metrics.features import Network, NetworkWeights, feature_extractor


class InceptionScore:
    """How surely a network names what each result shows, and how many things all of them show (Salimans et al., 2016).

    The mean over parts of the results, and its standard deviation. It says nothing about real pictures, and little
    about pictures of anything but the classes that the network was trained on.
    """

    higher_is_better: ClassVar[bool] = True

    def __init__(
        self,
        *,
        network: Network = "inception",
        weights: NetworkWeights = None,
        splits: Annotated[int, Field(ge=2, description="parts that the results are cut into")] = 10,
    ) -> None:
        self.library = needs("torchmetrics.image.inception", "metrics", "for the metric 'inception-score'")
        self.extractor, self.splits = feature_extractor(network, weights, "inception-score", "scores"), splits
        self.results = Collected()

    def update(self, result: Tensor) -> None:
        """Look at results (N, C, H, W) in [-1, 1]."""
        self.results.add(self.extractor.extract(result))

    def compute(self) -> Mapping[str, float]:
        """The score, at least 1, and its spread.

        Raises:
            I2IError: there are fewer results than parts.
        """
        if len(self.results) < self.splits:
            raise I2IError(
                f"metric 'inception-score': {counted(len(self.results), 'result')} cannot be cut into "
                f"{self.splits} parts; give splits = 2, or more results"
            )
        scores = self.results.all()
        with own_draws(), quiet():
            library = self.library.InceptionScore(
                Precomputed(scores.shape[1]), splits=self.splits, sync_on_compute=False
            )
            library.update(scores)
            mean, spread = library.compute()
        return {"inception-score": float(mean), "spread": float(spread)}

    def protocol(self) -> Mapping[str, str | int | float]:
        """The network, its weights, how pictures get into it, and the parts."""
        return {**self.extractor.protocol, "splits": self.splits}
