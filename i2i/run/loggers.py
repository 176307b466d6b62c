"""Loggers: a run's numbers and pictures in other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.extras import DISTRIBUTION
from i2i.core.hookspecs import hookimpl
from i2i.core.registry import Registry


class TensorBoard:
    """Writes event files that TensorBoard shows."""

    def __init__(
        self, *, folder: Annotated[str, Field(description="inside the run folder")] = "tensorboard"
    ) -> None:
        self.folder = folder
        self._writer: Any = None

    def open(self, folder: Path) -> None:
        """Start writing inside the run folder.

        Raises:
            I2IError: TensorBoard is not installed, or the folder lies outside the run folder.
        """
        target = (folder / self.folder).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise I2IError(f"loggers: folder '{self.folder}' lies outside the run folder")
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise I2IError(
                f"logger 'tensorboard' needs TensorBoard: pip install '{DISTRIBUTION}[tensorboard]'"
            ) from None
        self._writer = SummaryWriter(str(target))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of a step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """A picture (3, H, W), uint8."""
        self._writer.add_image(name, picture, step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


@hookimpl
def i2i_register(registry: Registry) -> None:
    """Register the loggers."""
    registry.add("logger", "tensorboard", TensorBoard)
