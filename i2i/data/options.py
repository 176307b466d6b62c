"""The options that all data sets share, with their limits and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

Root = Annotated[Path, Field(description="folder of the data set, relative to the spec")]
Split = Annotated[str, Field(min_length=1, description="part of the data set to train on")]
Size = Annotated[int, Field(ge=1, description="side in pixels of what the network sees")]
LoadSize = Annotated[
    Annotated[int, Field(ge=1)] | Literal["auto"],
    Field(description='side that pictures are resized to before the random crop; "auto" is 286/256 of size'),
]
Flip = Annotated[bool, Field(description="mirror half of the pictures")]
CentreCrop = Annotated[
    Annotated[int, Field(ge=1)] | None,
    Field(description="side of the square cut from the middle of each stored picture first"),
]
Channels = Annotated[
    Literal[1, 3] | None, Field(description="make all pictures grey (1) or RGB (3); by default as stored")
]
ValueRange = Annotated[
    tuple[float, float] | None,
    Field(description="stored values that stand for -1 and +1; by default the range of the stored type"),
]
