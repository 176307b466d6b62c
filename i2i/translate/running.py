"""The networks at work: inputs of equal shape go through them together, padded, and come back in the stored type."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from i2i.core.batch import Batch
from i2i.core.errors import I2IError, I2IWarning
from i2i.data.values import from_unit, to_unit
from i2i.engine.inference import inference
from i2i.translate.fitting import cuts_for
from i2i.translate.inputs import Input
from i2i.translate.memory import memory_told
from i2i.translate.padding import pad
from i2i.translate.pictures import convert
from i2i.translate.probing import probe_of
from i2i.translate.request import Request
from i2i.translate.tiling import Seams, in_tiles
from i2i.translate.windows import in_windows

if TYPE_CHECKING:
    from i2i.translate.model import Model

Fields = Mapping[str, Tensor]


def run(model: Model, inputs: Sequence[Input], request: Request) -> list[list[Tensor]]:
    """The results of inputs of equal shape, one list for each: (N, C, H, W) in the type of `Input.made`.

    Warns where tiles disagree visibly.

    Raises:
        I2IError: the method refuses a picture, memory is short, or several samples are all the same.
    """
    results, seams = run_measured(model, inputs, request)
    if seams.visible:
        warnings.warn(str(seams), I2IWarning, stacklevel=2)
    return results


def run_measured(model: Model, inputs: Sequence[Input], request: Request) -> tuple[list[list[Tensor]], Seams]:
    """The same, and how far tiles disagree, without a warning.

    Raises:
        I2IError: as `run`.
    """
    made = inputs[0].made
    names = [each.name for each in inputs for _ in each.stored]

    def part(cut: Sequence[Input]) -> list[Tensor]:
        fields, precision = unit_fields(model, cut, request), model.precision_of(made.kind)
        try:
            return forward(model, fields, names, request, precision)
        except NotImplementedError as error:  # a method may use what its device computes in fp32 only
            if precision == "fp32":
                raise
            if model.precision != "auto":
                raise I2IError(f"this method cannot be computed in {precision}: {error}") from error
            model.precision = "fp32"
            return forward(model, fields, names, request)

    with memory_told(inputs, request):
        cuts = cuts_for(model, inputs, request)
        if inputs[0].bands:
            results, seams = in_windows(inputs[0], part, cuts, request)
        elif cuts:
            results, seams = in_tiles(inputs, part, *cuts)
            request.check_samples(results)
        else:
            whole, seams = part(inputs), Seams()
            request.check_samples(whole)
            results = [from_unit(one, made.full, made.kind).to(inputs[0].stored.device) for one in whole]
    sizes = [len(each.stored) for each in inputs]
    shares = (torch.split(result, sizes) for result in results)
    return [list(own) for own in zip(*shares, strict=True)], seams


def unit_fields(model: Model, inputs: Sequence[Input], request: Request) -> dict[str, Tensor]:
    """What the networks see of inputs, before padding: pictures in [-1, 1], maps as they are."""
    stored = torch.cat([each.stored for each in inputs]).to(model.device)
    others = {
        name: torch.cat([each.others[name] for each in inputs]).to(model.device) for name in inputs[0].others
    }
    if request.field not in model.facts.maps:
        stored = convert(to_unit(stored, inputs[0].full), model.facts.channels[request.field])
    return {request.field: stored, **others}


def forward(
    model: Model, fields: Fields, names: Sequence[str], request: Request, precision: str = "fp32"
) -> list[Tensor]:
    """Every result of a batch, (N, C, H, W) in [-1, 1], of the size of its input.

    Args:
        model: the networks, and how they run.
        fields: as `unit_fields` gives them, or equal parts of each.
        names: of the files; random numbers belong to them.
        request: what is asked.
        precision: fp32 or bf16.

    Raises:
        I2IError: the method refuses the pictures.
    """
    height, width = fields[request.field].shape[-2:]
    needs = probe_of(model, request).needs
    padded = {name: pad(each, needs.multiple, needs.least) for name, each in fields.items()}
    shared = {name: each.expand(len(names), -1, -1, -1) for name, each in request.pictures.items()}
    results = []
    for controls, sample in request.cells():
        draws = request.draws(names, sample)
        mode, compiled = model.strategy.inference, model.compiled
        with model.lock, inference(model.net, mode, draws, precision=precision, compiled=compiled):
            try:
                made = model.strategy.translate(model.net, Batch({**padded, **shared}, draws), **controls)
            except ValueError as error:
                file = f"{names[0]}: " if names[0] else ""
                raise I2IError(
                    f"{file}a picture of {width}×{height} pixels cannot be translated: {error}"
                ) from error
        _check_size(made, padded[request.field])
        results.append(made[..., :height, :width].float())
    return results


def _check_size(made: Tensor, given: Tensor) -> None:
    """Refuse networks that make pictures of another size than they are given."""
    if made.shape[-2:] != given.shape[-2:]:
        came, went = (f"{each.shape[-1]}×{each.shape[-2]}" for each in (made, given))
        raise I2IError(
            f"the networks turn {went} pixels into {came}; they must keep the size, at some sizes at least"
        )
