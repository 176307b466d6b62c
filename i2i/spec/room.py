"""How much memory there is, and which settings to change where it is too little for a step."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from i2i.core.machine import machine_memory
from i2i.core.words import in_bytes
from i2i.spec.memory import Job, Memory, predict
from i2i.spec.ways import in_words, ways_out

USABLE = 0.9
"""Of the memory that is free, so much goes to tensors; workspaces of libraries and gaps take the rest."""


@dataclass(frozen=True)
class Room:
    """The memory of a device.

    Attributes:
        total: bytes.
        free: bytes that other programs leave.
        where: in words.
    """

    total: int
    free: int
    where: str

    @property
    def usable(self) -> float:
        """Bytes that a step may need."""
        return USABLE * self.free

    def holds(self, memory: Memory) -> bool:
        """Whether a step fits."""
        return memory.total <= self.usable

    def __str__(self) -> str:
        taken = f", {in_bytes(self.free)} of it free" if self.free < USABLE * self.total else ""
        return f"{in_bytes(self.total)} on {self.where}{taken}"


def room_on(device: torch.device) -> Room | None:
    """The memory of a device; None where nobody can say."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return Room(total, free + torch.cuda.memory_reserved(device), "this GPU")
    if device.type == "mps":
        most = torch.mps.recommended_max_memory()
        return Room(most, most, "this GPU")
    whole = machine_memory()
    return Room(whole, whole, "this machine") if whole is not None else None


def memory_of(job: Job, device: torch.device) -> str:
    """What a step needs, in words, and what to change if the device has less; never fails."""
    try:
        return _foreseen(job, predict(job), room_on(device), device.type == "cpu")
    except Exception as error:  # a method may do what tensors without contents cannot
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        return f"memory of a step: not known: {reason}"


def _foreseen(job: Job, memory: Memory, room: Room | None, by_itself: bool) -> str:
    parts = f"weights and optimizers {in_bytes(memory.resting)}, activations {in_bytes(memory.passing)}"
    said = f"memory of a step: about {in_bytes(memory.total)} ({parts})"
    if room is None or (room.holds(memory) and by_itself):
        return said
    if room.holds(memory):
        return f"{said}; {room}"
    return f"{said}\nthis will not fit into {room}: set {in_words(*ways_out(job, memory, room.usable))}"


def no_memory(job: Job, device: torch.device) -> tuple[str, tuple[str, ...]]:
    """That a step found too little memory, what it needs and what to change; then the first change as settings.

    Never fails.
    """
    said = "there is not enough memory for a step"
    try:
        memory, room = predict(job), room_on(device)
        ways, enough = ways_out(job, memory, room.usable if room else memory.total)
        needed = f"about {in_bytes(memory.total)} predicted{f', {room}' if room else ''}"
        settings = [setting for way in (ways[:1] if enough else ways) for setting in way.settings]
        return f"{said} ({needed}): set {in_words(ways, enough)}", tuple(settings)
    except Exception:  # whatever stands in the way of a better sentence, there has to be one
        return f"{said}: raise train.accumulate, or lower data.size or the width of the networks", ()
