"""What changes nothing of a training: micro-batches, processes, a restart, precision, compiling, layout."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from i2i.core.registry import Component
from i2i.engine.loop import Engine, Report
from i2i.engine.parallel import World
from i2i.spec.assemble import compile_networks
from i2i.testing.comparing import in_words, unequal
from i2i.testing.engines import double, everything, in_double, weights
from i2i.testing.together import side_by_side
from i2i.testing.workbench import PLAIN, QUARTERS, Workbench

EXACT = 1e-8
"""fp64: the same sums in another order, carried through a few steps, of values up to some hundreds."""

NEAR = 0.1
"""bf16 has 8 bits: a term, a mean over many values, differs by some per cent."""

Trained = tuple[Engine, list[Report]]


def accumulation(bench: Workbench, method: Component) -> Iterator[str]:
    """Four micro-batches train as the whole batch does."""
    whole, terms = bench.train_in_double(bench.spec(method.name, optimizers=PLAIN), 3)
    cut = bench.spec(method.name, optimizers=PLAIN, train={"accumulate": QUARTERS})
    parts, same = bench.train_in_double(cut, 3)
    summed = [
        term
        for term, value in terms[0].items()
        if value.abs() > EXACT and torch.isclose(value, QUARTERS * same[0][term], rtol=1e-6)
    ]
    if summed:
        yield (
            f"{', '.join(summed)} is a sum over the batch: with four times the samples it is four times as large; "
            "return the mean over the samples"
        )
    elif found := _unlike((whole, terms), (parts, same)):
        yield (
            f"a batch in four micro-batches does not train as the whole does ({found}): a term is no mean over the "
            "samples, a layer looks at other samples (batch norm: offer norm = 'instance'), or something is remembered "
            "from one call to the next outside of the parts"
        )


def processes(bench: Workbench, method: Component) -> Iterator[str]:
    """Two processes on half a batch each train as one does on the whole."""
    spec = bench.spec(method.name, optimizers=PLAIN)
    start, facts = bench.engine(spec).state()
    alone = bench.train_in_double(spec, 2)

    def side(world: World) -> Trained:
        engine = bench.engine(spec, world)
        engine.restore(start, facts)  # threads share the random numbers that weights are drawn from
        in_double(engine)
        return engine, list(engine.run(map(double, bench.batches(spec, world=world)), 2))

    both = side_by_side(side)
    means = [
        {term: torch.stack([one[term], other[term]]).mean() for term in one}
        for one, other in zip(both[0][1], both[1][1], strict=True)
    ]
    found = _unlike(alone, (both[0][0], means)) or in_words(
        unequal(weights(both[0][0]), weights(both[1][0]), EXACT)
    )
    if found:
        yield (
            f"two processes with half a batch each do not train as one does ({found}): what is fed by data (an image "
            "pool) has to see all of it, by x.together, and nothing may be remembered outside of the parts"
        )


def resume(bench: Workbench, method: Component) -> Iterator[str]:
    """A broken run ends like an unbroken one, bit for bit."""
    spec = bench.spec(method.name, options=bench.published_norms(method.name), train={"clip": 1.0})
    whole = bench.engine(spec)
    terms = bench.train(whole, spec, 3)
    tensors, facts = whole.state()
    kept = {file: {key: t.clone() for key, t in entries.items()} for file, entries in tensors.items()}
    terms += bench.train(whole, spec, 6)
    resumed = bench.engine(spec)
    resumed.restore(kept, facts)
    again = bench.train(resumed, spec, 6)
    differences = [
        gap for one, other in zip(terms[3:], again, strict=True) for gap in unequal(one, other)
    ] + unequal(everything(whole), everything(resumed))
    if differences:
        yield (
            f"a resumed run goes on differently ({in_words(differences)}): something is remembered outside of the "
            "parts that build() returns; keep it there in an nn.Module, as a buffer or a parameter"
        )


def half_precision(bench: Workbench, method: Component) -> Iterator[str]:
    """A step in bf16 gives terms near those in fp32."""
    half, full = bench.spec(method.name, train={"precision": "bf16"}), bench.spec(method.name)
    (one,) = bench.train(bench.engine(half), half, 1)
    (other,) = bench.train(bench.engine(full), full, 1)
    for term, value in other.items():
        if not torch.isclose(one[term].float(), value.float(), rtol=NEAR, atol=NEAR / 2):
            yield (
                f"{term} is {float(one[term]):.4g} in bf16 and {float(value):.4g} in fp32; compute sums, powers, logs "
                "and distances of tensors in fp32 (.float())"
            )


def compiled(bench: Workbench, method: Component) -> Iterator[str]:
    """Compiled networks train as eager ones do."""
    spec = bench.spec(method.name, optimizers=PLAIN)
    eager = bench.train_in_double(spec, 2)
    torch.compiler.reset()
    engine = in_double(bench.engine(spec))
    compile_networks(engine.net, list(engine.trained), "aot_eager")
    engine.settings = dataclasses.replace(engine.settings, compiled=True)
    reports = list(engine.run(map(double, bench.batches(spec)), 2))
    if found := _unlike(eager, (engine, reports)):
        yield (
            f"compiled networks do not train as eager ones do ({found}): a forward pass changes Python values (counts, "
            "lists) or reads tensors on the host (.item()); keep it to tensors"
        )


def channels_last(bench: Workbench, method: Component) -> Iterator[str]:
    """How maps lie in memory changes nothing."""
    spec = bench.spec(method.name, optimizers=PLAIN)
    last = bench.spec(method.name, optimizers=PLAIN, train={"memory_format": "channels-last"})
    if found := _unlike(bench.train_in_double(spec, 2), bench.train_in_double(last, 2)):
        yield f"with train.memory_format = 'channels-last' it trains differently ({found}); use reshape, not view"


def _unlike(one: Trained, other: Trained) -> str:
    """How two trainings differ, in a few words."""
    differences: list[str] = []
    for first, second in zip(one[1], other[1], strict=True):
        differences += unequal(_by_name(first), _by_name(second), EXACT)
    return in_words(differences or unequal(weights(one[0]), weights(other[0]), EXACT))


def _by_name(report: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {term: value.double() for term, value in report.items()}
