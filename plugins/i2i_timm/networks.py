"""timm's networks by name, with what may go wrong in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

import i2i
from i2i_timm.options import Choice

WEIGHTS = "`weights` says where its weights come from"
STAGES = "`stages` says which of its maps are used"
OWN = "i2i decides that"
# What timm's factory takes beside the options of the network -> why it is refused. Its own reading of weights would
# run code from files, or fetch them unasked.
REFUSED = {
    **dict.fromkeys(("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path"), WEIGHTS),
    **dict.fromkeys(
        ("pretrained_strict", "pretrained_filter_fn", "pretrained_model_args", "cache_dir"), WEIGHTS
    ),
    **dict.fromkeys(("features_only", "out_indices", "feature_cls", "num_classes"), STAGES),
    **dict.fromkeys(("scriptable", "exportable", "no_jit", "device", "dtype"), OWN),
    "in_chans": "the pictures say it; set data.channels",
    "pruned": 'a pruned network has a name of its own: network = "ecaresnet50d_pruned"',
}


def known(network: str) -> dict[str, Any]:
    """What timm knows of a network: the size and the colours of its pictures, and where its weights are.

    Raises:
        ValueError: "network: sentence" with the nearest name.
    """
    import timm

    name, dot, tag = network.partition(".")
    if not timm.is_model(name):
        raise ValueError(f"network: timm has no '{network}'\n    {i2i.nearest(name, timm.list_models())}")
    tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
    if dot and tag not in tags:
        raise ValueError(f"network: timm has no weights '{tag}' of {name}\n    {i2i.nearest(tag, tags)}")
    config: Any = timm.get_pretrained_cfg(network)
    return dict(config.to_dict()) if config else {}


def built(
    network: str, options: Mapping[str, Any], stages: Sequence[int] = (), channels: int | None = None
) -> Any:
    """A network of timm, or some of its stages, for pictures of so many channels; None are those it was made for.

    Raises:
        ValueError: "option: sentence": timm does not know it, or cannot make it so.
    """
    import timm

    known(network)
    for name in sorted(REFUSED.keys() & options.keys()):
        raise ValueError(f"network_options: '{name}' cannot be set here: {REFUSED[name]}")
    wanted = {"features_only": True, "out_indices": tuple(stages)} if stages else {"num_classes": 0}
    try:
        return timm.create_model(network, in_chans=channels, **wanted, **options)
    except TypeError as error:
        raise ValueError(f"network_options: timm's {network} does not take them: {error}") from error
    except (RuntimeError, AssertionError, AttributeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"network: timm cannot make features of '{network}': {why}") from error


def outline(network: str, options: Mapping[str, Any]) -> Any:
    """A whole network of timm for the names and shapes of its weights, without memory for them where timm can.

    Raises:
        ValueError: "option: sentence": timm does not know it, or cannot make it so.
    """
    try:
        with torch.device("meta"):
            return built(network, options)
    except ValueError:  # older versions of timm read numbers of tensors while they build some networks
        return built(network, options)


def stages_of(choice: Choice, count: int, last: int | None) -> tuple[int, ...]:
    """The stages that are meant: those asked for, or the `last` of the `count` that there are, or all.

    Raises:
        ValueError: "stages: sentence", there are no such stages.
    """
    if choice.stages == "auto":
        return tuple(range(max(0, count - (last or count)), count))
    stages = tuple(choice.stages)
    if stages != tuple(sorted({*stages})) or stages[-1] >= count:
        raise ValueError(
            f"stages: timm's {choice.network} has 0 to {count - 1}; name some of them, each once and in this order, "
            f"got {list(stages)}"
        )
    return stages
