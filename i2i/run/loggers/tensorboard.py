"""A run in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.extras import DISTRIBUTION
from i2i.run.loggers.inside import inside


class TensorBoard:
    """Writes event files that TensorBoard shows.

    A step that comes again, after a resume or a rollback, hides what was written from there on.
    """

    def __init__(
        self, *, folder: Annotated[str, Field(description="inside the run folder")] = "tensorboard"
    ) -> None:
        self.folder = folder
        self._writer: Any = None
        self._last = 0

    def open(self, folder: Path) -> None:
        """See that it can write inside the run folder.

        Raises:
            I2IError: TensorBoard is not installed, or the folder lies outside the run folder.
        """
        self._target = inside(folder, "folder", self.folder)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise I2IError(
                f"logger 'tensorboard' needs TensorBoard: pip install '{DISTRIBUTION}[tensorboard]'"
            ) from None
        self._make = SummaryWriter
        self._begun = self._target.is_dir()

    def spec(self, text: str, values: Mapping[str, Any]) -> None:
        """The spec, once, as a text."""
        if not self._begun:
            self._at(0).add_text("spec", indent(text, "    "), 0)  # indented: code, as Markdown has it

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of a step."""
        writer = self._at(step)
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """A picture (3, H, W), uint8."""
        self._at(step).add_image(name, picture, step)

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()

    def _at(self, step: int) -> Any:
        """The writer for a step."""
        if self._writer is None or step < self._last:
            self.close()
            self._writer = self._make(str(self._target), purge_step=step if self._begun else None)
        self._begun, self._last = True, step
        return self._writer
