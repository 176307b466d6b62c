"""How a trained model becomes a torch module for other programs."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from i2i.core.batch import Parts
from i2i.core.errors import I2IError
from i2i.core.strategy import Inference
from i2i.nets.blocks import Dropout
from i2i.nets.norms import BatchNorm
from i2i.translate.exporting.fixed import fields_of, fixed_request
from i2i.translate.exporting.rehearsal import Rehearsal, fields_like_training, inference_mode, rehearse
from i2i.translate.exporting.translator import Fixed, Takes, Translator
from i2i.translate.padding import padded_side
from i2i.translate.probing import Needs, probe_of
from i2i.translate.request import Request

if TYPE_CHECKING:
    from i2i.translate.model import Model

NAMES = {"normal": "noise", "uniform": "uniform", "dropout": "dropout"}


def as_module(
    model: Model, controls: Mapping[str, Any], *, pixels: bool = False, dropout: bool = False
) -> Translator:
    """A model under fixed controls as a torch module, with networks of its own that are not trained any further.

    Args:
        model: the model.
        controls: what the strategy's `translate` takes.
        pixels: pictures go in and out as numbers from 0 to 255, rounded; else in [-1, 1].
        dropout: dropout that the method keeps active when it translates is, and takes its random numbers as inputs;
            else it is off.

    Raises:
        I2IError: a control is wrong, or they ask for several results; or the method has no such dropout.
    """
    request = fixed_request(model, controls)
    return translator_of(model, request, pixels=pixels, dropout=dropout)


def translator_of(model: Model, request: Request, *, pixels: bool, dropout: bool) -> Translator:
    """The same for controls that are checked already."""
    fields = fields_of(model, request.controls)
    needs = probe_of(model, request).needs if fields else Needs(1, 1)
    done = _rehearsed(model, request, fields, dropout)
    if dropout and not any(drawn.kind == "dropout" for drawn in done.drawn):
        raise I2IError("dropout: this model has none when it translates; leave it out")
    larger = done
    if fields and any(drawn.numbers.ndim > 2 for drawn in done.drawn):  # they may follow the picture's size
        sides = (model.facts.height + needs.multiple, model.facts.image_size + needs.multiple)
        larger = _rehearsed(model, request, fields, dropout, sides)
    takes = [*_of_fields(model, fields), *_of_draws(done, larger, needs)]
    net = _own_parts(model.net, done.used)
    _settle(net.modules().values(), inference_mode(model, dropout))
    (controls,) = request.captions.values()
    fixed = Fixed(fields, controls, request.pictures, needs, pixels)
    channels, *own = done.made.shape[1:]
    gives = Takes("result", "picture", ("batch", channels, *(("height", "width") if fields else own)))
    return Translator(model.strategy, net, takes, gives, fixed)


def _rehearsed(
    model: Model,
    request: Request,
    fields: Sequence[str],
    dropout: bool,
    larger: tuple[int, int] = (0, 0),
) -> Rehearsal:
    """A rehearsal with a picture, larger than those of the training by so many pixels."""
    try:
        return rehearse(model, request, fields_like_training(model, fields, larger), dropout)
    except ValueError as error:
        raise I2IError(f"this model cannot be used with these controls: {error}") from error


def _of_fields(model: Model, fields: Iterable[str]) -> Iterator[Takes]:
    """The pictures and maps."""
    for name in fields:
        if name in model.facts.maps:
            yield Takes(name, "map", ("batch", 1, "height", "width"))
        else:
            yield Takes("picture", "picture", ("batch", model.facts.channels[name], "height", "width"))


def _of_draws(done: Rehearsal, larger: Rehearsal, needs: Needs) -> Iterator[Takes]:
    """The random numbers; a larger picture shows which of their sides follow the picture's."""
    seen: Counter[str] = Counter()
    for small, large in zip(done.drawn, larger.drawn, strict=True):
        seen[small.kind] += 1
        number = f"_{seen[small.kind]}" if seen[small.kind] > 1 else ""
        shape: list[int | str] = ["batch", *small.numbers.shape[1:]]
        for axis, word in ((-2, "padded_height"), (-1, "padded_width")):
            if len(shape) > 2 and small.numbers.shape[axis] != large.numbers.shape[axis]:
                side = next(iter(done.fields.values())).shape[axis]
                share = padded_side(side, needs.multiple, needs.least) // small.numbers.shape[axis]
                shape[axis] = word if share == 1 else f"{word}/{share}"
        yield Takes(NAMES[small.kind] + number, small.kind, tuple(shape))


def _own_parts(net: Parts, used: frozenset[str]) -> Parts:
    """A copy of the parts that are used, and of those without tensors; image pools hold pictures of the training."""
    modules = net.modules()
    needed = [name for name in net if name not in modules or name in used or not modules[name].state_dict()]
    return Parts({name: copy.deepcopy(net[name]) for name in needed})


def _settle(parts: Iterable[nn.Module], mode: Inference) -> None:
    """Put networks in an inference mode for good."""
    for module in (module.requires_grad_(False) for part in parts for module in part.modules()):
        module.training = mode.dropout and isinstance(module, Dropout)
        if isinstance(module, BatchNorm):
            module.per_picture = mode.statistics == "picture"
