"""Tar shards: the same samples as from folders, at any place, in an order that can be resumed."""

import gzip
import io
import itertools
import json
import os
import tarfile

import fsspec
import numpy as np
import pytest
import torch
from data_helpers import fill, noise, rng, save
from PIL import Image

from i2i.core.data import Labelled, Listed, Ordered, Source
from i2i.core.errors import I2IError
from i2i.data import Domains, Images, Paired, Shards, Stream, Unpaired

COUNT, EACH = 11, 4  # samples, and how many of them a shard has
STILL = {"size": 12, "load_size": 12, "flip": False}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("i2i.data.shard_index.cache_folder", lambda: tmp_path / "cache" / "pictures")
    return tmp_path / "cache"


def tar(path, members):
    """A shard of members by name."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
    return path


def pack(folder, samples, name="train", each=EACH):
    """Shards of samples: dictionaries of members by name. Returns the pattern."""
    parts = [samples[i : i + each] for i in range(0, len(samples), each)]
    for number, part in enumerate(parts):
        tar(folder / f"{name}-{number:02}.tar", {k: v for sample in part for k, v in sample.items()})
    return f"{name}-{{00..{len(parts) - 1:02}}}.tar"


def png(seed=0, **options):
    path = io.BytesIO()
    Image.fromarray(noise(seed=seed, **options)).save(path, "PNG")
    return path.getvalue()


def pairs(root, count=COUNT):
    """The same pairs as two folders and as shards."""
    names = [f"{i:03}" for i in range(count)]
    a, b = root / "train" / "a", root / "train" / "b"
    fill(a, [f"{name}.png" for name in names])
    for seed, name in enumerate(names):
        save(b / f"{name}.jpg", noise(seed=100 + seed))
    files = [(f"{name}.a.png", a / f"{name}.png", f"{name}.b.jpg", b / f"{name}.jpg") for name in names]
    return pack(root, [{one: x.read_bytes(), other: y.read_bytes()} for one, x, other, y in files])


def alone(root, name, count):
    """The pictures of one domain, as a folder and as shards."""
    fill(root / name, [f"{i:03}.png" for i in range(count)])
    return pack(root, [{path.name: path.read_bytes()} for path in sorted((root / name).iterdir())], name)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def assert_equal(source, folder):
    """Alike in facts, in every sample, and in the batches of a stream."""
    assert isinstance(source, (Source, Listed, Ordered)) and len(source) == len(folder)
    assert source.facts == folder.facts and source.counts() == folder.counts()
    assert all(same(source.load(i, rng(i)), folder.load(i, rng(i))) for i in range(len(source)))
    batches = [iter(Stream(each, seed=3, batch=3)) for each in (source, folder)]
    assert all(same(next(batches[0]), next(batches[1])) for _ in range(5))


@pytest.mark.parametrize("options", [{}, {"direction": "b-to-a"}, {"channels": 1, "centre_crop": 9}])
def test_pairs_are_those_of_folders(tmp_path, options):
    pattern = pairs(tmp_path)
    assert_equal(
        Shards(folder=tmp_path, train=pattern, size=8, **options), Paired(root=tmp_path, size=8, **options)
    )


def test_ranges_belong_to_the_members_whatever_the_direction(tmp_path):
    pattern = pairs(tmp_path)
    options = {"direction": "b-to-a", "value_range": {"a": (0.0, 99.0)}, "size": 8}
    assert_equal(Shards(folder=tmp_path, train=pattern, **options), Paired(root=tmp_path, **options))


@pytest.mark.parametrize(("a", "b"), [(5, 3), (3, 5)])
def test_unpaired_domains_are_those_of_folders(tmp_path, a, b):
    train = {"a": alone(tmp_path, "trainA", a), "b": alone(tmp_path, "trainB", b)}
    source = Shards(folder=tmp_path, layout="unpaired", train=train, test=train, size=8)
    assert_equal(source, Unpaired(root=tmp_path, size=8))
    assert {name: len(part) for name, part in source.parts().items()} == {"a": a, "b": b}
    assert (
        source.parts()["b"].facts.fields == ("b",) and source.parts()["b"].name(1) == "trainB-00.tar: 001.png"
    )
    assert source.held_out().name(1) == "trainA-00.tar: 001.png, trainB-00.tar: 001.png"


def classes(root, split, names):
    """A folder for each class, and shards with classes, in the same order."""
    samples = []
    for number, name in enumerate(names):
        fill(root / split / name, [f"{i}.png" for i in range(3 + number)])
        for path in sorted((root / split / name).iterdir()):
            key = f"{name}-{path.stem}"
            samples.append({f"{key}.png": path.read_bytes(), f"{key}.cls": f"{name}\n".encode()})
    return pack(root, samples, split)


def test_classes_are_those_of_folders(tmp_path):
    pattern = classes(tmp_path, "train", ("2", "9", "10"))
    source = Shards(folder=tmp_path, train=pattern, layout="images", size=8, load_size=10)
    assert_equal(source, Images(root=tmp_path, size=8, load_size=10))
    assert source.facts.classes == ("2", "9", "10")


def test_domains_are_those_of_folders_and_exchange_labels(tmp_path):
    patterns = {split: classes(tmp_path, split, ("angry", "sad")) for split in ("train", "test")}
    source = Shards(folder=tmp_path, layout="domains", size=8, **patterns)
    assert isinstance(source, Labelled)
    assert_equal(source, Domains(root=tmp_path, size=8))
    assert_equal(source.held_out(), Domains(root=tmp_path, size=8).held_out())


def test_attributes_are_those_that_all_samples_have(tmp_path):
    said = [
        {"red": 1, "big": False, "width": 7},
        {"red": -1, "big": True, "width": 1},
        {"red": 0, "big": True},
    ]
    samples = [{f"{i}.png": png(i), f"{i}.json": json.dumps(each).encode()} for i, each in enumerate(said)]
    options = {"folder": tmp_path, "train": pack(tmp_path, samples), "layout": "domains", "size": 8}
    source = Shards(**options)
    assert source.facts.domains == ("red", "big") and source.counts() == {"red": 1, "big": 2}
    assert [source.domain(i, rng()).tolist() for i in range(3)] == [[1, 0], [0, 1], [0, 1]]
    assert Shards(**options, attributes=("big",)).facts.domains == ("big",)
    assert Shards(**options, exclusive=(("red", "big"),)).facts.exclusive == (("red", "big"),)


@pytest.mark.parametrize(
    ("group", "sentence"),
    [
        (("red", "bigg"), "'bigg' is none of the domains; did you mean 'big'"),
        (("red", "red"), "'red' is there twice"),
        (("red", "big"), r"'train-00\.tar: 1\.png' has 2 of red, big"),
    ],
)
def test_groups_that_are_none_are_refused(tmp_path, group, sentence):
    said = [{"red": 1, "big": 0}, {"red": 1, "big": 1}]
    samples = [{f"{i}.png": png(i), f"{i}.json": json.dumps(each).encode()} for i, each in enumerate(said)]
    with pytest.raises(I2IError, match=rf"data\.exclusive: {sentence}"):
        Shards(folder=tmp_path, train=pack(tmp_path, samples), layout="domains", exclusive=(group,), **STILL)


def test_reading_through_many_shards_is_said_once(tmp_path, monkeypatch, recwarn):
    monkeypatch.setattr("i2i.data.shard_finding.MANY", 3)
    pattern = pairs(tmp_path)
    for _ in range(2):
        Shards(folder=tmp_path, train=pattern, **STILL)
    assert [str(w.message) for w in recwarn] == ["reading 3 shards once, to know what is in them"]


@pytest.mark.parametrize("save_as", ["npy", "tiff", "deep"])
def test_other_kinds_of_pictures_are_read_from_memory(tmp_path, save_as):
    path = tmp_path / f"x.{'png' if save_as == 'deep' else save_as}"
    pixels = noise(dtype=np.uint16)
    if save_as == "npy":
        np.save(path, pixels)
    elif save_as == "deep":
        save(path, pixels)
    else:
        pytest.importorskip("tifffile").imwrite(path, pixels, photometric="rgb")
    pattern = pack(tmp_path, [{path.name: path.read_bytes()}])
    image = Shards(folder=tmp_path, train=pattern, layout="images", **STILL).load(0, rng())["image"]
    assert np.array_equal(image.numpy(), pixels.transpose(2, 0, 1))


def test_epochs_go_through_a_few_shards_at_a_time_and_through_all(tmp_path):
    source = Shards(folder=tmp_path, train=pairs(tmp_path), window=1, **STILL)
    epochs = [[source.name(int(i)) for i in source.order(rng(seed))] for seed in range(5)]
    for names in epochs:
        shards = [name.partition(":")[0] for name in names]
        assert len(set(names)) == COUNT and sum(a != b for a, b in itertools.pairwise(shards)) == 2
    assert len({tuple(names) for names in epochs}) == 5


def test_batches_do_not_depend_on_workers_restarts_or_processes(tmp_path):
    source = Shards(folder=tmp_path, train=pairs(tmp_path), window=2, size=8)
    whole = [batch for batch, _ in zip(Stream(source, seed=1, batch=4), range(6), strict=False)]
    workers = iter(Stream(source, seed=1, batch=4, workers=2))
    resumed = iter(Stream(source, seed=1, batch=4, start=3))
    ranks = [iter(Stream(source, seed=1, batch=4, rank=rank, processes=2)) for rank in range(2)]
    for step, batch in enumerate(whole):
        assert same(next(workers), batch)
        both = [next(rank) for rank in ranks]
        assert same({name: torch.cat([half[name] for half in both]) for name in both[0]}, batch)
        if step >= 3:
            assert same(next(resumed), batch)


def remote(root, name):
    """The shards of a folder in fsspec's memory, which stands for any store."""
    files = fsspec.filesystem("memory")
    for path in root.glob("*.tar"):
        files.pipe(f"/{name}/{path.name}", path.read_bytes())
    return f"memory://{name}/"


@pytest.mark.parametrize("workers", [0, 2])
def test_remote_shards_are_read_in_parts(tmp_path, workers, cache):
    pattern = pairs(tmp_path)
    source = Shards(train=remote(tmp_path, f"parts-{workers}") + pattern, size=8)
    streams = [
        iter(Stream(each, seed=2, batch=4, workers=workers))
        for each in (source, Paired(root=tmp_path, size=8))
    ]
    assert all(same(next(streams[0]), next(streams[1])) for _ in range(4))
    assert not list(tmp_path.glob("*.index.json")) and len(list(cache.rglob("*.index.json"))) == 3


def test_an_index_is_made_once_and_again_when_its_shard_changed(tmp_path, monkeypatch):
    pattern = pairs(tmp_path, 3)
    Shards(folder=tmp_path, train=pattern, **STILL)
    with monkeypatch.context() as patch:
        patch.setattr("i2i.data.shard_index.read_through", lambda shard: pytest.fail("the index is there"))
        Shards(folder=tmp_path, train=pattern, **STILL)
    pairs(tmp_path, 4)
    os.utime(tmp_path / "train-00.tar", ns=(1, 1))
    assert len(Shards(folder=tmp_path, train=pattern, **STILL)) == 4


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table | {"format": 0},
        lambda table: table | {"keys": ["x"]},
        lambda table: table | {"keys": 3},
        lambda table: table | {"members": {"a.png": [[10**9] * 3, [10**12] * 3]}},
        lambda table: table | {"members": {"a.png": [[-5] * 3, [1] * 3], "b.jpg": [[0] * 3, [1] * 3]}},
        lambda table: [table],
    ],
)
def test_a_spoilt_index_is_made_again(tmp_path, spoil):
    pattern = pairs(tmp_path, 3)
    Shards(folder=tmp_path, train=pattern, **STILL)
    place = tmp_path / "train-00.tar.index.json"
    good = json.loads(place.read_text())
    place.write_text(json.dumps(spoil(good)))
    assert len(Shards(folder=tmp_path, train=pattern, **STILL)) == 3
    assert json.loads(place.read_text()) == good


def test_without_a_place_beside_the_shard_the_index_is_cached(tmp_path, monkeypatch, cache):
    from i2i.data import shard_index

    keep = shard_index._keep

    def refuse(place, table):
        if not place.is_relative_to(cache):
            raise PermissionError
        keep(place, table)

    monkeypatch.setattr(shard_index, "_keep", refuse)
    Shards(folder=tmp_path, train=pairs(tmp_path), **STILL)
    assert len(list(cache.rglob("*.index.json"))) == 3 and not list(tmp_path.glob("*.index.json"))


def cut(path, size):
    with path.open("r+b") as file:
        file.truncate(size)


def cut_behind_a_member(path):
    with tarfile.open(path) as archive:
        cut(path, archive.getmembers()[2].offset)


def spoil_behind_a_member(path):
    with tarfile.open(path) as archive:
        place = archive.getmembers()[1].offset
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"x" * 512)


def deep():
    return b"P5 12 12 65535 " + bytes(288)


# what is done to train-01.tar, and what is said of it
WRONG = {
    "missing": (
        lambda path: path.unlink(),
        r"some shards are not there: \S+train-01\.tar; '.+' holds train-00\.tar, train-02\.tar",
    ),
    "cut": (lambda path: cut(path, 600), r"damaged: (it ends too early|member '004.a.png' is not all there)"),
    "cut at a member": (
        cut_behind_a_member,
        r"train-01\.tar' is damaged: what follows member '004\.b\.jpg' .* or it was cut off there",
    ),
    "spoilt": (spoil_behind_a_member, r"what follows member '004\.a\.png' is no tar"),
    "empty": (lambda path: path.write_bytes(b""), r"train-01\.tar' is damaged: it is no tar file"),
    "gzip": (lambda path: path.write_bytes(gzip.compress(bytes(600))), "no tar file, or a compressed one"),
    "no partner": (
        lambda path: tar(path, {"7.a.png": png(), "7.c.png": png()}),
        r"data\.train: 1 sample \('train-01\.tar: 7'\) holds no picture KEY\.b\.jpg .* a.png, b.jpg, c.png",
    ),
    "twice": (
        lambda path: tar(path, {"7.a.png": png(), "7.a.jpg": png(), "7.b.png": png()}),
        r"train-01\.tar' holds both '7\.a\.png' and '7\.a\.jpg'; keep one of them",
    ),
    "twice the same": (
        lambda path: tar(path, {"7.a.png": png(), "7.A.png": png()}),
        r"train-01\.tar' is damaged: .*duplicate",
    ),
    "no picture": (
        lambda path: tar(path, {"7.a.png": b"no", "7.b.png": png()}),
        r"^'train-01\.tar: 7\.a\.png' cannot be read: it is not an image",
    ),
    "sizes": (
        lambda path: tar(path, {"7.a.png": png(), "7.b.png": png(width=9)}),
        r"pictures of 'train-01\.tar: 7\.a\.png, 7\.b\.png' differ in size \(12×12, 9×12\)",
    ),
    "depths": (
        lambda path: tar(path, {"8.a.ppm": deep(), "8.b.png": png()}),
        r"data.train: '.+' is mixed: 'train-00\.tar: 000\.a\.png' is 8-bit, 'train-01\.tar: 8\.a\.ppm' is 16-bit",
    ),
    "keys with dots": (
        lambda path: tar(path, {f"a.{i}.png": png() for i in range(70)}),
        r"its members have 70 different endings .* first dot",
    ),
    "nothing": (lambda path: tar(path, {"README": b"x"}), "it holds no files with endings"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path, name):
    spoil, sentence = WRONG[name]
    pattern = pairs(tmp_path)
    spoil(tmp_path / "train-01.tar")
    with pytest.raises(I2IError, match=sentence) as refused:
        Shards(folder=tmp_path, train=pattern, **STILL)
    assert "\n" not in str(refused.value)


def test_of_a_pattern_without_shards_all_are_listed(tmp_path):
    with pytest.raises(
        I2IError, match=r"none of the shards is there: \S+x-0\.tar, \S+x-1\.tar; '.+' holds no tar"
    ):
        Shards(folder=tmp_path, train="x-{0..1}.tar")


SAID = {
    "a chain": ({"train": "simplecache::s3://x/y.tar"}, "is a chain of addresses"),
    "a glob": ({"train": "train-*.tar"}, "count them in braces"),
    "a brace": ({"train": "train-{0..1.tar"}, "a brace without its partner"),
    "too many": ({"train": "{0..99999}-{0..99999}.tar"}, "more than 1,000,000 shards"),
    "a password": ({"train": "ftp://me:secret@host/x.tar"}, "holds a password"),
    "an unknown store": ({"train": "nowhere://x.tar"}, "nothing reads 'nowhere://'"),
    "two patterns": ({"train": {"a": "x.tar", "b": "y.tar"}}, "give one pattern"),
    "one pattern": ({"train": "x.tar", "layout": "unpaired"}, "have shards of their own"),
    "one name": ({"train": "x.tar", "a": "b"}, "called alike"),
    "ignored": ({"train": "x.tar", "layout": "images", "direction": "b-to-a"}, "has no use for it"),
}


@pytest.mark.parametrize("name", SAID)
def test_options_that_cannot_be_are_refused(tmp_path, name):
    options, sentence = SAID[name]
    with pytest.raises(I2IError, match=sentence) as refused:
        Shards(folder=tmp_path, **options)
    assert "secret" not in str(refused.value) and str(refused.value).startswith("data.")


def test_a_file_system_that_is_not_installed_is_named(tmp_path, monkeypatch):
    def refuse(address):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", refuse)
    with pytest.raises(I2IError, match=r"'s3://' needs another library: pip install s3fs"):
        Shards(train="s3://bucket/x.tar")


def test_without_the_extra_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "braceexpand", None)
    with pytest.raises(I2IError, match=r"pip install 'i2i-toolkit\[shards\]'"):
        Shards(train="x.tar")


def test_a_remote_part_is_asked_for_again_and_refused_without_keys(tmp_path, monkeypatch):
    pattern = pairs(tmp_path, 3)
    source = Shards(train=remote(tmp_path, "again") + pattern, **STILL)
    files, tries = fsspec.filesystem("memory"), []

    def fail(path, start=None, end=None):
        tries.append(path)
        raise ConnectionError(f"https://key@host/{path}?signature=secret")

    monkeypatch.setattr("i2i.data.shard_files.PAUSES", (0.0, 0.0))
    monkeypatch.setattr(type(files), "cat_file", lambda self, path, start=None, end=None: fail(path))
    with pytest.raises(
        I2IError, match=r"'memory://again/train-00\.tar' cannot be read: ConnectionError"
    ) as refused:
        source.load(0, rng())
    assert len(tries) == 3 and "secret" not in str(refused.value)


def test_a_shard_cut_while_it_is_trained_on_is_one_bad_file(tmp_path):
    source = Shards(folder=tmp_path, train=pairs(tmp_path), **STILL)
    cut(tmp_path / "train-02.tar", 600)
    with pytest.raises(I2IError, match=r"train-02\.tar' ends before byte [\d,]+: it was cut off"):
        source.load(8, rng())


def test_names_in_a_tar_lead_nowhere(tmp_path):
    pattern = pack(tmp_path, [{"../../up.png": png(1)}, {"/etc/x.png": png(2)}])
    source = Shards(folder=tmp_path, train=pattern, layout="images", **STILL)
    assert [source.name(i) for i in range(2)] == ["train-00.tar: ../../up.png", "train-00.tar: /etc/x.png"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train-00.tar", "train-00.tar.index.json"]


def test_links_and_folders_in_a_tar_are_no_samples(tmp_path):
    path = tmp_path / "train-00.tar"
    tar(path, {"0.png": png()})
    with tarfile.open(path, "a") as archive:
        for name, kind in (
            ("1.png", tarfile.SYMTYPE),
            ("2.png", tarfile.LNKTYPE),
            ("3.png", tarfile.DIRTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert len(Shards(folder=tmp_path, train="train-00.tar", layout="images", **STILL)) == 1


@pytest.mark.parametrize(
    ("labels", "layout", "sentence"),
    [
        ([{"cls": b"1"}, {}], "images", "in 1 shard .* not every sample has a class"),
        ([{"cls": b"1"}, {"cls": b"1"}], "domains", "'1' is the only domain"),
        ([{}, {}], "domains", "holds no labels"),
        ([{"json": b'{"red": 1}'}, {"json": b'{"red": 2}'}], "domains", "says of anything"),
        ([{"json": b"{"}, {"json": b"{}"}], "domains", "member '0.json' is no JSON"),
    ],
)
def test_labels_that_are_wrong_are_refused(tmp_path, labels, layout, sentence):
    samples = [
        {f"{i}.png": png(i), **{f"{i}.{ending}": text for ending, text in each.items()}}
        for i, each in enumerate(labels)
    ]
    with pytest.raises(I2IError, match=sentence):
        Shards(folder=tmp_path, train=pack(tmp_path, samples), layout=layout, **STILL)


def test_held_out_classes_must_be_known(tmp_path):
    patterns = {
        "train": classes(tmp_path, "train", ("1", "2")),
        "test": classes(tmp_path, "test", ("1", "3")),
    }
    source = Shards(folder=tmp_path, layout="images", **patterns, **STILL)
    with pytest.raises(I2IError, match=r"data\.test: no sample of train has class '3'"):
        source.held_out()
