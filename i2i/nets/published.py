"""Networks of the pytorch-CycleGAN-and-pix2pix project, known by the names and shapes of their tensors.

Each reader says which network of ours a file of weights holds, and which of its tensors is which. The names follow from
the project's nested `nn.Sequential`s; several others have kept them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from i2i.core.errors import I2IError
from i2i.nets.options import NormName

Shapes = Mapping[str, tuple[int, ...]]
"""The shapes of the tensors of a file, by their names."""

WEIGHT, BOTH = ("weight",), ("weight", "bias")
BATCH = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
DROPOUT = 0.5  # the only rate that the project has
BLURRED = (
    "this network blurs where it halves or doubles the size (anti-aliasing, as in CUT); its tensors have the shapes of "
    "one with strides, but with them it would paint other pictures, and i2i has no such network"
)


@dataclass(frozen=True, kw_only=True)
class PublishedNetwork:
    """A network that a file of weights holds.

    Attributes:
        component: its name among our components.
        options: of that component, as far as the weights tell them.
        in_channels: channels of its input.
        out_channels: channels of its output.
        keys: their name of a tensor -> ours, for all that it must have.
        image_size: side in pixels of the pictures it was made for, where the layout tells.
    """

    component: str
    options: Mapping[str, Any]
    in_channels: int
    out_channels: int
    keys: Mapping[str, str]
    image_size: int | None = None

    @property
    def table(self) -> dict[str, Any]:
        """The component as a spec writes it."""
        return {"name": self.component, **self.options}


def read_unet(shapes: Shapes) -> PublishedNetwork | None:
    """The U-Net of pix2pix in our words, or None; whether it had dropout is not in its weights."""
    if not _kernel(shapes, "model.model.0", 4) or not _kernel(shapes, "model.model.1.model.1", 4):
        return None
    out = shapes.get("model.model.3.weight", ())
    if len(out) != 4:
        return None
    names, depth = unet_names(shapes)
    theirs = {ours: name for name, ours in names.items()}
    norm = _norm(shapes, theirs["up.1.conv"], theirs["up.1.norm"])
    keys: dict[str, str] = {}
    for name, ours in names.items():
        if ours.endswith(".norm"):
            keys |= _batch_norm(name, ours, norm)
        else:
            keys |= _layer(name, ours, bias=norm == "instance" or ours == "up.0.conv")
    width, channels, *_ = shapes["model.model.0.weight"]
    return PublishedNetwork(
        component="unet",
        options={"width": width, "depth": depth, "norm": norm},
        in_channels=channels,
        out_channels=out[1],
        keys=keys,
        image_size=2**depth if depth in (7, 8) else None,  # unet_128 and unet_256
    )


def unet_names(shapes: Shapes, shift: int = 0) -> tuple[dict[str, str], int]:
    """What the layers of a U-Net whose levels are nested are called, their name -> ours; and its depth.

    `shift` is the number of layers that stand between an activation and its convolution on the way up.
    """
    prefixes = ["model.model.1.model."]
    while f"{prefixes[-1]}3.model.1.weight" in shapes:
        prefixes.append(f"{prefixes[-1]}3.model.")
    names = {"model.model.0": "down.0.conv", f"model.model.{3 + shift}": "up.0.conv"}
    for level, prefix in enumerate(prefixes, start=1):
        innermost = level == len(prefixes)
        up = (3 if innermost else 5) + shift
        names |= {
            f"{prefix}1": f"down.{level}.conv",
            f"{prefix}{up}": f"up.{level}.conv",
            f"{prefix}{up + 1}": f"up.{level}.norm",
        }
        if not innermost:
            names[f"{prefix}2"] = f"down.{level}.norm"
    return names, 1 + len(prefixes)


def read_resnet(shapes: Shapes) -> PublishedNetwork | None:
    """The ResNet of CycleGAN in our words, or None.

    Raises:
        I2IError: it is one with blur in place of strides: another network whose tensors have the same shapes.
    """
    first = _kernel(shapes, "model.10.conv_block.1", 3)
    # Two layers of blur may precede the blocks.
    shifted = not first and _kernel(shapes, "model.12.conv_block.1", 3)
    if shifted or (any(".conv_block." in key for key in shapes) and _has_filters(shapes)):
        raise I2IError(BLURRED)
    if not first or not _kernel(shapes, "model.1", 7):
        return None
    blocks = 1
    while f"model.{10 + blocks}.conv_block.1.weight" in shapes:
        blocks += 1
    if not _kernel(shapes, f"model.{17 + blocks}", 7):
        return None
    norm = _norm(shapes, "model.1", "model.2")
    dropout = _kernel(shapes, "model.10.conv_block.6", 3)
    keys = _layer(f"model.{17 + blocks}", "head", bias=True)
    for conv, conv_norm, ours in _resnet_names(blocks, second=6 if dropout else 5):
        keys |= _layer(conv, f"{ours}.conv", bias=norm == "instance")
        keys |= _batch_norm(conv_norm, f"{ours}.norm", norm)
    width, channels, *_ = shapes["model.1.weight"]
    return PublishedNetwork(
        component="resnet",
        options={"width": width, "blocks": blocks, "norm": norm, "dropout": DROPOUT if dropout else 0.0},
        in_channels=channels,
        out_channels=shapes[f"model.{17 + blocks}.weight"][0],
        keys=keys,
    )


def read_patch(shapes: Shapes) -> PublishedNetwork | None:
    """The PatchGAN in our words, or None.

    Raises:
        I2IError: it is one with blur in place of strides: another network whose tensors have the same shapes.
    """
    if not _kernel(shapes, "model.0", 4):
        return None
    if _has_filters(shapes) or _kernel(shapes, "model.3", 4):
        raise I2IError(BLURRED)
    layers = 0
    while _kernel(shapes, f"model.{2 + 3 * layers}", 4):
        layers += 1
    last = f"model.{3 * layers - 1}"
    if layers < 2 or shapes[f"{last}.weight"][0] != 1:
        return None
    norm = _norm(shapes, "model.2", "model.3")
    keys = _layer("model.0", "body.0.conv", bias=True)
    for layer in range(1, layers):
        keys |= _layer(f"model.{3 * layer - 1}", f"body.{layer}.conv", bias=norm == "instance")
        keys |= _batch_norm(f"model.{3 * layer}", f"body.{layer}.norm", norm)
    keys |= _layer(last, "head", bias=True)
    width, channels, *_ = shapes["model.0.weight"]
    return PublishedNetwork(
        component="patch",
        options={"width": width, "layers": layers - 1, "norm": norm},
        in_channels=channels,
        out_channels=1,
        keys=keys,
    )


def read_pixel(shapes: Shapes) -> PublishedNetwork | None:
    """The discriminator of single pixels in our words, or None."""
    if not all(_kernel(shapes, f"net.{index}", 1) for index in (0, 2, 5)):
        return None
    norm = _norm(shapes, "net.2", "net.3")
    bias = norm == "instance"
    keys = _layer("net.0", "body.0.conv", bias=True) | _layer("net.2", "body.1.conv", bias=bias)
    keys |= _batch_norm("net.3", "body.1.norm", norm) | _layer("net.5", "head", bias=bias)
    width, channels, *_ = shapes["net.0.weight"]
    return PublishedNetwork(
        component="pixel",
        options={"width": width, "norm": norm},
        in_channels=channels,
        out_channels=1,
        keys=keys,
    )


def _has_filters(shapes: Shapes) -> bool:
    """Whether there are the fixed kernels that blur."""
    return any(key.endswith(".filt") for key in shapes)


def _kernel(shapes: Shapes, name: str, size: int) -> bool:
    """Whether a tensor is the weight of a convolution by a square of that size."""
    shape = shapes.get(f"{name}.weight", ())
    return len(shape) == 4 and shape[2:] == (size, size)


def _norm(shapes: Shapes, conv: str, norm: str) -> NormName:
    """The norm behind a hidden convolution, which has a bias before instance norm only."""
    if f"{norm}.weight" in shapes:
        return "batch"
    return "instance" if f"{conv}.bias" in shapes else "none"


def _layer(theirs: str, ours: str, *, bias: bool) -> dict[str, str]:
    return {f"{theirs}.{name}": f"{ours}.{name}" for name in (BOTH if bias else WEIGHT)}


def _batch_norm(theirs: str, ours: str, norm: NormName) -> dict[str, str]:
    return {f"{theirs}.{name}": f"{ours}.{name}" for name in BATCH} if norm == "batch" else {}


def _resnet_names(blocks: int, *, second: int) -> Iterator[tuple[str, str, str]]:
    """Convolution, norm, and our name of the two; `second` is the place of a block's second convolution."""
    up = 10 + blocks
    for place, ours in ((1, "stem"), (4, "down.0"), (7, "down.1"), (up, "up.0"), (up + 3, "up.1")):
        yield f"model.{place}", f"model.{place + 1}", ours
    for block in range(blocks):
        inside = f"model.{10 + block}.conv_block."
        yield f"{inside}1", f"{inside}2", f"body.{block}.first"
        yield f"{inside}{second}", f"{inside}{second + 1}", f"body.{block}.second"
