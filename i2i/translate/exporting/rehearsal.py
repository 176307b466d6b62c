"""A trained model at work on random inputs: what it draws, which weights it uses, and how small pictures may be."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from i2i.core.batch import Batch
from i2i.core.strategy import Inference
from i2i.engine.inference import inference
from i2i.translate.exporting.drawn import Drawn, Recorder
from i2i.translate.padding import pad
from i2i.translate.probing import probe_of
from i2i.translate.request import Request

if TYPE_CHECKING:
    from i2i.translate.model import Model

FEW = 4  # instances in a random map of instances


@dataclasses.dataclass(frozen=True)
class Rehearsal:
    """A result and how it came about.

    Attributes:
        fields: what went in, before padding.
        drawn: the random numbers, in order.
        made: the result, (N, C, H, W) in [-1, 1].
        used: the parts whose weights were used.
    """

    fields: Mapping[str, Tensor]
    drawn: Sequence[Drawn]
    made: Tensor
    used: frozenset[str]


def rehearse(model: Model, request: Request, fields: Mapping[str, Tensor], dropout: bool) -> Rehearsal:
    """Translate as `Model.translate` does.

    Args:
        model: the model.
        request: what is asked, one result.
        fields: the inputs as the networks see them; for methods without an input `seed`.
        dropout: whether dropout that the method keeps active is.

    Raises:
        ValueError: the method refuses the inputs.
    """
    count = len(next(iter(fields.values())))
    kept: list[Drawn] = []
    draws = Recorder(("rehearsal",), range(count), kept)
    masks = Recorder(("dropout",), range(count), kept, dropout=True)
    mode = inference_mode(model, dropout)
    pictures, padded = request.pictures, fields
    if "seed" not in fields:
        needs = probe_of(model, request).needs
        padded = {name: pad(field, needs.multiple, needs.least) for name, field in fields.items()}
        pictures = {name: picture.expand(count, -1, -1, -1) for name, picture in pictures.items()}
    (controls,) = request.captions.values()
    with model.lock, inference(model.net, mode, masks), _Storages() as touched:
        made = model.strategy.translate(model.net, Batch({**padded, **pictures}, draws), **controls)
    used = frozenset(name for name, part in model.net.modules().items() if touched.has_any(part))
    if "seed" not in fields:
        height, width = next(iter(fields.values())).shape[-2:]
        made = made[..., :height, :width]
    return Rehearsal(fields, kept, made.float(), used)


def inference_mode(model: Model, dropout: bool) -> Inference:
    """How the networks behave: as the method asks, but that dropout is off unless it is wanted."""
    asked = model.strategy.inference
    return dataclasses.replace(asked, dropout=asked.dropout and dropout)


def fields_like_training(
    model: Model, names: Sequence[str], larger: tuple[int, int] = (0, 0)
) -> dict[str, Tensor]:
    """A random input, higher and wider than the training pictures by so many pixels."""
    shape = (1, model.facts.height + larger[0], model.facts.image_size + larger[1])
    return random_fields(model, names, shape, torch.Generator().manual_seed(0))


def random_fields(
    model: Model, names: Sequence[str], shape: tuple[int, int, int], generator: torch.Generator
) -> dict[str, Tensor]:
    """Random inputs (N, C, H, W): pictures of even noise in [-1, 1], maps of every class; `seed` if there are none."""
    count, height, width = shape
    if not names:
        return {"seed": torch.arange(count, device=model.device)}
    fields = {}
    for name in names:
        if name in model.facts.maps:
            size, values = (count, 1, height, width), model.facts.maps[name] or FEW
            field = torch.randint(values, size, generator=generator)
        else:
            size = (count, model.facts.channels[name], height, width)
            field = torch.rand(size, generator=generator) * 2 - 1
        fields[name] = field.to(model.device)
    return fields


class _Storages(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers where the tensors lie that were computed with."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        for leaf in tree_leaves((args, kwargs)):
            if isinstance(leaf, Tensor):
                self.seen.add(leaf.untyped_storage().data_ptr())
        return func(*args, **(kwargs or {}))

    def has_any(self, module: nn.Module) -> bool:
        """Whether one of a module's tensors was computed with."""
        tensors = itertools.chain(module.parameters(), module.buffers())
        return any(tensor.untyped_storage().data_ptr() in self.seen for tensor in tensors)
