"""Weights of StarGAN's authors: a network of their layers gives the same pictures here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
import torch
from helpers import registry
from torch import Tensor, nn

from i2i.core.importing import Match
from i2i.core.schema import Ref

# fp32: our norms are computed by another kernel, a dozen layers deep.
WITHIN = 1e-6
FIVE = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")


def norm(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True, track_running_stats=True)


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*self.layers(channels))

    def layers(self, channels: int) -> Iterator[nn.Module]:
        for last in (False, True):
            yield nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            yield norm(channels)
            yield from () if last else (nn.ReLU(),)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.main(x)
        return out


class TheirGenerator(nn.Module):
    """All layers in one list, labels tiled into channels, norms that keep running statistics."""

    def __init__(self, told: int, width: int, blocks: int, channels: int = 3) -> None:
        super().__init__()
        self.main = nn.Sequential(*self.layers(told, width, blocks, channels))

    def layers(self, told: int, width: int, blocks: int, channels: int) -> Iterator[nn.Module]:
        yield from (nn.Conv2d(channels + told, width, 7, 1, 3, bias=False), norm(width), nn.ReLU())
        for size in (width, 2 * width):
            yield from (nn.Conv2d(size, 2 * size, 4, 2, 1, bias=False), norm(2 * size), nn.ReLU())
        yield from (Residual(4 * width) for _ in range(blocks))
        for size in (4 * width, 2 * width):
            yield from (
                nn.ConvTranspose2d(size, size // 2, 4, 2, 1, bias=False),
                norm(size // 2),
                nn.ReLU(),
            )
        yield from (nn.Conv2d(width, channels, 7, 1, 3, bias=False), nn.Tanh())

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        tiled = labels.view(*labels.shape, 1, 1).repeat(1, 1, *x.shape[2:])
        out: Tensor = self.main(torch.cat([x, tiled], dim=1))
        return out


class TheirCritic(nn.Module):
    """The head that classifies sees the whole of the last map."""

    def __init__(self, domains: int, width: int, layers: int, size: int) -> None:
        super().__init__()
        sizes = [3, *(width * 2**layer for layer in range(layers))]
        pairs = itertools.pairwise(sizes)
        body = [m for i, o in pairs for m in (nn.Conv2d(i, o, 4, 2, 1), nn.LeakyReLU(0.01))]
        self.main = nn.Sequential(*body)
        self.conv1 = nn.Conv2d(sizes[-1], 1, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(sizes[-1], domains, size // 2**layers, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.main(x)
        return self.conv1(x), self.conv2(x).flatten(1)


def drawn(net: nn.Module, seed: int = 0) -> nn.Module:
    """Weights without symmetry: norms that do nothing would hide a mistake."""
    generator = torch.Generator().manual_seed(seed)
    for weight in net.parameters():
        nn.init.normal_(weight, 0.0, 0.2, generator=generator)
    return net


def detected(name: str, state: dict[str, Tensor]) -> Match | None:
    importer = registry().build(Ref.of("importer", name, {}), {}, {})
    found: Match | None = importer.detect(tuple(state), {key: tuple(t.shape) for key, t in state.items()})
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
    theirs = drawn(TheirGenerator(domains, 4, blocks))
    match = match_of("stargan.G", theirs)
    assert match.options["generator"] == {"name": "domain-resnet", "width": 4, "blocks": blocks}
    ours = loaded(match, theirs, "generator", in_channels=3, out_channels=3, domains=domains)
    image, labels = torch.rand(2, 3, 16, 16) * 2 - 1, torch.eye(domains)[:2]
    with torch.no_grad():  # as their program translates: the norms in training mode
        assert torch.allclose(ours(image, labels), theirs(image, labels), atol=WITHIN, rtol=0)
        assert float((ours(image, labels) - theirs.eval()(image, labels)).abs().max()) > 100 * WITHIN


def test_a_critic_judges_the_same() -> None:
    theirs = drawn(TheirCritic(5, 4, 3, 16))
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
        generator, critic = TheirGenerator(5, 64, 6), TheirCritic(5, 64, 6, size)
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
        match = match_of("stargan.G", TheirGenerator(8, 64, 6))
    assert match.facts["domains"] == tuple("12345678")
    assert match.facts["exclusive"] == ()
    assert match.assumed == (
        "the domains have no names in the file; they are called 1 to 8, and none excludes another",
    )


def test_grey_pictures() -> None:
    with torch.device("meta"):
        match = match_of("stargan.G", TheirGenerator(2, 4, 0, channels=1))
    assert match.facts["channels"] == {"image": 1}
    assert match.facts["vectors"] == {"domain": 2, "target": 2}


@pytest.mark.parametrize(
    "name",
    ["stargan.G", "stargan.D"],
)
def test_other_weights_are_not_recognised(name: str) -> None:
    with torch.device("meta"):
        generator, critic = TheirGenerator(5, 4, 1).state_dict(), TheirCritic(5, 4, 2, 16).state_dict()
        plain = nn.Sequential(nn.Conv2d(3, 4, 4), nn.Conv2d(4, 1, 3)).state_dict()
        unlabelled = TheirGenerator(0, 4, 1).state_dict()
    others = [critic if name == "stargan.G" else generator, plain, unlabelled, {}]
    assert [detected(name, state) for state in others] == [None] * 4
