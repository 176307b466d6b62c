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
    Annotated[int, Field(ge=1)] | None,
    Field(
        description="channels of all pictures: makes grey of RGB (1) or RGB of grey (3); by default as stored"
    ),
]
Limits = tuple[float, float]
ValueRange = Annotated[
    Limits | None,
    Field(description="stored values that stand for -1 and +1; by default the range of the stored type"),
]
ValueRanges = Annotated[
    Limits | dict[Literal["a", "b"], Limits] | None,
    Field(
        description="stored values that stand for -1 and +1, of both domains or in a table of a and b; "
        "by default the range of the stored type"
    ),
]
BitDepth = Annotated[
    Annotated[int, Field(ge=1, le=32)] | None,
    Field(description="bits that whole numbers use, 12 of 16 for example; by default all of the stored type"),
]
ReducedJpeg = Annotated[
    bool,
    Field(
        description="decode large JPEG files at a half, quarter or eighth of their size, never below load_size: "
        "faster, and not quite the same pixels; held-out pictures are decoded whole"
    ),
]
CacheMode = Annotated[
    Literal["auto", "none", "memory", "disk"],
    Field(
        description='where resized pictures are kept; "auto" is in memory if they fill a quarter of what is free at '
        "most, else nowhere"
    ),
]
CacheFolder = Annotated[
    Path | None,
    Field(
        description="folder of the cache on disk, relative to the spec; by default among the caches of the user"
    ),
]
