"""A memory of earlier fakes."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Shows the discriminator fakes from earlier steps half of the time (Shrivastava et al., 2017).

    Its pictures are saved and restored with the state, in the order of the slots.
    """

    images: Tensor

    def __init__(self, capacity: int = 50) -> None:
        super().__init__()
        self.capacity = capacity
        self.register_buffer("images", torch.empty(0))

    @torch.no_grad()
    def forward(self, images: Tensor, draws: Sequence[tuple[float, float]]) -> Tensor:
        """Pictures (N, C, H, W) for (N, C, H, W), detached.

        While there is room a picture is stored and returned. Later, if its chance is above one half, it
        changes places with the picture of a slot; otherwise it is returned and not stored.

        Args:
            images: the newest fakes.
            draws: (chance, slot) for each of them, both in [0, 1).
        """
        images = images.detach()
        if len(draws) != len(images):
            raise ValueError(
                f"the pool needs a draw for each of the {len(images)} pictures, got {len(draws)}"
            )
        if self.capacity == 0:
            return images
        shown = [self._exchange(image, *draw) for image, draw in zip(images, draws, strict=True)]
        return torch.stack(shown)

    def _exchange(self, image: Tensor, chance: float, slot: float) -> Tensor:
        if len(self.images) < self.capacity:
            self.images = torch.cat([self.images, image[None]]) if len(self.images) else image[None].clone()
            return image
        if chance <= 0.5:
            return image
        index = int(slot * self.capacity)
        older = self.images[index].clone()
        self.images[index] = image
        return older

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        saved = state_dict.get(prefix + "images")
        if saved is not None:  # torch copies in place, and this pool may be fuller or emptier
            self.images = torch.empty_like(saved, device=self.images.device)
        super()._load_from_state_dict(state_dict, prefix, *rest)
