"""What the published recipes of this package have in common, and how they shrink to the demo set."""

from collections.abc import Mapping
from typing import Any

from i2i.nets import InitName


def published(size: int, epochs: int, init: InitName) -> dict[str, Any]:
    """Adam as in all of them, at a size of pictures, for some epochs, from weights of that kind."""
    return {
        "data": {"name": "images", "size": size},
        "optimizers": {"default": {"name": "adam", "lr": 2e-4, "betas": (0.5, 0.999)}},
        "schedule": {"name": "constant"},
        "train": {"epochs": epochs, "batch": 64, "init": {"name": init, "gain": 0.02}},
    }


def on_demo(strategy: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """A few minutes on small pictures of shapes."""
    return {
        "strategy": strategy,
        "data": {
            "name": "demo",
            "layout": "images",
            "count": 1000,
            "size": 32,
            "load_size": 32,
            "workers": 0,
        },
        "train": {
            "epochs": None,
            "steps": steps,
            "batch": 32,
            "ema": {"G": 0.99},
            "log_every": 25,
            "sample_every": 250,
            "validate_every": 250,
            "checkpoint_every": 250,
        },
    }
