"""Weights of StarGAN's authors: a network of their layers gives the same pictures here."""

from __future__ import annotations

import pytest
import torch
from helpers import registry
from sources import randomised, shapes_of
from sources_stargan import FIVE, SourceCritic, SourceGenerator
from torch import Tensor, nn

from i2i.core.importing import Match
from i2i.core.schema import Ref

# fp32: our norms are computed by another kernel, a dozen layers deep.
WITHIN = 1e-6


def detected(name: str, state: dict[str, Tensor]) -> Match | None:
    importer = registry().build(Ref.of("importer", name, {}), {}, {})
    found: Match | None = importer.detect(tuple(state), shapes_of(state))
    return found


def match_of(name: str, net: nn.Module) -> Match:
    found = detected(name, net.state_dict())
    assert found is not None
    assert {*found.keys, *found.unused} == {*net.state_dict()}
    return found


def loaded(match: Match, theirs: nn.Module, kind: str, **facts: int) -> nn.Module:
    """Our network with their weights; every one of its tensors is given."""
    options = dict(match.options[kind])
    ours: nn.Module = registry().build(Ref.of(kind, options.pop("name"), options), {}, facts)
    ours.load_state_dict({match.keys[key]: theirs.state_dict()[key] for key in match.keys}, strict=True)
    return ours


@pytest.mark.parametrize(("domains", "blocks"), [(5, 2), (2, 6)])
def test_a_generator_paints_the_same(domains: int, blocks: int) -> None:
    theirs = randomised(SourceGenerator(domains, 4, blocks)).train()
    match = match_of("stargan.G", theirs)
    assert match.options["generator"] == {"name": "domain-resnet", "width": 4, "blocks": blocks}
    ours = loaded(match, theirs, "generator", in_channels=3, out_channels=3, domains=domains)
    image, labels = torch.rand(2, 3, 16, 16) * 2 - 1, torch.eye(domains)[:2]
    with torch.no_grad():  # as their program translates: the norms in training mode
        assert torch.allclose(ours(image, labels), theirs(image, labels), atol=WITHIN, rtol=0)
        assert float((ours(image, labels) - theirs.eval()(image, labels)).abs().max()) > 100 * WITHIN


def test_a_critic_judges_the_same() -> None:
    theirs = randomised(SourceCritic(5, 4, 3, 16))
    match = match_of("stargan.D", theirs)
    assert match.options["discriminator"] == {"name": "domain-patch", "width": 4, "layers": 3}
    assert match.facts["image_size"] == 16
    ours = loaded(match, theirs, "discriminator", in_channels=3, domains=5, image_size=16)
    image = torch.rand(2, 3, 16, 16) * 2 - 1
    for mine, their in zip(ours(image), theirs(image), strict=True):
        assert torch.allclose(mine, their, atol=WITHIN, rtol=0)


@pytest.mark.parametrize("size", [128, 256])
def test_the_published_networks(size: int) -> None:
    with torch.device("meta"):
        generator, critic = SourceGenerator(5, 64, 6), SourceCritic(5, 64, 6, size)
    of_generator, of_critic = match_of("stargan.G", generator), match_of("stargan.D", critic)
    shared = {
        "channels": {"image": 3},
        "vectors": {"domain": 5, "target": 5},
        "domains": FIVE,
        "exclusive": (FIVE[:3],),
    }
    assert of_generator.facts == shared
    assert of_critic.facts == {**shared, "image_size": size}
    assert len(of_generator.keys) == 18 + 2 * 17 and len(of_generator.unused) == 3 * 17
    assert not of_critic.unused
    assert (of_generator.files, of_critic.files) == (("-G",), ("-D",))
    assert "those of the published weights: Black_Hair" in of_generator.assumed[0]


def test_other_domains_have_no_names() -> None:
    with torch.device("meta"):
        match = match_of("stargan.G", SourceGenerator(8, 64, 6))
    assert match.facts["domains"] == tuple("12345678")
    assert match.facts["exclusive"] == ()
    assert match.assumed == (
        "the domains have no names in the file; they are called 1 to 8, and none excludes another",
    )


def test_grey_pictures() -> None:
    with torch.device("meta"):
        match = match_of("stargan.G", SourceGenerator(2, 4, 0, channels=1))
    assert match.facts["channels"] == {"image": 1}
    assert match.facts["vectors"] == {"domain": 2, "target": 2}


@pytest.mark.parametrize(
    "name",
    ["stargan.G", "stargan.D"],
)
def test_other_weights_are_not_recognised(name: str) -> None:
    with torch.device("meta"):
        generator, critic = SourceGenerator(5, 4, 1).state_dict(), SourceCritic(5, 4, 2, 16).state_dict()
        plain = nn.Sequential(nn.Conv2d(3, 4, 4), nn.Conv2d(4, 1, 3)).state_dict()
        unlabelled = SourceGenerator(0, 4, 1).state_dict()
    others = [critic if name == "stargan.G" else generator, plain, unlabelled, {}]
    assert [detected(name, state) for state in others] == [None] * 4
