"""Processes under torchrun; the only file that imports torch.distributed."""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.engine.buckets import buckets, joined, put_back
from i2i.engine.meeting import meet

PATIENCE = timedelta(minutes=30)  # also for a judgement by the first process, while the others wait
ANSWER = timedelta(seconds=5)  # of whoever counts what was said
GONE = (
    "the other processes of this run cannot be reached any more: one of them has ended, and its own message says why, "
    "or the system killed it, or the network failed; earlier checkpoints are whole"
)
UNNAMED = ("", "none")  # what torchrun calls a job that nobody has named
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
    def join(cls, patience: timedelta = PATIENCE) -> World:
        """Join the processes that torchrun started, if it did.

        Args:
            patience: how long to wait for the others, here and in every exchange.

        Raises:
            I2IError: not all of them come.
        """
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        local_rank, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
        if local_rank < gpus:
            torch.cuda.set_device(local_rank)
        if not dist.is_initialized():
            backend = "cpu:gloo,cuda:nccl" if gpus else "gloo"
            try:
                store, rank, _ = next(dist.rendezvous("env://", timeout=patience))  # type: ignore[attr-defined]
                store = dist.PrefixStore(meet(store, rank, size, patience), store)  # type: ignore[attr-defined]
                dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=patience)
            except (RuntimeError, ValueError) as error:
                raise I2IError(_not_all_came(size, patience, error)) from error
            atexit.register(_leave)
        return cls(dist.get_rank(), dist.get_world_size(), local_rank)

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def average(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over the processes.

        A bucket crosses while the next one is filled. Nothing crosses during the backward pass: on a CPU, which does
        both, that was no faster.
        """
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        with _together():
            sent = []
            for bucket in buckets(gradients):
                vector = joined(bucket)
                sent.append((bucket, vector, dist.all_reduce(vector, async_op=True)))
            for bucket, vector, work in sent:
                work.wait()
                put_back(vector.div_(self.size), bucket)

    def mean(self, values: Mapping[str, Tensor]) -> dict[str, float]:
        """Named scalars, averaged over the processes, as numbers."""
        if not values:
            return {}
        flat = torch.stack([v.detach().float() for v in values.values()])
        if self.size > 1:
            with _together():
                dist.all_reduce(flat)
            flat /= self.size
        return dict(zip(values, flat.tolist(), strict=True))

    def gather(self, tensor: Tensor) -> Tensor:
        """The tensors of all processes, joined in the order of their ranks."""
        if self.size == 1:
            return tensor
        tensor = tensor.contiguous()  # and so are the copies made like it, as the exchange demands
        parts = [torch.empty_like(tensor) for _ in range(self.size)]
        with _together():
            dist.all_gather(parts, tensor)
        return torch.cat(parts)

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of a tensor over the processes; its gradient is summed too."""
        return tensor if self.size == 1 else _Total.apply(tensor)

    def share(self, modules: Iterable[nn.Module]) -> None:
        """Give every process the weights of the first.

        Raises:
            I2IError: the processes do not keep them alike in memory, so that gradients could not be averaged.
        """
        if self.size == 1:
            return
        tensors = [t.detach() for module in modules for t in (*module.parameters(), *module.buffers())]
        self.check_alike("the weights in memory", [f"{tuple(t.shape)} {t.stride()}" for t in tensors])
        for tensor in tensors:
            same = tensor.contiguous()
            with _together():
                dist.broadcast(same, src=0)
            tensor.copy_(same)

    def check_alike(self, what: str, lines: Sequence[str]) -> None:
        """Refuse processes that do not have the same as the first.

        Raises:
            I2IError: this one has not; the first difference is named.
        """
        if self.size == 1:
            return
        first = self.tell("\n".join(lines)).split("\n")
        if first != [*lines]:
            ours, theirs = next(
                pair for pair in zip_longest(lines, first, fillvalue="nothing") if pair[0] != pair[1]
            )
            raise I2IError(
                f"process {self.rank} ({platform.node()}) and process 0 differ in {what}: {ours} here, {theirs} there"
            )

    def wait(self) -> None:
        """Wait for every process."""
        self.mean({"": torch.zeros(())})  # a barrier of NCCL asks for a device, and tells so

    def tell(self, text: str) -> str:
        """The first process's text, on every process."""
        if self.size == 1:
            return text
        box = [text]
        with _together():
            dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
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
            fitting = [n for n in range(1, self.size) if batch % (accumulate * n * multiple) == 0]
            few = f", or {batch} with {' or '.join(map(str, fitting))} process{'es' * (fitting != [1])}"
            raise I2IError(
                f"train.batch: {batch} cannot be cut into accumulate ({accumulate}) × processes ({self.size}) "
                f"micro-batches{f' of a multiple of {multiple}' if multiple > 1 else ''}; {right} can"
                f"{few if fitting else ''}"
            )


class _Total(torch.autograd.Function):
    """A sum over the processes, forth and back."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        return _sum(tensor)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _sum(gradients[0])


def _sum(tensor: Tensor) -> Tensor:
    result = tensor.contiguous().clone()
    with _together():
        dist.all_reduce(result)
    return result


def _line(error: Exception) -> str:
    """The first line of an error, without the place in torch's sources."""
    return re.sub(r"\[/\S+\] ", "", str(error).partition("\n")[0])


@contextmanager
def _together() -> Iterator[None]:
    """Say in a sentence that another process is gone; its own message says why."""
    try:
        yield
    except RuntimeError as error:
        raise I2IError(f"{GONE} ({_line(error)})") from error


def _not_all_came(size: int, patience: timedelta, error: Exception) -> str:
    where = ":".join(os.environ.get(name, "?") for name in ("MASTER_ADDR", "MASTER_PORT"))
    return (
        f"the {size} processes of this run did not all meet at {where} within {patience.total_seconds() / 60:g} min; "
        f"start all of them, with the same address ({_line(error)})"
    )


def job() -> str:
    """What names the job of torchrun that this process belongs to, restarts included; empty without torchrun."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return ""
    name = os.environ["TORCHELASTIC_RUN_ID"]
    return f"process {os.getppid()} on {platform.node()}" if name in UNNAMED else name


def first_to_say(text: str) -> bool:
    """Whether no other process of this run has said the same before; True where nobody can be asked."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return True
    key = hashlib.sha256(text.encode()).hexdigest()
    try:
        store = dist.TCPStore(  # type: ignore[attr-defined]
            os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), timeout=ANSWER, wait_for_workers=False
        )
        return bool(store.add(f"i2i/said/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '')}/{key}", 1) == 1)
    except (RuntimeError, ValueError, KeyError):
        return True


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
