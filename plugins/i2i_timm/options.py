"""Options that everything made of a network of timm shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

Network = Annotated[str, Field(description='what timm calls the network: "resnet18", "resnet18.a1_in1k"')]
Stages = Annotated[
    Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] | Literal["auto"],
    Field(description="which of its feature stages are used; the first is 0"),
]
Start = Path | Literal["download", "random"]
Weights = Annotated[
    Start, Field(description='a .safetensors file of timm, "download", or "random": as timm draws them')
]
FrozenWeights = Annotated[
    Start | None,
    Field(description='a .safetensors file of timm, or "download"; "random" for trials'),
]
Options = dict[str, bool | int | float | str]
NetworkOptions = Annotated[
    Options | None, Field(description="what timm builds it with besides: { drop_path_rate = 0.1 }")
]


@dataclass(frozen=True)
class Choice:
    """Which network of timm, which of its stages, and its weights."""

    network: str
    stages: tuple[int, ...] | Literal["auto"]
    weights: Start | None
    options: Mapping[str, bool | int | float | str] = field(default_factory=dict)
