"""Label maps that cannot be used, each with the sentence that it must produce."""

import numpy as np
import pytest
from data_helpers import assert_refused, noise, save
from PIL import Image

from i2i.data.masks import Masks

CASES = []
COLOURS = ((0, 0, 0), (128, 64, 128))


def case(sentence, **options):
    """Register a function that makes a wrong data set; {root} in the sentence stands for its path."""

    def add(make):
        CASES.append(pytest.param(make, {"classes": 2, "size": 8} | options, sentence, id=make.__name__))
        return make

    return add


def put(root, kind, name, pixels, split="train"):
    return save(root / split / kind / name, pixels)


def pair(root, labels=None, name="1", split="train", suffix="png"):
    """A photograph and a label map of zeros, or the given one."""
    put(root, "images", f"{name}.{suffix}", noise(), split)
    put(root, "labels", f"{name}.png", np.zeros((12, 12, 1), np.uint8) if labels is None else labels, split)


def zeros(value=0, channels=1, dtype=np.uint8):
    """A map of zeros but for one pixel, in column 3 of row 2."""
    made = np.zeros((12, 12, channels), dtype)
    made[2, 3] = value
    return made


# Values and colours


@case("'{root}/train/labels/1.png' holds the number 7 (column 3, row 2), but there are 2 classes, 0 to 1; name all "
      "classes, or set ignore to the number that means don't-care")  # fmt: skip
def number_beyond_the_classes(root):
    pair(root, zeros(7))


@case("'{root}/train/labels/1.png' holds the number 700 (column 3, row 2), but there are 2 classes, 0 to 1, and 255 "
      "for don't-care; name all classes", ignore=255)  # fmt: skip
def number_beyond_the_classes_and_dont_care(root):
    pair(root, zeros(700, dtype=np.uint16))


@case("'{root}/train/labels/28.png' holds the number 7 (column 3, row 2), but there are 2 classes, 0 to 1; name all "
      "classes, or set ignore to the number that means don't-care")  # fmt: skip
def number_in_the_second_half_of_many_maps(root):
    for name in range(32):
        pair(root, zeros(7) if name == 28 else None, f"{name:02}")


@case("'{root}/train/labels/1.png' has the colour [120, 60, 128] (column 3, row 2), which is none of the palette's; "
      "the nearest is [128, 64, 128], 'road'; save the map without smooth edges, or add the colour",
      classes=("void", "road"), palette=COLOURS)  # fmt: skip
def colour_that_is_not_in_the_palette(root):
    pair(root, zeros((120, 60, 128), 3))


@case("'{root}/train/labels/1.png' is in colour, and no palette says which colour is which class; list the colours of "
      "the classes in data.palette, or save the numbers of the classes in grey")  # fmt: skip
def colours_without_a_palette(root):
    pair(root, zeros(channels=3))


@case("'{root}/train/labels/1.png' stores numbers with colours of its own, of which the numbers count: its 1 is "
      "[0, 0, 0], but in data.palette 'road' is [128, 64, 128]; save it as RGB, or correct the palette",
      classes=("void", "road"), palette=COLOURS)  # fmt: skip
def numbers_whose_own_colours_say_otherwise(root):
    pair(root)
    image = Image.fromarray(np.ones((12, 12), np.uint8), "P")
    image.putpalette([128, 64, 128, 0, 0, 0])
    image.save(root / "train" / "labels" / "1.png")


@case("data.ignore: the label maps are in colour and hold no number 255; leave ignore out, and give don't-care a class "
      "with its colour", palette=COLOURS, ignore=255)  # fmt: skip
def dont_care_of_colours(root):
    pair(root, zeros(channels=3))


@case("data.palette: it has 1 colour for 2 classes; give each class one", palette=((0, 0, 0),))
def palette_of_one_colour(root):
    pair(root)


# Files


@case(
    "'{root}/train/labels/1.jpg' is a JPEG file, which changes the numbers of a map; save the original as PNG"
)
def label_map_in_a_jpeg(root):
    put(root, "images", "1.png", noise())
    put(root, "labels", "1.jpg", zeros())


@case(
    "'{root}/train/labels/1.png' is a JPEG file, which changes the numbers of a map; save the original as PNG"
)
def label_map_in_a_jpeg_by_another_name(root):
    put(root, "images", "1.png", noise())
    save(root / "train" / "labels" / "1.png", zeros(), format="JPEG")


@case(
    "'{root}/train/labels/1.webp' is a WebP file, which changes the numbers of a map; save the original as PNG"
)
def label_map_in_a_webp(root):
    put(root, "images", "1.png", noise())
    put(root, "labels", "1.webp", zeros(channels=3))


@case(
    "'{root}/train/labels/1.png' stores 16 bits for each colour; save its numbers as a grey PNG",
    palette=COLOURS,
)
def label_map_in_deep_colour(root):
    pair(root, zeros(channels=3, dtype=np.uint16))


@case("'{root}/train/labels/1.tif' holds real numbers; a map holds whole numbers: save it as PNG")
def label_map_of_real_numbers(root):
    put(root, "images", "1.png", noise())
    put(root, "labels", "1.tif", zeros().astype(np.float32))


@case("'{root}/train/labels/1.png' cannot be read: it is not an image; replace or remove it")
def label_map_that_is_none(root):
    pair(root)
    (root / "train" / "labels" / "1.png").write_bytes(b"nothing")


@case(
    "'{root}/train/instances/1.png' is a JPEG file, which changes the numbers of a map; save the original as PNG"
)
def instance_map_in_a_jpeg(root):
    pair(root)
    save(root / "train" / "instances" / "1.png", zeros(), format="JPEG")


# What belongs together


@case("data.root: 2 files ('2.jpg', '3.png') of '{root}/train/images' have no partner in '{root}/train/labels'; a "
      "photograph and its label map have one name without the ending")  # fmt: skip
def photographs_without_label_maps(root):
    pair(root)
    put(root, "images", "2.jpg", noise())
    put(root, "images", "3.png", noise())


@case("data.root: 1 file ('2.png') of '{root}/train/labels' has no partner in '{root}/train/images'; a photograph and "
      "its label map have one name without the ending")  # fmt: skip
def label_map_without_a_photograph(root):
    pair(root)
    put(root, "labels", "2.png", zeros())


@case("data.root: 1 file ('2.png') of '{root}/train/images' has no partner in '{root}/train/instances'; a photograph "
      "and its instance map have one name without the ending")  # fmt: skip
def photograph_without_an_instance_map(root):
    pair(root)
    pair(root, name="2")
    put(root, "instances", "1.png", zeros())


@case("data.root: '{root}/train/images/1.png' (12×12) and its label map '{root}/train/labels/1.png' (10×8) differ in "
      "size; make them equal")  # fmt: skip
def label_map_of_another_size(root):
    pair(root, np.zeros((8, 10, 1), np.uint8))


@case("data.root: '{root}/train/images/1.png' (12×12) and its instance map '{root}/train/instances/1.png' (10×8) "
      "differ in size; make them equal")  # fmt: skip
def instance_map_of_another_size(root):
    pair(root)
    put(root, "instances", "1.png", np.zeros((8, 10, 1), np.uint8))


# Folders


@case("data.root: there is no folder '{root}'; '{up}' holds no folders")
def missing_root(root):
    pass


@case("data.root: '{root}' has no split 'train'; looked for train/images with train/labels, images/train with "
      "labels/train, images with labels; "
      "the nearest is '{root}/train/image'; '{root}/train' holds image, label")  # fmt: skip
def misspelt_folders(root):
    put(root, "image", "1.png", noise())
    put(root, "label", "1.png", zeros())


@case("data.root: '{root}' has no split 'val'; looked for val/images with val/labels, images/val with labels/val; "
      "the nearest is '{root}/images'; '{root}' holds images, labels", split="val")  # fmt: skip
def split_of_an_undivided_set(root):
    pair(root, split="")


@case("data.root: '{root}/train/images' has no partner '{root}/train/labels'; the nearest is '{root}/train/label'; "
      "'{root}/train' holds label")  # fmt: skip
def label_maps_in_another_folder(root):
    put(root, "images", "1.png", noise())
    put(root, "label", "1.png", zeros())


@case("data.instances: there is no folder '{root}/train/things'; '{root}/train' holds no other folders",
      instances="things")  # fmt: skip
def missing_instance_maps(root):
    pair(root)


# Classes


@case("data.classes: say how many classes the label maps have, or name them: classes = 35, or a file "
      "'{root}/classes.txt', one name a line", classes=None)  # fmt: skip
def unknown_classes(root):
    pair(root)


@case("data.classes: '{root}/classes.txt', line 2 is empty; write the name of class 1", classes=None)
def list_of_classes_with_a_gap(root):
    pair(root)
    (root / "classes.txt").write_text("sky\n\nsea\n")


@case("data.classes: '{root}/classes.txt' is empty; write the names of the classes, one a line", classes=None)
def empty_list_of_classes(root):
    pair(root)
    (root / "classes.txt").write_text("\n")


@case("data.ignore: 1 is the number of class 'sea'; use 2 or more, or leave ignore out: such a class is learned like "
      "the others", classes=None, ignore=1)  # fmt: skip
def dont_care_that_is_a_class(root):
    pair(root)
    (root / "classes.txt").write_text("sky\nsea\n")


@pytest.mark.parametrize(("make", "options", "sentence"), CASES)
def test_the_sentence(tmp_path, make, options, sentence):
    assert_refused(tmp_path, make.__name__, make, Masks, options, sentence)


def test_a_held_out_split_without_instance_maps(tmp_path):
    def spoil(root):
        pair(root)
        put(root, "instances", "1.png", zeros())
        pair(root, split="val")

    assert_refused(
        tmp_path, "x", spoil, lambda **options: Masks(**options).held_out(), {"classes": 2, "size": 8},
        "data.instances: split 'train' has instance maps and split 'val' has none; add them, or set instances = \"\"",
    )  # fmt: skip
