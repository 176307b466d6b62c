"""Judging a run on held-out pictures while it trains."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from i2i.core.data import Source
from i2i.core.errors import I2IError
from i2i.core.registry import Registry
from i2i.core.schema import Ref, read_signature
from i2i.data.bad_files import BadFiles
from i2i.engine.loop import Engine
from i2i.spec.assemble import build_source
from i2i.spec.spec import Spec
from i2i.translate.evaluating.judging import Material, Subject, judge
from i2i.translate.evaluating.jury import assembled, fits, rehearse
from i2i.translate.evaluating.views import View, view_of

DEFAULT = Ref.of("metric", "l1", {})


@dataclass
class Ranking:
    """The best judgement so far, and how many came after it; what is not a number is never better."""

    direction: str
    best: float | None = None
    since: int = 0

    def add(self, value: float) -> bool:
        """Whether a value is the best so far."""
        sign = 1 if self.direction == "min" else -1
        better = not math.isnan(value) and (self.best is None or sign * value < sign * self.best)
        self.best, self.since = (value, 0) if better else (self.best, self.since + 1)
        return better

    def tired(self, patience: int | None) -> bool:
        """Whether so many judgements went by without a better one."""
        return patience is not None and self.since >= patience


def material_of(spec: Spec, registry: Registry, source: Source, engine: Engine) -> Material | None:
    """What a run is judged on; None where nobody asked for it and it is not possible.

    Args:
        spec: the run's.
        registry: the components.
        source: the training data.
        engine: the run's.

    Raises:
        I2IError: the spec asks for a judgement that is not possible.
    """
    ref, controls = spec.validation.data, read_signature(engine.strategy.translate).defaults()
    held_out = build_source(spec, registry, ref) if ref is not None else source.held_out()
    view = view_of(engine.strategy, engine.net, (held_out or source).facts, controls)
    if held_out is None and not view.draws_alone:
        _refuse(spec, "the training data holds nothing out; name other data in validate.data")
        return None
    if metrics_of(spec) == [DEFAULT] and not fits(DEFAULT, registry, view):
        which = "this data" if ref is not None else "what the training data holds out"
        _refuse(spec, f"the true translations of {which} are not known, so there is nothing to compare with")
        return None
    _check(spec, registry, view)
    judged = held_out or source
    return Material(view, judged, source if view.draws_alone and ref is None else judged, source)


def _check(spec: Spec, registry: Registry, view: View) -> None:
    """Build the metrics and try them, so that what they lack is known before the training begins."""
    for key, metrics in (("metric", [spec.validation.metric]), ("also", spec.validation.also)):
        try:
            jury = assembled(metrics, registry, view)
            learners = [juror.name for juror in jury if juror.learns]
            rehearse(jury, view)
        except I2IError as error:
            raise I2IError(f"validate.{key}: {error}") from error
        if learners:
            raise I2IError(
                f"validate.{key}: metric '{learners[0]}' learns from the training set first, which takes long; "
                "leave it to i2i evaluate"
            )


def metrics_of(spec: Spec) -> list[Ref]:
    """The metrics of a run, the one that counts first."""
    return [spec.validation.metric, *spec.validation.also]


def _refuse(spec: Spec, why: str) -> None:
    """Pass over what nobody asked for.

    Raises:
        I2IError: somebody asked for a judgement.
    """
    asked = {
        "data": spec.validation.data is not None,
        "metric": spec.validation.metric.name != DEFAULT.name,
        "also": bool(spec.validation.also),
        "patience": spec.validation.patience is not None,
    }
    if key := next((name for name, there in asked.items() if there), ""):
        raise I2IError(f"validate.{key}: {why}")


def judgement(
    engine: Engine,
    material: Material,
    metrics: Sequence[Ref],
    registry: Registry,
    bad_files: BadFiles | None = None,
) -> dict[str, float]:
    """The values of metrics by name; of the first also that of answering with the input unchanged, as `…_of_copying`.

    Raises:
        I2IError: more files cannot be read than `bad_files` allows; by default none may.
    """
    jury = assembled(metrics, registry, material.view, copying=[metrics[0].name])
    subject = Subject(engine.strategy, engine.best_net(), engine.device, engine.settings.seed)
    material = dataclasses.replace(material, bad_files=bad_files or BadFiles())
    return {name: value for values in judge(subject, jury, material) for name, value in values.items()}
