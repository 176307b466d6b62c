"""A trained model: load it, give it pictures, get pictures of the same kind back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from i2i.core.batch import Batch, Draws, Parts, address
from i2i.core.check import validate
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, SpecError
from i2i.core.registry import Registry
from i2i.core.schema import Signature, read_signature
from i2i.core.strategy import Strategy
from i2i.data.images import decode
from i2i.data.pixels import to_tensor
from i2i.data.values import from_unit, to_unit
from i2i.engine import checkpoint
from i2i.engine.inference import inference
from i2i.engine.parallel import World, devices
from i2i.spec.assemble import build_parts, build_strategy, place
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec, resolve
from i2i.translate import padding

Picture = Image.Image | NDArray[Any] | Tensor
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
        stored = to_tensor(decode(Path(picture))) if isinstance(picture, (str, Path)) else _as_tensor(picture)
        full = value_range or self._full_range(stored, bool(name), values)
        batch = stored if stored.ndim == 4 else stored[None]
        result = torch.cat([self._one(one[None], full, values, address(seed, name)) for one in batch])
        made = from_unit(result, full, stored.dtype).to(stored.device)
        if out is not None:
            return write_picture(made[0], Path(out))
        return _like(picture, made if stored.ndim == 4 else made[0])

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
        picture = to_unit(_channels(stored, self.facts.channels[field]).to(self.device), full)
        height, width = picture.shape[-2:]
        draws = Draws(("translate", seed), [0])
        with inference(self.net, self.strategy.inference, draws):
            x = Batch({field: padding.pad(picture, self.multiple)}, draws)
            return self.strategy.translate(self.net, x, **controls)[..., :height, :width]

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
    registry = registry or discover().registry
    spec = resolve(folder / "spec.toml", registry)
    tensors, state = checkpoint.read(folder)
    facts = DataFacts(**_facts(state["data"]))
    net, _ = build_parts(spec.model_copy(update={"terms": {}}), registry, facts)
    for name, module in net.modules().items():
        entries = tensors.get(f"{name}.ema", tensors.get(name, {}))
        try:
            module.load_state_dict(entries)
        except RuntimeError as error:
            raise I2IError(f"{folder}: the weights of {name} do not fit its spec.toml: {error}") from error
    where = devices(World(), device)
    place(net, where, [])
    return Model(spec, build_strategy(spec, registry), net, facts, where)


def find_checkpoint(path: str) -> Path:
    """The checkpoint folder that a name means.

    Raises:
        I2IError: there is none; what there is instead is named.
    """
    run, at, which = path.rpartition("@") if "@" in Path(path).name else (path, "", "latest")
    folder = Path(run)
    if not at and (folder / checkpoint.STATE).is_file():
        return folder
    checkpoints = folder / "checkpoints"
    if not checkpoints.is_dir():
        raise I2IError(f"{folder}: this is neither a run folder nor a checkpoint")
    if which.isdigit():
        found = checkpoints / checkpoint.folder_name(int(which))
    else:
        pointer = checkpoints / which
        found = checkpoints / pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else pointer
    if not (found / checkpoint.STATE).is_file():
        there = sorted(p.name.removeprefix("step-").lstrip("0") for p in checkpoints.glob("step-*"))
        words = [name for name in ("latest", "best") if (checkpoints / name).is_file()]
        raise I2IError(
            f"{folder} has no checkpoint '{which}'; it has {', '.join([*words, *there]) or 'none yet'}"
        )
    return found


def _facts(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON kept them: lists become tuples."""
    ranges = {name: tuple(pair) for name, pair in stored["value_range"].items()}
    return {**stored, "fields": tuple(stored["fields"]), "value_range": ranges}


def _as_tensor(picture: Picture) -> Tensor:
    """A picture as (N×)C×H×W in its own type."""
    if isinstance(picture, Tensor):
        return picture
    if isinstance(picture, Image.Image):
        if picture.mode.startswith("I;16"):
            return torch.from_numpy(np.array(picture).astype(np.uint16))[None]
        plain = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
        picture = np.array(plain)
    array = np.ascontiguousarray(picture)
    if array.dtype.kind == "f":
        return torch.from_numpy(array)
    if array.dtype not in (np.uint8, np.uint16):
        raise I2IError(f"an array of {array.dtype} is no picture; use uint8, uint16 or floats in [0, 1]")
    if array.ndim not in (2, 3):
        raise I2IError(f"an array of shape {array.shape} is no picture; use H×W or H×W×C")
    return torch.from_numpy(array[None] if array.ndim == 2 else array.transpose(2, 0, 1).copy())


def _like(picture: str | Path | Picture, result: Tensor) -> Any:
    """A result as the kind of picture that came in."""
    if isinstance(picture, Tensor):
        return result
    if isinstance(picture, np.ndarray):
        if picture.dtype.kind == "f":
            return result.numpy().astype(picture.dtype)
        array = result.permute(1, 2, 0).numpy()
        return array[..., 0] if picture.ndim == 2 and array.shape[-1] == 1 else array
    return to_pil(result) if result.dtype == torch.uint8 else result.permute(1, 2, 0).numpy()


def to_pil(picture: Tensor) -> Image.Image:
    """(1 or 3, H, W), uint8, as a PIL image."""
    array = picture.permute(1, 2, 0).cpu().numpy()
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def write_picture(picture: Tensor, path: Path) -> Path:
    """Write (C, H, W) as a file of the type its suffix names; 16 bits as PNG.

    Raises:
        I2IError: the type cannot hold the picture, or the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if picture.dtype == torch.uint8:
            to_pil(picture).save(path)
        elif len(picture) == 1 and path.suffix.lower() in (".png", ".tif", ".tiff"):
            Image.fromarray(picture[0].cpu().numpy()).save(path)
        else:
            raise I2IError(
                f"{path}: a picture of {len(picture)} channels of {str(picture.dtype).removeprefix('torch.')} cannot be "
                "written to this type; 16 bits go to grey .png or .tif"
            )
    except (OSError, ValueError) as error:
        raise I2IError(f"{path}: the result could not be written ({error})") from error
    return path


def _channels(stored: Tensor, wanted: int) -> Tensor:
    """Grey becomes RGB by repetition, RGB becomes grey by luminance (ITU-R 601); other counts do not convert."""
    has = stored.shape[1]
    if has == wanted:
        return stored
    if has == 1 and wanted == 3:
        return stored.expand(-1, 3, -1, -1)
    if has == 3 and wanted == 1:
        weights = torch.tensor([0.299, 0.587, 0.114], device=stored.device).view(1, 3, 1, 1)
        return (stored.float() * weights).sum(1, keepdim=True)
    raise I2IError(f"the picture has {has} channels; this model takes {wanted}")
