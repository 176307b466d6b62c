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
MOST_BYTES = 2**32 - 2**24
"""What all values of a picture may take together: as much as a TIFF file can hold."""


@contextmanager
def opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """A file as Pillow reads it; what is wrong with it, here or when its pixels are read, becomes a sentence.

    Raises:
        I2IError: it is missing, no picture of a known format, damaged, or claims more than `MOST_PIXELS`.
    """
    check_file(path)
    # Pillow warns of sizes that are allowed here, and of faults in what is not read
    quiet = warnings.catch_warnings(action="ignore")
    # of a file that Pillow opens by name it maps grey pixels into memory before it turns them, and mixes them up
    with in_sentences(path), quiet, path.open("rb") as file, Image.open(file, formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise _too_large(path, f"{image.width:,}×{image.height:,}")
        if image.format == "TIFF":
            image.info.pop("xmp", None)  # Pillow would turn the pixels as it asks, and not the size
        yield image


@contextmanager
def in_sentences(path: Path) -> Iterator[None]:
    """A block that reads a file; whatever fails in it becomes a sentence.

    Raises:
        I2IError: something failed.
    """
    try:
        yield
    except I2IError:
        raise
    except FileNotFoundError:
        raise I2IError(f"there is no file '{path}'") from None
    except UnidentifiedImageError:
        raise I2IError(f"'{path}' cannot be read: it is not an image; replace or remove it") from None
    except Image.DecompressionBombError as error:
        raise _too_large(path, _claimed(error)) from None
    except Exception as error:  # a damaged file fails in any way
        raise damaged(path, str(error) or type(error).__name__) from error


def first_bytes(path: Path, count: int = 16) -> bytes:
    """The beginning of a file.

    Raises:
        I2IError: it is missing, or cannot be read.
    """
    check_file(path)
    with in_sentences(path), path.open("rb") as file:
        return file.read(count)


def check_file(path: Path) -> None:
    """Refuse what is there but is no file: opening a pipe would wait for ever.

    Raises:
        I2IError: it is a folder, a pipe or the like.
    """
    if not path.is_file() and path.exists():
        raise I2IError(f"'{path}' is {'a folder; name a picture' if path.is_dir() else 'no file; remove it'}")


def check_size(path: Path, width: int, height: int, bytes_each: int) -> None:
    """Refuse what claims more than a picture may have, before the memory is taken.

    Raises:
        I2IError: it is empty, or claims more than `MOST_PIXELS` or `MOST_BYTES`.
    """
    if width < 1 or height < 1 or bytes_each < 1:
        raise damaged(path, f"it is empty ({width}×{height} pixels)")
    if width * height > MOST_PIXELS:
        raise _too_large(path, f"{width:,}×{height:,}")
    if width * height * bytes_each > MOST_BYTES:
        raise I2IError(
            f"'{path}' claims {width * height * bytes_each:,} bytes of values, and a picture may have {MOST_BYTES:,}; "
            "cut it into parts, or remove it"
        )


def damaged(path: Path, why: str) -> I2IError:
    """The error of a file that cannot be read; of `why` the first line is said."""
    line = (why.splitlines() or ["it is damaged"])[0][:200].rstrip(".")
    return I2IError(f"'{path}' cannot be read: {line}; replace or remove it")


def _claimed(error: Exception) -> str:
    """What Pillow says of a size that it refuses itself."""
    found = re.search(r"\((\d+) pixels\)", str(error))
    return f"{int(found[1]):,}" if found else "too many"


def _too_large(path: Path, size: str) -> I2IError:
    return I2IError(
        f"'{path}' claims {size} pixels, and a picture may have {MOST_PIXELS:,}; cut it into parts, or remove it"
    )
