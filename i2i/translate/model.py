"""A trained model: give it pictures, get pictures of the same kind back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from i2i.core.batch import Batch, Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i.core.schema import Signature, read_signature
from i2i.core.strategy import Strategy
from i2i.data.values import from_unit, to_unit
from i2i.engine.inference import inference
from i2i.spec.spec import Spec
from i2i.translate import padding, sampling
from i2i.translate.controls import ask
from i2i.translate.files import found
from i2i.translate.grid import LARGE, Row, as_cell, check_grid, draw_rows
from i2i.translate.maps import take_map, take_others
from i2i.translate.pictures import FULL, Picture, Range, beside, convert, like, take, write_picture
from i2i.translate.request import Request


class Model:
    """Networks, pre-processing, value range, norm and dropout mode of a finished run; inference only.

    `load` makes one.
    """

    def __init__(
        self, spec: Spec, strategy: Strategy, net: Parts, facts: DataFacts, device: torch.device
    ) -> None:
        self.spec, self.strategy, self.net, self.facts, self.device = spec, strategy, net, facts, device
        self.multiple = padding.multiple_of(list(net.modules().values()))

    @property
    def controls(self) -> Signature:
        """The keyword-only parameters of the strategy's `translate`."""
        return read_signature(self.strategy.translate)

    def translate(
        self,
        picture: str | Path | Picture,
        *,
        out: str | Path | None = None,
        samples: int | None = None,
        seed: int = 0,
        sync: bool = False,
        value_range: Range | None = None,
        **controls: Any,
    ) -> Any:
        """Translate one picture, of any size, or a batch of float arrays or tensors.

        Args:
            picture: a path, a PIL image, an array or a tensor. Whole-number arrays are H×W or H×W×C in the range of
                their type; float arrays and all tensors are (N×)C×H×W, in [0, 1] unless `value_range` says otherwise.
            out: write the result there and return the path. Several results are written beside each other, as
                `<stem>-1.png`, `<stem>-<caption>.png` or `<stem>-<caption>-1.png`, and their paths are returned.
            samples: how many results to make with different random numbers.
            seed: of the random numbers of methods that draw some; they belong to the picture, by its name.
            sync: the same random numbers for every picture: sample k differs from sample k + 1 alone.
            value_range: of float arrays and tensors.
            controls: what the strategy's `translate` takes, `back=True` for example. One that is a picture is given
                like `picture`, and so is a further map that the method takes (`instance_map`); where `picture` is a
                file, that can be a folder with a file of the same name.

        Returns:
            The same kind: a PIL image for a path or a PIL image (an array where the file has more than 8 bits), an
            array for an array, a tensor for a tensor. With `samples`, a list of them; where the controls ask for
            several results (every domain), a dict from caption to result; for both, a dict of lists. A label map
            becomes a picture of 8 bits.

        Raises:
            I2IError: the picture cannot be read, has the wrong number of channels, a control is unknown, or several
                samples were asked of a method that draws no random numbers.
        """
        asked = {**controls, "samples": samples, "seed": seed, "sync": sync}
        return self.answer(picture, self.request(asked, value_range), None if out is None else Path(out))

    def sample(
        self, count: int | None = None, *, seed: int = 0, out: str | Path | None = None, **controls: Any
    ) -> Any:
        """Draw pictures from random numbers alone, with methods that need no input.

        Sample k depends on the seed and on k, not on how many there are.

        Args:
            count: how many, of each setting where the controls ask for several (every class); 16 or 8 by default.
            seed: of the random numbers.
            out: a picture to draw them in as a labelled sheet, or a folder for a file of each; it is returned.
            controls: what the strategy's `translate` takes, `label=3` for example.

        Returns:
            A list of PIL images (arrays where the training pictures have more than 8 bits); a dict from caption to
            list where the controls ask for several settings.

        Raises:
            I2IError: the method needs an input, a control is unknown, or `out` cannot be written.
        """
        request = sampling.check_request(self, {**controls, "seed": seed})
        each = sampling.samples_each(request, count)
        if out is not None:
            sampling.check_out(Path(out), len(request.captions), each)
        rows = dict(sampling.drawn(self, request, each))
        if out is not None:
            return sampling.write_samples(rows, self, Path(out))
        pictures = {caption: sampling.as_pictures(row, self) for caption, row in rows.items()}
        return pictures if len(pictures) > 1 else next(iter(pictures.values()))

    def grid(
        self,
        paths: str | Path | Iterable[str | Path],
        /,
        *,
        samples: int | None = None,
        seed: int = 0,
        sync: bool = False,
        **controls: Any,
    ) -> Image.Image:
        """One labelled picture: a row for each file, its columns the input and every result.

        Args:
            paths: files and folders.
            samples: as for `translate`.
            seed: as for `translate`.
            sync: as for `translate`.
            controls: as for `translate`.

        Raises:
            I2IError: as `translate`, or there are too many rows or columns.
        """
        request = self.request({**controls, "samples": samples, "seed": seed, "sync": sync})
        files = list(found(map(Path, [paths] if isinstance(paths, (str, Path)) else paths)))
        if not files:
            raise I2IError("a grid shows files; name one at least")
        labels = request.labels()
        check_grid(len(files), 1 + len(labels))
        return draw_rows(labels, [Row(place.as_posix(), self.row(file, request)) for file, place in files])

    def request(
        self, controls: Mapping[str, Any], value_range: Range | None = None, *, sampling: bool = False
    ) -> Request:
        """Check controls, the translator's own among them, and read those that are pictures: once for many inputs.

        Raises:
            I2IError: the method takes no picture, and it is not for `sampling`.
            SpecError: an unknown control, a value of the wrong type, or a picture that cannot be read.
        """
        owner = f"strategy '{self.spec.strategy.name}'"
        if not sampling and self.strategy.takes({})[0] == "seed":
            raise I2IError(f"{owner} takes no picture: it draws its own; use i2i sample")
        request = ask(self.strategy, self.net, self.facts, controls, value_range, owner)
        pictures = {name: picture.to(self.device) for name, picture in request.pictures.items()}
        return dataclasses.replace(request, pictures=pictures)

    def answer(self, picture: str | Path | Picture, request: Request, out: Path | None = None) -> Any:
        """Translate one picture as `translate` does, under controls that are checked already."""
        stored, name = self._take(picture, request)
        full, kind = self._full_range(stored, name, request)
        batch = stored if stored.ndim == 4 else stored[None]
        if out is not None and len(batch) > 1:
            raise I2IError(f"{out}: a file holds one picture, not the {len(batch)} of a batch")
        each = [self._results(fields, name, request) for fields in self._inputs(batch, full, name, request)]
        made = [from_unit(torch.cat(same), full, kind).to(stored.device) for same in zip(*each, strict=True)]
        if out is not None:
            files = zip(made, beside(out, request.endings()), strict=True)
            written = [write_picture(result[0], file) for result, file in files]
            return written[0] if request.single else written
        return request.shaped([like(picture, result if stored.ndim == 4 else result[0]) for result in made])

    def row(self, path: Path, request: Request) -> list[Image.Image]:
        """A file and its results as pictures for a grid."""
        stored, name = self._take(path, request)
        full, _ = self._full_range(stored, name, request)
        (fields,) = self._inputs(stored[None], full, name, request)
        shown = (fields[request.field], *self._results(fields, name, request))
        return [as_cell(picture[0], LARGE, self.facts.palette) for picture in shown]

    def _take(self, picture: str | Path | Picture, request: Request) -> tuple[Tensor, str]:
        """An input as (N×)C×H×W, in its own type or, a map, in whole numbers, and the name of its file."""
        if request.field in self.facts.maps:
            return take_map(picture, self.facts, request.field)
        return take(picture)

    def _full_range(self, stored: Tensor, name: str, request: Request) -> tuple[Range, torch.dtype]:
        """The values of the result that stand for black and white, and its type: the picture's, 8 bits for a map.

        Files of floats have the values of the training pictures.
        """
        if request.field in self.facts.maps:
            return FULL[torch.uint8], torch.uint8
        unknown = self.facts.value_range[request.field] if name else (0.0, 1.0)
        return request.value_range or FULL.get(stored.dtype, unknown), stored.dtype

    def _inputs(self, batch: Tensor, full: Range, name: str, request: Request) -> Iterator[dict[str, Tensor]]:
        """What the networks see of each input, before padding: the input itself, and the maps that go with it."""
        others = take_others(request.maps, self.facts, name, batch)
        for i in range(len(batch)):
            maps = {field: each[i : i + 1].to(self.device) for field, each in others.items()}
            yield {request.field: self._unit(batch[i : i + 1], full, request), **maps}

    def _unit(self, stored: Tensor, full: Range, request: Request) -> Tensor:
        """A picture as the networks see it; maps are seen as they are."""
        if request.field in self.facts.maps:
            return stored.to(self.device)
        return to_unit(convert(stored, self.facts.channels[request.field]).to(self.device), full)

    def _results(self, inputs: Mapping[str, Tensor], name: str, request: Request) -> list[Tensor]:
        """Every result of an input: padding, the strategy, and back to the input's size."""
        height, width = inputs[request.field].shape[-2:]
        padded = {field: padding.pad(each, self.multiple) for field, each in inputs.items()}
        fields = {**padded, **request.pictures}
        results = []
        for controls, sample in request.cells():
            draws = request.draws(name, sample)
            with inference(self.net, self.strategy.inference, draws):
                try:
                    made = self.strategy.translate(self.net, Batch(fields, draws), **controls)
                except ValueError as error:
                    file = f"{name}: " if name else ""
                    raise I2IError(
                        f"{file}a picture of {width}×{height} pixels cannot be translated: {error}"
                    ) from error
            results.append(made[..., :height, :width])
        request.check_samples(results)
        return results
