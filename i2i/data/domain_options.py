"""The options of pictures with labels, and those that each of several joined sets has of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from i2i.data.options import CentreCrop

Names = Annotated[str, Field(min_length=1)]
Root = Annotated[Path, Field(description="folder of the set, or its CSV or list, relative to the spec")]
OptionalRoot = Annotated[
    Path | None, Field(description="folder of the data set, or its CSV or list, relative to the spec")
]
Attributes = Annotated[
    Annotated[tuple[Names, ...], Field(min_length=1)] | None,
    Field(description="the domains to use, in this order; by default all"),
]
Exclusive = Annotated[
    tuple[Annotated[tuple[Names, ...], Field(min_length=2)], ...],
    Field(description="groups of attributes of which a picture has one at a time"),
]
HoldOut = Annotated[int, Field(ge=0, description="pictures kept for looking, where there is no test split")]
Balanced = Annotated[bool, Field(description="show each domain equally often")]
LoadSize = Annotated[
    Annotated[int, Field(ge=1)] | Literal["auto"],
    Field(description='side that pictures are resized to before the random crop; "auto" is size, no crop'),
]


class DomainSet(BaseModel):
    """A set of pictures with labels: where it lies, and which of its attributes count."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Root
    attributes: Attributes = None
    exclusive: Exclusive = ()
    centre_crop: CentreCrop = None
    hold_out: HoldOut = 0


Sets = Annotated[
    dict[str, DomainSet] | None,
    Field(description="several sets to join, a table [data.sets.NAME] for each, instead of root"),
]
