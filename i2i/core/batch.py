"""What travels through a step: the batch, the networks, and the random numbers."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.errors import I2IError

# What a batch is itself made of: no field can have these names.
OWN = frozenset({"random", "fields", "together", "images_seen"})


def address(*parts: int | str) -> int:
    """A 63-bit seed that is a pure function of its parts, equal on every machine."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class Draws:
    """Random numbers that belong to samples, not to batches or processes.

    The numbers of a sample depend on the seed, the step, its position in the whole batch and the count of
    earlier draws in the step, so micro-batches and processes change nothing. They are drawn on the CPU and are
    the same on every device.

    Args:
        key: what addresses this step (seed, step).
        samples: positions of the local samples in the whole batch.
    """

    def __init__(self, key: Sequence[int | str], samples: Sequence[int]) -> None:
        self.key = tuple(key)
        self.samples = tuple(samples)
        self.count = 0

    def uniform(self, like: Tensor) -> Tensor:
        """Numbers in [0, 1) in the shape of `like` (N, …), float32, on its device.

        N counts whole batches, or an even share of one: half a batch gets the numbers of every second sample.
        """
        return self._draw(torch.rand, like)

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers in the shape of `like`."""
        return self._draw(torch.randn, like)

    def pairs(self) -> list[tuple[float, float]]:
        """Two numbers in [0, 1) for each sample, as plain floats."""
        draws = [random.Random(seed) for seed in self._seeds(1)]
        return [(draw.random(), draw.random()) for draw in draws]

    def shared(self) -> float:
        """A number in [0, 1) that all samples of the step share."""
        seed = address(*self.key, "shared", self.count)
        self.count += 1
        return random.Random(seed).random()

    def of(self, samples: Sequence[int]) -> Draws:
        """The same stream of numbers for other samples of the whole batch."""
        other = Draws(self.key, samples)
        other.count = self.count
        return other

    def _draw(self, draw: Callable[..., Tensor], like: Tensor) -> Tensor:
        whole, wanted = len(self.samples), len(like)
        if wanted == 0 or (wanted % whole and whole % wanted):
            raise ValueError(f"{wanted} samples neither repeat nor divide a batch of {whole}")
        seeds = [*self._seeds(max(1, wanted // whole))][:: max(1, whole // wanted)]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        drawn = [draw(like.shape[1:], generator=generator) for generator in generators]
        return torch.stack(drawn).to(like.device)

    def _seeds(self, times: int) -> Iterator[int]:
        for _ in range(times):
            yield from (address(*self.key, sample, self.count) for sample in self.samples)
            self.count += 1


class Batch:
    """The fields of a micro-batch, and what phases leave on it: a namespace that knows its names.

    `random` holds the step's random numbers, `images_seen` how many images were seen before the step. `block` names
    the samples that all processes work on at this moment and `gather` joins their tensors in that order; alone, both
    are this batch.
    """

    random: Draws
    images_seen: int
    _block: Sequence[int]
    _gather: Callable[[Tensor], Tensor]

    def __init__(
        self,
        fields: Mapping[str, Any],
        random: Draws | None = None,
        block: Sequence[int] = (),
        gather: Callable[[Tensor], Tensor] | None = None,
        images_seen: int = 0,
    ) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.__dict__["random"] = random or Draws(("batch",), range(_length(fields)))
        self.__dict__["images_seen"] = images_seen
        self.__dict__["_block"] = block or self.random.samples
        self.__dict__["_gather"] = gather or (lambda images: images)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the batch has no '{name}'; it has {', '.join(self)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in OWN or name.startswith("_"):
            raise I2IError(f"a batch cannot hold '{name}': the name is its own; choose another")
        self.__dict__[name] = value

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.__dict__ if name not in OWN and not name.startswith("_"))

    def __contains__(self, name: str) -> bool:
        return name in tuple(self)

    def __len__(self) -> int:
        return len(self.random.samples)

    def fields(self) -> dict[str, Any]:
        """Its names and values."""
        return {name: self.__dict__[name] for name in self}

    def together(
        self, keep: Callable[[Tensor, Sequence[tuple[float, float]]], Tensor], images: Tensor
    ) -> Tensor:
        """Let a part whose state is fed by data (an image pool) see the images of all processes, in global order.

        `keep(images, draws)` gets two random numbers for each image; its answer for this process is returned.
        """
        start = list(self._block).index(self.random.samples[0])
        kept = keep(self._gather(images), self.random.of(self._block).pairs())
        self.random.count += 1
        return kept[start : start + len(images)]


class Parts:
    """What a strategy built, by name: `net.G`, `net.pool_a`."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.__dict__.update(parts)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"there is no part '{name}'; there are {', '.join(self)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __contains__(self, name: str) -> bool:
        return name in self.__dict__

    def __getitem__(self, name: str) -> Any:
        try:
            return self.__dict__[name]
        except KeyError:
            raise I2IError(f"there is no part '{name}'; there are {', '.join(self)}") from None

    def modules(self) -> dict[str, nn.Module]:
        """The parts with weights or state."""
        return {name: part for name, part in self.__dict__.items() if isinstance(part, nn.Module)}

    def replaced(self, parts: Mapping[str, Any]) -> Parts:
        """The same parts with some exchanged."""
        return Parts({**self.__dict__, **parts})


def _length(fields: Mapping[str, Any]) -> int:
    return next((len(value) for value in fields.values() if isinstance(value, Tensor)), 0)
