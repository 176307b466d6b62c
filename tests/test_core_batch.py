"""Random numbers belong to samples; batch and parts know their names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from i2i.core.batch import Batch, Draws, Parts, address
from i2i.core.errors import I2IError


def test_an_address_is_the_same_everywhere_and_for_ever() -> None:
    assert address("weights", 0) == 970112611501083485
    assert address(0, 1) != address(1, 0) != address("1", 0)


def test_numbers_are_uniform_or_normal_and_differ_between_samples_steps_and_draws() -> None:
    draws = Draws((0, 0), range(4))
    like = torch.zeros(4, 3, 16, 16)
    flat, bell, again = draws.uniform(like), draws.normal(like), draws.uniform(like)
    assert flat.shape == like.shape and flat.dtype == torch.float32
    # 3072 numbers: standard errors of mean and deviation are below 0.02
    assert flat.min() >= 0 and flat.max() < 1 and abs(flat.mean() - 0.5) < 0.03
    assert abs(bell.mean()) < 0.08 and abs(bell.std() - 1) < 0.08
    others = [
        again,
        flat.roll(1, 0),
        Draws((0, 1), range(4)).uniform(like),
        Draws((1, 0), range(4)).uniform(like),
    ]
    assert not any(torch.equal(flat, other) for other in others)


@pytest.mark.parametrize("cut", [1, 2])
def test_micro_batches_and_processes_change_nothing(cut: int) -> None:
    like = torch.zeros(4, 2)
    whole = Draws((7, 3), range(4))
    parts = [Draws((7, 3), range(start, start + cut)) for start in range(0, 4, cut)]
    for _ in range(2):
        assert torch.equal(whole.uniform(like), torch.cat([part.uniform(like[:cut]) for part in parts]))
        assert torch.equal(whole.normal(like), torch.cat([part.normal(like[:cut]) for part in parts]))
        assert whole.pairs() == [pair for part in parts for pair in part.pairs()]


def test_a_batch_that_is_repeated_draws_anew_for_each_copy() -> None:
    one, two = Draws((0, 0), range(2)), Draws((0, 0), range(2))
    twice = one.uniform(torch.zeros(4, 3))
    assert torch.equal(twice, torch.cat([two.uniform(torch.zeros(2, 3)), two.uniform(torch.zeros(2, 3))]))
    with pytest.raises(ValueError, match="3 samples neither repeat nor divide a batch of 2"):
        one.uniform(torch.zeros(3, 3))


def test_pairs_are_two_numbers_for_each_sample() -> None:
    pairs = Draws((0, 0), range(500)).pairs()
    flat = [number for pair in pairs for number in pair]
    assert len(pairs) == 500 and all(0 <= number < 1 for number in flat)
    assert len(set(flat)) == 1000 and abs(sum(flat) / 1000 - 0.5) < 0.05  # five standard errors


def test_the_numbers_of_other_samples() -> None:
    whole, mine = Draws((0, 0), range(4)), Draws((0, 0), [2])
    whole.pairs(), mine.pairs()
    assert mine.of(range(4)).pairs() == whole.pairs()


def test_a_batch_knows_its_names() -> None:
    x = Batch({"a": torch.zeros(2, 1), "b": torch.ones(2, 1)})
    x.fake = torch.zeros(2, 1)
    assert list(x) == ["a", "b", "fake"] and len(x) == 2
    assert "fake" in x and "other" not in x and "random" not in x and "_block" not in x
    assert list(x.fields()) == ["a", "b", "fake"] and x.fields()["b"] is x.b
    with pytest.raises(AttributeError, match=r"^the batch has no 'fakes'; it has a, b, fake$"):
        _ = x.fakes


@pytest.mark.parametrize("name", ["random", "fields", "together", "_gather"])
def test_a_batch_keeps_its_own_names(name: str) -> None:
    sentence = f"^a batch cannot hold '{name}': the name is its own; choose another$"
    with pytest.raises(I2IError, match=sentence):
        setattr(Batch({}), name, 1)
    with pytest.raises(I2IError, match=sentence):
        Batch({name: torch.zeros(1)})


def test_together_shows_a_part_the_images_of_all_processes() -> None:
    everyone = torch.arange(4.0).view(4, 1)
    seen: list[tuple[Tensor, list[tuple[float, float]]]] = []

    def keep(images: Tensor, draws: Sequence[tuple[float, float]]) -> Tensor:
        seen.append((images, list(draws)))
        return images * 10

    for start in (0, 2):
        fields = {"a": everyone[start : start + 2]}
        x = Batch(fields, Draws((0, 0), range(start, start + 2)), range(4), lambda images: everyone)
        assert x.together(keep, x.a).flatten().tolist() == [start * 10.0, start * 10.0 + 10]
        assert x.random.count == 1
    assert seen[0][1] == seen[1][1] == Draws((0, 0), range(4)).pairs()


def test_together_alone_is_this_batch() -> None:
    x = Batch({"a": torch.ones(2, 1)})
    assert torch.equal(x.together(lambda images, draws: images + len(draws), x.a), torch.full((2, 1), 3.0))


def test_parts_know_their_names() -> None:
    net = Parts({"G": nn.Linear(1, 1), "pixel": abs})
    assert list(net) == ["G", "pixel"] and "G" in net and "D" not in net
    assert net["G"] is net.G and list(net.modules()) == ["G"]
    with pytest.raises(AttributeError, match=r"^there is no part 'D'; there are G, pixel$"):
        _ = net.D
    with pytest.raises(I2IError, match=r"^there is no part 'D'; there are G, pixel$"):
        _ = net["D"]
    assert net.replaced({"G": 3}).G == 3 and isinstance(net.G, nn.Linear)
