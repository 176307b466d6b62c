"""The options of photographs with label maps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Byte = Annotated[int, Field(ge=0, le=255)]
Name = Annotated[str, Field(min_length=1)]
Size = Annotated[int, Field(ge=1, description="width in pixels of what the network sees")]
Aspect = Annotated[float, Field(gt=0, description="width / height of what the network sees")]
Classes = Annotated[
    Annotated[tuple[Name, ...], Field(min_length=1)] | Annotated[int, Field(ge=1)] | None,
    Field(description="names of the classes, or how many there are; by default those in classes.txt"),
]
Palette = Annotated[
    Annotated[tuple[tuple[Byte, Byte, Byte], ...], Field(min_length=1)] | None,
    Field(description="[red, green, blue] of each class, for label maps in colour, and for looking at"),
]
Ignore = Annotated[
    Annotated[int, Field(ge=0)] | None, Field(description="the stored number that means don't-care")
]
Photos = Annotated[str, Field(min_length=1, description="folder of the photographs")]
Labels = Annotated[str, Field(min_length=1, description="folder of the label maps")]
Instances = Annotated[
    str, Field(description='folder of the instance maps, used where it is there; "" leaves them out')
]
