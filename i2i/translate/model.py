"""A trained model: give it pictures, get pictures of the same kind back."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import torch
from PIL import Image
from torch import Tensor, nn

from i2i.core.batch import Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, I2IWarning
from i2i.core.registry import Registry
from i2i.core.schema import Ref, Signature, read_signature
from i2i.core.strategy import Strategy
from i2i.data.values import to_unit
from i2i.engine.inference import precision_for
from i2i.pictures.video import is_video
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec
from i2i.translate import sampling
from i2i.translate.controls import ask
from i2i.translate.files import found
from i2i.translate.grid import LARGE, Row, as_cell, check_grid, draw_rows
from i2i.translate.inputs import Input, take_input
from i2i.translate.many import answer_all
from i2i.translate.origin import Origin
from i2i.translate.outputs import hand_back, loses_alpha, write_result
from i2i.translate.pictures import Picture, beside
from i2i.translate.probing import Probe
from i2i.translate.request import Request
from i2i.translate.running import run, unit_fields
from i2i.translate.values import Range
from i2i.translate.video import answer_video
from i2i.translate.windows import take_windows

if TYPE_CHECKING:
    from i2i.translate.evaluating.evaluation import Evaluation
    from i2i.translate.evaluating.judging import Tick


class Model:
    """Networks, pre-processing, value range, norm and dropout mode of a finished run; inference only.

    `load` makes one.
    """

    def __init__(
        self,
        spec: Spec,
        strategy: Strategy,
        net: Parts,
        facts: DataFacts,
        device: torch.device,
        origin: Origin | None = None,
    ) -> None:
        self.spec, self.strategy, self.net, self.facts, self.device = spec, strategy, net, facts, device
        self.origin = origin or Origin()
        self.precision, self.compiled = "auto", False
        self.probes: dict[str, Probe] = {}
        self.lock = Lock()  # the networks' mode and random numbers are theirs: one caller at a time

    @property
    def controls(self) -> Signature:
        """The keyword-only parameters of the strategy's `translate`."""
        return read_signature(self.strategy.translate)

    def translate(
        self,
        picture: str | Path | Picture | Sequence[str | Path | Picture],
        *,
        out: str | Path | None = None,
        samples: int | None = None,
        seed: int = 0,
        sync: bool = False,
        value_range: Range | None = None,
        bits: int | None = None,
        tile: int | Literal["auto"] | None = None,
        batch: int | None = None,
        **controls: Any,
    ) -> Any:
        """Translate one picture, of any size, a batch of float arrays or tensors, or a list or a folder of pictures.

        Args:
            picture: a path, a PIL image, an array or a tensor. Whole-number arrays are H×W or H×W×C in the range of
                their type; float arrays and all tensors are (N×)C×H×W, in [0, 1] unless `value_range` says otherwise. A
                list of pictures gives a list: those of equal shape are translated together, while others are read and
                written. A folder goes with `out`.
            out: write the result there and return the path. Several results are written beside each other, as
                `<stem>-1.png`, `<stem>-<caption>.png` or `<stem>-<caption>-1.png`, and their paths are returned. For a
                folder or a list of files it is a folder: names and folders are kept, a list of paths is returned, and
                the same call goes on where it was stopped.
            samples: how many results to make with different random numbers.
            seed: of the random numbers of methods that draw some; they belong to the picture, by its name.
            sync: the same random numbers for every picture: sample k differs from sample k + 1 alone.
            value_range: the values of the input that stand for black and white; results have the same. By default
                they are those of the training pictures for files of their type, and of floats and signed numbers, else
                all that the type can hold. Floats in memory are in [0, 1].
            bits: of the result: 8, 16, or 32 for floats; by default those of the input.
            tile: side, in pixels, of the overlapping tiles in which larger pictures are translated: they, and not the
                picture, say how much memory is needed; "auto": the largest that fit, or the whole picture where it
                does. A warning says how far tiles disagree where they meet, if that can be seen.
            batch: how many pictures of equal shape the networks see at a time; by default what is fast.
            controls: what the strategy's `translate` takes, `back=True` for example. One that is a picture is given
                like `picture`, and so is a further map that the method takes (`instance_map`); where `picture` is a
                file, that can be a folder with a file of the same name.

        Returns:
            The same kind: a PIL image for a path or a PIL image (an array where the result has more than 8 bits, or is
            neither grey nor RGB), an array for an array, a tensor for a tensor. With `samples`, a list of them; where
            the controls ask for several results (every domain), a dict from caption to result; for both, a dict of
            lists. A label map becomes a picture of the type of the training pictures.

        Raises:
            I2IError: the picture cannot be read, has the wrong number of channels or does not fit into the memory, a
                control is unknown, or several samples were asked of a method that draws no random numbers.
        """
        numbers = {"samples": samples, "seed": seed, "sync": sync}
        own = {**numbers, "value_range": value_range, "bits": bits, "tile": tile, "batch": batch}
        request, place = self.request({**controls, **own}), None if out is None else Path(out)
        if isinstance(picture, Sequence) and not isinstance(picture, str):
            return answer_all(self, picture, request, place)
        if isinstance(picture, (str, Path)) and Path(picture).is_dir():
            return answer_all(self, [picture], request, place)
        return self.answer(picture, request, place)

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
            return sampling.write_samples(rows, self, request, Path(out))
        pictures = {caption: sampling.as_pictures(row, self, request) for caption, row in rows.items()}
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

    def module(self, *, pixels: bool = False, dropout: bool = False, **controls: Any) -> nn.Module:
        """The model under fixed controls as a torch module, for use in other programs; its networks are copies.

        Args:
            pixels: pictures go in and out as numbers from 0 to 255, rounded; else in [-1, 1].
            dropout: dropout stays active where the method translates with it; its numbers are inputs.
            controls: what the strategy's `translate` takes.

        Returns:
            A module of which `takes` lists the inputs: the picture, (N, C, H, W) of any size, further maps, and the
            random numbers that the method draws.

        Raises:
            I2IError: a control is unknown or wrong, or asks for several results.
        """
        from i2i.translate.exporting.module import as_module

        return as_module(self, controls, pixels=pixels, dropout=dropout)

    def export(
        self,
        path: str | Path,
        *,
        pixels: bool = False,
        dropout: bool = False,
        force: bool = False,
        **controls: Any,
    ) -> Path:
        """Write the model for other programs: `.onnx` or `.pt2` under fixed controls, or as one `.safetensors` file.

        ONNX and PyTorch files are checked at once on pictures of five sizes.

        Args:
            path: its ending says what is written.
            pixels: as for `module`.
            dropout: as for `module`.
            force: write it even if the check fails.
            controls: as for `module`; a `.safetensors` file takes them when it is used.

        Raises:
            I2IError: another ending, a library is missing, or the file does not do what the model does.
        """
        from i2i.translate.exporting.export import export

        return export(self, Path(path), controls, pixels=pixels, dropout=dropout, force=force).path

    def evaluate(
        self,
        metrics: str | Ref | Sequence[str | Ref] = (),
        *,
        settings: Iterable[str] = (),
        count: int | None = None,
        seed: int = 0,
        batch: int | None = None,
        registry: Registry | None = None,
        progress: Tick = lambda what, done, whole: None,
        **controls: Any,
    ) -> list[Evaluation]:
        """Judge the model by metrics on held-out pictures, and add the values to the run's `evaluation.json`.

        Args:
            metrics: names, or `i2i.Ref("fid", weights="inception.safetensors")`; by default those of the spec's
                `[validate]` that fit.
            settings: other data or options, as `KEY=VALUE`: `data.root=…`, `data.split=train`, `fid.weights=…`.
            count: the most inputs, or how many results of random numbers alone.
            seed: of the random numbers of methods that draw some.
            batch: inputs at a time.
            registry: the components; None looks for what is installed.
            progress: is told what is done, how often, and how often it will be.
            controls: what the strategy's `translate` takes, `back=True` for example.

        Returns:
            For each metric its values, and the protocol: all that must be equal for two values to be compared.

        Raises:
            I2IError: a metric cannot be used on this data or lacks its weights, a setting or a control is unknown.
        """
        from i2i.translate.evaluating.evaluation import FILE, evaluate, read, write

        file = self.origin.run and self.origin.run / FILE
        if file and file.exists():
            read(file)  # one that cannot be added to is known before the work
        found = evaluate(
            self,
            [metrics] if isinstance(metrics, (str, Ref)) else metrics,
            settings=settings,
            count=count,
            seed=seed,
            batch=batch,
            controls=controls,
            registry=registry or discover(),
            tick=progress,
        )
        if file:
            write(found, file)
        return found

    def push(
        self, repo: str, *, private: bool = False, message: str | None = None, sample: bool = True
    ) -> str:
        """Publish the model on the Hugging Face Hub, with a card written from its run; the address is returned.

        Args:
            repo: OWNER/NAME; made if there is none.
            private: make it a private one.
            message: of the commit.
            sample: with the run's newest sheet of samples, which shows the data.

        Raises:
            I2IError: huggingface_hub is missing, nobody is logged in, or the hub refuses.
        """
        from i2i.translate.sharing.hub import push

        return push(self, repo, private=private, message=message, sample=sample)

    def request(self, controls: Mapping[str, Any], *, sampling: bool = False) -> Request:
        """Check controls, the translator's own among them, and read those that are pictures: once for many inputs.

        Raises:
            I2IError: the method takes no picture, and it is not for `sampling`.
            SpecError: an unknown control, a value of the wrong type, or a picture that cannot be read.
        """
        owner = f"strategy '{self.spec.strategy.name}'"
        if not sampling and self.strategy.takes({})[0] == "seed":
            raise I2IError(f"{owner} takes no picture: it draws its own; use i2i sample")
        request = ask(self.strategy, self.net, self.facts, controls, owner)
        pictures = {name: picture.to(self.device) for name, picture in request.pictures.items()}
        return dataclasses.replace(request, pictures=pictures)

    def answer(self, picture: str | Path | Picture, request: Request, out: Path | None = None) -> Any:
        """Translate one picture as `translate` does, under controls that are checked already."""
        if isinstance(picture, (str, Path)) and is_video(Path(picture).name):
            return answer_video(self, Path(picture), request, out)
        item = self.take(picture, request, [] if out is None else beside(out, request.endings()))
        if out is not None and len(item.stored) > 1:
            raise I2IError(f"{out}: a file holds one picture, not the {len(item.stored)} of a batch")
        (results,) = run(self, [item], request)
        if out is not None:
            files = beside(out, request.endings())
            if loses_alpha(item, results[0].shape[1], out):
                lost = f"{out}: the result lost its transparency: {out.suffix} files have none"
                warnings.warn(lost, I2IWarning, stacklevel=3)
            written = [write_result(result, item, file) for result, file in zip(results, files, strict=True)]
            return written[0] if request.single else written
        return request.shaped([hand_back(picture, result, item) for result in results])

    def precision_of(self, kind: torch.dtype) -> str:
        """fp32 or bf16: what results of a type are computed in."""
        return precision_for(self.precision, self.device, eight_bits=kind == torch.uint8)

    def take(self, picture: str | Path | Picture, request: Request, targets: Sequence[Path] = ()) -> Input:
        """Read an input, as any thread may.

        Args:
            picture: as for `translate`.
            request: what is asked of it.
            targets: the files that its results will be written to. A large TIFF file of which tiles are asked is read
                later, piece by piece, if all of them are TIFF files too: its results go there at once.

        Raises:
            I2IError: it cannot be read, or has the wrong number of channels.
        """
        if isinstance(picture, (str, Path)) and is_video(Path(picture).name):
            raise I2IError(f"{picture}: this is a video, which has no place in a grid; name pictures")
        made = self.made(request)
        return take_windows(picture, request, self.facts, made, targets) or take_input(
            picture, request, self.facts, made
        )

    def made(self, request: Request) -> str:
        """The field of the training data that results are like.

        Raises:
            I2IError: the method names none.
        """
        field = self.strategy.makes(request.controls)
        if field not in self.facts.value_range:
            raise I2IError(
                f"strategy '{self.spec.strategy.name}': its results are like '{field}', and the training pictures are "
                f"{', '.join(self.facts.value_range)}; let its method `makes` name one of them"
            )
        return field

    def row(self, path: Path, request: Request) -> list[Image.Image]:
        """A file and its results as pictures for a grid."""
        item = self.take(path, request)
        (results,) = run(self, [item], request)
        return self.cells(item, results, request)

    def cells(self, item: Input, results: Sequence[Tensor], request: Request) -> list[Image.Image]:
        """An input and its results as pictures for a grid."""
        shown = (
            unit_fields(self, [item], request)[request.field],
            *(to_unit(r, item.made.full) for r in results),
        )
        return [as_cell(picture[0], LARGE, self.facts.palette) for picture in shown]
