import itertools
import multiprocessing
import os
from dataclasses import replace

import pytest
import torch
from data_helpers import rng

from i2i.core.data import DataFacts, Labelled, Source
from i2i.core.errors import I2IError
from i2i.data.stream import Stream, check_exchange

FACTS = DataFacts(fields=("a",), image_size=2, channels={"a": 1}, value_range={"a": (0, 255)})


class Numbers:
    """Samples that tell their index and one of their random numbers."""

    facts = FACTS

    def __init__(self, length=7, bad=-1, error=I2IError):
        self.length, self.bad, self.error = length, bad, error

    def __len__(self):
        return self.length

    def load(self, index, rng):
        if index == self.bad:
            raise self.error(f"'{index}.png' cannot be read")
        size = 2 if self.bad != -2 or index else 3
        return {
            "a": torch.full((1, size, size), index, dtype=torch.uint16),
            "draw": torch.rand((), generator=rng),
        }

    def name(self, index):
        return f"{index}.png"

    def held_out(self):
        return None


class Marked(Numbers):
    """Samples with labels: their index, and another of their random numbers; odd and even ones are two sets."""

    facts = DataFacts(
        fields=("a", "domain", "target"), image_size=2, channels={"a": 1}, value_range={"a": (0, 255)},
        vectors={"domain": 2, "target": 2},
    )  # fmt: skip

    def load(self, index, rng):
        return {"domain": self.domain(index, rng), **super().load(index, rng)}

    def domain(self, index, rng):
        return torch.tensor([index, torch.rand((), generator=rng).item()])

    def group(self, index):
        return index % 2


def labels(count, **options):
    """The labels and targets of the first steps, step by step, each as a list of (index, number)."""
    stream = Stream(Marked(9), **({"seed": 3, "batch": 8} | options))
    batches = itertools.islice(stream, count)
    return [tuple([tuple(row) for row in b[name].tolist()] for name in ("domain", "target")) for b in batches]


def taken(count, length=7, **options):
    """The samples of the first steps as (index, draw), step by step."""
    stream = Stream(Numbers(length), **({"seed": 3, "batch": 4} | options))
    batches = itertools.islice(stream, count)
    return [list(zip(b["a"][:, 0, 0, 0].tolist(), b["draw"].tolist(), strict=True)) for b in batches]


def flat(batches):
    return [sample for batch in batches for sample in batch]


def test_the_test_source_is_one():
    assert isinstance(Numbers(), Source)


def test_every_epoch_is_a_fresh_permutation():
    indices = [index for index, _ in flat(taken(7))]
    epochs = [tuple(indices[i : i + 7]) for i in range(0, 28, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs) and len(set(epochs)) == 4


def test_random_numbers_belong_to_the_position():
    assert len({draw for _, draw in flat(taken(7))}) == 28
    sevens, sixes = flat(taken(7)), flat(taken(14, batch=2))
    assert sevens == sixes


def test_another_seed_is_another_list():
    assert flat(taken(3)) != flat(taken(3, seed=4))


def test_workers_change_nothing():
    assert taken(9, workers=0) == taken(9, workers=2)


def test_start_skips():
    assert taken(4, start=3) == taken(7)[3:]


def test_spawned_workers_change_nothing():
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    try:
        assert taken(2, workers=1) == taken(2)
    finally:
        multiprocessing.set_start_method(before, force=True)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_share_the_batch_block_by_block(accumulate):
    whole = taken(5, batch=8)
    ranks = [taken(5, batch=8, accumulate=accumulate, rank=rank, processes=2) for rank in (0, 1)]
    part = 4 // accumulate
    for step in range(5):
        parts = [ranks[rank][step][k * part : (k + 1) * part] for k in range(accumulate) for rank in (0, 1)]
        assert flat(parts) == whole[step]


def test_accumulation_keeps_the_batch():
    assert taken(3, accumulate=4) == taken(3)


def test_positions_are_contiguous_slices_of_blocks():
    stream = Stream(Numbers(), seed=0, batch=12, accumulate=2, rank=1, processes=3)
    assert stream.positions(0, 12) == [2, 3, 8, 9]
    assert stream.positions(120, 12) == [122, 123, 128, 129]


@pytest.mark.parametrize(("length", "batch", "steps"), [(7, 4, 2), (8, 4, 2), (9, 4, 3), (3, 4, 1)])
def test_steps_per_epoch_round_up(length, batch, steps):
    assert Stream(Numbers(length), seed=0, batch=batch).steps_per_epoch == steps


def test_a_batch_larger_than_the_data_repeats_it():
    assert sorted(index for index, _ in taken(1, length=2)[0]) == [0, 0, 1, 1]


def test_the_stored_type_survives():
    assert next(iter(Stream(Numbers(), seed=0, batch=2)))["a"].dtype == torch.uint16


def test_torchs_own_random_numbers_are_left_alone():
    before = torch.get_rng_state()
    taken(2)
    assert torch.equal(torch.get_rng_state(), before)


def test_uneven_batch_is_refused():
    message = r"train.batch: 6 does not divide by train.accumulate × processes \(2 × 2\); use a multiple of 4"
    with pytest.raises(I2IError, match=message):
        Stream(Numbers(), seed=0, batch=6, accumulate=2, processes=2)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("error", [I2IError, OSError])
def test_a_failing_file_is_one_clean_sentence(workers, error):
    with pytest.raises(I2IError) as caught:
        list(itertools.islice(Stream(Numbers(bad=5, error=error), seed=0, batch=4, workers=workers), 3))
    assert str(caught.value).endswith("'5.png' cannot be read") and "\n" not in str(caught.value)
    assert str(caught.value).startswith("'5.png'" if error is I2IError else "5.png: ")


def test_unequal_samples_are_one_clean_sentence():
    with pytest.raises(
        I2IError, match=r"samples must be alike, but one holds a \(1, 2, 2\) torch.uint16.* \(1, 3, 3\)"
    ):
        list(itertools.islice(Stream(Numbers(bad=-2), seed=0, batch=7), 1))


class Killed(Numbers):
    def load(self, index, rng):
        os._exit(1)


def test_a_killed_worker_is_one_clean_sentence():
    with pytest.raises(I2IError, match=r"data.workers: .* was killed, .*; lower data.workers from 1"):
        next(iter(Stream(Killed(), seed=0, batch=1, workers=1)))


def test_a_real_source_in_workers(tmp_path):
    from data_helpers import fill

    from i2i.data.unpaired import Unpaired

    for domain in "AB":
        fill(tmp_path / f"train{domain}", ["1.png", "2.png", "3.png"])
    source = Unpaired(root=tmp_path, size=8)
    both = [list(itertools.islice(Stream(source, seed=1, batch=2, workers=w), 3)) for w in (0, 2)]
    assert all(torch.equal(x[f], y[f]) for x, y in zip(*both, strict=True) for f in "ab")
    assert torch.equal(source.load(0, rng())["a"], source.load(0, rng())["a"])


def test_the_source_of_labels_is_one():
    assert isinstance(Marked(), Labelled) and not isinstance(Numbers(), Labelled)


def test_targets_are_the_labels_of_the_step_exchanged_within_each_group():
    steps = labels(40)
    for own, target in steps:
        assert sorted(own) == sorted(target)
        assert all(index % 2 == other % 2 for (index, _), (other, _) in zip(own, target, strict=True))
    moved = [own != target for own, target in steps]
    assert sum(moved) > 30  # two groups of four stay as they are once in 24 · 24 steps


def test_every_step_exchanges_anew_and_every_seed():
    class Together(Marked):
        def group(self, index):
            return 0

    def exchanges(seed):
        batches = itertools.islice(Stream(Together(8), seed=seed, batch=8), 20)
        steps = [(b["domain"][:, 0].tolist(), b["target"][:, 0].tolist()) for b in batches]
        return [tuple(own.index(index) for index in target) for own, target in steps]

    # of 8! orders; a place keeps its own label once in eight
    assert len({*exchanges(3), *exchanges(4)}) == 40
    assert any(order[place] == place for order in exchanges(3) for place in range(8))


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_and_restarts_change_no_target(workers):
    assert labels(2, workers=workers, start=3) == labels(5)[3:]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_processes_and_micro_batches_change_no_target(accumulate):
    whole = labels(5)
    ranks = [labels(5, accumulate=accumulate, rank=rank, processes=2) for rank in (0, 1)]
    part = 4 // accumulate
    for step in range(5):
        for kind in (0, 1):
            parts = [
                ranks[rank][step][kind][k * part : (k + 1) * part]
                for k in range(accumulate)
                for rank in (0, 1)
            ]
            assert flat(parts) == whole[step][kind]


def test_a_step_needs_labels_to_exchange():
    check_exchange(Marked(), 2)
    check_exchange(Numbers(), 1)
    with pytest.raises(I2IError, match=r"^train\.batch: 1 is too small: .* which takes two; use 2 or more$"):
        check_exchange(Marked(), 1)
    joined = Marked()
    joined.facts = replace(Marked.facts, sets=(("a",), ("b",)))
    with pytest.raises(I2IError, match=r"takes two of each of the 2 joined sets; use 4 or more$"):
        check_exchange(joined, 3)


def test_labels_without_a_field_for_targets_stay():
    class Plain(Marked):
        facts = FACTS

    assert "target" not in next(iter(Stream(Plain(), seed=0, batch=2)))


def test_the_batch_may_change_with_the_samples_seen():
    def sizes(seen: int) -> int:
        return 4 if seen < 8 else 2

    def stream(start: int, seen: int) -> Stream:
        return Stream(Numbers(), seed=0, batch=4, start=start, seen=seen, batch_at=sizes)

    batches = [batch["draw"].tolist() for batch, _ in zip(stream(0, 0), range(5), strict=False)]
    assert [len(batch) for batch in batches] == [4, 4, 2, 2, 2]
    later = [batch["draw"].tolist() for batch, _ in zip(stream(3, 10), range(2), strict=False)]
    assert later == batches[3:]
