"""Opening image files of strangers: only known formats, only sizes that fit, and every failure a sentence."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from i2i.core.errors import I2IError
from i2i.pictures.depth import FORMATS

MOST_PIXELS = 178_956_970
"""Pillow's own limit of what a picture may claim, about 13,377×13,377: in RGB 512 MiB."""


@contextmanager
def opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """A file as Pillow reads it; what is wrong with it, here or when its pixels are read, becomes a sentence.

    Raises:
        I2IError: it is missing, no picture of a known format, damaged, or claims more than `MOST_PIXELS`.
    """
    if path.exists() and not path.is_file():  # opening a pipe would wait for ever
        raise I2IError(f"'{path}' is {'a folder; name a picture' if path.is_dir() else 'no file; remove it'}")
    try:
        # Pillow warns of sizes that are allowed here, and of faults in what is not read
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise _too_large(path, f"{image.width:,}×{image.height:,}")
            yield image
    except I2IError:
        raise
    except FileNotFoundError:
        raise I2IError(f"there is no file '{path}'") from None
    except UnidentifiedImageError:
        raise I2IError(f"'{path}' cannot be read: it is not an image; replace or remove it") from None
    except Image.DecompressionBombError as error:
        raise _too_large(path, _claimed(error)) from None
    except Exception as error:  # a damaged file fails in any way
        why = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise I2IError(f"'{path}' cannot be read: {why}; replace or remove it") from error


def _claimed(error: Exception) -> str:
    """What Pillow says of a size that it refuses itself."""
    found = re.search(r"\((\d+) pixels\)", str(error))
    return f"{int(found[1]):,}" if found else "too many"


def _too_large(path: Path, size: str) -> I2IError:
    return I2IError(
        f"'{path}' claims {size} pixels, and a picture may have {MOST_PIXELS:,}; cut it into parts, or remove it"
    )
