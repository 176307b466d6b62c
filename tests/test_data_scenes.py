import numpy as np
import pytest

from i2i.data.scenes import ATTRIBUTES, COLOURS, KINDS, attributes, change, draw_landscape, draw_single


def rng(seed):
    return np.random.default_rng(seed)


def test_a_scene_is_a_function_of_its_numbers():
    assert draw_landscape(rng(1)) == draw_landscape(rng(1)) != draw_landscape(rng(2))
    assert draw_single(rng(1)) == draw_single(rng(1)) != draw_single(rng(2))


def test_landscapes_vary_and_stay_inside():
    shapes = [shape for seed in range(60) for shape in draw_landscape(rng(seed)).shapes]
    assert {s.kind for s in shapes} == set(KINDS) and {s.colour for s in shapes} == set(COLOURS)
    assert all(s.radius < s.x < 1 - s.radius and s.y + s.radius < 1 for s in shapes)
    assert {len(draw_landscape(rng(seed)).shapes) for seed in range(60)} == {2, 3, 4}


def test_attributes_are_about_even():
    held = [attributes(draw_single(rng(seed))) for seed in range(300)]
    shares = {name: sum(h[name] for h in held) / 300 for name in ATTRIBUTES}
    assert all(0.2 < shares[colour] < 0.47 for colour in COLOURS)  # a third each, five standard deviations
    assert all(0.35 < shares[name] < 0.65 for name in ("large", "striped"))
    assert all(sum(h[colour] for colour in COLOURS) == 1 for h in held)


def test_change_sets_one_attribute_and_nothing_else():
    scene = draw_single(rng(0), kind="square")
    assert scene.shapes[0].kind == "square"
    assert attributes(change(scene, "violet"))["violet"]
    for name in ("large", "striped"):
        now = attributes(scene)
        assert attributes(change(scene, name, not now[name])) == now | {name: not now[name]}
        assert change(scene, name, now[name]) == scene


@pytest.mark.parametrize(("name", "value"), [("red", False), ("blue", True)])
def test_change_refuses_what_has_no_answer(name, value):
    with pytest.raises(ValueError, match=name):
        change(draw_single(rng(0)), name, value)
