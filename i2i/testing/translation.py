"""What the translation of a method keeps to, and its preview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from i2i.core.batch import Batch, Draws
from i2i.core.registry import Component
from i2i.core.strategy import Strategy
from i2i.engine.inference import inference
from i2i.engine.loop import Engine
from i2i.spec.assemble import build_source
from i2i.spec.spec import Spec
from i2i.testing.comparing import in_words, unequal
from i2i.testing.controls import asked, changed
from i2i.testing.workbench import Workbench

ALONE = 1e-4
"""fp32: a picture alone and among others, sums in another order through a dozen layers."""


def translation(bench: Workbench, method: Component) -> Iterator[str]:
    """Translating needs what `takes` names, and gives each picture a result of its own, the same every time."""
    small = bench.spec(method.name)
    engine, batch = bench.engine(small), batch_of(bench, small)
    facts = build_source(small, bench.registry).facts
    usual, *others_ = asked(bench, method, facts)
    captions = [*engine.strategy.captions(engine.net, usual).values()]
    for controls in others_:
        captions += _captions(engine, controls).values()
    for caption in captions:
        found = list(_translation(engine, batch, caption, facts.channels))
        yield from found
        if found:
            return


def _translation(
    engine: Engine, batch: Mapping[str, Tensor], controls: Mapping[str, Any], channels: Mapping[str, int]
) -> Iterator[str]:
    method = engine.strategy
    taken = [name for name in method.takes(controls) if not name.endswith("?")]
    missing = [name for name in taken if name not in batch]
    if missing:
        yield f"takes() names {', '.join(missing)}, which its data do not have; they have {', '.join(batch)}"
        return
    fields, count = {name: batch[name] for name in taken}, len(batch["seed"])
    before = {
        f"{part}.{key}": t.clone()
        for part, m in engine.net.modules().items()
        for key, t in m.state_dict().items()
    }
    try:
        whole = translated(engine, fields, controls, range(count))
    except AttributeError as error:
        if "the batch has no" not in str(error):
            raise
        yield f"translate needs a field that takes() does not name: {error}"
        return
    wanted = channels.get(method.makes(controls), 3)
    if not isinstance(whole, Tensor) or whole.dim() != 4 or whole.shape[:2] != (count, wanted):
        shape = tuple(whole.shape) if isinstance(whole, Tensor) else type(whole).__name__
        yield f"translate gives {shape} for {count} inputs; it should give pictures ({count}, {wanted}, H, W)"
        return
    picture = fields[taken[0]]
    if picture.dim() == 4 and whole.shape[2:] != picture.shape[2:]:
        sizes = [f"{t.shape[3]}×{t.shape[2]}" for t in (picture, whole)]
        yield f"translate turns {sizes[0]} pixels into {sizes[1]}; a result has the size of its input"
        return
    if not whole.isfinite().all():
        yield "translate gives values that are not finite"
    elif whole.abs().max() > 1:
        yield (
            f"translate gives values up to {float(whole.abs().max()):.3g}; pictures are in [-1, 1]: end the generator "
            "with tanh, or clamp the result"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        again = translated(engine, fields, controls, range(count))
    if unequal({"": whole}, {"": again}):
        yield (
            "translate gives another result the second time, for the same picture and the same random numbers: draw "
            "from x.random, and remember nothing"
        )
    elif gap := unequal({"": _alone(engine, fields, controls)}, {"": whole[1:2]}, ALONE):
        yield (
            f"the result of a picture depends on the other pictures of its batch (by {gap[0].strip(': ')}); use norms "
            'that look at one picture, or inference = i2i.Inference(statistics="picture")'
        )
    after = {
        f"{part}.{key}": t for part, m in engine.net.modules().items() for key, t in m.state_dict().items()
    }
    if moved := unequal(before, after):
        yield f"translate changes {in_words(moved)}; it may only read what was trained"


def _alone(engine: Engine, fields: Mapping[str, Tensor], controls: Mapping[str, Any]) -> Tensor:
    return translated(engine, {name: t[1:2] for name, t in fields.items()}, controls, range(1, 2))


def translated(
    engine: Engine, fields: Mapping[str, Tensor], controls: Mapping[str, Any], samples: range
) -> Tensor:
    """What an engine's networks make of fields under controls."""
    draws = Draws(("check",), samples)
    with inference(engine.net, engine.strategy.inference, draws):
        return engine.strategy.translate(engine.net, Batch(fields, draws), **controls)


def controls(bench: Workbench, method: Component) -> Iterator[str]:
    """Every control of `translate` changes the result."""
    small = bench.spec(method.name)
    engine, batch = bench.engine(small), batch_of(bench, small)
    facts = build_source(small, bench.registry).facts
    usual = [(controls, _result(engine, batch, controls)) for controls in asked(bench, method, facts)]
    for control, values in changed(bench, method, facts).items():
        pairs = [(shown, {**base, control: value}) for value in values for base, shown in usual if shown]
        if not any(unequal(_result(engine, batch, other), shown) for shown, other in pairs):
            yield f"the control {control} of translate changes nothing; use it, or delete it"


def _result(engine: Engine, batch: Mapping[str, Tensor], controls: Mapping[str, Any]) -> dict[str, Tensor]:
    method: Strategy = engine.strategy
    fields = {name: batch[name] for name in method.takes(controls) if name in batch}
    samples = range(len(batch["seed"]))
    captions = _captions(engine, controls)
    return {caption: translated(engine, fields, own, samples) for caption, own in captions.items()}


def _captions(engine: Engine, controls: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The results that controls ask for; none where the method refuses them together."""
    try:
        return engine.strategy.captions(engine.net, controls)
    except ValueError:
        return {}


def preview(bench: Workbench, method: Component) -> Iterator[str]:
    """A preview shows columns of pictures."""
    small = bench.spec(method.name)
    columns = shown(bench, bench.engine(small), small)
    odd = [label for label, column in columns.items() if column.dim() != 4]
    if odd or len(columns) < 2:
        yield (
            f"preview gives {', '.join(odd or columns) or 'nothing'}; it should give two columns or more, each "
            "pictures (N, C, H, W) in [-1, 1]"
        )


def shown(bench: Workbench, engine: Engine, spec: Spec) -> dict[str, Tensor]:
    """The columns of an engine's preview."""
    batch = batch_of(bench, spec)
    with inference(engine.net, engine.strategy.inference, Draws(("check",), range(len(batch["seed"])))):
        return dict(engine.strategy.preview(engine.net, Batch(batch)))


def batch_of(bench: Workbench, spec: Spec) -> dict[str, Tensor]:
    """A batch of a spec's data, and the numbers of its samples."""
    fields = next(bench.batches(spec))
    return {**fields, "seed": torch.arange(len(next(iter(fields.values()))))}
