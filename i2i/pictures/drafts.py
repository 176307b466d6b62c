"""Files that are there whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from i2i.core.errors import I2IError


@contextmanager
def drafted(path: Path) -> Iterator[Path]:
    """Where to write what becomes a file at the end of the block, and disappears if that fails; folders are made.

    Raises:
        I2IError: whatever failed, in a sentence.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(path)
    except I2IError:
        raise
    except Exception as error:  # what others wrote beside the pixels may fail in any way
        raise I2IError(f"{path}: the result could not be written ({_why(error)})") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _why(error: Exception) -> str:
    words = error.strerror if isinstance(error, OSError) else None
    return words or (str(error).splitlines() or [type(error).__name__])[0]
