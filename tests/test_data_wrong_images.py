"""Pictures that stand alone and cannot be used, each with the sentence that it must produce."""

import gzip

import numpy as np
import pytest
from data_helpers import assert_refused, digits, domain_folders, fill, idx_bytes

from i2i.data import Images

CASES = []
PICTURES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def case(sentence, **options):
    """Register a function that makes a wrong data set; {root} in the sentence stands for its path."""

    def add(make):
        CASES.append(pytest.param(make, options, sentence, id=make.__name__))
        return make

    return add


def spoil(root, array, name=PICTURES):
    """IDX files of which one holds another array, or other bytes."""
    digits(root)
    (root / name).write_bytes(array if isinstance(array, bytes) else idx_bytes(array))


@case("data.root: there is no folder '{root}s'; the nearest is '{root}'; '{up}' holds shapes")
def misspelt_root(root):
    root.mkdir()
    return root.parent / "shapess"


@case("data.root: '{root}/1.png' is a file; give the folder that holds the pictures")
def root_that_is_a_file(root):
    return fill(root, ["1.png"]) / "1.png"


@case(
    "'{root}' holds no pictures: it is empty; pictures end in bmp, jpeg, jpg, npy, npz, png, ppm, tif, tiff, webp"
)
def empty_root(root):
    root.mkdir()


@case("data.root: '{root}' has no split 'train'; looked for train-images-idx3-ubyte[.gz], train, <class>/train, "
      "pictures or folders of classes in it; '{root}' holds test, val")  # fmt: skip
def other_splits_alone(root):
    domain_folders(domain_folders(root, split="test"), split="val")


@case("data.root: '{root}' has no split 'train'; looked for train-images-idx3-ubyte[.gz], train, <class>/train, "
      "pictures or folders of classes in it; the nearest is '{root}/trian'; '{root}' holds trian")  # fmt: skip
def misspelt_split(root):
    domain_folders(root, split="trian")


@case("data.root: '{root}' has no split 'train'; looked for train-images-idx3-ubyte[.gz], train, <class>/train, "
      "pictures or folders of classes in it; '{root}' holds no folders")  # fmt: skip
def digits_of_the_other_split(root):
    digits(root, split="t10k")


@case("data.root: '{root}' has no split 'test'; looked for t10k-images-idx3-ubyte[.gz], test, <class>/test; '{root}' "
      "holds angry, happy, sad", split="test")  # fmt: skip
def split_of_a_folder_without_splits(root):
    domain_folders(root, split=".")


@case("'{root}/train/happy' holds no pictures: it is empty; pictures end in bmp, jpeg, jpg, npy, npz, png, ppm, tif, "
      "tiff, webp")  # fmt: skip
def empty_class(root):
    (domain_folders(root, ["angry", "sad"]) / "train" / "happy").mkdir()


@case("data.root: 2 pictures ('2.png', '10.png') of '{root}/train' lie beside the folders of the classes; move "
      "pictures into one of these or elsewhere")  # fmt: skip
def pictures_outside_classes(root):
    fill(domain_folders(root) / "train", ["10.png", "2.png"])


@case("data.root: 1 picture ('a.png') of '{root}' lies beside the folders of the classes; move pictures into one of "
      "these or elsewhere")  # fmt: skip
def picture_outside_classes_without_splits(root):
    fill(domain_folders(root, split="."), ["a.png"])


@case("data.root: 1 folder ('sad') of '{root}' holds no 'train' as 'angry' does; add it, or name in classes the "
      "classes to use")  # fmt: skip
def class_without_the_split(root):
    for path in ("angry/train", "sad/Training"):
        fill(root / path, ["1.png"])


@case("data.root: 'images' is the only folder of '{root}', and one class tells nothing; set root to '{root}/images', "
      'or, to keep the class, set classes = ["images"]')  # fmt: skip
def one_folder(root):
    fill(root / "images", ["1.png"])


@case("data.root: 'cats' is the only folder of '{root}/train', and one class tells nothing; move its pictures up to "
      "'{root}/train', or, to keep the class, set classes = [\"cats\"]")  # fmt: skip
def one_class(root):
    fill(root / "train" / "cats", ["1.png"])


@case("data.root: '{root}/train/sad' is a link to a place outside '{root}', which is not followed; move the pictures "
      "into the data folder")  # fmt: skip
def link_to_a_folder_outside(root):
    fill(root.parent / "elsewhere", ["1.png"])
    place = domain_folders(root, ["angry"]) / "train" / "sad"
    place.symlink_to(root.parent / "elsewhere", target_is_directory=True)


@case("data.root: '{root}/train' is a link to a place outside '{root}', which is not followed; move the pictures into "
      "the data folder")  # fmt: skip
def link_to_a_plain_folder_outside(root):
    fill(root.parent / "elsewhere", ["1.png"])
    root.mkdir()
    (root / "train").symlink_to(root.parent / "elsewhere", target_is_directory=True)


@case("data.classes: '{root}/train' has no class 'sab'; did you mean 'sad'? known: angry, happy, sad",
      classes=("angry", "sab"))  # fmt: skip
def misspelt_class(root):
    domain_folders(root)


@case("data.classes: 'sad' is there twice; name each class once", classes=("sad", "sad"))
def class_twice(root):
    domain_folders(root)


@case(f"data.classes: '{{root}}/{LABELS}' has no class '8'; known: 0, 3, 7", classes=("3", "8"))
def digit_that_is_not_there(root):
    digits(root)


@case("data.classes: the pictures of '{root}' have no classes; leave classes out", classes=("cats",))
def classes_of_a_plain_folder(root):
    fill(root, ["1.png"])


@case("data.balanced: the pictures of '{root}' have no classes; leave balanced out", balanced=True)
def balance_of_a_plain_folder(root):
    fill(root, ["1.png"])


@case("data.balanced: no picture of class 'angry' is left beside those held out of '{root}'; lower hold_out",
      balanced=True, hold_out=5)  # fmt: skip
def class_that_is_held_out(root):
    domain_folders(root, split=".")


@case("data.hold_out: 6 pictures cannot be held out of the 6 that '{root}' has; use 5 or less", hold_out=6)
def everything_held_out(root):
    domain_folders(root, split=".")


@case("data.hold_out: '{root}' has a split 'test', which is looked at instead; remove hold_out", hold_out=1)
def hold_out_beside_a_split(root):
    digits(digits(root), split="t10k")


@case(f"data.root: '{{root}}/{PICTURES}' holds 4 pictures and '{LABELS}' 3 labels; they are not of one set, download "
      "both again")  # fmt: skip
def labels_that_are_too_few(root):
    spoil(root, np.array([1, 2, 3], np.uint8), LABELS)


@case(f"data.root: '{{root}}/{LABELS}': label 2 (counted from 0) is -1; labels are 0 or more")
def label_below_zero(root):
    spoil(root, np.array([1, 2, -1, 0], np.int8), LABELS)


@case(f"data.root: '{{root}}/{LABELS}' holds 4 numbers of type float32, which are no labels; an IDX file of labels "
      "holds one whole number for each picture")  # fmt: skip
def labels_of_floats(root):
    spoil(root, np.zeros(4, np.float32), LABELS)


@case(f"data.root: '{{root}}/{LABELS}' holds 4×9×8 numbers of type uint8, which are no labels; an IDX file of labels "
      "holds one whole number for each picture")  # fmt: skip
def pictures_as_labels(root):
    spoil(root, np.zeros((4, 9, 8), np.uint8), LABELS)


@case(f"data.root: '{{root}}/{PICTURES}' holds 4 numbers, which are no pictures; an IDX file of pictures holds number "
      "× height × width, or also × channels (1 or 3)")  # fmt: skip
def labels_as_pictures(root):
    spoil(root, np.zeros(4, np.uint8))


@case(f"data.root: '{{root}}/{PICTURES}' holds 0×28×28 numbers, which are no pictures; an IDX file of pictures holds "
      "number × height × width, or also × channels (1 or 3)")  # fmt: skip
def no_pictures(root):
    spoil(root, np.zeros((0, 28, 28), np.uint8))


@case(f"data.root: '{{root}}/{PICTURES}' holds 4×2×9×8 numbers, which are no pictures; an IDX file of pictures holds "
      "number × height × width, or also × channels (1 or 3)")  # fmt: skip
def channels_in_front(root):
    spoil(root, np.zeros((4, 2, 9, 8), np.uint8))


@case(f"data.root: '{{root}}/{PICTURES}' is no IDX file: it begins with 3c 68 74 6d where 00 00, the type (08 for "
      "bytes) and the number of dimensions should be; download it again")  # fmt: skip
def page_instead_of_a_file(root):
    spoil(root, b"<html>Not found</html>")


@case(f"data.root: '{{root}}/{PICTURES}' is no IDX file: it begins with nothing where 00 00, the type (08 for bytes) "
      "and the number of dimensions should be; download it again")  # fmt: skip
def empty_file(root):
    spoil(root, b"")


@case(f"data.root: '{{root}}/{PICTURES}' is no IDX file: it begins with 00 00 0a 03 where 00 00, the type (08 for "
      "bytes) and the number of dimensions should be; download it again")  # fmt: skip
def unknown_type(root):
    spoil(root, bytes([0, 0, 0x0A, 3]))


@case(f"data.root: '{{root}}/{PICTURES}' is damaged: its head says 4×9×8 numbers, 288 bytes, and 284 bytes follow; "
      "download it again")  # fmt: skip
def file_that_was_cut(root):
    spoil(root, idx_bytes(np.zeros((4, 9, 8), np.uint8))[:-4])


@case(f"data.root: '{{root}}/{PICTURES}' is damaged: it ends within its head; download it again")
def head_that_was_cut(root):
    spoil(root, idx_bytes(np.zeros((4, 9, 8), np.uint8))[:8])


@case(f"data.root: '{{root}}/{PICTURES}' is damaged: its head says 4×9×8 numbers, 288 bytes, and more follow; "
      "download it again")  # fmt: skip
def file_that_is_too_long(root):
    spoil(root, idx_bytes(np.zeros((4, 9, 8), np.uint8)) + b"\0")


@case(f"data.root: '{{root}}/{PICTURES}' cannot be unpacked: Compressed file ended before the end-of-stream marker was "
      "reached; download it again")  # fmt: skip
def packed_file_that_was_cut(root):
    spoil(root, gzip.compress(idx_bytes(np.zeros((4, 9, 8), np.uint8)))[:-12])


@case(f"data.value_range: '{{root}}/{PICTURES}' stores int16 numbers; say which stand for -1 and +1, for example "
      "value_range = [0.0, 1.0] (i2i check reports the values that there are)")  # fmt: skip
def numbers_without_a_range(root):
    digits(root, dtype=np.int16)


@case("data.root: '{root}/train' is mixed: 'angry/1.png' is colour, 'sad/0.png' (and 1 more) is grey; set channels = 1 "
      "or channels = 3")  # fmt: skip
def grey_in_another_class(root):
    fill(domain_folders(root) / "train" / "sad", ["0.png", "4.png"], channels=1)


@case(f"data.centre_crop: 10 is larger than '{PICTURES}, picture 0', which is 8×9; use 8 or less, or leave it out",
      centre_crop=10)  # fmt: skip
def centre_crop_larger_than_picture(root):
    digits(root)


@case('data.load_size: a crop of size 16 does not fit into pictures resized to 8; use 16 or more, or "auto"',
      size=16, load_size=8)  # fmt: skip
def crop_larger_than_picture(root):
    fill(root, ["1.png"])


@pytest.mark.parametrize(("make", "options", "sentence"), CASES)
def test_wrong_images(tmp_path, make, options, sentence):
    assert_refused(tmp_path, "shapes", make, Images, options, sentence)
