"""Networks of timm as encoders: their features, where weights come from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from helpers import registry
from safetensors.torch import load_file, save_file
from sources_timm import NETWORKS, picture, published
from torch import Tensor, nn
from torch.nn import functional as F

import i2i
from i2i.nets import init_weights
from i2i_timm.encoder import TimmEncoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("timm")


def theirs(path: Path, network: str, image: Tensor) -> Tensor:
    """The last features as timm's own way gives them."""
    whole = timm.create_model(network, pretrained=True, pretrained_cfg_overlay={"file": str(path)}).eval()
    settings = timm.data.resolve_model_data_config(whole)
    mean, std = (torch.tensor(settings[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    x = (image + 1) / 2
    if whole.pretrained_cfg["fixed_input_size"]:
        x = F.interpolate(x, settings["input_size"][1:], mode="bilinear", antialias=True)
    return whole.forward_intermediates((x - mean) / std, indices=1, norm=False, intermediates_only=True)[0]


@pytest.mark.parametrize("network", NETWORKS)
def test_it_sees_what_timms_own_way_sees(network: str, folder: Path) -> None:
    path = published(folder, network)
    encoder = TimmEncoder(3, 4, network=network, weights=path).eval()
    with torch.no_grad():
        (seen,) = encoder.backbone(picture(1))
        wanted = theirs(path, network, picture(1))
        mean, log_variance = encoder(picture(1))
    # the same network in the same precision
    assert torch.allclose(seen, wanted, atol=1e-5)
    assert mean.shape == log_variance.shape == (2, 4)
    assert torch.allclose(mean, encoder.mean(wanted.mean((2, 3))), atol=1e-5)


def test_a_transformer_whose_maps_end_in_channels(folder: Path) -> None:
    options = {"embed_dim": 24, "window_size": 7}
    encoder = TimmEncoder(
        3, 4, network="swin_tiny_patch4_window7_224", stages=(0, 3), network_options=options
    )
    maps = encoder.backbone(picture(1))
    assert [tuple(each.shape) for each in maps] == [(2, 24, 56, 56), (2, 192, 7, 7)]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_weight_is_reached(network: str) -> None:
    encoder = TimmEncoder(3, 4, network=network)
    sum(part.square().sum() for part in encoder(picture(1))).backward()
    assert not [name for name, weight in encoder.named_parameters() if weight.grad is None]


def test_grey_pictures_are_coloured_and_others_adapt_the_first_layer(folder: Path) -> None:
    path = published(folder, "test_resnet")
    grey, coloured = (TimmEncoder(n, 4, network="test_resnet", weights=path).eval() for n in (1, 3))
    coloured.load_state_dict(grey.state_dict())
    assert torch.equal(grey(picture(1, 1))[0], coloured(picture(1, 1).expand(-1, 3, -1, -1))[0])
    four = TimmEncoder(4, 4, network="test_resnet", weights=path)
    assert four.backbone.network.conv1[0].weight.shape[1] == 4
    assert four(picture(1, 4))[0].isfinite().all()


def test_published_weights_survive_the_initialisation(folder: Path) -> None:
    path = published(folder, "test_resnet")
    encoder = TimmEncoder(3, 4, network="test_resnet", weights=path)
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    init_weights(encoder, "normal", 0.02)
    after = encoder.state_dict()
    assert {name for name in after if not torch.equal(after[name], before[name])} == {
        *(f"{head}.{tensor}" for head in ("mean", "log_variance") for tensor in ("weight", "bias"))
    }
    held = load_file(path)
    assert torch.equal(after["backbone.network.layer1.0.conv1.weight"], held["layer1.0.conv1.weight"])


@pytest.mark.parametrize("network", NETWORKS)
def test_half_precision(network: str) -> None:
    encoder = TimmEncoder(3, 4, network=network).eval()
    with torch.no_grad():
        full = encoder(picture(1))[0]
        with torch.autocast("cpu", torch.bfloat16):
            half = encoder(picture(1).bfloat16())[0]
    # bf16 keeps two to three digits
    assert torch.allclose(half.float(), full, atol=0.02 * float(full.abs().max()))


def norms(encoder: nn.Module) -> Tensor:
    return torch.cat([b.flatten() for n, b in encoder.named_buffers() if n.endswith("running_mean")])


def test_published_statistics_stay_and_others_are_learned(folder: Path) -> None:
    for weights, stay in ((published(folder, "test_resnet"), True), ("random", False)):
        encoder = TimmEncoder(3, 4, network="test_resnet", weights=weights).train()
        before = norms(encoder).clone()
        encoder(picture(1))
        assert torch.equal(norms(encoder), before) == stay


def test_who_translates_needs_no_file(folder: Path) -> None:
    trained = TimmEncoder(3, 4, network="test_resnet", weights=published(folder, "test_resnet"))
    here = TimmEncoder(3, 4, True, network="test_resnet", weights=Path("gone.safetensors"))
    here.load_state_dict(trained.state_dict())
    assert torch.equal(here.eval()(picture(1))[0], trained.eval()(picture(1))[0])


def built(**options: Any) -> Any:
    """As the registry builds it from a spec."""
    ref = registry().resolve("encoder", {"name": "timm", **options}, "strategy.encoder")
    return registry().build(ref, {}, {"in_channels": 3, "latent": 4})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"network": "test_resnett"},
            "strategy.encoder.network: timm has no 'test_resnett'\n    did you mean 'test_resnet'? known: ",
        ),
        ({"network": "resnet18.a9"}, "timm has no weights 'a9' of resnet18\n    known: a1_in1k, a2_in1k"),
        (
            {"network": "test_resnet", "stages": [1, 5]},
            "stages: timm's test_resnet has 0 to 4; name some of them, each once and in this order, got [1, 5]",
        ),
        ({"network": "test_resnet", "stages": [2, 1]}, "each once and in this order, got [2, 1]"),
        ({"network": "test_resnet", "stages": []}, "strategy.encoder.stages: "),
        (
            {"network": "test_resnet", "network_options": {"widht": 3}},
            "network_options: timm's test_resnet does not take them: ",
        ),
        (
            {"network": "test_resnet", "weights": "gone.safetensors"},
            "weights: there is no file gone.safetensors",
        ),
        ({"network": "test_resnet", "weights": "resnet.pth"}, "weights: resnet.pth is no .safetensors file"),
    ],
)
def test_wrong_options_are_told(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(i2i.I2IError) as error:
        built(**options)
    assert sentence in str(error.value)


def wrong_file(fault: str, folder: Path) -> Path:
    tensors = load_file(published(folder, "test_resnet"))
    path = folder / f"{fault}.safetensors"
    match fault:
        case "lacks":
            del tensors["layer1.0.conv1.weight"]
        case "more":
            tensors["layer9.weight"] = torch.zeros(1)
        case "shape":
            tensors["layer1.0.conv1.weight"] = torch.zeros(1)
        case "other":
            tensors = load_file(published(folder, "test_vit"))
        case "text":
            path.write_text("no tensors")
            return path
    save_file(tensors, path)
    return path


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("lacks", "these are not the weights of timm's test_resnet: it lacks layer1.0.conv1.weight"),
        ("more", "these are not the weights of timm's test_resnet: layer9.weight has no place in it"),
        ("shape", "these are not the weights of timm's test_resnet: layer1.0.conv1.weight has another shape"),
        ("other", "these are not the weights of timm's test_resnet: it lacks conv1.0.weight, and"),
        ("text", "text.safetensors is not a safetensors file"),
    ],
)
def test_the_file_of_another_network_is_refused(fault: str, sentence: str, folder: Path) -> None:
    with pytest.raises(i2i.I2IError) as error:
        built(network="test_resnet", weights=wrong_file(fault, folder))
    assert sentence in str(error.value)
    assert str(error.value).startswith("encoder 'timm': weights: ")


def test_without_a_network_it_says_which_file_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub as hub

    def unreachable(*_: object, **__: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr(hub.HfApi, "model_info", unreachable)
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: None)
    with pytest.raises(i2i.I2IError) as error:
        built(network="test_resnet", weights="download")
    assert str(error.value) == (
        "encoder 'timm': weights: huggingface.co/timm/test_resnet.r160_in1k cannot be had, and was not fetched before; "
        'fetch model.safetensors from huggingface.co/timm/test_resnet.r160_in1k and give weights = "model.safetensors"'
    )


def test_pictures_that_are_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="this network of timm needs sides of at least 32 pixels, got 31x31"):
        TimmEncoder(3, 4, network="test_resnet")(picture(1, side=31))
