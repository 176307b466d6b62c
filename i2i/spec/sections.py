"""The sections of a spec that are the same for every method."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from i2i.core.errors import Problem
from i2i.core.schema import Ref


def _as_ref(raw: Any) -> Any:
    if isinstance(raw, str):
        return Ref(raw)
    if isinstance(raw, dict) and isinstance(raw.get("name"), str):
        return Ref(raw["name"], **{k: v for k, v in raw.items() if k != "name"})
    return raw


Reference = Annotated[Ref, BeforeValidator(_as_ref)]
Count = Annotated[int, Field(ge=1)]
Samples = Annotated[int, Field(ge=1, le=2**16)]


class Section(BaseModel):
    """A table of a spec: unknown keys are errors, values do not change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True, allow_inf_nan=False
    )


class Init(Section):
    """How the weights of trained networks start."""

    name: Literal["normal", "xavier", "kaiming", "orthogonal", "default"] = Field(
        "normal", description="normal, xavier, kaiming, orthogonal; default leaves what the networks drew"
    )
    gain: float = Field(0.02, gt=0, description="standard deviation of normal, gain of xavier and orthogonal")


class HalfLife(Section):
    """An average over images: how many pass until a weight counts half."""

    half_life: int = Field(ge=1, description="images")

    def __call__(self, batch: int) -> float:
        """The decay at a step of that batch."""
        return float(0.5 ** (batch / self.half_life))


class Train(Section):
    """The same for every method."""

    steps: Count | None = Field(None, description="optimizer steps of the whole run (or epochs)")
    epochs: int | float | None = Field(None, gt=0, le=1e9, description="passes over the data (or steps)")
    batch: Samples = Field(1, description="samples of a step, over all processes")
    accumulate: Samples = Field(1, description="micro-batches of a step: memory of batch / accumulate")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field("auto", description="auto is fp32")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    compile: bool = Field(False, description="compile the networks (needs a C++ compiler)")
    memory_format: Literal["auto", "contiguous", "channels-last"] = Field(
        "auto", description="of weights and maps; auto is contiguous"
    )
    activation_checkpointing: bool = Field(
        False, description="less memory, more time: blocks are computed again for the gradient"
    )
    clip: float | None = Field(None, gt=0, description="largest norm of a network's gradient")
    ema: dict[str, Annotated[float, Field(gt=0, lt=1)] | HalfLife] = Field(
        {}, description="network = decay of its averaged copy, which translates; or { half_life = images }"
    )
    seed: int = Field(0, ge=0, description="of every random number")
    init: Init = Init()
    init_from: Path | None = Field(None, description="a run or checkpoint whose weights to start from")
    checkpoint_every: Count = Field(1000, description="steps")
    keep: Count = Field(3, description="newest checkpoints that stay")
    sample_every: Count = Field(500, description="steps")
    log_every: Count = Field(50, description="steps")
    validate_every: Count = Field(1000, description="steps")
    on_nonfinite: Literal["stop", "skip", "rollback"] = Field(
        "stop", description="a term or gradient is nan or infinite: stop, skip the update, or roll back"
    )
    max_skips: Count = Field(10, description="steps that skip may leave an update out of")
    max_rollbacks: Count = Field(3, description="times that rollback may go back to a checkpoint")
    max_bad_files: int = Field(
        10, ge=0, description="different files that cannot be read and are skipped; 0 stops at the first"
    )


LIMITS: Mapping[str, str] = MappingProxyType({"skip": "max_skips", "rollback": "max_rollbacks"})


def ignored_limit(values: Mapping[str, Any]) -> list[Problem]:
    """That a limit was set for another way of handling numbers that go wrong."""
    mode, defaults = values["on_nonfinite"], {n: Train.model_fields[n].default for n in LIMITS.values()}
    return [
        Problem(
            f"train.{limit}",
            f"it would be ignored: train.on_nonfinite is '{mode}'",
            f'set train.on_nonfinite = "{other}", or leave it at {defaults[limit]}',
        )
        for other, limit in LIMITS.items()
        if mode != other and values[limit] != defaults[limit]
    ]


class Ramp(Section):
    """A weight that changes in a straight line over the first steps."""

    schedule: Literal["linear"] = "linear"
    start: float = Field(0.0, alias="from")
    to: float = 1.0
    steps: Count

    def __call__(self, step: int) -> float:
        """The weight at a step (counted from 0)."""
        return self.start + (self.to - self.start) * min(1.0, step / self.steps)

    def __str__(self) -> str:
        return f"({self.start:g}…{self.to:g} over {self.steps} steps)"


class Term(Section):
    """A loss that the spec adds to a method."""

    loss: Reference = Field(description="any registered loss")
    of: tuple[str, ...] = Field(
        min_length=1, description="names on the batch, in the order the loss takes them"
    )
    phase: str
    weight: float | Ramp = 1.0
    minimised_by: tuple[str, ...] = Field(min_length=1, description="networks")


class Validate(Section):
    """Judging on held-out pictures while a run trains; the best checkpoint is kept."""

    data: Reference | None = Field(None, description="by default the held-out part of the training data")
    metric: Reference = Field(Ref("l1"), description="what judges the results; best and patience follow it")
    also: tuple[Reference, ...] = Field((), description="further metrics, which are only written down")
    direction: Literal["auto", "min", "max"] = Field(
        "auto", description="which values are better; auto asks the metric"
    )
    patience: int | None = Field(None, ge=1, description="stop after so many judgements without a better one")
    every: Count | None = Field(None, description="steps; by default train.validate_every")
