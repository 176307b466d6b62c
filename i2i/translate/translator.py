"""A trained model: load it, give it pictures, get pictures of the same kind back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from i2i.core.batch import Batch, Draws, Parts, address
from i2i.core.check import validate
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, SpecError, nearest
from i2i.core.registry import Registry
from i2i.core.schema import Signature, read_signature
from i2i.core.strategy import Strategy
from i2i.data.images import read_image
from i2i.data.values import from_unit, to_unit
from i2i.engine import checkpoint
from i2i.engine.inference import inference
from i2i.engine.parallel import World, devices
from i2i.spec.assemble import build_parts, build_strategy, place
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec, resolve
from i2i.translate import padding
from i2i.translate.pictures import Picture, as_tensor, convert, like, write_picture

FULL: Mapping[torch.dtype, tuple[float, float]] = {torch.uint8: (0, 255), torch.uint16: (0, 65535)}


class Model:
    """Networks, pre-processing, value range, norm and dropout mode of a finished run; inference only.

    `load` makes one.
    """

    def __init__(
        self, spec: Spec, strategy: Strategy, net: Parts, facts: DataFacts, device: torch.device
    ) -> None:
        self.spec, self.strategy, self.net, self.facts, self.device = spec, strategy, net, facts, device
        self.multiple = padding.multiple_of(list(net.modules().values()))

    @property
    def controls(self) -> Signature:
        """The keyword-only parameters of the strategy's `translate`."""
        return read_signature(self.strategy.translate)

    def translate(
        self,
        picture: str | Path | Picture,
        *,
        out: str | Path | None = None,
        seed: int = 0,
        value_range: tuple[float, float] | None = None,
        **controls: Any,
    ) -> Any:
        """Translate one picture, of any size, or a batch of float arrays or tensors.

        Args:
            picture: a path, a PIL image, an array or a tensor. Whole-number arrays are H×W or H×W×C in the range of
                their type; float arrays and all tensors are (N×)C×H×W, in [0, 1] unless `value_range` says otherwise.
            out: write the result there and return the path.
            seed: of the random numbers of methods that draw some; they belong to the picture.
            value_range: of float arrays and tensors.
            controls: what the strategy's `translate` takes, `back=True` for example.

        Returns:
            The same kind: a PIL image for a path or a PIL image (an array where the file has more than 8 bits), an
            array for an array, a tensor for a tensor.

        Raises:
            I2IError: the picture cannot be read, has the wrong number of channels, or a control is unknown.
        """
        values = self.check(controls)
        name = Path(picture).name if isinstance(picture, (str, Path)) else ""
        stored = read_image(Path(picture)) if isinstance(picture, (str, Path)) else as_tensor(picture)
        full = value_range or self._full_range(stored, bool(name), values)
        batch = stored if stored.ndim == 4 else stored[None]
        result = torch.cat([self._one(one[None], full, values, address(seed, name)) for one in batch])
        made = from_unit(result, full, stored.dtype).to(stored.device)
        if out is not None:
            if len(made) > 1:
                raise I2IError(f"{out}: a file holds one picture, not the {len(made)} of a batch")
            return write_picture(made[0], Path(out))
        return like(picture, made if stored.ndim == 4 else made[0])

    def _full_range(
        self, stored: Tensor, from_file: bool, controls: Mapping[str, Any]
    ) -> tuple[float, float]:
        """The values that stand for black and white; files of floats have those of the training pictures."""
        (field, *_) = self.strategy.takes(controls)
        unknown = self.facts.value_range[field] if from_file else (0.0, 1.0)
        return FULL.get(stored.dtype, unknown)

    def _one(
        self, stored: Tensor, full: tuple[float, float], controls: Mapping[str, Any], seed: int
    ) -> Tensor:
        """One picture: the range of networks, padding, the strategy, and back to the picture's size."""
        (field, *_) = self.strategy.takes(controls)
        picture = to_unit(convert(stored, self.facts.channels[field]).to(self.device), full)
        height, width = picture.shape[-2:]
        draws = Draws(("translate", seed), [0])
        with inference(self.net, self.strategy.inference, draws):
            x = Batch({field: padding.pad(picture, self.multiple)}, draws)
            try:
                return self.strategy.translate(self.net, x, **controls)[..., :height, :width]
            except ValueError as error:
                raise I2IError(
                    f"a picture of {width}×{height} pixels cannot be translated: {error}"
                ) from error

    def check(self, controls: Mapping[str, Any]) -> dict[str, Any]:
        """Controls with their defaults.

        Raises:
            SpecError: an unknown control or a value of the wrong type.
        """
        values, problems = validate(
            self.controls.options, controls, "control", f"strategy '{self.spec.strategy.name}'"
        )
        if problems:
            raise SpecError(problems)
        return values


def load(path: str | Path, *, registry: Registry | None = None, device: str = "auto") -> Model:
    """Load a run folder, `RUN@best`, `RUN@4000`, or a checkpoint folder; averaged weights where they exist.

    Args:
        path: what to load.
        registry: the components; None looks for what is installed.
        device: auto, cpu, cuda, cuda:1 or mps.

    Raises:
        I2IError: there is no such checkpoint, it is damaged, or a plug-in that it needs is missing.
    """
    folder = find_checkpoint(str(path))
    registry = registry or discover()
    tensors, state = checkpoint.read(folder)
    try:
        spec = resolve(folder / "spec.toml", registry)
    except SpecError as error:
        raise _with_plugin_files(error, state, registry) from error
    facts = DataFacts(**_facts(state["data"]))
    net, _ = build_parts(spec.model_copy(update={"terms": {}}), registry, facts)
    for name, module in net.modules().items():
        entries = tensors.get(f"{name}.ema", tensors.get(name, {}))
        fill(module, entries, f"{folder}: the weights of {name} do not fit its spec.toml")
    try:
        where = devices(World(), device)
    except I2IError as error:
        raise I2IError(str(error).removeprefix("train.")) from error
    place(net, where, [])
    return Model(spec, build_strategy(spec, registry), net, facts, where)


def fill(module: nn.Module, weights: Mapping[str, Tensor], otherwise: str) -> None:
    """Give a part its weights.

    Raises:
        I2IError: they do not fit; the sentence starts with `otherwise`.
    """
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        raise I2IError(f"{otherwise}: {mismatch(error)}") from error


def mismatch(error: Exception) -> str:
    """The first of the many things that torch finds wrong with weights, and how many more there are."""
    first, *more = str(error).splitlines()[1:] or [str(error)]
    return f"{first.strip()} (and {len(more)} more)" if more else first.strip()


def find_checkpoint(path: str) -> Path:
    """The checkpoint folder that a name means.

    Raises:
        I2IError: there is none; what there is instead is named.
    """
    named = "@" in Path(path).name and not Path(path).is_dir()
    run, at, which = path.rpartition("@") if named else (path, "", "latest")
    folder = Path(run)
    if not at and (folder / checkpoint.STATE).is_file():
        return folder
    checkpoints = folder / "checkpoints"
    if not checkpoints.is_dir():
        near = nearest(folder.name, _folders(folder.parent)) if folder.parent.is_dir() else ""
        raise I2IError(f"{folder}: this is neither a run folder nor a checkpoint\n    {near}".rstrip())
    if which.isdigit():
        found = checkpoints / checkpoint.folder_name(int(which))
    else:
        pointer = checkpoints / which
        found = checkpoints / pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else pointer
    if not (found / checkpoint.STATE).is_file():
        steps = sorted(int(p.name.removeprefix("step-")) for p in checkpoints.glob("step-*"))
        words = [name for name in ("latest", "best") if (checkpoints / name).is_file()]
        raise I2IError(
            f"{folder} has no checkpoint '{which}'; it has {', '.join([*words, *map(str, steps)]) or 'none yet'}"
        )
    return found


def _with_plugin_files(error: SpecError, state: Mapping[str, Any], registry: Registry) -> I2IError:
    """An error of a run that was made with plug-in files which are not loaded now."""
    files = [
        file
        for file, digest in state.get("plugin_files", {}).items()
        if digest not in registry.files.values()
    ]
    if not files:
        return error
    flags = " ".join(f"--plugin {file}" for file in files)
    return I2IError(f"{error}\n  this run was made with plug-in files; load them again: i2i {flags} …")


def _folders(above: Path) -> list[str]:
    return [path.name for path in above.iterdir() if path.is_dir()]


def _facts(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON kept them: lists become tuples."""
    ranges = {name: tuple(pair) for name, pair in stored["value_range"].items()}
    groups = {name: tuple(map(tuple, stored.get(name, ()))) for name in ("exclusive", "sets")}
    names = {name: tuple(stored.get(name, ())) for name in ("fields", "domains")}
    return {**stored, **names, **groups, "value_range": ranges}
