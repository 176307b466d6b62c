"""How good a finished model is: values of metrics, and beside them all that must be known to compare them."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import i2i
from i2i.core.data import Source
from i2i.core.errors import I2IError, I2IWarning, nearest
from i2i.core.registry import TRANSLATORS, Registry
from i2i.core.schema import Ref
from i2i.engine import disk
from i2i.spec.assemble import build_source
from i2i.spec.spec import Spec, override, resolve
from i2i.translate.evaluating.judging import Material, Subject, Tick, judge
from i2i.translate.evaluating.jury import Juror, assembled, fits
from i2i.translate.evaluating.protocol import check_fits, protocol_of
from i2i.translate.evaluating.views import View, alone, view_of
from i2i.translate.sharing.clean import PLACE

if TYPE_CHECKING:
    from i2i.translate.model import Model

FILE = "evaluation.json"
HELD_OUT, VALIDATION = "held out", "validate.data"
SPLIT = "data.split="
UNSEEN = "this data holds nothing out, so that the model may have been trained with what it is judged on"
ON_GPU = 16
"""Inputs at a time."""
MOST_DRAWN = 10_000
"""So many pictures are drawn of random numbers alone, if there are more real ones."""


@dataclass(frozen=True)
class Evaluation:
    """The values of one metric, and how they came about.

    Attributes:
        metric: its name.
        values: by name, the one that counts first.
        protocol: what must be equal for two values to be compared.
        model: which model was judged: step, weights, seed of its training, versions.
        time: when.
    """

    metric: str
    values: Mapping[str, float]
    protocol: Mapping[str, Any]
    model: Mapping[str, Any]
    time: str


def evaluate(
    model: Model,
    metrics: Sequence[str | Ref],
    *,
    settings: Iterable[str] = (),
    count: int | None = None,
    seed: int = 0,
    batch: int | None = None,
    controls: Mapping[str, Any] | None = None,
    registry: Registry,
    tick: Tick = lambda what, done, whole: None,
) -> list[Evaluation]:
    """Judge a model by metrics; see `Model.evaluate`.

    Raises:
        I2IError: a metric or the data cannot be used, or nothing can be judged.
    """
    if ignored := sorted(TRANSLATORS & set(controls or {})):
        raise I2IError(f"control.{ignored[0]}: this belongs to translating, and judging would ignore it")
    request = model.request(controls or {}, sampling=True)
    given, settings = _refs(metrics), tuple(settings)
    of_data = _of_data(settings, given)
    refs = _settled(given, registry, [each for each in settings if each not in of_data])
    data, source, part = _judged_on(model.spec, registry, of_data)
    view = view_of(model.strategy, model.net, source.facts, request.controls)
    check_fits(view, model.facts)
    refs = refs or _usual(model.spec, registry, view)
    jury = assembled(refs, registry, view, copying=[ref.name for ref in refs])
    learned = any(juror.learns for juror in jury)
    training, real, of_real = _beside(model.spec, registry, of_data, view, source, part, learned)
    if view.draws_alone and count is None:
        count = min(len(alone(real, view.made)), MOST_DRAWN)
    batch = batch or (1 if model.device.type == "cpu" else ON_GPU)
    precision = "fp32" if model.precision == "auto" else model.precision
    subject = Subject(model.strategy, model.net, model.device, seed, precision, request.pictures)
    material = Material(view, source, real, training, count, batch, tick=tick)
    with model.lock:
        values = judge(subject, jury, material)
    by_metric: dict[str, dict[str, float]] = {}
    for juror, found in zip(jury, values, strict=True):
        by_metric.setdefault(juror.name, {}).update(found)
    protocol = protocol_of(data, material, subject, request.controls, part, of_real)
    return [_evaluation(juror, by_metric[juror.name], protocol, model) for juror in jury if not juror.copying]


def _beside(
    spec: Spec,
    registry: Registry,
    settings: Sequence[str],
    view: View,
    source: Source,
    part: str,
    learned: bool,
) -> tuple[Source, Source, str]:
    """The training set if something needs it, what results should be like, and which part of the data that is.

    Pictures of random numbers alone should be like those of the training set, as is usual, unless a part was chosen.
    """
    of_training = view.draws_alone and part != VALIDATION and not _chosen(settings)
    training = _training(spec, registry, settings) if of_training or learned else source
    if part not in (HELD_OUT, VALIDATION) and not view.draws_alone and not _chosen(settings):
        warnings.warn(UNSEEN, I2IWarning, stacklevel=4)
    return (training, training, "training") if of_training else (training, source, part)


def _refs(metrics: Sequence[str | Ref]) -> list[Ref]:
    return [metric if isinstance(metric, Ref) else Ref(metric) for metric in metrics]


def _of_data(settings: Sequence[str], refs: Sequence[Ref]) -> list[str]:
    """The settings that change the data.

    Raises:
        I2IError: one changes neither the data nor a metric.
    """
    names = [ref.name for ref in refs]
    others = [setting for setting in settings if setting.partition(".")[0] not in names]
    for setting in others:
        if (first := setting.partition(".")[0]) != "data":
            known = nearest(first, ["data", *names])
            raise I2IError(
                f"--set {setting}: this changes neither the data nor a metric that is asked for\n    {known}"
            )
    return others


def _settled(given: Sequence[Ref], registry: Registry, settings: Sequence[str]) -> list[Ref]:
    """The metrics with their options."""
    tables: dict[str, Any] = {ref.name: dict(ref.options) for ref in given}
    override(tables, settings, "--set fid.weights=inception.safetensors")
    return [
        _rooted(registry.resolve("metric", {"name": name, **table}, name)) for name, table in tables.items()
    ]


def _rooted(ref: Ref) -> Ref:
    """Paths count from where the command was typed."""
    options = {k: v.expanduser().absolute() if isinstance(v, Path) else v for k, v in ref.options.items()}
    return Ref.of(ref.kind, ref.name, options)


def _judged_on(spec: Spec, registry: Registry, settings: Sequence[str]) -> tuple[Ref, Source, str]:
    """The data to judge on, and which part of it that is: what `data.split` names, or what is held out."""
    if spec.validation.data is not None and not settings:
        return spec.validation.data, build_source(spec, registry, spec.validation.data), VALIDATION
    if str(spec.data.options.get("root", "")).endswith(PLACE) and not settings:
        raise I2IError("a packed model does not know where its data is; say it by --set data.root=FOLDER")
    spec = resolve(spec, registry, settings) if settings else spec
    source = build_source(spec, registry)
    held_out = None if _chosen(settings) else source.held_out()
    if held_out is not None:
        return spec.data, held_out, HELD_OUT
    return spec.data, alone(source, ""), str(spec.data.options.get("split", "")) or "all"


def _chosen(settings: Sequence[str]) -> bool:
    """Whether a part of the data was."""
    return any(setting.startswith(SPLIT) for setting in settings)


def _training(spec: Spec, registry: Registry, settings: Sequence[str]) -> Source:
    """The training set of the run, or of the data that was named instead."""
    kept = [setting for setting in settings if not setting.startswith(SPLIT)]
    return build_source(resolve(spec, registry, kept) if kept else spec, registry)


def _usual(spec: Spec, registry: Registry, view: View) -> list[Ref]:
    """The metrics of the spec that fit.

    Raises:
        I2IError: none does.
    """
    refs = [spec.validation.metric, *spec.validation.also]
    if found := [ref for ref in refs if fits(ref, registry, view)]:
        return found
    able = [name for name in registry.names("metric") if fits(Ref.of("metric", name, {}), registry, view)]
    raise I2IError(
        "the true translations of this data are not known; name what to judge by with --metric\n"
        f"    metrics that fit this data: {', '.join(able) or 'none'}"
    )


def _evaluation(
    juror: Juror, values: Mapping[str, float], protocol: Mapping[str, Any], model: Model
) -> Evaluation:
    about = {
        "strategy": model.spec.strategy.name,
        "step": model.origin.step,
        "weights": "averaged" if model.spec.train.ema else "as trained",
        "seed": model.spec.train.seed,
        "i2i": i2i.__version__,
    }
    now = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    own = {f"metric.{name}": value for name, value in juror.protocol().items()}
    return Evaluation(juror.name, values, {**protocol, **own}, about, now)


def write(evaluations: Sequence[Evaluation], file: Path) -> None:
    """Add values to a file; those of the same metric, protocol and step are replaced.

    Raises:
        I2IError: the file holds something else.
        DiskError: the disk refuses.
    """
    new = [json.loads(json.dumps(_plain(each))) for each in evaluations]
    taken = [_identity(each) for each in new]
    kept = [asdict(each) for each in read(file)] if file.exists() else []
    kept = [each for each in kept if _identity(each) not in taken]
    disk.write_text(file, json.dumps({"i2i": i2i.__version__, "evaluations": [*kept, *new]}, indent=1) + "\n")


def _plain(evaluation: Evaluation) -> dict[str, Any]:
    """As JSON can hold it: what is not finite (the PSNR of perfect results) becomes null."""
    values = {name: value if math.isfinite(value) else None for name, value in evaluation.values.items()}
    return {**asdict(evaluation), "values": values}


def _identity(evaluation: Mapping[str, Any]) -> str:
    return json.dumps(
        [evaluation["metric"], evaluation["protocol"], evaluation["model"]["step"]], sort_keys=True
    )


def read(file: Path) -> list[Evaluation]:
    """The values of a file.

    Raises:
        I2IError: there is none, or it holds something else.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["evaluations"]
        return [_checked(Evaluation(**each)) for each in found]
    except FileNotFoundError:
        raise I2IError(f"{file.parent} was not judged yet: i2i evaluate {file.parent}") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise I2IError(
            f"{file} is not what i2i evaluate writes ({error}); move it away and judge anew"
        ) from error


def _checked(evaluation: Evaluation) -> Evaluation:
    """As it is, if all is there that a table shows.

    Raises:
        ValueError: something is not.
    """
    model, values = evaluation.model, evaluation.values
    kinds = {"step": int, "seed": int, "weights": str}
    if not all(isinstance(model.get(name), kind) for name, kind in kinds.items()) or not values:
        raise ValueError(f"of metric '{evaluation.metric}' it lacks the value or the model")
    if not all(value is None or isinstance(value, (int, float)) for value in values.values()):
        raise ValueError(f"a value of metric '{evaluation.metric}' is no number")
    return evaluation
