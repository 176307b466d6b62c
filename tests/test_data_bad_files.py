"""Files that break while a run trains: what stands in for them, and when it is enough."""

import itertools
import multiprocessing
import shutil

import pytest
import torch
from data_helpers import fill
from test_data_stream import Marked, Numbers, flat

from i2i.core.errors import I2IError
from i2i.data.bad_files import BadFiles, readable
from i2i.data.stream import Stream
from i2i.data.unpaired import Unpaired


class Torn(Numbers):
    """Some of the samples cannot be read."""

    def __init__(self, *broken, length=7, error=I2IError):
        super().__init__(length)
        self.broken, self.error = broken, error

    def load(self, index, rng):
        if index in self.broken:
            raise self.error(f"'{index}.png' cannot be read")
        return super().load(index, rng)


class TornLabels(Torn, Marked):
    pass


def taken(count, *broken, limit=3, say=lambda text: None, kind=Torn, **options):
    """The samples of the first steps as (index, draw), step by step, and what was said."""
    said = []
    bad = BadFiles(limit, said.append)
    source = kind(*broken, **{key: options.pop(key) for key in ("length", "error") if key in options})
    stream = Stream(source, **({"seed": 3, "batch": 4} | options), bad_files=bad)
    steps = [
        list(zip(b["a"][:, 0, 0, 0].tolist(), b["draw"].tolist(), strict=True))
        for b in itertools.islice(stream, count)
    ]
    return steps, said


def sentence(count, *broken, **options):
    with pytest.raises(I2IError) as caught:
        taken(count, *broken, **options)
    return str(caught.value)


def test_another_sample_stands_in_and_the_others_stay():
    whole, torn = flat(taken(7)[0]), flat(taken(7, 5, 2)[0])
    changed = [place for place, (one, other) in enumerate(zip(whole, torn, strict=True)) if one != other]
    assert changed == [place for place, (index, _) in enumerate(whole) if index in (5, 2)]
    assert {index for index, _ in torn} == {0, 1, 3, 4, 6}
    assert len({draw for _, draw in torn}) == 28  # with random numbers of its own


@pytest.mark.parametrize(("error", "start"), [(I2IError, ""), (OSError, "{0}.png: ")])
@pytest.mark.parametrize("workers", [0, 2])
def test_each_file_is_said_once_whatever_the_workers(workers, error, start):
    steps, said = taken(9, 5, 2, workers=workers, error=error)
    assert steps == taken(9, 5, 2)[0]
    order = [index for index, _ in flat(taken(2)[0]) if index in (5, 2)][:2]
    assert said == [
        f"skipped: {start.format(index)}'{index}.png' cannot be read ({place} of at most 3 bad files)"
        for place, index in enumerate(order, 1)
    ]


def test_spawned_workers_change_nothing():
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    try:
        assert taken(2, 5, 2, workers=1) == taken(2, 5, 2)
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_restarts_and_processes_change_nothing():
    whole, _ = taken(6, 5, 2, batch=8)
    assert taken(2, 5, 2, batch=8, start=4)[0] == whole[4:]
    ranks = [taken(6, 5, 2, batch=8, rank=rank, processes=2)[0] for rank in (0, 1)]
    assert [one + other for one, other in zip(*ranks, strict=True)] == whole


def test_another_seed_chooses_others():
    first, second = (flat(taken(20, 5, seed=seed)[0]) for seed in (3, 4))
    assert first != second


def test_one_too_many_ends_it():
    assert sentence(3, 5, 2, 4, 0, limit=3) == (
        "train.max_bad_files: 4 files could not be read, and 3 may be skipped; mend or remove them (i2i check finds "
        "all such files), or allow more:"
        + "".join(f"\n    '{i}.png' cannot be read" for i in order(5, 2, 4, 0))
    )


def order(*broken):
    """The broken samples in the order in which the list meets them."""
    return list(dict.fromkeys(index for index, _ in flat(taken(7)[0]) if index in broken))


@pytest.mark.parametrize("workers", [0, 1])
def test_none_allowed_ends_at_the_first(workers):
    assert sentence(3, 5, limit=0, workers=workers) == "'5.png' cannot be read"


def test_where_nothing_can_be_read_it_ends_too():
    assert sentence(1, 0, 1, length=2) == (
        "data: of 100 samples none could be read; i2i check finds the bad files"
    )


def test_what_stands_in_is_of_the_same_group_and_targets_stay():
    whole, torn = (
        list(itertools.islice(Stream(TornLabels(*b, length=9), seed=3, batch=8, bad_files=BadFiles(3)), 6))
        for b in ((), (5, 2))
    )
    for one, other in zip(whole, torn, strict=True):
        assert torch.equal(one["target"], other["target"])
        own, target = (other[name][:, 0].long() for name in ("domain", "target"))
        assert (own % 2).tolist() == (target % 2).tolist() and not {5, 2} & set(own.tolist())


def test_the_names_of_a_step():
    stream = Stream(Numbers(), seed=3, batch=4, rank=1, processes=2)
    assert stream.names(4, 4) == [f"{index}.png" for index, _ in taken(2)[0][1]]
    assert stream.names(0, 8)[4:] == stream.names(4, 4)


@pytest.fixture
def folders(tmp_path):
    for domain in "AB":
        fill(tmp_path / "data" / f"train{domain}", ["1.png", "2.png", "3.png"])
    return tmp_path / "data"


def test_a_file_that_is_drawn_is_named_and_passed_over(folders):
    source = Unpaired(root=folders, size=8)
    torn = folders / "trainB" / "2.png"
    torn.write_bytes(torn.read_bytes()[:200])
    said = []
    list(itertools.islice(Stream(source, seed=1, batch=2, bad_files=BadFiles(1, said.append)), 12))
    assert len(said) == 1
    assert said[0].startswith(f"skipped: '{torn}' cannot be read: ")
    assert said[0].endswith("; replace or remove it (1 of at most 1 bad files)")


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("gone", [".", "trainA"])
def test_a_folder_that_is_gone_ends_it(folders, gone, workers):
    source = Unpaired(root=folders, size=8)
    shutil.rmtree(folders / gone)
    with pytest.raises(I2IError) as caught:
        next(iter(Stream(source, seed=1, batch=2, workers=workers, bad_files=BadFiles(9))))
    assert (
        str(caught.value)
        == f"data.root: the folder '{folders / gone}' is gone; put it back, and resume the run"
    )


def test_samples_in_order_leave_out_what_cannot_be_read():
    said = []
    samples = readable(Torn(1, 3), torch.Generator().manual_seed, BadFiles(2, said.append))
    assert [index for index, _ in samples] == [0, 2, 4, 5, 6] and len(said) == 2
    with pytest.raises(I2IError, match=r"^'1\.png' cannot be read$"):
        list(readable(Torn(1), torch.Generator().manual_seed, BadFiles()))
    with pytest.raises(
        I2IError, match=r"^data: none of the 2 held-out samples could be read; i2i check says why$"
    ):
        list(readable(Torn(0, 1, length=2), torch.Generator().manual_seed, BadFiles(5)))
