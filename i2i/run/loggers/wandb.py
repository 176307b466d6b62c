"""A run in Weights & Biases."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from PIL import Image
from pydantic import Field
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.run.loggers.record import Record

FOLDER = "wandb"
SECONDS = 45.0  # to start; less than a run waits, so that it can say why it did not


class WeightsAndBiases:
    """Tells Weights & Biases: numbers, pictures, the spec, the report.

    Its files lie in `wandb` inside the run folder; offline, `wandb sync` sends them later. A resumed run goes on as the
    same one, and tells no step a second time.
    """

    def __init__(
        self,
        *,
        mode: Annotated[
            Literal["offline", "online", "disabled"], Field(description="only online uses the network")
        ] = "offline",
        project: str = "i2i",
        entity: Annotated[str | None, Field(description="a user or a team")] = None,
        run_name: Annotated[str | None, Field(description="the name of the run folder otherwise")] = None,
    ) -> None:
        self.mode, self.project, self.entity, self.run_name = mode, project, entity, run_name
        self._wandb: Any = None
        self._run: Any = None

    def open(self, folder: Path) -> None:
        """Start a run over there, or go on with it.

        Raises:
            I2IError: wandb is not installed, its options are wrong, or nobody is logged in.
        """
        self._wandb = wandb = needs("wandb", "wandb", "for logger 'wandb'")
        wandb.setup(settings=wandb.Settings(mode=self.mode))  # or it reports its own use, offline too
        self._record = Record.read(folder / FOLDER / "i2i.json")
        if self.mode == "online" and not wandb.login(prompt=False):  # or it would ask on the terminal
            raise I2IError("logger 'wandb': nobody is logged in; run: wandb login, or set mode = \"offline\"")
        try:
            self._run = self._start(folder)
        except wandb.errors.UsageError as error:
            raise I2IError(f"logger 'wandb': {error}") from error
        self._record.name = self._run.id
        self._record.write()

    def _start(self, folder: Path) -> Any:
        quiet = self.mode != "online"  # online it prints where the run can be seen
        return self._wandb.init(
            project=self.project,
            entity=self.entity,
            name=self.run_name or folder.resolve().name,
            id=self._record.name or None,
            resume="allow",
            mode=self.mode,
            dir=str(folder),
            settings=self._wandb.Settings(
                silent=quiet, console="off", save_code=False, reinit="create_new", init_timeout=SECONDS
            ),
        )

    def spec(self, text: str, values: Mapping[str, Any]) -> None:
        """The spec, as the configuration."""
        self._run.config.update(tomllib.loads(text), allow_val_change=True)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of a step."""
        self._log(step, values)

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """A picture (3, H, W), uint8."""
        self._log(step, {name: self._wandb.Image(Image.fromarray(picture.permute(1, 2, 0).numpy()))})

    def file(self, path: Path) -> None:
        """A file of the run folder."""
        copied = shutil.copy(path, self._run.dir)
        self._run.save(str(copied), base_path=self._run.dir, policy="now")

    def close(self) -> None:
        """Send what is left, and end the run over there."""
        self._run.finish()

    def _log(self, step: int, values: Mapping[str, Any]) -> None:
        if self._record.takes(step):
            self._run.log(dict(values), step=step)
