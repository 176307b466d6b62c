"""All that the author of a method must know: a strategy builds parts, lists phases, and translates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Protocol

from torch import Tensor

from i2i.core.batch import Batch, Parts
from i2i.core.data import DataFacts
from i2i.core.schema import Kind, Ref

SHEET = 4  # columns of a sheet of samples

Weight = float | Callable[[int], float]
Row = Mapping[str, Weight]

Generator = Annotated[Ref, Kind("generator")]
Discriminator = Annotated[Ref, Kind("discriminator")]
Encoder = Annotated[Ref, Kind("encoder")]
Loss = Annotated[Ref, Kind("loss")]


@dataclass(frozen=True)
class Phase:
    """Named loss terms, and who minimises which of them.

    One phase is at most one optimizer step for each network of its table, after all of its gradients are complete.

    Attributes:
        name: what it trains.
        terms: the terms of a micro-batch, by name: unweighted means over its samples.
        minimise: network -> {term: weight}; a weight may be a function of the step. Networks with equal rows share
            one backward pass.
        every: it runs at steps n, 2n, …
        offset: … or so many steps later.
        skip: on a measured value, networks that make no step this time: told the phase's terms, means over the whole
            batch, once the gradients are complete, it names them.
    """

    name: str
    terms: Callable[[Parts, Batch], Mapping[str, Tensor]]
    minimise: Mapping[str, Row]
    every: int = 1
    offset: int = 0
    skip: Callable[[Mapping[str, float]], Collection[str]] | None = None

    def runs_at(self, step: int) -> bool:
        """Whether it runs at a step (counted from 1)."""
        return step % self.every == self.offset % self.every

    def objective(self, network: str) -> str:
        """A network's objective in words: `gan + 100·pixel`."""
        return " + ".join(_weighted(weight, term) for term, weight in self.minimise[network].items())


def _weighted(weight: Weight, term: str) -> str:
    if callable(weight):
        return f"{weight}·{term}"
    return term if weight == 1 else f"{weight:g}·{term}"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one step trains, where that depends on the images seen before it.

    Attributes:
        batch: samples of the step, over all processes; None is `train.batch`.
        rates: network -> factor on its learning rate, beside the schedule's.
        stage: where it changes from one step to the next, all optimizers start anew.
    """

    batch: int | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    stage: int = 0


class Make(Protocol):
    """Builds the component that a reference names; `facts` are demands that it must take."""

    def __call__(self, ref: Ref, **facts: Any) -> Any: ...


@dataclass(frozen=True)
class PictureOf:
    """Marks a control of `translate` that is a picture like those of a field.

    `style: Annotated[Path | None, PictureOf("b")] = None`: the user gives a path, a PIL image, an array or a tensor;
    `translate` finds it on the batch under the control's name, (1, C, size, size) in [-1, 1].
    """

    field: str


@dataclass(frozen=True)
class NameOf:
    """Marks a control of `translate` that takes names from a list of the training data, for those who draw a page.

    `label: Annotated[str | int | None, NameOf("classes")] = None`; several names where its type has a tuple.
    """

    names: Literal["domains", "classes"]


@dataclass(frozen=True)
class CodeOf:
    """Marks a control of `translate` that is a code of random numbers, normally distributed.

    `code: Annotated[tuple[float, ...] | None, CodeOf("latent")] = None`: the option `latent` of the strategy says how
    many numbers there are.
    """

    length: str


@dataclass(frozen=True)
class Inference:
    """How the networks behave when they translate.

    Attributes:
        dropout: dropout stays active.
        statistics: what batch norm uses: the running averages of the training, or each picture's own.
    """

    dropout: bool = False
    statistics: str = field(default="running")


@dataclass(frozen=True, kw_only=True)
class Strategy(ABC):
    """A training method. Its fields are its options; it holds no state.

    Class attributes:
        recipe: the published settings, a partial spec (data, optimizers, schedule, train).
        example: what the published run on a real data set adds to it; `i2i new` prints both.
        demo: changes to the recipe that show the method on the demo set in minutes.
        inference: how the networks behave when they translate.
        multiple: micro-batches must be divisible by this.
        prior: beside its input, it can start from random numbers alone: `translate` then finds `seed` on the batch and
            no picture.
    """

    recipe: ClassVar[Mapping[str, Any]] = {}
    example: ClassVar[Mapping[str, Any]] = {}
    demo: ClassVar[Mapping[str, Any]] = {}
    inference: ClassVar[Inference] = Inference()
    multiple: ClassVar[int] = 1
    prior: ClassVar[bool] = False

    @abstractmethod
    def wants(self) -> tuple[str, ...]:
        """Fields a training batch must have; an optional one ends in `?`."""

    @abstractmethod
    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        """Fields that `translate` needs under these controls, its input first; an optional one ends in `?`.

        A method without an input takes `seed`: the numbers of the wanted samples, (N,), whose random numbers
        `x.random` holds.
        """

    def makes(self, controls: Mapping[str, Any]) -> str:
        """The field of the training data that results are like: that of the input, or `image` where there is none."""
        source = self.takes(controls)[0]
        return "image" if source == "seed" else source

    @abstractmethod
    def build(self, make: Make, data: DataFacts) -> Mapping[str, Any]:
        """Build networks, losses and pools, by name. Whatever has state is an `nn.Module`."""

    @abstractmethod
    def phases(self) -> Sequence[Phase]:
        """The phases of a step, in order."""

    @abstractmethod
    def translate(self, net: Parts, x: Batch) -> Tensor:
        """Turn inputs (N, C, H, W) in [-1, 1] into outputs; keyword-only parameters are the user's controls."""

    def prepare(self, net: Parts, x: Batch) -> None:  # noqa: B027 - most methods need it, some do not
        """Leave on the batch what several phases share; runs before a step's first phase."""

    def plan(self, images: int) -> Plan:
        """How the step trains that begins when so many images were seen; depends on nothing else."""
        return Plan()

    def captions(self, net: Parts, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The results that these controls ask for: the caption of each, and the controls of its `translate`.

        One result as a rule; several where a control stands for a row of pictures (every domain, an interpolation).
        All of them need the fields that `takes` names under the controls that were asked.

        Args:
            net: the parts; what a method learned from its data (the names of domains) it keeps there.
            controls: checked, with their defaults.

        Raises:
            ValueError: "control: sentence", a value that these parts cannot serve.
        """
        return {"output": controls}

    def preview(self, net: Parts, x: Batch) -> Mapping[str, Tensor]:
        """The columns of a sample grid, by label: the input, its translation, and what else is worth seeing.

        The batch holds held-out samples and, as `seed`, their numbers.
        """
        (source, *_) = self.takes({})
        output = self.translate(net, x)
        if source == "seed":
            return {str(number + 1): output[number::SHEET] for number in range(min(SHEET, len(output)))}
        return {"input": x.fields()[source], "output": output}
