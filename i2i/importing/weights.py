"""A file of another project's weights, read without running anything that it may hold."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from i2i.core.errors import I2IError, nearest
from i2i.core.words import and_more, by_shape, listed

WRAPPERS = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put in front of every name
MEAN, COUNTER = ".running_mean", ".num_batches_tracked"
STATISTICS = (MEAN, ".running_var", COUNTER)
SHOWN = 6


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.pth` file by name, as its network would save them today.

    Names lose what wrappers put in front; statistics of norms that never had any weights are dropped, and the counter
    that old batch norms lack is added, as PyTorch did when it read such files.

    Raises:
        I2IError: it is not there, or holds anything but the tensors of one network, all finite.
    """
    weights = _tensors(path, _read(path))
    for prefix in (*WRAPPERS, *WRAPPERS):  # either may be outside
        if all(key.startswith(prefix) for key in weights):
            weights = {key.removeprefix(prefix): tensor for key, tensor in weights.items()}
    weights = {key: tensor for key, tensor in weights.items() if not _stale(key, weights)}
    if broken := [key for key, tensor in weights.items() if not tensor.isfinite().all()]:
        raise I2IError(
            f"{path}: {broken[0]}{and_more(len(broken) - 1)} holds values that are not finite; the training has failed"
        )
    normed = [key.removesuffix(MEAN) for key in weights if key.endswith(MEAN)]
    return {
        **weights,
        **{key: torch.tensor(0) for layer in normed if (key := f"{layer}{COUNTER}") not in weights},
    }


def _stale(key: str, weights: Mapping[str, Tensor]) -> bool:
    """Whether this is a statistic of a norm without weights: PyTorch kept it until 0.4, and nothing reads it."""
    return key.endswith(STATISTICS) and f"{key.rpartition('.')[0]}.weight" not in weights


def _read(path: Path) -> Any:
    if not path.is_file():
        if path.is_dir():
            raise I2IError(f"{path}: this is a folder; name the files of weights in it")
        there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise I2IError(f"{path}: there is no such file\n    {nearest(path.name, there)}")
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about formats that are refused below
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except MemoryError:
            raise
        except Exception as error:  # a file of any other kind fails in any way
            raise I2IError(f"{path}: {_refusal(path, error)}") from error


def _refusal(path: Path, error: Exception) -> str:
    """Why a file was not read, from what torch says."""
    said = str(error)
    if not path.stat().st_size:
        return "this file is empty"
    if path.suffix == ".safetensors":
        return "this is a safetensors file; i2i imports what torch.save has written (.pth, .pt, .ckpt)"
    if found := re.search(r"GLOBAL (\w[\w.]*)", said):
        return (
            f"this file holds Python objects ({found[1]}); reading them would run code of the file, which i2i never "
            "does. Where you trust it, save the weights alone: torch.save(network.state_dict(), …)"
        )
    if "TorchScript" in said:
        return "this file holds a TorchScript program; i2i reads weights: torch.save(program.state_dict(), …)"
    if isinstance(error, OSError) or "EOF" in said or "corrupted" in said:
        return "this file is damaged or incomplete; fetch it again"
    return "this is not a file of weights that PyTorch has written"


def _tensors(path: Path, held: Any) -> dict[str, Tensor]:
    if not isinstance(held, Mapping):
        raise I2IError(f"{path}: this file holds {_kind(held)}, not the tensors of a network by name")
    inner = {key: value for key, value in held.items() if isinstance(value, Mapping)}
    if inner:
        network = next((key for key, value in inner.items() if _is_network(value)), None)
        where = "…" if network is None else repr(network)
        raise I2IError(
            f"{path}: this is the state of a training, not a network: it holds {listed([*map(str, held)], SHOWN)}; "
            f"save the weights of one network alone: torch.save(torch.load(…)[{where}], …)"
        )
    odd = {str(key): value for key, value in held.items() if not _is_plain(value)}
    if odd:
        key, value = next(iter(odd.items()))
        raise I2IError(
            f"{path}: these are not the tensors of a network by name: '{key}' holds {_kind(value)}; "
            "save the weights alone: torch.save(network.state_dict(), …)"
        )
    if not held:
        raise I2IError(f"{path}: this file holds no tensors")
    return {str(key): tensor for key, tensor in held.items()}


def _is_plain(value: Any) -> bool:
    """Whether this is a tensor whose values are all in the file: a few bytes can claim a view of any size."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized:
        return False
    return (
        value.device.type == "cpu"
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )


def _kind(value: Any) -> str:
    if not isinstance(value, Tensor):
        return f"a value of type {type(value).__name__}"
    return (
        "one tensor" if _is_plain(value) else f"a tensor without values of its own, {by_shape(value.shape)}"
    )


def _is_network(value: Mapping[Any, Any]) -> bool:
    return bool(value) and all(isinstance(tensor, Tensor) for tensor in value.values())
