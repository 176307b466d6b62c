"""How far exported generators are from the models: `python benchmarks/export_parity.py [--quick] [METHOD…]`.

Every method with its published networks, untrained: batch norm has the statistics of one batch, so that values are of a
usual size. Each is exported to .onnx and .pt2, and compared with the model on five random sizes (methods without an
input: five batches) of one to three pictures, with equal random numbers. Printed: a row for the table of
docs/export.md, the worst differences in units of [-1, 1]. `--quick` makes the networks small.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

import i2i
from i2i.core.registry import Registry
from i2i.nets.norms import BatchNorm
from i2i.spec.assemble import build_parts, build_source, build_strategy
from i2i.spec.spec import resolve
from i2i.translate.exporting.export import export
from i2i.translate.exporting.fixed import fields_of, fixed_request
from i2i.translate.exporting.rehearsal import random_fields
from i2i.translate.model import Model

NORMS = ("instance", "batch", "group", "none")
HEAD = "| method | generator | size | weights | .onnx | .pt2 |\n| --- | --- | --- | --- | --- | --- |"
# Strategy, generator (None: the published one), data, controls.
Row = tuple[str, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]


def main(*methods: str, quick: bool = False) -> None:
    registry = i2i.discover()
    torch.set_num_threads(2)
    print(HEAD)
    for method, strategy, data, controls in rows():
        if not methods or method in methods:
            small = {"width": 8} if quick and method not in ("gan", "cgan") else {}
            generator = {**strategy.get("generator", {}), **small}
            options = {**strategy, "generator": generator} if generator else strategy
            print(measured(registry, method, options, data, controls), flush=True)


def rows() -> Iterator[Row]:
    paired, images = {"layout": "paired", "size": 256}, {"layout": "images"}
    for norm in NORMS:
        yield "pix2pix", {"generator": {"name": "unet", "norm": norm}}, paired, {}
    for norm in NORMS:
        yield "pix2pix", {"generator": {"name": "resnet", "norm": norm}}, {**paired, "size": 128}, {}
    yield "cyclegan", {}, {"layout": "unpaired", "size": 256}, {}
    yield "bicyclegan", {}, paired, {}
    yield "stargan", {}, {"layout": "domains", "size": 128}, {"domain": "large"}
    yield "gan", {}, {**images, "size": 32}, {}
    yield "cgan", {}, {**images, "size": 32}, {"label": 1}
    yield "dcgan", {}, {**images, "size": 64}, {}
    yield "acgan", {}, {**images, "size": 32}, {"label": 1}
    yield "vaegan", {}, {**images, "size": 64}, {}
    yield "stylegan", {}, {**images, "size": 128}, {}
    yield "spade", {"perceptual": "l1"}, {"layout": "masks", "size": 256}, {}


def measured(
    registry: Registry,
    method: str,
    strategy: Mapping[str, Any],
    data: Mapping[str, Any],
    controls: Mapping[str, Any],
) -> str:
    """A row of the table."""
    model = untrained(registry, method, strategy, data, controls)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"model{kind}" for kind in (".onnx", ".pt2")]
        done = [export(model, file, controls, force=True) for file in files]
    generator = model.spec.strategy.options["generator"]
    norm = generator.options.get("norm")
    name = f"{generator.name}, {norm}" if norm else generator.name
    worst = " | ".join(f"{each.compared.worst:.1e}" for each in done)
    print(f"{method}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return f"| {method} | {name} | {model.facts.image_size} | {done[0].weights / 1e6:.1f} M | {worst} |"


def untrained(
    registry: Registry,
    method: str,
    strategy: Mapping[str, Any],
    data: Mapping[str, Any],
    controls: Mapping[str, Any],
) -> Model:
    """A model that was not trained."""
    torch.manual_seed(0)
    tables = {
        "strategy": {"name": method, **strategy},
        "data": {"name": "demo", "count": 4, "workers": 0, **data},
    }
    spec = resolve(tables, registry)
    facts = build_source(spec, registry).facts
    net, _ = build_parts(spec, registry, facts, losses_too=False)
    model = Model(spec, build_strategy(spec, registry), net, facts, torch.device("cpu"))
    measure_statistics(model, controls)
    return model


def measure_statistics(model: Model, controls: Mapping[str, Any]) -> None:
    """Give batch norm the statistics of one batch."""
    norms = [m for part in model.net.modules().values() for m in part.modules() if isinstance(m, BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    request = fixed_request(model, controls)
    shape = (2, model.facts.height, model.facts.image_size)
    fields = random_fields(model, fields_of(model, request.controls), shape, torch.Generator().manual_seed(0))
    (chosen,) = request.captions.values()
    draws = i2i.Draws(("statistics",), range(2))
    with torch.no_grad():
        model.strategy.translate(model.net, i2i.Batch({**fields, **request.pictures}, draws), **chosen)


if __name__ == "__main__":
    words = sys.argv[1:]
    main(*(word for word in words if word != "--quick"), quick="--quick" in words)
