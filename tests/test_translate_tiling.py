"""Large pictures in tiles: equal to the whole where networks see only surroundings, else blended and measured."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from many import many
from plain import Fitting, PadsItself, plain, seeded
from torch import Tensor, nn

from i2i.core.errors import I2IError, I2IWarning, SpecError
from i2i.nets import ResNet, UNet
from i2i.translate import running, sampling
from i2i.translate.cutting import Cuts, Overlap, cut
from i2i.translate.model import Model
from i2i.translate.request import NothingDrawnError
from i2i.translate.running import run_measured
from i2i.translate.tiling import Seams

ROUNDING = 1e-5
"""Of results in [0, 1]: convolutions of other sizes may add up in another order."""


def resnet(norm: Any = "none") -> Model:
    return plain(seeded(ResNet, 3, 3, width=4, blocks=1, norm=norm))


def unet() -> Model:
    return plain(seeded(UNet, 3, 3, width=4, depth=2, norm="none"))


def floats(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def shapes_seen(model: Model) -> list[tuple[int, ...]]:
    """The sizes that the network sees from now on, without contents or with."""
    seen: list[tuple[int, ...]] = []
    model.net.G.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    return seen


# Cutting


@pytest.mark.parametrize("align", [1, 4, 7])
@pytest.mark.parametrize(("margin", "ramp"), [(0, 32), (0, 8), (19, 8), (3, 5)])
def test_every_pixel_is_finished_once_by_tiles_that_see_all_around_it(
    align: int, margin: int, ramp: int
) -> None:
    overlap = Overlap(margin, ramp, align)
    for length, more in itertools.product((1, 50, 97, 98, 200, 333), (0, 3)):
        tile = overlap.least + more * align
        cuts = cut(length, tile, overlap)
        ends = [0, *(cuts.done(number) for number in range(len(cuts.starts)))]
        assert ends == sorted(ends)
        assert ends[-1] == length
        for number, start in enumerate(cuts.starts):
            kept, seen = cuts.kept(number), cuts.seen(number)
            assert start % align == 0
            assert seen.stop - start == tile or cuts.seen(number).stop == length
            assert number == 0 or kept.start - seen.start >= margin
            assert number == len(cuts.seams) or seen.stop - kept.stop >= margin or seen.stop == length


def test_no_more_than_two_tiles_meet() -> None:
    for length in range(100, 400):
        seams = cut(length, 64, Overlap(0, 32, 4)).seams
        assert all(first[1] <= second[0] for first, second in itertools.pairwise(seams))


def test_a_side_that_fits_is_one_tile() -> None:
    assert cut(61, 64, Overlap(0, 32, 4)) == Cuts(61, 64, (0,), ())


# Equal to the whole


@pytest.mark.parametrize("size", [(200, 200), (131, 97), (300, 33), (33, 300), (61, 64), (5, 200)])
@pytest.mark.parametrize("make", [resnet, unet])
def test_tiles_equal_the_whole_where_only_surroundings_matter(make: Any, size: tuple[int, int]) -> None:
    model, picture = make(), floats(3, *size)
    seen = shapes_seen(model)
    tiled = model.translate(picture, tile=64)
    assert max(max(shape[2:]) for shape in seen[-1:]) <= 64
    assert (tiled - model.translate(picture)).abs().max() < ROUNDING


def test_a_network_that_pads_itself_is_cut_where_it_halves() -> None:
    model, picture = plain(seeded(PadsItself)), floats(3, 130, 175)
    whole = model.translate(picture)
    assert (model.translate(picture, tile=50) - whole).abs().max() < ROUNDING


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_stored_types_stay(kind: Any) -> None:
    model = unet()
    most = np.iinfo(kind).max
    picture = np.random.default_rng(0).integers(0, most + 1, (90, 150, 3)).astype(kind)
    whole, tiled = model.translate(picture), model.translate(picture, tile=48)
    assert tiled.dtype == whole.dtype == kind
    # a value at the edge of two steps may be rounded to either
    assert np.abs(tiled.astype(int) - whole.astype(int)).max() <= most * ROUNDING + 1


def test_grey_in_one_channel_and_a_batch() -> None:
    model, pictures = (
        plain(seeded(UNet, 1, 1, width=4, depth=2, norm="none"), channels=1),
        floats(3, 1, 90, 70),
    )
    assert (model.translate(pictures, tile=48) - model.translate(pictures)).abs().max() < ROUNDING


def test_maps_are_cut_alike() -> None:
    model = plain(seeded(nn.Conv2d, 4, 3, 5, padding=2), mapped=True)
    labels, instances = torch.randint(3, (2, 1, 100, 90), generator=torch.Generator().manual_seed(0))
    whole, tiled = (model.translate(labels, instances=instances, bits=32, tile=tile) for tile in (None, 40))
    assert (tiled - whole).abs().max() < 255 * ROUNDING


def test_random_numbers_belong_to_the_picture_and_are_shared_by_its_tiles() -> None:
    model, picture = plain(nn.Identity()), floats(3, 100, 90) / 4 + 0.4
    whole, tiled = (model.translate(picture, noise=0.1, samples=3, tile=tile) for tile in (None, 32))
    assert not torch.equal(whole[0], whole[1])
    for one, other in zip(whole, tiled, strict=True):
        assert torch.allclose(one, other, atol=ROUNDING)


def test_several_results_and_pictures_as_controls() -> None:
    model, picture = many(), floats(3, 70, 80)
    whole, tiled = (model.translate(picture, noise=0.0, colour="all", tile=tile) for tile in (None, 64))
    assert list(tiled) == ["red", "green", "blue"]
    assert all(torch.allclose(whole[name], tiled[name], atol=ROUNDING) for name in whole)
    with pytest.warns(I2IWarning, match="tiles see a picture differently"):  # each is covered to its middle
        covered = model.translate(picture, noise=0.0, cover=floats(3, 16, 16), tile=64)
    assert covered.shape == picture.shape


def test_samples_that_are_the_same_are_refused_as_they_are_for_the_whole() -> None:
    with pytest.raises(NothingDrawnError):
        unet().translate(floats(3, 100, 100), samples=2, tile=48)


def test_a_picture_within_a_tile_is_translated_whole() -> None:
    model, picture = resnet("instance"), floats(3, 50, 64)
    assert torch.equal(model.translate(picture, tile=64), model.translate(picture))


def test_memory_is_that_of_a_tile() -> None:
    model = unet()
    seen = shapes_seen(model)
    model.request({})
    model.translate(floats(3, 300, 500), tile=64)
    with_contents = {shape for shape in seen if shape[0] == 1}
    assert (1, 3, 64, 64) in with_contents
    assert (1, 3, 300, 500) not in with_contents


# Seams


def test_where_norms_see_the_picture_the_seams_are_measured_and_told() -> None:
    model, picture = resnet("instance"), (torch.linspace(0, 1, 200) * floats(3, 96, 1)).contiguous()
    with pytest.warns(I2IWarning, match=r"where tiles meet they differ by .*/255 on average") as told:
        model.translate(picture, tile=96)
    assert len(told) == 1
    item = model.take(picture, model.request({}))
    _, seams = run_measured(model, [item], model.request({"tile": 96}))
    assert 1 < seams.mean < seams.largest <= 255
    assert str(seams) == str(told[0].message)


def test_the_measure_is_the_difference_of_the_tiles() -> None:
    class Bright(nn.Module):  # the mean of what it sees
        def forward(self, x: Tensor) -> Tensor:
            return x.mean((2, 3), keepdim=True).expand_as(x)

    model, picture = plain(Bright()), torch.zeros(3, 64, 96)
    picture[..., 64:] = (
        1  # the first tile sees dark columns only, the second, from 32 on, as many bright ones
    )
    item = model.take(picture, model.request({}))
    (((made,),), seams) = run_measured(model, [item], model.request({"tile": 64}))
    assert seams.mean == seams.largest == pytest.approx(255 / 2)
    row = made[0, 0, 0]
    assert row[:32].unique().tolist() == [0]
    assert row[64:].unique().tolist() == [0.5]
    assert torch.allclose(row[32:64].diff(), torch.tensor(0.5 / 32), atol=ROUNDING)


def test_without_seams_nothing_is_said() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unet().translate(floats(3, 100, 100), tile=48)
        resnet("instance").translate(floats(3, 50, 50), tile=64)


def test_seams_in_words() -> None:
    assert str(Seams(3.14, 24.4)) == (
        "tiles see a picture differently from the whole, because what these networks make of a place depends on all "
        "that they see (norms by picture do that): where tiles meet they differ by 3.1/255 on average, 24/255 at "
        "most; larger tiles lower it"
    )
    assert not Seams(0.9, 30).visible


# Words


def test_tiles_that_are_too_small_are_refused_with_the_least() -> None:
    with pytest.raises(
        I2IError, match=r"^tile: 40 is too small: these networks see 19 pixels around each; use 56 or"
    ):
        resnet().translate(floats(3, 100, 100), tile=40)
    assert resnet().translate(floats(3, 100, 100), tile=56).shape == (3, 100, 100)
    with pytest.raises(I2IError, match=r"^tile: 40 is too small: tiles overlap .*; use 64 or more, or auto$"):
        resnet("instance").translate(floats(3, 100, 100), tile=40)


@pytest.mark.parametrize("tile", [0, -3, 1.5, "large"])
def test_what_is_no_side_is_refused(tile: Any) -> None:
    with pytest.raises(SpecError, match=r"control\.tile"):
        unet().translate(floats(3, 100, 100), tile=tile)


def test_samples_have_no_tiles() -> None:
    with pytest.raises(I2IError):
        sampling.check_request(unet(), {"tile": 64})


def test_tiles_work_for_strangers_that_need_a_third_and_a_least_side() -> None:
    model = plain(seeded(Fitting, 6, 18))
    picture = floats(3, 100, 75)
    assert (model.translate(picture, tile=30) - model.translate(picture)).abs().max() < ROUNDING


def test_running_tells_what_it_ran() -> None:
    model, picture = unet(), floats(3, 100, 100)
    request = model.request({"tile": 48})
    item = model.take(picture, request)
    results = running.run(model, [item, item], request)
    assert [[tuple(one.shape) for one in own] for own in results] == [[(1, 3, 100, 100)]] * 2
