import numpy as np
import pytest

from i2i.data.painting import label, measure, render
from i2i.data.palettes import DAY, MAP, NIGHT, PARTS
from i2i.data.scenes import ATTRIBUTES, COLOURS, attributes, change, draw_landscape, draw_single


def landscape(seed=0):
    return draw_landscape(np.random.default_rng(seed))


def single(seed):
    return draw_single(np.random.default_rng(seed))


@pytest.mark.parametrize("style", ["day", "night", "map"])
def test_render_is_deterministic_bytes(style):
    picture = render(landscape(), 48, style)
    assert picture.shape == (48, 48, 3) and picture.dtype == np.uint8
    assert np.array_equal(picture, render(landscape(), 48, style))


def test_sizes_show_the_same_picture():
    small, large = (render(landscape(), size, "day").astype(float) for size in (64, 256))
    reduced = large.reshape(64, 4, 64, 4, 3).mean((1, 3))
    # edges are smoothed over a pixel of each size, everything else is equal
    assert np.abs(small - reduced).mean() < 3


def test_night_is_far_from_day():
    """Copying the input must be a bad translation: about 0.6 on the scale of networks, [-1, 1]."""
    pairs = [(render(landscape(i), 64, "day"), render(landscape(i), 64, "night")) for i in range(20)]
    distance = np.mean([np.abs(a.astype(float) - b).mean() / 127.5 for a, b in pairs])
    assert 0.5 < distance < 0.7


@pytest.mark.parametrize("palette", [DAY, NIGHT, MAP])
def test_parts_keep_colours_of_their_own(palette):
    """No two parts look alike, or one light could not be told from the other."""
    colours = np.array(list(palette.values()))
    distance = np.abs(colours[:, None] - colours[None]).sum(-1) + 9 * np.eye(len(colours))
    assert distance.min() > 0.15


def test_map_and_label_agree():
    numbers = label(landscape(), 40)
    expected = np.array([MAP[part] for part in PARTS]) * 255
    assert np.abs(render(landscape(), 40, "map") - expected[numbers]).max() <= 0.5  # rounded to bytes
    assert {PARTS[n] for n in np.unique(numbers)} >= {"sky", "sun", "hill", "ground"}


@pytest.mark.parametrize("size", [32, 64, 128])
def test_attributes_can_be_measured_exactly(size):
    for seed in range(40):
        assert measure(render(single(seed), size)) == attributes(single(seed))


def test_the_true_translation_measures_as_asked():
    for seed in range(12):
        scene = single(seed)
        for name in ATTRIBUTES:
            target = change(scene, name, name in COLOURS or not attributes(scene)[name])
            assert measure(render(target, 64)) == attributes(target)


def test_change_leaves_the_background():
    scene = single(3)
    picture, changed = render(scene, 64), render(change(scene, "striped", not scene.shapes[0].striped), 64)
    differs = (picture != changed).any(-1)
    assert differs.any() and not differs[:16].any()
