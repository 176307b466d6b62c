"""Which settings to change, and to what, where a training step needs more memory than there is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from i2i.core.errors import I2IError
from i2i.core.schema import Ref
from i2i.core.words import counted
from i2i.spec.assemble import build_strategy
from i2i.spec.memory import Job, Memory, moments, predict
from i2i.spec.spec import resolve

RELIEF = 0.8
"""A change is worth naming if a step then needs at most so much of what it needed."""
SIZES = (7 / 8, 3 / 4, 5 / 8, 1 / 2, 3 / 8, 1 / 4, 1 / 8)
SMALLEST = 16
WIDTHS = (2, 4, 8)


@dataclass(frozen=True)
class Way:
    """A change that makes a step smaller.

    Attributes:
        text: in words: "data.size = 192 instead of 256".
        settings: for the command line: ("data.size=192",).
        job: with it.
        passing: roughly, the share of the bytes that pass in a step.
        resting: roughly, the share of the bytes that stay.
    """

    text: str
    settings: tuple[str, ...]
    job: Job
    passing: float
    resting: float = 1.0


def ways_out(job: Job, memory: Memory, usable: float) -> tuple[list[Way], bool]:
    """Two changes, and whether each is enough alone; where none is, the two are meant together.

    Of each kind (more micro-batches, smaller pictures, narrower networks, in this order) the mildest that is enough is
    taken, or else the strongest there is.

    Args:
        job: what does not fit.
        memory: what it needs.
        usable: bytes that a step may need.
    """
    most = min(RELIEF * memory.total, usable)
    enough: list[Way] = []
    too_little: list[Way] = []
    for ways in (accumulations(job), _sizes(job), _widths(job)):
        if len(enough) < 2:
            way, fits = _mildest(ways, memory, most)
            (enough if fits else too_little).extend([way] if way else [])
    return (enough, True) if enough else (too_little[:2], False)


def in_words(ways: Sequence[Way], enough: bool) -> str:
    """The changes, for a sentence that begins with "set"."""
    return (", or " if enough else " and ").join(way.text for way in ways) or "narrower networks"


def _mildest(ways: Iterator[Way], memory: Memory, most: float) -> tuple[Way | None, bool]:
    """The first way that is enough; else the last that runs."""
    last = None
    for way in ways:
        guess = way.resting * memory.resting + way.passing * memory.passing
        try:
            if guess <= most and predict(way.job).total <= most:
                return way, True
        except (I2IError, RuntimeError, ValueError):
            continue
        last = way
    return last, False


def accumulations(job: Job) -> Iterator[Way]:
    """More micro-batches, of batches that can be cut so."""
    strategy, train, processes = build_strategy(job.spec, job.registry), job.spec.train, job.world.size
    coming = moments(strategy, train.batch, job.steps)
    batches = [strategy.plan(images).batch or train.batch for images in coming]
    for count in range(train.accumulate + 1, min(batches) + 1):
        if all(batch % (count * processes * strategy.multiple) == 0 for batch in batches):
            now, before = (max(batches) // each // processes for each in (count, train.accumulate))
            spec = job.spec.model_copy(update={"train": train.model_copy(update={"accumulate": count})})
            yield Way(
                f"train.accumulate = {count} ({counted(now, 'sample')} at a time instead of {before})",
                (f"train.accumulate={count}",),
                dataclasses.replace(job, spec=spec),
                train.accumulate / count,
            )


def _sizes(job: Job) -> Iterator[Way]:
    """Smaller pictures, of sizes that the data and the networks take."""
    size = job.spec.data.options.get("size")
    if isinstance(size, int):
        for smaller in dict.fromkeys(int(size * share) // 4 * 4 for share in SIZES):
            if smaller >= SMALLEST and (way := _resized(job, size, smaller)):
                yield way


def _resized(job: Job, size: int, smaller: int) -> Way | None:
    """The job at another size; options of networks that must follow it are changed too."""
    for following in ((), _automatic(job)):
        settings = (f"data.size={smaller}", *(f"{at}=auto" for at in following))
        try:
            spec = resolve(job.spec, job.registry, settings)
        except I2IError:
            continue
        facts = dataclasses.replace(job.facts, image_size=round(job.facts.image_size * smaller / size))
        there = dataclasses.replace(job, spec=spec, facts=facts)
        before, now = _automatic(job), _automatic(there)
        moved = [at for at in now if now[at] != before[at]]
        also = f" with {' and '.join(f'{at} = {now[at]}' for at in moved)}" if moved else ""
        settings = (f"data.size={smaller}", *(f"{at}={now[at]}" for at in moved))
        return Way(f"data.size = {smaller} instead of {size}{also}", settings, there, (smaller / size) ** 2)
    return None


def _automatic(job: Job) -> dict[str, object]:
    """The options of networks that follow the size unless somebody sets them, with their values."""
    return {
        f"strategy.{part}.{option}": ref.options[option]
        for part, ref in _networks(job)
        for option, default in job.registry.get(ref.kind, ref.name).signature.defaults().items()
        if default == "auto"
    }


def _widths(job: Job) -> Iterator[Way]:
    """The first network that has a width, narrower."""
    found = [(part, ref.options["width"]) for part, ref in _networks(job) if "width" in ref.options]
    for part, width in found[:1]:
        for divisor in WIDTHS:
            setting = f"strategy.{part}.width={width // divisor}"
            try:
                spec = resolve(job.spec, job.registry, [setting])
            except I2IError:
                continue
            text = f"strategy.{part}.width = {width // divisor} instead of {width}"
            yield Way(text, (setting,), dataclasses.replace(job, spec=spec), 1 / divisor, 1 / divisor**2)


def _networks(job: Job) -> list[tuple[str, Ref]]:
    options = job.spec.strategy.options
    return [(part, value) for part, value in options.items() if isinstance(value, Ref)]
