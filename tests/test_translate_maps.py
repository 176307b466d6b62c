"""Label maps as inputs: read as the training data reads them, of any size, and never blended."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
from many import Kept
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

import i2i
from i2i.core.errors import I2IError, SpecError
from i2i.core.schema import Ref
from i2i.run.samples import grid
from i2i.translate.colours import DONT_CARE, paint
from i2i.translate.grid import as_cell
from i2i.translate.model import Model
from i2i.translate.padding import pad

PALETTE = ((0, 0, 0), (250, 0, 0), (0, 0, 250))
FACTS = i2i.DataFacts(
    fields=("label_map", "image", "instance_map"),
    image_size=16,
    channels={"image": 3},
    value_range={"image": (0.0, 255.0)},
    maps={"label_map": 4, "instance_map": 0},
    classes=("sky", "sea", "land"),
    palette=PALETTE,
    ignore=255,
    aspect=2.0,
)


class Eights(Kept):
    """Needs sides that are multiples of eight."""

    multiple = 8


@dataclasses.dataclass(frozen=True, kw_only=True)
class Painter(i2i.Strategy):
    """Class k becomes grey of 40·k, half an instance's number brighter; `seen` are the shapes that came."""

    seen: list[Any] = dataclasses.field(default_factory=list)
    required: bool = False

    def wants(self) -> tuple[str, ...]:
        return ("label_map", "image")

    def takes(self, controls: Mapping[str, Any]) -> tuple[str, ...]:
        return ("label_map", "instance_map" if self.required else "instance_map?")

    def makes(self, controls: Mapping[str, Any]) -> str:
        return "image"

    def build(self, make: i2i.Make, data: i2i.DataFacts) -> Mapping[str, Any]:
        return {"G": Eights()}

    def phases(self) -> Sequence[i2i.Phase]:
        return []

    def translate(
        self,
        net: i2i.Parts,
        x: i2i.Batch,
        *,
        bright: bool = False,
        style: Annotated[Path | None, i2i.PictureOf("image")] = None,
    ) -> Tensor:
        """Paint a map."""
        self.seen.append(dict(x.fields()))
        grey = 40.0 * x.label_map + 100.0 * bright
        if "instance_map" in x:
            grey = grey + x.instance_map
        made: Tensor = net.G((grey / 127.5 - 1).expand(-1, 3, -1, -1))
        return made


def painter(facts: i2i.DataFacts = FACTS, **options: Any) -> Model:
    strategy = Painter(**options)
    net = i2i.Parts(strategy.build(None, facts))  # type: ignore[arg-type]
    spec = i2i.Spec(strategy=Ref("painter"), data=Ref("demo"))
    return Model(spec, strategy, net, facts, torch.device("cpu"))


def labels(height: int = 12, width: int = 20, seed: int = 0) -> NDArray[np.uint8]:
    """Stored numbers: classes 0 to 2, and 255 for don't-care in the first pixel."""
    numbers = np.random.default_rng(seed).integers(0, 3, (height, width)).astype(np.uint8)
    numbers[0, 0] = 255
    return numbers


def painted(numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the painter makes of stored numbers."""
    classes = np.where(numbers == 255, 3, numbers)
    return np.repeat(40 * classes[..., None], 3, 2).astype(np.uint8)


def saved(path: Path, numbers: NDArray[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(numbers).save(path)
    return path


# Kinds of input


def test_a_file_becomes_a_picture_of_its_size(tmp_path: Path) -> None:
    result = painter().translate(saved(tmp_path / "a.png", labels()))
    assert (result.mode, result.size) == ("RGB", (20, 12))
    assert np.array_equal(np.asarray(result), painted(labels()))


def test_maps_of_every_kind_are_the_same(tmp_path: Path) -> None:
    model, numbers = painter(), labels()
    palettised = Image.fromarray(numbers, "P")
    palettised.putpalette([9, 9, 9] * 256)
    arrays: list[Any] = [numbers, numbers[..., None], numbers.astype(np.int64), numbers.astype(np.uint16)]
    for array in arrays:
        assert np.array_equal(model.translate(array), painted(numbers))
    grey = Image.fromarray(numbers)
    see_through = Image.merge("LA", (grey, Image.new("L", grey.size, 77)))
    for image in (grey, see_through, palettised, Image.fromarray(numbers.astype(np.uint16))):
        assert np.array_equal(np.asarray(model.translate(image)), painted(numbers))
    whole = torch.from_numpy(numbers)
    for tensor in (whole, whole.long()[None], whole.int()):
        result = model.translate(tensor)
        assert result.dtype == torch.uint8
        assert np.array_equal(result.permute(1, 2, 0).numpy(), painted(numbers))


def test_a_batch_of_tensors_stays_a_batch() -> None:
    many = np.stack([labels(seed=seed) for seed in range(3)])
    result = painter().translate(torch.from_numpy(many)[:, None])
    assert np.array_equal(result.permute(0, 2, 3, 1).numpy(), np.stack([painted(each) for each in many]))


def test_colours_are_read_with_the_palette_of_the_training_data(tmp_path: Path) -> None:
    model, classes = painter(), labels()
    classes[0, 0] = 1
    colours = np.array(PALETTE, np.uint8)[classes]
    inputs: list[Any] = [saved(tmp_path / "a.png", colours), Image.fromarray(colours), colours]
    for given in inputs:
        assert np.array_equal(np.asarray(model.translate(given)), painted(classes))
    tensor = model.translate(torch.from_numpy(colours).permute(2, 0, 1))
    assert np.array_equal(tensor.permute(1, 2, 0).numpy(), painted(classes))


def test_networks_see_padded_whole_numbers() -> None:
    model = painter()
    model.translate(labels())
    seen = model.strategy.seen[-1]  # type: ignore[attr-defined]
    assert (seen["label_map"].shape, seen["label_map"].dtype) == ((1, 1, 16, 24), torch.int64)


def test_padding_repeats_the_edge() -> None:
    padded = pad(torch.tensor([[[[7, 9], [1, 2]]]]), 4)
    assert padded[0, 0].tolist() == [[7, 9, 9, 9], [1, 2, 2, 2], [1, 2, 2, 2], [1, 2, 2, 2]]


def test_results_are_written_and_shown(tmp_path: Path) -> None:
    model, file = painter(), saved(tmp_path / "a.png", labels(16, 16))
    written = model.translate(file, out=tmp_path / "b.png")
    assert np.array_equal(np.asarray(Image.open(written)), painted(labels(16, 16)))
    sheet = np.asarray(model.grid(file)).reshape(-1, 3)
    assert {(250, 0, 0), DONT_CARE, (120, 120, 120)} <= set(map(tuple, sheet.tolist()))


def test_a_picture_as_a_control_has_the_shape_of_the_training_data() -> None:
    request = painter().request({"style": np.zeros((5, 5, 3), np.uint8)})
    assert request.pictures["style"].shape == (1, 3, 8, 16)


# What cannot be read


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.full((4, 4), 7, np.uint8),
         "the label_map holds the number 7 (column 0, row 0), but there are 3 classes, 0 to 2, and 255 for "
         "don't-care; name all classes"),
        (-torch.ones(4, 4, dtype=torch.int64),
         "the label_map holds the number -1 (column 0, row 0), but there are 3 classes, 0 to 2, and 255 for "
         "don't-care; name all classes"),
        (np.zeros((4, 4), np.float32), "a label_map holds whole numbers, not float32"),
        (torch.zeros(1, 4, 4), "a label_map holds whole numbers, not float32"),
        (np.zeros((4, 4, 2), np.uint8), "a label_map of shape (4, 4, 2) is none; use H×W, or H×W×3 for colours"),
        (torch.zeros(2, 4, 4, dtype=torch.int64),
         "a label_map of shape (2, 4, 4) is none; use H×W, 1×H×W or N×1×H×W"),
        (torch.zeros(0, 1, 4, 4, dtype=torch.int64),
         "a label_map of shape (0, 1, 4, 4) is none; use H×W, 1×H×W or N×1×H×W"),
        (Image.new("F", (4, 4)), "a label_map holds whole numbers, not float32"),
        (np.full((4, 4, 3), 256, np.uint16), "a label_map in colour holds numbers from 0 to 255, not 256 to 256"),
        (torch.full((3, 4, 4), -1), "a label_map in colour holds numbers from 0 to 255, not -1 to -1"),
        (np.full((4, 4, 3), 251, np.uint8),
         "the label_map has the colour [251, 251, 251] (column 0, row 0), which is none of the palette's; the nearest "
         "is [250, 0, 0], 'sea'; save the map without smooth edges, or add the colour"),
    ],
)  # fmt: skip
def test_what_is_no_label_map_is_refused(given: Any, sentence: str) -> None:
    with pytest.raises(I2IError) as caught:
        painter().translate(given)
    assert str(caught.value) == sentence


def test_files_are_refused_as_the_training_data_refuses_them(tmp_path: Path) -> None:
    lossy = saved(tmp_path / "a.jpg", labels())
    with pytest.raises(I2IError, match=r"is a JPEG file, which changes the numbers of a map"):
        painter().translate(lossy)
    plain = dataclasses.replace(FACTS, palette=())
    with pytest.raises(I2IError, match="is in colour, and no palette says"):
        painter(plain).translate(saved(tmp_path / "b.png", np.zeros((4, 4, 3), np.uint8)))


def test_classes_without_names_have_numbers() -> None:
    bare = dataclasses.replace(FACTS, classes=(), palette=())
    assert np.array_equal(painter(bare).translate(labels()), painted(labels()))


# Instance maps


def test_an_instance_map_goes_with_its_label_map(tmp_path: Path) -> None:
    model, things = painter(), np.full((12, 20), 5, np.uint8)
    wanted = painted(labels()) + 5
    file, map_file = saved(tmp_path / "a.png", labels()), saved(tmp_path / "things" / "a.png", things)
    given: list[Any] = [
        things,
        torch.from_numpy(things),
        Image.fromarray(things),
        map_file,
        tmp_path / "things",
    ]
    for each in given:
        assert np.array_equal(np.asarray(model.translate(file, instance_map=each)), wanted)
    seen = model.strategy.seen[-1]["instance_map"]  # type: ignore[attr-defined]
    assert (seen.shape, seen.dtype, seen.unique().tolist()) == ((1, 1, 16, 24), torch.int64, [5])
    assert np.array_equal(np.asarray(model.translate(file)), painted(labels()))


def test_instance_maps_in_colour_and_deep(tmp_path: Path) -> None:
    model = painter()
    colours = np.zeros((12, 20, 3), np.uint8)
    colours[..., 1] = 1
    for things in (colours, np.full((12, 20), 256, np.uint16)):
        model.translate(labels(), instance_map=saved(tmp_path / "a.png", things))
        assert model.strategy.seen[-1]["instance_map"].unique().tolist() == [256]  # type: ignore[attr-defined]


def test_a_batch_has_an_instance_map_for_each() -> None:
    model = painter()
    many = torch.zeros(2, 1, 8, 8, dtype=torch.int64)
    result = model.translate(many, instance_map=torch.tensor([3, 4]).view(2, 1, 1, 1).expand_as(many))
    assert result[:, 0, 0, 0].tolist() == [3, 4]
    one_for_all = model.translate(many, instance_map=torch.full((8, 8), 5))
    assert one_for_all.unique().tolist() == [5] and len(one_for_all) == 2


def said(model: Model, **controls: Any) -> str:
    with pytest.raises(I2IError) as caught:
        model.translate(labels(), **controls)
    return str(caught.value)


def test_wrong_instance_maps_are_told(tmp_path: Path) -> None:
    saved(tmp_path / "things" / "b.png", labels())
    assert said(painter(), instance_map=labels(5, 5)) == (
        "the input (1 of 20×12) and its instance_map (1 of 5×5) differ in size"
    )
    with pytest.raises(I2IError) as caught:
        painter().translate(
            torch.zeros(2, 1, 8, 8, dtype=torch.int64), instance_map=torch.zeros(3, 1, 8, 8).int()
        )
    assert str(caught.value) == "the input (2 of 8×8) and its instance_map (3 of 8×8) differ in size"
    assert said(painter(), instance_map=tmp_path / "things") == (
        "instance_map: a folder goes with files; give the map itself"
    )
    assert said(painter(), instance_map=3) == "  control.instance_map: input should be a path, got 3"
    assert said(painter(required=True)) == (
        "  control.instance_map: this model also takes such a map; give a file, or a folder of files named like the "
        "inputs"
    )
    file = saved(tmp_path / "a.png", labels())
    with pytest.raises(I2IError, match=r"a.png: '.*things' holds no instance_map of that name"):
        painter().translate(file, instance_map=tmp_path / "things")
    with pytest.raises(I2IError, match=r"there is no file '.*missing.png'"):
        painter().translate(file, instance_map=tmp_path / "missing.png")


def test_two_instance_maps_of_one_name_are_told(tmp_path: Path) -> None:
    for place in ("x", "y"):
        saved(tmp_path / place / "a.png", labels())
    assert "have one name without the ending; rename one" in said(painter(), instance_map=tmp_path)


def test_data_without_instance_maps_has_no_such_control() -> None:
    bare = dataclasses.replace(FACTS, maps={"label_map": 4})
    with pytest.raises(SpecError, match="has no such option"):
        painter(bare).request({"instance_map": labels()})


# Colours for looking


def test_a_palette_is_shown_and_dont_care_is_grey() -> None:
    shown = paint(np.array([[0, 1], [2, 3]]), PALETTE)
    assert shown.tolist() == [[list(PALETTE[0]), list(PALETTE[1])], [list(PALETTE[2]), list(DONT_CARE)]]


def test_without_a_palette_colours_can_be_told_apart() -> None:
    shown = paint(np.arange(256)[None])[0].astype(int)
    apart = np.abs(shown[:, None] - shown[None]).max(-1) + 255 * np.eye(256, dtype=int)
    assert apart[:40, :40].min() >= 12
    assert apart.min() >= 1
    assert np.array_equal(
        paint(np.array([[70_000, 7]]))[0, 1], shown[7]
    )  # the same whatever else the map holds


def test_cells_and_sample_grids_show_maps_in_colours() -> None:
    label_map = torch.tensor([[[0, 1], [2, 3]]])
    cell = np.asarray(as_cell(label_map, palette=PALETTE))
    assert cell.shape == (128, 128, 3)
    assert cell[0, 127].tolist() == list(PALETTE[1])
    sheet = grid({"input": label_map[None], "output": torch.zeros(1, 3, 2, 2)}, PALETTE)
    assert {*PALETTE, DONT_CARE} <= set(map(tuple, np.asarray(sheet).reshape(-1, 3).tolist()))
