"""What StarGAN's generator is told for a wish, and what is said of wishes that cannot be granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from helpers import tiny_engine, tiny_spec
from torch import Tensor

from i2i.core.batch import Batch, Parts
from i2i.core.data import DataFacts
from i2i.core.errors import I2IError
from i2i_stargan import Labels, StarGAN

HAIR = ("black", "blond", "brown")
FACES = Labels((*HAIR, "male", "young"), exclusive=(HAIR,), image_size=16)
MOODS = Labels(("angry", "happy"), exclusive=(("angry", "happy"),), image_size=16)
JOINED = Labels(
    ("male", "young", "angry", "happy"),
    exclusive=(("angry", "happy"),),
    sets=(("male", "young"), ("angry", "happy")),
    image_size=16,
)
METHOD = StarGAN()


class Wanted(Exception):
    """Carries what the generator was told."""


def generator(images: Tensor, told: Tensor) -> Tensor:
    raise Wanted(told.int().tolist())


def parts(labels: Labels, logits: list[list[float]] | None = None) -> Parts:
    """A generator that tells what it is told, and a critic that says `logits` of pictures of the right size."""

    def critic(images: Tensor) -> tuple[Tensor, Tensor]:
        assert images.shape[2:] == (16, 16) and logits is not None
        return images, torch.tensor(logits)

    return Parts({"G": generator, "D": critic, "labels": labels})


def told(net: Parts, size: tuple[int, int] = (16, 16), **controls: Any) -> Any:
    """What the generator is told for one picture."""
    with pytest.raises(Wanted) as wanted:
        METHOD.translate(net, Batch({"image": torch.zeros(1, 3, *size)}), **controls)
    ((row,),) = wanted.value.args
    return row


@pytest.mark.parametrize(
    ("domain", "source", "wanted"),
    [
        ("blond", ("black", "male"), [0, 1, 0, 1, 0]),
        ("black", ("black", "male"), [1, 0, 0, 1, 0]),
        ("male", ("black", "male"), [1, 0, 0, 0, 0]),
        ("male", (), [0, 0, 0, 1, 0]),
        (("blond", "young"), "black", [0, 1, 0, 0, 1]),
        (("male", "young"), ("male",), [0, 0, 0, 0, 1]),
    ],
)
def test_a_member_of_a_group_is_set_and_another_domain_toggled(
    domain: Any, source: Any, wanted: list[int]
) -> None:
    assert told(parts(FACES), domain=domain, source=source) == wanted


@pytest.mark.parametrize(("domain", "wanted"), [("young", [0, 0, 1, 1, 1]), ("black", [1, 0, 0, 1, 0])])
@pytest.mark.parametrize("size", [(16, 16), (24, 40)])
def test_the_critic_says_what_a_picture_is(domain: str, wanted: list[int], size: tuple[int, int]) -> None:
    net = parts(FACES, [[1.0, -2.0, 1.5, 2.0, -3.0]])  # of a group the likeliest, brown
    assert told(net, size, domain=domain) == wanted


def test_a_picture_may_be_of_none_of_a_group() -> None:
    net = parts(FACES, [[-1.0, -2.0, -0.5, 2.0, -3.0]])
    assert told(net, domain="young") == [0, 0, 0, 1, 1]


def test_every_picture_has_its_own_labels() -> None:
    net = parts(FACES, [[1.0, -1.0, -1.0, 1.0, -1.0], [-1.0, 1.0, -1.0, -1.0, 1.0]])
    with pytest.raises(Wanted) as wanted:
        METHOD.translate(net, Batch({"image": torch.zeros(2, 3, 16, 16)}), domain="male")
    assert wanted.value.args == ([[1, 0, 0, 0, 0], [0, 1, 0, 1, 1]],)


def test_nothing_is_read_where_it_does_not_matter() -> None:
    assert told(parts(MOODS), domain="happy") == [0, 1]
    assert told(parts(JOINED), domain="happy") == [0, 0, 0, 1, 0, 1]


def test_of_joined_sets_that_of_the_domain_speaks() -> None:
    assert told(parts(JOINED), domain="young", source="male") == [1, 1, 0, 0, 1, 0]
    assert told(parts(JOINED, [[1.0, 1.0, 1.0, 2.0]]), domain="male") == [0, 1, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("labels", "controls", "sentence"),
    [
        (FACES, {"domain": "blonde"}, "domain: there is no domain 'blonde'; did you mean 'blond'"),
        (
            FACES,
            {"domain": "[male, young]"},
            r'domain: there is no domain .*; several are a list: .domain=\["male", "young"\].$',
        ),
        (FACES, {"domain": "male", "source": "yuong"}, "source: there is no domain 'yuong'.*'young'"),
        (FACES, {"domain": ("black", "blond")}, "domain: black and blond exclude each other"),
        (
            FACES,
            {"domain": "male", "source": ("brown", "blond")},
            "source: brown and blond exclude each other",
        ),
        (FACES, {"domain": ()}, "domain: say what to change, .* black, blond, brown, male, young"),
        (JOINED, {"domain": ("male", "angry")}, "domain: male and angry are labels of different data sets"),
        (
            JOINED,
            {"domain": "angry", "source": "male"},
            "source: male and angry .* of the set of angry: angry, happy",
        ),
    ],
)
def test_a_wish_that_cannot_be_granted(labels: Labels, controls: dict[str, Any], sentence: str) -> None:
    net = parts(labels, [[0.0] * len(labels.domains)])
    with pytest.raises(ValueError, match=f"^{sentence}"):
        METHOD.translate(net, Batch({"image": torch.zeros(1, 3, 16, 16)}), **controls)
    with pytest.raises(ValueError, match=f"^{sentence}"):
        METHOD.captions(net, controls)


def test_names_may_be_numbers() -> None:
    labels = Labels(("0", "1"), (("0", "1"),))
    assert labels.chosen(0, "domain") == ("0",)
    assert METHOD.captions(parts(labels, [[0.0, 0.0]]), {"domain": 0}) == {"0": {"domain": 0}}


def test_without_a_name_a_picture_is_not_translated() -> None:
    with pytest.raises(ValueError, match="domain: say what to change, one or several of angry, happy"):
        METHOD.translate(parts(MOODS), Batch({"image": torch.zeros(1, 3, 16, 16)}))


def test_without_a_critic_the_source_is_needed() -> None:
    net = Parts({"G": generator, "labels": FACES})
    for controls in ({"domain": "blond"}, {}):
        with pytest.raises(ValueError, match=r"^source: these weights .* \[\] for none of black, blond"):
            METHOD.captions(net, controls)
    assert told(net, domain="blond", source="male") == [0, 1, 0, 1, 0]
    assert [*METHOD.captions(net, {"source": ()})] == [*FACES.domains]
    assert told(Parts({"G": generator, "labels": MOODS}), domain="angry") == [1, 0]


def test_captions() -> None:
    every = METHOD.captions(parts(FACES), {"domain": None, "source": ("male",)})
    assert [*every] == [*FACES.domains]
    assert every["blond"] == {"domain": "blond", "source": ("male",)}
    asked = {"domain": ("blond", "male"), "source": None}
    assert METHOD.captions(parts(FACES), asked) == {"blond, male": asked}
    assert [*METHOD.captions(parts(JOINED), {})] == [*JOINED.domains]
    assert [*METHOD.captions(parts(JOINED), {"source": "male"})] == ["male", "young"]


def test_a_preview_starts_from_the_true_labels() -> None:
    net = Parts({"G": lambda images, labels: labels, "labels": JOINED})
    domain = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    shown = METHOD.preview(net, Batch({"image": torch.zeros(2, 3, 8, 8), "domain": domain}))
    assert [*shown] == ["input", *JOINED.domains]
    assert shown["young"].int().tolist() == [[1, 1, 0, 0, 1, 0], [0, 1, 0, 0, 1, 0]]
    assert shown["angry"].int().tolist() == [[0, 0, 1, 0, 0, 1], [0, 0, 1, 0, 0, 1]]


def test_data_without_domains_is_refused() -> None:
    facts = DataFacts(
        fields=("image", "domain", "target"),
        image_size=16,
        channels={"image": 3},
        value_range={"image": (0.0, 255.0)},
    )
    with pytest.raises(I2IError, match="this method needs pictures with labels"):
        METHOD.build(lambda ref, **facts: None, facts)


@pytest.mark.parametrize(("data", "count", "sets"), [(FACES, 5, 0), (JOINED, 4, 2)])
def test_the_networks_are_told_how_many_domains_there_are(data: Labels, count: int, sets: int) -> None:
    made: dict[str, Mapping[str, Any]] = {}
    facts = DataFacts(
        fields=("image", "domain", "target"),
        image_size=16,
        channels={"image": 1},
        value_range={"image": (0.0, 255.0)},
        domains=data.domains,
        exclusive=data.exclusive,
        sets=data.sets,
    )
    net = METHOD.build(lambda ref, **told: made.setdefault(ref.name, told), facts)
    assert net["labels"] == data
    assert made["domain-resnet"] == {"in_channels": 1, "out_channels": 1, "domains": count + sets}
    assert made["domain-patch"] == {"in_channels": 1, "domains": count}


def test_the_generator_steps_after_so_many_steps_of_the_critic() -> None:
    engine = tiny_engine(tiny_spec("stargan", options={"n_critic": 3}))
    assert [phase.name for phase in engine.phases if phase.runs_at(2)] == ["critic"]
    assert [phase.name for phase in engine.phases if phase.runs_at(3)] == ["critic", "generator"]
    assert [phase.every for phase in METHOD.phases()] == [1, 5]


def test_one_weight_of_domains_for_both() -> None:
    critic, generator = StarGAN(domain_weight=3.0).phases()
    assert critic.objective("D") == "real + fake + 3·domain"
    assert generator.objective("G") == "gan + 3·domain + 10·cycle"
