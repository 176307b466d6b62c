"""Where a logger writes: inside the run folder, and nowhere else."""

from __future__ import annotations

from pathlib import Path

from i2i.core.errors import I2IError
from i2i.core.paths import leads_out


def inside(folder: Path, option: str, name: str) -> Path:
    """A path inside the run folder.

    Args:
        folder: the run folder.
        option: of the logger, for the message.
        name: the value of the option.

    Raises:
        I2IError: it leads out of the folder, or is the folder itself.
    """
    path = folder / name
    if leads_out(path, folder.resolve()) or path.resolve() == folder.resolve():
        raise I2IError(f"loggers: {option} '{name}' lies outside the run folder")
    return path
