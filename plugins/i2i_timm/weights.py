"""Where the published weights of a network of timm come from: a file, or the hub where that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from torch import Tensor, nn

from i2i_timm.options import Start

HUB = "huggingface.co"
FILE = "model.safetensors"


def tensors_of(network: str, config: Mapping[str, Any], weights: Start) -> dict[str, Tensor]:
    """The published tensors of a network, without the layers that tell classes apart.

    Args:
        network: what timm calls it.
        config: what timm knows of its weights.
        weights: a file, or "download".

    Raises:
        ValueError: "weights: sentence", they cannot be had.
    """
    path = weights if isinstance(weights, Path) else _fetched(network, config)
    heads = config.get("classifier") or ()
    dropped = tuple(f"{head}." for head in ([heads] if isinstance(heads, str) else heads))
    return {name: tensor for name, tensor in _read(path) if not (dropped and name.startswith(dropped))}


def missing(network: str, config: Mapping[str, Any]) -> str:
    """That frozen features need published weights, and where these are."""
    return (
        f"weights: the features of timm's {network} are frozen here and mean nothing without its published weights; "
        f'{_fetch(network, config)}, give weights = "download", or, for trials, weights = "random"'
    )


def check_names(network: str, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """See that a file holds all weights of a network and no others: timm would pass over what does not fit.

    Raises:
        ValueError: "weights: sentence", it is the file of another network.
    """
    # Batch norms of older files do not count their batches.
    needed = [name for name in wanted if not name.endswith("num_batches_tracked")]
    faults = [f"it lacks {name}" for name in needed if name not in given]
    faults += [f"{name} has no place in it" for name in given if name not in wanted]
    faults += [
        f"{name} has another shape"
        for name in needed
        if name in given and given[name].shape != wanted[name].shape
    ]
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise ValueError(f"weights: these are not the weights of timm's {network}: {faults[0]}{more}")


def fill(stages: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give stages of a network their share of its published tensors.

    timm may wrap what it cuts a network into (`model.blocks.0`), and flattens the names of sequences (`stages_0`).
    """
    from timm.models import adapt_input_conv

    flat = {_flat(name): tensor for name, tensor in tensors.items()}
    found = {}
    for name, own in stages.state_dict().items():
        names = (_flat(name), _flat(name.partition(".")[2]))
        value = next((flat[each] for each in names if each in flat), None)
        if value is None and name.endswith("num_batches_tracked"):
            value = own
        if value is None:
            raise ValueError(f"weights: the file has nothing for {name} of these features")
        found[name] = value if value.shape == own.shape else adapt_input_conv(own.shape[1], value)
    stages.load_state_dict(found)


def _flat(name: str) -> str:
    return name.replace(".", "_")


def _read(path: Path) -> Iterator[tuple[str, Tensor]]:
    if path.suffix != ".safetensors":
        raise ValueError(f"weights: {path} is no .safetensors file; timm publishes its networks as {FILE}")
    try:
        # `tensor` and not torch's own reader: a rehearsal without memory gets tensors of its kind.
        yield from ((name, torch.tensor(values)) for name, values in load_file(path).items())
    except FileNotFoundError:
        raise ValueError(f"weights: there is no file {path}") from None
    except (OSError, SafetensorError) as error:
        raise ValueError(f"weights: {path} is not a safetensors file") from error
    except TypeError as error:
        raise ValueError(
            f"weights: {path} is of a type of numbers that cannot be read; store fp32"
        ) from error


def _fetch(network: str, config: Mapping[str, Any]) -> str:
    if home := config.get("hf_hub_id"):
        return f'fetch {FILE} from {HUB}/{home} and give weights = "{FILE}"'
    return f"timm publishes none of {network}: give weights = PATH, a .safetensors file of your own"


def _fetched(network: str, config: Mapping[str, Any]) -> Path:
    """The file of the hub, or of its cache."""
    hub: Any = import_module("huggingface_hub")
    errors: Any = import_module("huggingface_hub.errors")
    home = config.get("hf_hub_id")
    if not home:
        raise ValueError(f"weights: {_fetch(network, config)}")
    if isinstance(held := hub.try_to_load_from_cache(home, FILE), str):
        return Path(held)
    try:
        hub.HfApi().model_info(home, timeout=10)  # unlike a download, this gives up at once without a network
        return Path(hub.hf_hub_download(home, FILE))
    except (OSError, errors.HTTPError) as error:
        raise ValueError(
            f"weights: {HUB}/{home} cannot be had, and was not fetched before; {_fetch(network, config)}"
        ) from error
