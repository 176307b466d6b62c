"""Data sets that cannot be used, each with the sentence that it must produce."""

import numpy as np
import pytest
from data_helpers import assert_refused, fill, noise, save
from PIL import Image

from i2i.data import Paired, Unpaired

CASES = []


def case(sentence, kind=Paired, **options):
    """Register a function that makes a wrong folder; {root} in the sentence stands for its path."""

    def add(make):
        CASES.append(pytest.param(make, kind, options, sentence, id=make.__name__))
        return make

    return add


@case("data.root: there is no folder '{root}'; the nearest is '{up}/facades'; '{up}' holds facades, maps")
def misspelt_root(root):
    (root.parent / "facades").mkdir()
    (root.parent / "maps").mkdir()


@case("data.root: there is no folder '{root}/deeper/still'; '{up}' holds no folders")
def missing_above_root(root):
    return root / "deeper" / "still"


@case("data.root: '{root}' is a file; give the folder that holds the pictures")
def root_is_an_archive(root):
    root.write_bytes(b"PK")


@case(
    "data.root: '{root}' has no split 'train'; looked for train/a with train/b, trainA with trainB, a/train with "
    "b/train, train.csv, side-by-side files in train; the nearest is '{root}/training'; '{root}' holds test, training"
)
def misspelt_split(root):
    fill(root / "training", ["1.png"])
    fill(root / "test", ["1.png"])


@case(
    "data.root: '{root}' has no split 'train'; looked for train/horse with train/zebra, horse/train with zebra/train; "
    "the nearest is '{root}/train/horses'; '{root}/train' holds horses, zebras",
    Unpaired,
    a="horse",
    b="zebra",
)
def misspelt_domains(root):
    fill(root / "train" / "horses", ["1.png"])
    fill(root / "train" / "zebras", ["1.png"])


@case(
    "data.root: '{root}' has no split 'train'; looked for train/a with train/b, trainA with trainB, a/train with "
    "b/train; '{root}/train' holds no folders",
    Unpaired,
)
def pairs_where_two_folders_belong(root):
    fill(root / "train", ["1.png"])


@case(
    "data.root: '{root}' has no split 'train'; looked for train/a with train/b, trainA with trainB, a/train with "
    "b/train, train.csv, side-by-side files in train; '{root}' holds no folders"
)
def empty_root(root):
    root.mkdir()


@case(
    "data.root: '{root}/trainA' has no partner '{root}/trainB'; the nearest is '{root}/trainC'; '{root}' holds trainC"
)
def second_folder_missing(root):
    for name in ("trainA", "trainC"):
        fill(root / name, ["1.png"])


@case("data.root: '{root}/b/train' has no partner '{root}/a/train'; there is no folder '{root}/a'", Unpaired)
def first_folder_missing(root):
    fill(root / "b" / "train", ["1.png"])


@case("data.b: a and b are both 'x'; give each domain its own folder or column", a="x", b="x")
def one_name_for_both(root):
    fill(root / "train" / "x", ["1.png"])


@case(
    "'{root}/train' holds no pictures: it is empty; pictures end in bmp, jpeg, jpg, npy, npz, png, ppm, tif, tiff, webp"
)
def empty_split(root):
    (root / "train").mkdir(parents=True)


@case(
    "'{root}/trainB' holds no pictures: its files end in .gif, .txt; pictures end in bmp, jpeg, jpg, npy, npz, png, "
    "ppm, tif, tiff, webp",
    Unpaired,
)
def wrong_file_types(root):
    fill(root / "trainA", ["1.png"])
    (root / "trainB").mkdir()
    for name in ("1.gif", "notes.txt"):
        (root / "trainB" / name).touch()


@case(
    "'{root}/train/1.png' is a link to a place outside '{root}/train', which is not followed; copy the file in, or "
    "remove the link"
)
def links_to_files_outside(root):
    outside = save(root.parent / "x.png", noise())
    (root / "train").mkdir(parents=True)
    (root / "train" / "1.png").symlink_to(outside)


@case(
    "data.root: '{root}/trainA' is a link to a place outside '{root}', which is not followed; "
    "move the pictures into the data folder",
    Unpaired,
)
def links_to_folders_outside(root):
    outside = fill(root.parent / "elsewhere", ["1.png"])
    fill(root / "trainB", ["1.png"])
    (root / "trainA").symlink_to(outside, target_is_directory=True)


@case(
    "data.root: '{root}/train' holds neither side-by-side files nor folders 'a' and 'b'; '{root}/train' holds images, "
    'labels; name the two folders, for example a = "photos" and b = "maps"'
)
def folders_with_names_of_their_own(root):
    for name in ("images", "labels"):
        fill(root / "train" / name, ["1.png"])


@case(
    "data.root: 4 files ('2.png', '3.png', '4.png', …) of '{root}/trainA' have no partner in '{root}/trainB'; "
    "1 file ('6.png') of '{root}/trainB' has no partner in '{root}/trainA'; files are paired by their names without "
    'the ending (a CSV can pair other names; for pictures without partners there is name = "unpaired")'
)
def unmatched_names(root):
    fill(root / "trainA", ["1.png", "2.png", "3.png", "4.png", "5.png"])
    fill(root / "trainB", ["1.png", "6.png"])


@case("data.root: '{root}/trainA' holds both '1.bmp' and '1.png', which name the same pair; remove one")
def two_files_of_one_name(root):
    fill(root / "trainA", ["1.png", "1.bmp"])
    fill(root / "trainB", ["1.png"])


@case(
    "data.root: the pair '{root}/trainA/2.png' (12×12) and '{root}/trainB/2.png' (8×12) differ in size; "
    "make them equal"
)
def pair_of_two_sizes(root):
    fill(root / "trainA", ["1.png", "2.png"])
    fill(root / "trainB", ["1.png"])
    save(root / "trainB" / "2.png", noise(12, 8))


@case(
    "data.root: '{root}/train/1.png' is 25 pixels wide, which does not split into two halves; side-by-side files hold "
    "a on the left and b on the right, equally wide"
)
def odd_width(root):
    fill(root / "train", ["1.png"], width=25)


@case(
    'data.load_size: a crop of size 256 does not fit into pictures resized to 128; use 256 or more, or "auto"',
    load_size=128,
)
def crop_larger_than_picture(root):
    fill(root / "train", ["1.png"])


@case(
    "data.centre_crop: 178 is larger than 'train/1.png', which is 12×12; use 12 or less, or leave it out",
    centre_crop=178,
)
def centre_crop_larger_than_picture(root):
    fill(root / "train", ["1.png"], width=24)


@case("data.value_range: the first value must be the lower one, got [255, 0]", value_range=(255, 0))
def range_upside_down(root):
    fill(root / "train", ["1.png"])


@case(
    "data.root: '{root}/trainA' is mixed: '1.png' is colour, '2.png' (and 1 more) is grey; "
    "set channels = 1 or channels = 3",
    Unpaired,
)
def grey_and_colour(root):
    fill(root / "trainA", ["1.png"])
    fill(root / "trainA", ["2.png", "3.png"], channels=1)
    fill(root / "trainB", ["1.png"])


@case(
    "data.root: '{root}/train' is mixed: '1.png' is 8-bit, '2.png' is 16-bit; convert the files to one depth",
    channels=1,
)
def two_depths(root):
    fill(root / "train", ["1.png"])
    save(root / "train" / "2.png", noise(dtype=np.uint16))


@case(
    "data.value_range: '{root}/train/1.tif' stores float32 numbers; say which stand for -1 and +1, "
    "for example value_range = [0.0, 1.0] (i2i check reports the values that there are)"
)
def floats_without_range(root):
    (root / "train").mkdir(parents=True)
    Image.fromarray(noise(channels=1)[..., 0].astype(np.float32)).save(root / "train" / "1.tif")


@case("'{root}/train/2.png' cannot be read: it is not an image; replace or remove it")
def not_an_image(root):
    fill(root / "train", ["1.png"])
    (root / "train" / "2.png").write_text("<html>404</html>")


@case(
    "data.root: '{root}/train.csv' has no column 'photo'; did you mean 'photos'? known: map, photos",
    a="photo",
    b="map",
)
def csv_without_the_column(root):
    table(root, "photos,map\n1.png,1.png\n")


@case("data.root: '{root}/train.csv' has no column 'a'; there are none")
def csv_is_empty(root):
    table(root, "")


@case("data.root: '{root}/train.csv' has no rows below its header")
def csv_without_rows(root):
    table(root, "a,b\n")


@case(
    "data.root: 3 files ('x/1.png', 'x/3.png', 'x/2.png') listed in '{root}/train.csv' do not exist; "
    "paths are relative to the CSV"
)
def csv_of_missing_files(root):
    table(root, "a,b\nx/1.png,x/2.png\nx/3.png,x/2.png\n")


@case("data.root: '{root}/train.csv', line 3: column 'b' is empty; give a picture's path")
def csv_with_a_short_row(root):
    table(root, "a,b\n1.png,1.png\n1.png\n")


@case(
    "data.root: '{root}/train.csv', line 2: '../../1.png' is outside the folder of the CSV; "
    "move the pictures below it and write relative paths"
)
def csv_that_leaves_its_folder(root):
    table(root, "a,b\n../../1.png,1.png\n")


@case("data.root: '{root}/train.csv' is not in UTF-8; save it again in that encoding")
def csv_in_another_encoding(root):
    root.mkdir()
    (root / "train.csv").write_bytes("a,b\n".encode("utf-16"))


def table(root, text):
    save(root / "1.png", noise())
    (root / "train.csv").write_text(text)


@pytest.mark.parametrize(("make", "kind", "options", "sentence"), CASES)
def test_wrong_folder(tmp_path, make, kind, options, sentence):
    assert_refused(tmp_path, "facade", make, kind, options, sentence)


def test_there_are_enough():
    assert len(CASES) >= 20
