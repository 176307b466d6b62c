"""Labels that cannot be used, each with the sentence that it must produce."""

import pytest
from data_helpers import NAMES, assert_refused, domain_folders, fill, listed, listing, noise, save, table

from i2i.data import Domains

CASES = []


def case(sentence, **options):
    """Register a function that makes a wrong data set; {root} in the sentence stands for its path."""

    def add(make):
        CASES.append(pytest.param(make, options, sentence, id=make.__name__))
        return make

    return add


@case("data.root: '{root}/train.csv', line 3: attribute 'large' is '2'; write 1 for yes, -1 or 0 for no "
      "(attributes can name the columns that count)")  # fmt: skip
def value_that_is_none(root):
    table(root, ["1.png,1,-1", "2.png,1,2"])


@case("data.root: '{root}/train.csv', line 2: attribute 'red' is empty; write 1 for yes, -1 or 0 for no",
      attributes=["red"])  # fmt: skip
def value_that_is_empty(root):
    table(root, ["1.png,,-1"])


@case("data.root: '{root}/train.csv', line 3: 1 value for 2 attributes; a row holds a picture's path and one value "
      "for each attribute")  # fmt: skip
def row_too_short(root):
    table(root, ["1.png,1,1", "2.png,1"])


@case("data.root: '{root}/list_attr_x.txt', line 4: 3 values for 2 attributes; a row holds a picture's path without "
      "blanks and one value for each attribute")  # fmt: skip
def row_too_long(root):
    listing(root, ["1.png 1 1", "my 2.png 1 1"])


@case("data.root: '{root}/train.csv', lines 3, 5: 2 pictures ('5.png', 'y/6.png') are not in '{root}'; put the files "
      "there or remove their rows")  # fmt: skip
def rows_without_pictures(root):
    fill(root, ["1.png", "2.png"])
    table(root, ["1.png,1,1", "5.png,1,1", "2.png,1,1", "y/6.png,1,1"])


@case("data.root: '{root}/train.csv', line 3: 1 picture ('B') is not in '{root}'; put the files there or remove their "
      "rows (there is 'b.png')")  # fmt: skip
def row_that_writes_a_name_otherwise(root):
    fill(root, ["a.png", "b.png"])
    table(root, ["a.png,1,1", "B,1,1"])


@case("data.root: '{root}/list_attr_x.txt', lines 4, 5, 6, …: 4 pictures ('5.png', '6.png', '7.png', …) are not in "
      "'{root}/images'; put the files there or remove their rows")  # fmt: skip
def listed_pictures_missing(root):
    fill(root / "images", ["1.png"])
    listing(root, [f"{i}.png 1 1" for i in (1, 5, 6, 7, 8)], ("5", "red large"))


@case("data.root: 4 pictures ('x/2.png', 'x/3.png', 'x/10.png', …) in '{root}' have no row in 'train.csv'; add the "
      "rows or move the files elsewhere")  # fmt: skip
def pictures_without_rows(root):
    fill(root / "x", [*NAMES, "11.png"])
    table(root, ["x/1.png,1,1"])


@case("data.root: 1 picture ('5.png') in '{root}/images' has no row in 'list_attr_x.txt'; add the rows or move the "
      "files elsewhere")  # fmt: skip
def listed_folder_with_a_stranger(root):
    fill(listed(root) / "images", ["5.png"])


@case("data.root: '{root}/train.csv', lines 2 and 4: both list 'x/1.png'; remove one")
def rows_twice(root):
    fill(root / "x", NAMES[:2])
    table(root, ["x/1.png,1,1", "x/2.png,1,1", "x/../x/1.png,-1,1"])


@case("data.root: '{root}/train.csv', line 2: '../1.png' is outside the folder of the CSV; move the pictures below it "
      "and write relative paths")  # fmt: skip
def table_that_leaves_its_folder(root):
    table(root, ["../1.png,1,1"])


@case("data.root: '{root}/train.csv', line 2: '1.png' is outside the folder of the CSV; move the pictures below it "
      "and write relative paths")  # fmt: skip
def link_to_a_file_outside(root):
    (root / "1.png").symlink_to(save(root.parent / "1.png", noise()))
    table(root, ["1.png,1,1"])


@case("data.root: '{root}/list_attr_x.txt', line 3: '../1.png' is outside '{root}/images'; move the pictures below it "
      "and write relative paths")  # fmt: skip
def list_that_leaves_its_folder(root):
    fill(root / "images", ["2.png"])
    save(root / "1.png", noise())
    listing(root, ["../1.png 1 1"], ("1", "red large"))


@case("data.root: '{root}/train.csv', line 2: column 'image' is empty; give a picture's path")
def row_without_a_path(root):
    table(root, [",1,1"])


@case("data.root: '{root}/train.csv' has no column 'image'; call the one so that holds the pictures' paths, of "
      "images, red")  # fmt: skip
def table_without_the_column(root):
    table(root, ["1.png,1"], "images,red")


@case("data.root: '{root}/train.csv' separates its columns with ';'; save it with commas")
def table_with_semicolons(root):
    table(root, ["1.png;1"], "image;red")


@case("data.root: '{root}/train.csv', line 1: no attribute is named here; there must be at least one")
def table_of_paths_alone(root):
    table(root, ["1.png"], "image")


@case("data.root: '{root}/train.csv', line 1: a column has no name; give it one or remove it")
def table_with_a_nameless_column(root):
    table(root, ["0,1.png,1"], ",image,red")


@case("data.root: '{root}/train.csv', line 1: 'red' is there twice; rename or remove one")
def table_with_a_column_twice(root):
    table(root, ["1.png,1,1"], "image,red,red")


@case("data.root: '{root}/train.csv' has no rows below its header")
def table_without_rows(root):
    table(root, [])


@case("data.root: '{root}/train.csv' is empty; it should name attributes, then pictures with their values")
def table_that_is_empty(root):
    (root / "train.csv").touch()


@case("data.root: '{root}/train.csv' is not in UTF-8; save it again in that encoding")
def table_in_another_encoding(root):
    (root / "train.csv").write_bytes("image,red\n".encode("utf-16"))


@case("data.root: '{root}/list_attr_x.txt' is not in UTF-8; save it again in that encoding")
def list_in_another_encoding(root):
    (root / "list_attr_x.txt").write_bytes("1\nrød\n".encode("latin-1"))


@case("data.root: '{root}/list_attr_x.txt', line 1: it counts 5 pictures, and 4 rows follow; restore the missing rows "
      "or correct the number")  # fmt: skip
def list_that_was_cut(root):
    listing(root, [f"{name} 1 1" for name in NAMES], ("5", "red large"))


@case("data.root: '{root}/list_attr_x.txt', line 1: this should be the number of pictures, got '1.png 1 1'; a list "
      "begins with a line for their number and one for the names of the attributes")  # fmt: skip
def list_without_its_head(root):
    listing(root, [], ("1.png 1 1", "2.png 1 1"))


@case("data.root: '{root}/list_attr_x.txt', line 3: neither '1.png' nor any other picture of the list is in "
      "'{root}/images', '{root}/img_align_celeba', '{root}'; move them into one of these folders")  # fmt: skip
def list_without_its_folder(root):
    listed(root, "pictures")


@case("data.root: '{root}' holds the lists list_attr_x.txt and list_attr_y.txt; name one as root")
def two_lists(root):
    (listed(root) / "list_attr_y.txt").touch()


@case("data.split: '{root}/list_attr_x.txt' has no split 'test'; leave split out (hold_out keeps pictures for "
      "looking)", split="test")  # fmt: skip
def split_of_a_list(root):
    listed(root)


@case("data.root: there is no file '{root}/train.csv'; did you mean 'trian.csv'? known: trian.csv")
def misspelt_table(root):
    table(root, [], name="trian.csv")
    return root / "train.csv"


@case("data.root: there is no file '{root}/list.txt'; '{root}' holds no CSV and no list")
def missing_list(root):
    return root / "list.txt"


@case("data.root: there is no folder '{root}s'; the nearest is '{root}'; '{up}' holds faces")
def misspelt_root(root):
    return root.parent / "facess"


@case("data.root: '{root}' has no split 'train'; looked for train.csv, list_attr_*.txt, train/<domain>, "
      "<domain>/train; the nearest is '{root}/training'; '{root}' holds training")  # fmt: skip
def misspelt_split(root):
    domain_folders(root, split="training")


@case("data.root: '{root}' has no split 'train'; looked for train.csv, list_attr_*.txt, train/<domain>, "
      "<domain>/train; '{root}' holds angry, happy, sad; root is the folder that holds 'train', which holds one for "
      "each domain")  # fmt: skip
def root_that_is_the_split_itself(root):
    domain_folders(root, split=".")


@case("data.root: '{root}' has no split 'train'; looked for train.csv, list_attr_*.txt, train/<domain>, "
      "<domain>/train; did you mean 'labels.csv'? known: labels.csv (root can name a file)")  # fmt: skip
def table_with_a_name_of_its_own(root):
    table(root, [], name="labels.csv")


@case("data.root: '{root}/train' holds pictures and no folders; make a folder for each domain, or write 'train.csv' "
      "beside it with a column 'image' and one for each attribute")  # fmt: skip
def pictures_without_labels(root):
    fill(root / "train", NAMES)


@case("data.root: 2 pictures ('2.png', '10.png') of '{root}/train' lie beside the folders of the domains; move "
      "pictures into one of these or elsewhere")  # fmt: skip
def pictures_beside_the_folders(root):
    fill(domain_folders(root) / "train", ["10.png", "2.png"])


@case("data.root: 'angry' of '{root}/train' is the only domain; there must be two or more folders")
def one_folder(root):
    domain_folders(root, ["angry"])


@case("data.root: 1 folder ('sad') of '{root}' holds no 'train' as 'angry' does; add it, or name in attributes the "
      "domains to use")  # fmt: skip
def folder_without_the_split(root):
    for path in ("angry/train", "sad/Training"):
        fill(root / path, ["1.png"])


@case(
    "'{root}/train/happy' holds no pictures: it is empty; pictures end in bmp, jpeg, jpg, npy, npz, png, ppm, tif, "
    "tiff, webp"
)
def folder_without_pictures(root):
    (domain_folders(root, ["angry", "sad"]) / "train" / "happy").mkdir()


@case("data.root: '{root}/train/sad' is a link to a place outside '{root}', which is not followed; "
      "move the pictures into the data folder")  # fmt: skip
def link_to_a_folder_outside(root):
    fill(root.parent / "elsewhere", ["1.png"])
    (domain_folders(root, ["angry"]) / "train" / "sad").symlink_to(
        root.parent / "elsewhere", target_is_directory=True
    )


@case("data.attributes: '{root}/train' has no attribute 'sab'; did you mean 'sad'? known: angry, happy, sad",
      attributes=["angry", "sab"])  # fmt: skip
def misspelt_attribute(root):
    domain_folders(root)


@case("data.attributes: 'red' is there twice; name each attribute once", attributes=["red", "large", "red"])
def attribute_twice(root):
    listed(root)


@case("data.attributes: 'sad' of '{root}/train' is the only domain; there must be two or more folders",
      attributes=["sad"])  # fmt: skip
def one_folder_chosen(root):
    domain_folders(root)


@case(
    "data.exclusive: 'rde' is none of the domains; did you mean 'red'? known: large, red",
    exclusive=[["rde", "large"]],
)
def misspelt_group(root):
    listed(root)


@case(
    "data.exclusive: 'red' is there twice; an attribute is in one group at most",
    exclusive=[["large", "red"], ["red", "x"]],
)
def group_that_overlaps(root):
    listed(root)


@case("data.exclusive: '2.png' of '{root}/train.csv' has red and large of red, large, which are all the domains; each "
      "picture must have one of them: correct its row, or leave exclusive out",
      exclusive=[["red", "large"]])  # fmt: skip
def both_of_a_choice(root):
    fill(root, ["1.png", "2.png"])
    return table(root, ["1.png,1,0", "2.png,1,1"])


@case("data.exclusive: a picture is in one folder of '{root}/train', so its domains are one group already; leave "
      "exclusive out", exclusive=[["angry", "sad"]])  # fmt: skip
def group_of_folders(root):
    domain_folders(root)


@case(
    "data.hold_out: 4 pictures cannot be held out of the 4 that '{root}/list_attr_x.txt' has; use 3 or less",
    hold_out=4,
)
def everything_held_out(root):
    listed(root)


@case("data.hold_out: '{root}' has a split 'val', which is looked at instead; remove hold_out", hold_out=1)
def hold_out_beside_a_split(root):
    domain_folders(domain_folders(root), split="val")


@case("data.balanced: no picture of '{root}/list_attr_x.txt' has 'large'; leave it out of attributes, or set "
      "balanced = false", balanced=True)  # fmt: skip
def domain_that_nobody_has(root):
    listed(root)


@case("data.centre_crop: 178 is larger than '{root}/images/1.png', which is 12×12; use 12 or less, or leave it out",
      centre_crop=178)  # fmt: skip
def centre_crop_larger_than_picture(root):
    listed(root)


@case('data.load_size: a crop of size 16 does not fit into pictures resized to 8; use 16 or more, or "auto"',
      size=16, load_size=8)  # fmt: skip
def crop_larger_than_picture(root):
    listed(root)


@case("data.root: '{root}/train' is mixed: 'angry/1.png' is colour, 'sad/0.png' (and 1 more) is grey; set channels = 1 "
      "or channels = 3")  # fmt: skip
def grey_in_another_folder(root):
    fill(domain_folders(root) / "train" / "sad", ["0.png", "4.png"], channels=1)


@pytest.mark.parametrize(("make", "options", "sentence"), CASES)
def test_wrong_labels(tmp_path, make, options, sentence):
    (tmp_path / "up" / "faces").mkdir(parents=True)
    assert_refused(tmp_path, "faces", make, Domains, options, sentence)
