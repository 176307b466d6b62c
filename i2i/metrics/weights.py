"""Weights of the networks that metrics look through: from files, downloads, or random where asked for by name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.error import HTTPError
from urllib.parse import urlsplit

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from i2i.core.words import and_more

Weights = Path | Literal["download", "random"] | None
DIGITS = 16  # of a fingerprint: enough to tell weights apart, and short enough to compare by eye


def read(path: Path, option: str, made_by: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file; `made_by` says where such a file comes from.

    Raises:
        ValueError: there is none, or it is another kind of file.
    """
    if path.suffix != ".safetensors":
        raise ValueError(f"{option}: {path} is no .safetensors file; {made_by}")
    try:
        return load_file(path)
    except FileNotFoundError:
        raise ValueError(f"{option}: there is no file {path}; {made_by}") from None
    except (OSError, SafetensorError) as error:
        raise ValueError(f"{option}: {path} is not a safetensors file; {made_by}") from error


def fill(network: nn.Module, tensors: Mapping[str, Tensor], option: str, what: str) -> None:
    """Load the weights of a network, all of them and nothing else; `what` names it.

    Raises:
        ValueError: they are those of another one.
    """
    wanted = {name: tensor.shape for name, tensor in network.state_dict().items()}
    # Batch norms of older files do not count their batches; nothing that judges reads the counter.
    counters = {name: torch.tensor(0) for name in wanted if name.endswith("num_batches_tracked")}
    given = {**counters, **tensors}
    faults = [f"it lacks {name}" for name in wanted if name not in given]
    faults += [f"{name} has no place in it" for name in given if name not in wanted]
    faults += [
        f"{name} has another shape" for name in wanted if name in given and given[name].shape != wanted[name]
    ]
    if faults:
        raise ValueError(
            f"{option}: these are not the weights of {what}: {faults[0]}{and_more(len(faults) - 1)}"
        )
    network.load_state_dict(given)


def fingerprint(network: nn.Module) -> str:
    """The start of the sha256 of all weights: the same for the same weights, wherever they came from."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if tensor.is_floating_point():
            values = tensor.detach().cpu().float().contiguous()
            digest.update(f"{name} {tuple(values.shape)} ".encode())
            digest.update(values.numpy().astype("<f4").tobytes())
    return f"sha256:{digest.hexdigest()[:DIGITS]}"


def download(url: str, instead: str) -> dict[str, Tensor]:
    """A file of weights from its maker, or from torch's cache, with the hash that its name tells.

    Raises:
        ValueError: it cannot be reached, or is another file; `instead` says what to do.
    """
    try:
        tensors: dict[str, Tensor] = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", check_hash=True, weights_only=True, progress=False
        )
    except HTTPError as error:
        raise ValueError(f"weights: {url} answers {error.code} ({error.reason}); {instead}") from error
    except OSError as error:
        raise ValueError(
            f"weights: {urlsplit(url).netloc} cannot be reached, and nothing was fetched from there before; {instead}"
        ) from error
    except RuntimeError as error:
        raise ValueError(f"weights: {url} is not the file that it was; {instead}") from error
    return tensors
