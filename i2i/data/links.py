"""Where paths lead: links and names that leave a data set are refused, never followed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PureWindowsPath

from i2i.core.errors import I2IError
from i2i.core.paths import leads_out


def inside(root: Path, path: Path) -> Path:
    """A folder or file of a data set.

    Raises:
        I2IError: it is a link that leaves `root`.
    """
    if not leads_out(path, root.resolve()):
        return path
    raise I2IError(
        f"data.root: '{path}' is a link to a place outside '{root}', which is not followed; "
        f"move the {'pictures' if path.is_dir() else 'file'} into the data folder"
    )


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that no system takes is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; a name that no system takes is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_below(name: str) -> bool:
    """Whether a name of a file or folder, on any system, stays below the folder that it is looked for in."""
    # Windows knows every way to leave a folder: drives and both kinds of slashes; and what begins with a slash.
    path = PureWindowsPath(name)
    return not path.anchor and ".." not in path.parts and "\0" not in name


def check_names(names: Mapping[str, str]) -> None:
    """Refuse names of folders, by option, that lead out of the data set.

    Raises:
        I2IError: one does.
    """
    for option, name in names.items():
        if not is_below(name):
            raise I2IError(
                f"data.{option}: '{name}' leads out of data.root; give the name of a folder in it, or another root"
            )
