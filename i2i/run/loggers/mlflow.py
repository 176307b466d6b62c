"""A run in MLflow."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.core.extras import needs
from i2i.run.loggers.record import Record

FOLDER = "mlflow"
OUT_OF_REACH = ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE")  # no mistake of the user's
LONGEST = 6000  # characters that MLflow takes as the value of a parameter


class MLflow:
    """Tells MLflow: numbers, pictures, the spec, the report.

    Without an address it writes a database and files in `mlflow` inside the run folder. A resumed run goes on as the
    same one, and tells no step a second time.
    """

    def __init__(
        self,
        *,
        tracking_uri: Annotated[
            str | None, Field(description="of a server, http://…; the run folder otherwise")
        ] = None,
        experiment: str = "i2i",
        run_name: Annotated[str | None, Field(description="the name of the run folder otherwise")] = None,
    ) -> None:
        self.tracking_uri, self.experiment, self.run_name = tracking_uri, experiment, run_name

    def open(self, folder: Path) -> None:
        """Start a run over there, or go on with it.

        Raises:
            I2IError: mlflow is not installed, or refuses the options.
        """
        mlflow = needs("mlflow", "mlflow", "for logger 'mlflow'")
        _without_telemetry(mlflow)
        self._entities, self._folder = mlflow.entities, folder.resolve() / FOLDER
        self._record = Record.read(self._folder / "i2i.json")
        try:
            self._client = mlflow.MlflowClient(tracking_uri=self.tracking_uri or self._own())
            self._run = self._resumed() or self._new(folder.resolve().name)
        except mlflow.MlflowException as error:
            if error.error_code in OUT_OF_REACH:
                raise
            raise I2IError(f"logger 'mlflow': {error}") from error
        self._record.name = self._run
        self._record.write()

    def _own(self) -> str:
        """The address of the database inside the run folder."""
        needs("sqlalchemy", "mlflow", "for logger 'mlflow' without a server")
        needs("alembic", "mlflow", "for logger 'mlflow' without a server")
        self._folder.mkdir(exist_ok=True)
        return f"sqlite:///{(self._folder / 'mlflow.db').as_posix()}"

    def _new(self, name: str) -> str:
        found = self._client.get_experiment_by_name(self.experiment)
        files = None if self.tracking_uri else (self._folder / "files").as_uri()
        number = found.experiment_id if found else self._client.create_experiment(self.experiment, files)
        return str(self._client.create_run(number, run_name=self.run_name or name).info.run_id)

    def _resumed(self) -> str:
        """The run of an earlier process, if there was one."""
        if self._record.name:
            self._client.update_run(self._record.name, status="RUNNING")
        return self._record.name

    def spec(self, text: str, values: Mapping[str, Any]) -> None:
        """The spec, as a file, and once as parameters: those of a run never change."""
        self._client.log_text(self._run, text, "spec.toml")
        if self._record.step < 0:
            told = {_key(name): str(value)[:LONGEST] for name, value in values.items()}
            params = [self._entities.Param(name, value) for name, value in told.items()]
            for first in range(0, len(params), 100):  # as many as MLflow takes at once
                self._client.log_batch(self._run, params=params[first : first + 100])

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of a step."""
        if self._record.takes(step):
            now = int(time.time() * 1000)
            metrics = [self._entities.Metric(_key(name), value, now, step) for name, value in values.items()]
            self._client.log_batch(self._run, metrics=metrics)

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """A picture (3, H, W), uint8."""
        if self._record.takes(step):
            shown = picture.permute(1, 2, 0).numpy()
            self._client.log_image(self._run, shown, key=_key(name), step=step, synchronous=True)

    def file(self, path: Path) -> None:
        """A file of the run folder."""
        self._client.log_artifact(self._run, str(path))

    def close(self) -> None:
        """End the run over there."""
        self._client.set_terminated(self._run)


def _without_telemetry(mlflow: Any) -> None:
    """Nothing goes over the network that nobody asked for; nor does it tell of its database on the terminal."""
    mlflow.environment_variables.MLFLOW_DISABLE_TELEMETRY.set(True)
    mlflow.telemetry.set_telemetry_client()
    logging.getLogger("mlflow.store.db").setLevel(logging.WARNING)


def _key(name: str) -> str:
    """A name that MLflow takes."""
    return re.sub(r"[^\w\-./: ]", "_", name)
