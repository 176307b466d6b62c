"""Networks are probed: which sizes they keep, how short sides may be, how far they see, what memory they take."""

from __future__ import annotations

import pytest
import torch
from plain import Fitting, PadsItself, plain, seeded
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.nets import LatentUNet, ResNet, UNet
from i2i.translate.model import Model
from i2i.translate.probing import Needs, Probe, probe_of


def probe(network: nn.Module, **options: bool) -> Probe:
    model = plain(network, **options)
    return probe_of(model, model.request({}))


class Squeezed(nn.Module):
    """The brightness of all pixels is added to each."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x.mean((2, 3), keepdim=True)


class Placed(nn.Module):
    """Pixels are darker to the right."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.linspace(1, 0, x.shape[-1], device=x.device)


class Remembers(nn.Module):
    """Keeps a grid of the size that it saw last."""

    def __init__(self) -> None:
        super().__init__()
        self.grid = torch.zeros(0)

    def forward(self, x: Tensor) -> Tensor:
        if self.grid.shape != x.shape[-1:]:
            self.grid = torch.ones(x.shape[-1])
        return x * self.grid


class Choosy(nn.Module):
    """Looks at values, which tensors without contents do not have."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Fitting(6)

    def forward(self, x: Tensor) -> Tensor:
        assert x[x > 0].shape[0] > 0
        made: Tensor = self.inner(x)
        return made


# Sizes


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("multiple", [1, 2, 3, 6, 14, 48])
def test_the_multiple_of_a_network_that_says_nothing_is_found(multiple: int, raises: bool) -> None:
    assert probe(Fitting(multiple, raises=raises)).needs == Needs(multiple, multiple)


@pytest.mark.parametrize(("multiple", "least", "found"), [(1, 40, 40), (3, 40, 42), (8, 100, 104)])
def test_the_least_side_is_found(multiple: int, least: int, found: int) -> None:
    assert probe(Fitting(multiple, least)).needs == Needs(multiple, found)


@pytest.mark.parametrize(
    ("network", "needs"),
    [
        (ResNet(3, 3, width=2, blocks=1), Needs(4, 8)),
        (UNet(3, 3, width=2, depth=3, norm="none"), Needs(8, 8)),
        (UNet(3, 3, width=2, depth=3, norm="instance"), Needs(8, 16)),
        (PadsItself(), Needs(1, 1)),
    ],
)
def test_networks_are_probed_not_believed(network: nn.Module, needs: Needs) -> None:
    assert probe(network).needs.multiple == needs.multiple
    assert probe(network).needs.least <= needs.least


def test_what_a_network_says_wrongly_is_corrected() -> None:
    network = Fitting(6)
    network.multiple = 4  # type: ignore[assignment]
    assert probe(network).needs.multiple == 6


def test_a_method_that_looks_at_values_is_probed_with_some() -> None:
    assert probe(Choosy()).needs == Needs(6, 6)


def test_a_network_that_takes_nothing_keeps_its_word() -> None:
    assert probe(Fitting(1, 10**6)).needs == Needs(1, 1)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (6, 12), (50, 41)])
def test_any_size_goes_through_a_stranger(size: tuple[int, int]) -> None:
    network = Fitting(6, 18)
    picture = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    assert plain(network).translate(picture).shape == (3, *size)


def test_networks_that_change_the_size_are_refused() -> None:
    with pytest.raises(I2IError, match="the networks turn 20×10 pixels into 10×5; they must keep the size"):
        plain(nn.AvgPool2d(2)).translate(torch.rand(3, 10, 20))


def test_probing_leaves_the_model_as_it_was() -> None:
    model = plain(Remembers())
    assert probe_of(model, model.request({})).needs.multiple == 1
    assert model.net.G.grid.numel() == 0
    assert model.net.G.training


def test_probing_is_done_once_for_all_numbers() -> None:
    model = plain(Fitting(2))
    first = probe_of(model, model.request({"noise": 0.5}))
    assert probe_of(model, model.request({"noise": 0.25, "seed": 3})) is first


# How far a pixel is seen


@pytest.mark.parametrize(
    ("network", "radius", "align"),
    [
        (nn.Conv2d(3, 3, 7, padding=3), 3, 1),
        (nn.Conv2d(3, 3, (3, 9), padding=(1, 4)), 4, 1),
        (nn.Conv2d(3, 3, (9, 3), padding=(4, 1)), 4, 1),
        (nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 3, 3, padding=1)), 2, 1),
        (nn.Sequential(nn.Conv2d(3, 3, 3, padding=200, dilation=200)), 200, 1),
        (nn.Sequential(nn.MaxPool2d(2), nn.Upsample(scale_factor=2)), 0, 2),
        (nn.Identity(), 0, 1),
    ],
)
def test_the_radius_is_that_of_the_arithmetic(network: nn.Module, radius: int, align: int) -> None:
    reach = probe(network).reach
    assert (reach.radius, reach.align) == (radius, align)


@pytest.mark.parametrize(
    "network",
    [
        ResNet(3, 3, width=2, blocks=1),
        UNet(3, 3, width=2, depth=2, norm="instance"),
        Squeezed(),
        seeded(Placed),
        nn.AdaptiveAvgPool2d(1),
    ],
)
def test_where_all_pixels_or_their_place_matter_there_is_no_radius(network: nn.Module) -> None:
    assert probe(network).reach.radius is None


def test_a_network_that_pads_itself_is_aligned_to_what_it_halves() -> None:
    assert probe(seeded(PadsItself)).reach.align == 4


def test_maps_are_changed_where_pictures_are_made_no_number() -> None:
    reach = probe(seeded(nn.Conv2d, 4, 3, 5, padding=2), mapped=True).reach
    assert (reach.radius, reach.align) == (2, 1)


# Memory


def test_memory_is_foreseen_to_the_byte() -> None:
    # floats of 4 bytes in 3 channels, in 16 between two layers, and in 2 behind them
    network = nn.Sequential(nn.Conv2d(3, 16, 1), nn.Conv2d(16, 2, 1))
    outcome = probe(network).outcome(1, 1000, 2000)
    assert outcome is not None
    assert outcome.channels == 2
    assert outcome.memory == (3 + 16 + 2) * 4 * 1000 * 2000


def test_what_refuses_a_size_has_no_memory() -> None:
    assert probe(Fitting(2)).outcome(1, 3, 3) is None


def test_a_latent_code_does_not_stand_in_the_way(latent: Model) -> None:
    assert probe_of(latent, latent.request({})).needs.multiple == 4


@pytest.fixture
def latent() -> Model:
    class Coded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = LatentUNet(3, 3, 2, width=2, depth=2, norm="none")
            self.multiple = self.inner.multiple

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.inner(x, x.new_zeros(len(x), 2))
            return made

    return plain(Coded())
