"""Processes under torchrun; the only file that imports torch.distributed."""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from i2i.core.errors import I2IError

DEVICE = re.compile(r"cpu|mps|cuda(:[0-9]{1,2})?")


@dataclass(frozen=True)
class World:
    """The processes that train together; alone, every method does nothing.

    No module is wrapped: the gradients of a phase are averaged once, after accumulation, so any method of a network
    may be called and the names of its weights stay clean.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @classmethod
    def join(cls) -> World:
        """Join the processes that torchrun started, if it did."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        local_rank, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
        if local_rank < gpus:
            torch.cuda.set_device(local_rank)  # where NCCL exchanges what has no device, such as text
        if not dist.is_initialized():
            dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo")
            atexit.register(_leave)
        return cls(dist.get_rank(), dist.get_world_size(), local_rank)

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over the processes, in one exchange."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        flat = torch.cat([g.reshape(-1) for g in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def mean(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        """Named scalars, averaged over the processes, as numbers."""
        if not values:
            return {}
        flat = torch.stack([v.detach().float() for v in values.values()])
        if self.size > 1:
            dist.all_reduce(flat)
            flat /= self.size
        return dict(zip(values, flat.tolist(), strict=True))

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of all processes, joined in the order of their ranks."""
        if self.size == 1:
            return tensor
        tensor = tensor.contiguous()  # and so are the copies made like it, as the exchange demands
        parts = [torch.empty_like(tensor) for _ in range(self.size)]
        dist.all_gather(parts, tensor)
        return torch.cat(parts)

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of a tensor over the processes; its gradient is summed too."""
        return tensor if self.size == 1 else _Total.apply(tensor)

    def share(self, modules: Iterable[nn.Module]) -> None:
        """Give every process the weights of the first."""
        if self.size == 1:
            return
        for module in modules:
            for tensor in (*module.parameters(), *module.buffers()):
                dist.broadcast(tensor.detach(), src=0)

    def wait(self) -> None:
        """Wait for every process."""
        if self.size > 1:
            dist.barrier()

    def tell(self, text: str) -> str:
        """The first process's text, on every process."""
        if self.size == 1:
            return text
        box = [text]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def positions(self, step: int, batch: int, accumulate: int) -> list[range]:
        """The samples of each micro-batch of this process: positions in the endless list of samples.

        A step's batch is cut into `accumulate` blocks; each process takes one slice of every block.
        """
        block = batch // accumulate
        local = block // self.size
        starts = (step * batch + k * block + self.rank * local for k in range(accumulate))
        return [range(start, start + local) for start in starts]

    def check_batch(self, batch: int, accumulate: int, multiple: int) -> None:
        """Refuse a batch that cannot be cut evenly.

        Raises:
            I2IError: it cannot; the next batch that can is named.
        """
        unit = accumulate * self.size * multiple
        if batch % unit:
            right = -(-batch // unit) * unit
            raise I2IError(
                f"train.batch: {batch} cannot be cut into accumulate ({accumulate}) × processes ({self.size}) "
                f"micro-batches{f' of a multiple of {multiple}' if multiple > 1 else ''}; {right} can"
            )


class _Total(torch.autograd.Function):
    """A sum over the processes, forth and back."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        result = tensor.contiguous().clone()
        dist.all_reduce(result)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        result = gradient.contiguous().clone()
        dist.all_reduce(result)
        return result


def _leave() -> None:
    """Part from the other processes: threads left running would abort the interpreter's exit."""
    if dist.is_initialized():
        dist.destroy_process_group()


def devices(world: World, name: str) -> torch.device:
    """The device a name means; "auto" takes a GPU if there is one.

    Raises:
        I2IError: there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if not DEVICE.fullmatch(name):
        raise I2IError(f"train.device: there is no device '{name}'; use auto, cpu, cuda, cuda:1 or mps")
    device = torch.device(name)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise I2IError(
            f"train.device: '{name}' was asked for, but this machine has no CUDA device; use auto or cpu"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise I2IError("train.device: 'mps' was asked for, but this machine has none; use auto or cpu")
    if name == "cuda" and world.size > 1:
        device = torch.device("cuda", world.local_rank)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise I2IError(
            f"train.device: '{device}' was asked for, but this machine has {torch.cuda.device_count()} CUDA devices"
        )
    return device


def slices(blocks: Sequence[range]) -> list[slice]:
    """Where each micro-batch stands in a process's own batch."""
    ends = [sum(len(b) for b in blocks[: k + 1]) for k in range(len(blocks))]
    return [slice(end - len(block), end) for block, end in zip(blocks, ends, strict=True)]
