"""timm's networks by name, with what may go wrong in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import i2i
from i2i_timm.options import Choice


def known(network: str) -> dict[str, Any]:
    """What timm knows of a network: the size and the colours of its pictures, and where its weights are.

    Raises:
        ValueError: "network: sentence" with the nearest name.
    """
    import timm

    name, _, tag = network.partition(".")
    if not timm.is_model(name):
        raise ValueError(f"network: timm has no '{network}'\n    {i2i.nearest(name, timm.list_models())}")
    tags = [each.partition(".")[2] for each in timm.list_pretrained(f"{name}.*")]
    if tag and tag not in tags:
        raise ValueError(f"network: timm has no weights '{tag}' of {name}\n    {i2i.nearest(tag, tags)}")
    config: Any = timm.get_pretrained_cfg(network)
    return dict(config.to_dict()) if config else {}


def built(network: str, options: Mapping[str, Any], stages: Sequence[int] = ()) -> Any:
    """A network of timm, or some of its stages.

    Raises:
        ValueError: "option: sentence": timm does not know it, or cannot make it so.
    """
    import timm

    known(network)
    wanted = {"features_only": True, "out_indices": tuple(stages)} if stages else {"num_classes": 0}
    try:
        return timm.create_model(network, **wanted, **options)
    except TypeError as error:
        raise ValueError(f"network_options: timm's {network} does not take them: {error}") from error
    except (RuntimeError, AssertionError, AttributeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"network: timm cannot make features of '{network}': {why}") from error


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
