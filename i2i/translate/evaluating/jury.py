"""Metrics as they are built for one evaluation, and what each of them is shown."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from i2i.core.check import shown
from i2i.core.errors import I2IError
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.metrics.draws import own_draws
from i2i.translate.evaluating.views import View

COPYING = "of_copying"
LACKS = {
    "truth": "the true translations, which are not known of this data",
    "input": "pictures as inputs, and this method has none",
    "labels": "label maps as inputs, and this method has none",
    "domain": "domains of which a picture has exactly one, and this method or its data has none",
}


class PerPicture:
    """A function of a result and its truth as a metric: the mean over all pictures."""

    def __init__(self, function: Callable[[Tensor, Tensor], float]) -> None:
        self.function, self.values = function, list[float]()

    def update(self, result: Tensor, truth: Tensor) -> None:
        """Compare pictures one by one."""
        for one, its_truth in zip(result, truth, strict=True):
            self.values.append(float(self.function(one[None], its_truth[None])))

    def compute(self) -> float:
        """The mean."""
        return sum(self.values) / len(self.values)


@dataclass(frozen=True)
class Juror:
    """A metric under its name; `copying`: it judges the inputs as if they were the results."""

    name: str
    metric: Any
    copying: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wants(self) -> tuple[str, ...]:
        """What it is shown."""
        return tuple(inspect.signature(self.metric.update).parameters)

    @property
    def answers(self) -> int:
        """How many answers to one input it wants to see; 0 for none."""
        return int(self.metric.answers) if "answers" in self.wants else 0

    @property
    def learns(self) -> bool:
        """Whether it must see the training set first."""
        return bool(getattr(self.metric, "passes", 0)) and hasattr(self.metric, "learn")

    @property
    def sees_real(self) -> bool:
        """Whether it is shown real pictures, for themselves."""
        return hasattr(self.metric, "real") and not self.copying

    def see(self, shown: Mapping[str, Tensor]) -> None:
        """Look at what it wants to be shown."""
        if self.copying:
            shown = {**shown, "result": shown["input"]}
        self.metric.update(**{name: shown[name] for name in self.wants})

    def verdict(self) -> Iterator[tuple[str, float]]:
        """Its values by name, the one that counts first."""
        for number, (name, value) in enumerate(self._values().items()):
            own = self.name if number == 0 else name if name.startswith(self.name) else f"{self.name}_{name}"
            yield f"{own}_{COPYING}" if self.copying else own, value

    def _values(self) -> dict[str, float]:
        found = self.metric.compute()
        table = found if isinstance(found, Mapping) else {self.name: found}
        try:
            values = {str(name): float(value) for name, value in table.items()}
        except (TypeError, ValueError, RuntimeError):  # the last of a tensor of several numbers
            values = {}
        if not values:
            raise I2IError(
                f"metric '{self.name}': its compute gives {shown(found)}; wanted is a number, or a table of numbers"
            )
        return values

    def protocol(self) -> Mapping[str, Any]:
        """What must be equal for its values to be compared; its options, if it does not say."""
        return self.metric.protocol() if hasattr(self.metric, "protocol") else self.options


def assembled(
    refs: Sequence[Ref], registry: Registry, view: View, copying: Sequence[str] = ()
) -> list[Juror]:
    """Build metrics; those named in `copying` a second time, for the inputs, where these are like the truth.

    Raises:
        I2IError: one cannot be built, or needs what there is not.
    """
    jury = []
    for ref in refs:
        juror = _built(ref, registry, view)
        jury.append(juror)
        if ref.name in copying and _comparable(juror, view):
            jury.append(Juror(ref.name, _built(ref, registry, view).metric, copying=True))
    return jury


def rehearse(jury: Sequence[Juror], view: View) -> None:
    """Show every metric noise of the shapes that there will be.

    Raises:
        I2IError: one cannot look at such pictures.
    """
    facts = view.facts
    size, channels = (facts.height, facts.image_size), facts.channels
    whole = dict.fromkeys(("labels", "domain"), torch.int64)
    for juror in jury:
        shapes = {
            "result": (1, channels[view.made], *size),
            "truth": (1, channels.get(view.truth, 1), *size),
            "input": (1, channels.get(view.field, 1), *size),
            "labels": (1, *size),
            "domain": (1,),
            "answers": (juror.answers, channels[view.made], *size),
        }
        with own_draws(), torch.no_grad():
            noise = {name: torch.rand(shape) * 2 - 1 for name, shape in shapes.items()}
            if juror.sees_real:
                juror.metric.real(noise["result"])
            juror.see({name: noise[name].to(whole.get(name, torch.float32)) for name in juror.wants})


def fits(ref: Ref, registry: Registry, view: View) -> bool:
    """Whether there is all that a metric wants to be shown."""
    return not _lacking(registry, ref, view)


def _built(ref: Ref, registry: Registry, view: View) -> Juror:
    if lacking := _lacking(registry, ref, view):
        able = [
            name
            for name in registry.names("metric")
            if not _lacking(registry, Ref.of("metric", name, {}), view)
        ]
        raise I2IError(
            f"metric '{ref.name}' needs {LACKS[lacking[0]]}\n    metrics that do without: {', '.join(able) or 'none'}"
        )
    with own_draws():  # of networks whose weights are random
        made = registry.build(ref, view.offers(), {})
    options = {name: shown(value) for name, value in ref.options.items()}
    juror = Juror(ref.name, made if hasattr(made, "compute") else PerPicture(made), options=options)
    _check_able(juror, view)
    return juror


def _check_able(juror: Juror, view: View) -> None:
    """Refuse a metric that could not be shown what it wants.

    Raises:
        I2IError: it does not say how many answers it wants, or would learn domains that are not there.
    """
    if "answers" in juror.wants and not isinstance(getattr(juror.metric, "answers", None), int):
        raise I2IError(
            f"metric '{juror.name}': its update is shown answers, so it needs an attribute `answers`: how many"
        )
    if juror.learns and not view.domains:
        raise I2IError(f"metric '{juror.name}' learns {LACKS['domain']}")


def _lacking(registry: Registry, ref: Ref, view: View) -> list[str]:
    factory = registry.get("metric", ref.name).factory
    if not inspect.isclass(factory):
        return [] if "truth" in view.shows() else ["truth"]
    wanted = [*inspect.signature(factory.update).parameters][1:]  # type: ignore[attr-defined]
    return [name for name in wanted if name not in view.shows()]


def _comparable(juror: Juror, view: View) -> bool:
    """Whether the inputs could stand in the place of the results."""
    channels = view.facts.channels
    alike = view.field in channels and channels[view.field] == channels.get(view.truth)
    return alike and set(juror.wants) == {"result", "truth"}
