"""Option types that several networks share: one meaning, one limit and one help text each."""

from typing import Annotated, Literal

from pydantic import Field

NormName = Literal["instance", "batch", "sync-batch", "group", "none"]
UpsampleName = Literal["transposed", "resize"]
ActivationName = Literal["relu", "leaky-relu", "elu", "silu", "tanh", "none"]

Width = Annotated[int, Field(ge=1, description="channels of the first layer")]
Norm = Annotated[
    NormName, Field(description="normalisation of the hidden layers; sync-batch sees all processes")
]
Rate = Annotated[
    float, Field(ge=0, lt=1, description="share of the values that dropout sets to zero; 0 is off")
]
Upsample = Annotated[
    UpsampleName,
    Field(description="transposed convolution, or nearest neighbour and a convolution (no checkerboard)"),
]
