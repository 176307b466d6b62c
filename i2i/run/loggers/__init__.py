"""Loggers: a run's numbers and pictures in other programs."""

from __future__ import annotations

from i2i.core.hookspecs import hookimpl
from i2i.core.registry import Registry
from i2i.run.loggers.csv import Csv
from i2i.run.loggers.mlflow import MLflow
from i2i.run.loggers.tensorboard import TensorBoard
from i2i.run.loggers.wandb import WeightsAndBiases


@hookimpl
def i2i_register(registry: Registry) -> None:
    """Register the loggers."""
    registry.add("logger", "csv", Csv)
    registry.add("logger", "tensorboard", TensorBoard)
    registry.add("logger", "wandb", WeightsAndBiases)
    registry.add("logger", "mlflow", MLflow)
