"""What kinds of data keep to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from i2i.core.data import DataFacts, Source
from i2i.core.errors import I2IError
from i2i.core.plugin_files import WorkerPickler
from i2i.core.registry import Component
from i2i.testing.comparing import unequal
from i2i.testing.values import at_bounds, refusal, unforeseen
from i2i.testing.workbench import Workbench

LOOKED_AT = 4
"""So many samples are loaded."""


def built(bench: Workbench, data: Component) -> Source:
    """The source.

    Raises:
        I2IError: it cannot be built.
    """
    source: Source = bench.build(data, {}, {})
    return source


def sample(source: Source, index: int, seed: int = 0) -> dict[str, Tensor]:
    """A sample under random numbers."""
    return dict(source.load(index, torch.Generator().manual_seed(seed)))


def interface(bench: Workbench, data: Component) -> Iterator[str]:
    """It has what a source has."""
    source = built(bench, data)
    if lost := [
        name for name in ("facts", "load", "name", "held_out", "__len__") if not hasattr(source, name)
    ]:
        yield f"it has no {', '.join(lost)}; a source has facts, __len__, load, name and held_out (i2i.Source)"
        return
    if len(source) == 0:
        yield "it has no samples; give the check some"
    names = [source.name(index) for index in range(min(LOOKED_AT, len(source)))]
    if any(not isinstance(name, str) or not name for name in names):
        yield f"name(0) is {names[0]!r}; it should be the files of the sample, for captions and messages"


def facts(bench: Workbench, data: Component) -> Iterator[str]:
    """Its samples are as its facts say."""
    source = built(bench, data)
    for index in range(min(LOOKED_AT, len(source))):
        found = sample(source, index)
        for rule in (_fields, _pictures, _labels):
            if odd := [*rule(source.facts, found, f"of sample {index}")]:
                yield odd[0]
                return


def _fields(told: DataFacts, found: Mapping[str, Tensor], where: str) -> Iterator[str]:
    if odd := sorted(set(found) ^ set(told.fields) - {"target"}):
        yield (
            f"facts.fields says {', '.join(told.fields)}, and a sample holds {', '.join(found)}: they disagree "
            f"about {', '.join(odd)}"
        )


def _pictures(told: DataFacts, found: Mapping[str, Tensor], where: str) -> Iterator[str]:
    for name, channels in told.channels.items():
        shape, kind = tuple(found[name].shape), str(found[name].dtype).removeprefix("torch.")
        wanted = (channels, told.height, told.image_size)
        if shape != wanted:
            yield f"'{name}' {where} is {shape}; its facts say {wanted}"
        elif kind != told.stored.get(name, kind):
            yield f"'{name}' {where} is {kind}; facts.stored says {told.stored[name]}, and load gives what is stored"
        elif found[name].isnan().any():
            yield f"'{name}' {where} holds NaN, on which no network can be trained; give such pixels a number"
        elif name in told.value_range:
            yield from _range(told, name, found[name], where)


def _range(told: DataFacts, name: str, picture: Tensor, where: str) -> Iterator[str]:
    """Computed in fp64: torch finds no minimum of 16 bits without sign."""
    low, high = told.value_range[name]
    least, most = float(picture.double().min()), float(picture.double().max())
    if least < low or most > high:
        yield f"'{name}' {where} holds {least:g} to {most:g}; facts.value_range says {low:g} to {high:g}"


def _labels(told: DataFacts, found: Mapping[str, Tensor], where: str) -> Iterator[str]:
    for name, count in told.labels.items():
        if not 0 <= int(found[name]) < count:
            yield f"'{name}' {where} is {int(found[name])}; facts.labels says 0 to {count - 1}"


def purity(bench: Workbench, data: Component) -> Iterator[str]:
    """A sample is a pure function of its index and its random numbers."""
    source = built(bench, data)
    index = min(1, len(source) - 1)
    state = torch.get_rng_state()
    first = sample(source, index)
    for other in range(min(LOOKED_AT, len(source))):
        sample(source, other, seed=7)
    if unequal(first, sample(source, index)):
        yield (
            "a sample is another one the second time, for the same index and random numbers: draw from the generator "
            "that load is given, and remember nothing"
        )
    elif unequal(first, sample(built(bench, data), index)):
        yield "a sample is another one in a second source: the order of files has to be the same every time (sort them)"
    if not torch.equal(state, torch.get_rng_state()):
        yield "load draws from torch's global random numbers; draw from the generator that it is given"


def workers(bench: Workbench, data: Component) -> Iterator[str]:
    """Worker processes can have it."""
    source = built(bench, data)
    try:
        copy: Source = WorkerPickler.loads(WorkerPickler.dumps(source))
    except Exception as error:
        yield (
            f"worker processes cannot be given it ({type(error).__name__}: {error}); keep no open files, locks or "
            "functions made on the spot in it"
        )
        return
    if unequal(sample(source, 0), sample(copy, 0)):
        yield "a copy in a worker process loads other samples"


def held_out(bench: Workbench, data: Component) -> Iterator[str]:
    """What is held out is like the rest, and none of it."""
    source = built(bench, data)
    held = source.held_out()
    if held is None:
        return
    if held.facts.fields != source.facts.fields:
        yield (
            f"held-out samples hold {', '.join(held.facts.fields)}, the others {', '.join(source.facts.fields)}; "
            "they should be alike"
        )
    mine = {source.name(index) for index in range(len(source))}
    if both := sorted(mine & {held.name(index) for index in range(len(held))}):
        yield f"{both[0]} is trained on and held out"
    if len(held) and unequal(sample(held, 0, seed=1), sample(held, 0, seed=2)):
        yield "held-out samples are drawn at random; show them whole, neither cropped nor flipped"


def bounds(bench: Workbench, data: Component) -> Iterator[str]:
    """With every option at its limits it loads, or refuses the value in a sentence."""
    for option, value in at_bounds(data):
        try:
            source = bench.build(data, {option: value}, {})
        except I2IError as error:
            if cause := unforeseen(error):
                yield refusal(option, value, cause)
            continue
        try:
            sample(source, 0)
        except I2IError:
            continue
        except Exception as error:
            yield refusal(option, value, error)
