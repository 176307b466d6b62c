"""Whether a network that knows the classes finds in the results what their label maps say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import torch
from pydantic import AfterValidator, Field, PositiveFloat
from torch import Tensor
from torch.nn import functional as F

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.metrics.pictures import ROUNDING, coloured, in_bytes
from i2i.metrics.segmenters import MADE_BY, file_or_name, open_segmenter

Name = Annotated[
    Path | str | None,
    AfterValidator(file_or_name),
    Field(description="a segmentation network of torchvision by name, or an .onnx file"),
]
File = Annotated[Path | None, Field(description=f"weights of torchvision's network: {MADE_BY}")]
Colour = Annotated[
    tuple[float, float, float], Field(description="of pictures in [0, 1]: what the network was trained with")
]
Scale = Annotated[
    tuple[PositiveFloat, PositiveFloat, PositiveFloat], Field(description="that pictures are divided by")
]
MEAN = (0.485, 0.456, 0.406)
SPREAD = (0.229, 0.224, 0.225)


class _Segmented:
    """What a segmenter sees in results, pixel by pixel, beside their label maps."""

    higher_is_better: ClassVar[bool] = True
    name: ClassVar[str]

    def __init__(
        self,
        classes: int,
        ignore: int,
        *,
        segmenter: Name = None,
        weights: File = None,
        mean: Colour = MEAN,
        std: Scale = SPREAD,
    ) -> None:
        if segmenter is None:
            raise ValueError(
                "segmenter: name the network that looks at the results: one of torchvision's (deeplabv3_resnet50) with "
                "its weights, or an .onnx file; it must know the classes of these label maps, by their numbers"
            )
        self.library = needs("torchmetrics.classification", "metrics", f"for the metric '{self.name}'")
        self.segmenter = open_segmenter(segmenter, weights, classes)
        self.network, self.classes, self.ignore = segmenter, classes, ignore
        self.mean, self.std, self.pixels = mean, std, 0
        self.count = self.counter()

    def counter(self) -> Any:
        """Of torchmetrics: what counts the pixels."""
        raise NotImplementedError

    def update(self, result: Tensor, labels: Tensor) -> None:
        """Look at results (N, C, H, W) in [-1, 1] that were made from label maps (N, H, W).

        Raises:
            I2IError: the segmenter knows another number of classes, or a label is none of them.
        """
        found, asked = self.seen(result, labels)
        self.pixels += len(found)
        if len(found):
            self.count.to(found.device).update(found, asked)

    def seen(self, result: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The class that is seen in each pixel, and the one that was asked for; without what is don't-care."""
        shift, scale = (
            torch.tensor(v, device=result.device).view(1, -1, 1, 1) for v in (self.mean, self.std)
        )
        pictures = in_bytes(coloured(result, self.name)).float() / 255
        with torch.no_grad():
            scores = self.segmenter.scores((pictures - shift) / scale)
        if scores.ndim != 4 or scores.shape[1] != self.classes:
            raise I2IError(
                f"metric '{self.name}': {self.network} makes {'x'.join(map(str, scores.shape))}, and wanted are scores "
                f"(N, {self.classes}, height, width) of the {self.classes} classes of the label maps"
            )
        found = F.interpolate(scores, labels.shape[-2:], mode="bilinear").argmax(1)
        cared = labels != self.ignore
        self._check(labels[cared])
        return found[cared], labels[cared]

    def _check(self, labels: Tensor) -> None:
        if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < self.classes:
            raise I2IError(
                f"metric '{self.name}': the label maps hold {int(labels.min())} to {int(labels.max())}, and there are "
                f"{self.classes} classes, from 0 on"
            )

    def counted(self) -> Any:
        """The counts of all pixels.

        Raises:
            I2IError: there was no pixel to judge.
        """
        if not self.pixels:
            raise I2IError(f"metric '{self.name}': the label maps hold nothing but don't-care")
        return self.count

    def protocol(self) -> Mapping[str, str | int | float]:
        """The network, its weights, and how pictures get into it."""
        return {
            "network": Path(self.network).name,
            "network_weights": self.segmenter.hash,
            "network_mean": ", ".join(map(str, self.mean)),
            "network_std": ", ".join(map(str, self.std)),
            "network_resize": "scores to the label map, bilinear",
            "rounding": ROUNDING,
        }


class MIoU(_Segmented):
    """Mean over classes of intersection over union, of what a network sees in results with their label maps.

    Pixels of all results are counted together; don't-care is left out. A class that neither the label maps nor the
    network's answers hold is left out of the mean; one that only the answers hold counts as 0.
    """

    name = "miou"

    def counter(self) -> Any:
        return self.library.MulticlassJaccardIndex(self.classes, average="none", sync_on_compute=False)

    def compute(self) -> Mapping[str, float]:
        """The mean, and the value of each class by its number.

        Raises:
            I2IError: there was no pixel to judge.
        """
        count = self.counted()
        matrix, each = count.confmat.cpu(), count.compute().cpu()
        there = (matrix.sum(0) + matrix.sum(1) > 0).nonzero().flatten().tolist()
        return {"miou": float(each[there].mean()), **{f"class_{n}": float(each[n]) for n in there}}


class PixelAccuracy(_Segmented):
    """The share of pixels in which a network sees the class of the label map; don't-care is left out."""

    name = "pixel-accuracy"

    def counter(self) -> Any:
        return self.library.MulticlassAccuracy(self.classes, average="micro", sync_on_compute=False)

    def compute(self) -> float:
        """The share, from 0 to 1.

        Raises:
            I2IError: there was no pixel to judge.
        """
        return float(self.counted().compute())
