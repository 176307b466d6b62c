"""The networks that metrics look through: where their weights come from, and what is said where there are none."""

from __future__ import annotations

import hashlib
import urllib.error
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import i2i
from i2i.core.errors import I2IError, SpecError
from i2i.core.registry import Registry
from i2i.metrics import i2i_register
from i2i.metrics.features import feature_extractor
from i2i.metrics.inception import Inception
from i2i.metrics.pictures import in_bytes, rounded

NETWORKS = ["test_resnet", "test_vit"]


def pictures(channels: int = 3, count: int = 2) -> Tensor:
    return torch.rand(count, channels, 40, 30, generator=torch.Generator().manual_seed(1)) * 2.2 - 1.1


def metric(name: str, **options: Any) -> Any:
    """As the registry builds it from a spec."""
    registry = Registry()
    i2i_register(registry)
    return registry.build(registry.resolve("metric", {"name": name, **options}, "validate.metric"), {}, {})


def saved(path: Path, network: torch.nn.Module) -> Path:
    save_file(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network with other weights than `random` gives, in a file that is called by its hash."""
    folder = tmp_path_factory.mktemp("inception")
    network = Inception("2048", "random", "fid").network
    state = {key: tensor + 0.01 for key, tensor in network.state_dict().items() if tensor.is_floating_point()}
    torch.save(state, folder / "made.pth")
    with (folder / "made.pth").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return (folder / "made.pth").rename(folder / f"weights-{digest[:8]}.pth")


def test_pictures_are_rounded_as_files_round_them() -> None:
    levels = torch.arange(256) / 127.5 - 1
    assert torch.equal(in_bytes(levels), torch.arange(256).byte())
    assert torch.equal(in_bytes(levels + 0.4 / 127.5)[:-1], torch.arange(255).byte())
    assert torch.equal(
        in_bytes(torch.tensor([-2.0, 2.0, 254.6 / 127.5 - 1])), torch.tensor([0, 255, 255]).byte()
    )
    assert torch.allclose(rounded(levels), levels, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_timm_sees_what_timms_own_way_sees(name: str, tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = timm.create_model(name).eval()
    seen = feature_extractor(name, saved(tmp_path / "model.safetensors", network), "fid")
    settings = timm.data.resolve_model_data_config(network)
    side = settings["input_size"][1:]
    whole = in_bytes(pictures()).float() / 255
    small = torch.nn.functional.interpolate(
        whole, side, mode=settings["interpolation"], antialias=True
    ).clamp(0, 1)
    mean, std = (torch.tensor(settings[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        wanted = network.forward_head(network.forward_features((small - mean) / std), pre_logits=True)
        classes = network((small - mean) / std)
    # the same network in the same precision
    assert torch.allclose(seen.extract(pictures()), wanted, atol=1e-5)
    scores = feature_extractor(name, tmp_path / "model.safetensors", "inception-score", "scores").extract(
        pictures()
    )
    assert torch.allclose(scores, classes, atol=1e-5)


def test_the_protocol_knows_the_weights(tmp_path: Path) -> None:
    one, other = (timm.create_model("test_resnet") for _ in range(2))
    files = [saved(tmp_path / f"{n}.safetensors", net) for n, net in enumerate((one, other, one))]
    told = [feature_extractor("test_resnet", file, "fid").protocol for file in files]
    assert told[0] == told[2]
    assert told[0]["network_weights"] != told[1]["network_weights"]
    assert str(told[0]["network_weights"]).startswith("sha256:")
    assert {**told[0], "network_weights": ""} == {
        "network": "test_resnet",
        "network_weights": "",
        "network_layer": "features",
        "network_resize": "bilinear, antialiased",
        "network_size": "160x160",
        "rounding": "8 bits",
    }
    assert feature_extractor("test_resnet", "random", "fid").protocol["network_weights"] == "random"


def test_grey_pictures_are_coloured_and_others_refused() -> None:
    seen = feature_extractor("test_resnet", "random", "fid")
    assert torch.equal(seen.extract(pictures(1)), seen.extract(pictures(1).expand(-1, 3, -1, -1)))
    with pytest.raises(
        I2IError, match=r"metric 'fid': its network knows pictures of 1 or 3 channels, .* have 4"
    ):
        seen.extract(pictures(4))


def test_nobody_elses_random_numbers_are_drawn() -> None:
    before = torch.get_rng_state()
    first, second = (feature_extractor("test_resnet", "random", "fid").extract(pictures()) for _ in range(2))
    Inception("2048", "random", "fid")
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, second)


def test_inception_is_torch_fidelitys_with_the_weights_of_the_file(
    inception_file: Path, tmp_path: Path
) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    out = i2i.import_weights(inception_file, tmp_path / "inception.safetensors", "inception")
    theirs = FeatureExtractorInceptionV3("theirs", ["2048"], str(inception_file))
    seen = feature_extractor("inception", out, "fid")
    assert torch.equal(seen.extract(pictures(count=1)), theirs(in_bytes(pictures(count=1)))[0])
    assert (seen.protocol["network_size"], seen.protocol["network_resize"]) == (
        "299x299",
        "bilinear as in TensorFlow 1",
    )
    assert feature_extractor("inception", "random", "fid").extract(pictures(count=1)).shape == (1, 2048)
    # without the bias, as scores of published figures are
    scores = feature_extractor("inception", out, "inception-score", "scores").extract(pictures(count=1))
    assert torch.allclose(scores, seen.extract(pictures(count=1)) @ load_file(out)["fc.weight"].T, atol=1e-4)


def test_a_file_that_is_not_what_its_name_says_is_refused(inception_file: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "weights-inception-2015-12-05-6726825d.pth"
    wrong.hardlink_to(inception_file)
    with pytest.raises(
        I2IError, match=r"sha256 starts with 6726825d, and it starts with .*: the file is damaged"
    ):
        i2i.import_weights(wrong, tmp_path / "inception.safetensors", "inception")
    torch.save({"fc.weight": torch.zeros(1000, 2048)}, tmp_path / "torchvision.pth")
    with pytest.raises(I2IError, match=r"not the weights of torch-fidelity's Inception network: Conv2d_1a"):
        i2i.import_weights(tmp_path / "torchvision.pth", tmp_path / "inception.safetensors", "inception")
    assert not (tmp_path / "inception.safetensors").exists()


def test_a_whole_file_is_converted_as_it_is(tmp_path: Path) -> None:
    network = timm.create_model("test_resnet")
    torch.save(network.state_dict(), tmp_path / "trained-20240101.pth")
    out = i2i.import_weights(tmp_path / "trained-20240101.pth", tmp_path / "trained.safetensors", "weights")
    made = load_file(out)
    assert all(torch.equal(made[key], tensor) for key, tensor in network.state_dict().items())
    assert feature_extractor("test_resnet", out, "fid").protocol["network_weights"] != "random"


@pytest.mark.parametrize("name", ["fid", "kid", "inception-score"])
def test_without_weights_it_says_what_to_fetch_and_where_to_put_it(name: str) -> None:
    with pytest.raises(I2IError) as error:
        metric(name)
    said = str(error.value)
    for part in (
        f"metric '{name}': weights: those of torch-fidelity's Inception network are needed",
        "fetch https://github.com/toshas/torch-fidelity/releases/",
        "`i2i import weights-inception-2015-12-05-6726825d.pth --as inception -o inception.safetensors`",
        'weights = "inception.safetensors"',
        'weights = "download"',
    ):
        assert part in said
    with pytest.raises(
        I2IError, match=r"fetch model.safetensors from huggingface.co/timm/test_resnet\.r160_in1k"
    ):
        metric(name, network="test_resnet")


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    other = saved(tmp_path / "other.safetensors", timm.create_model("test_vit"))
    (tmp_path / "broken.safetensors").write_bytes(b"no tensors")
    (tmp_path / "pickle.pth").write_bytes(b"")
    for path, sentence in (
        (other, r"weights: these are not the weights of timm's test_resnet: it lacks .* \(and \d+ more\)"),
        (tmp_path / "broken.safetensors", "weights: .* is not a safetensors file"),
        (tmp_path / "pickle.pth", r"weights: .* is no \.safetensors file"),
        (tmp_path / "none.safetensors", "weights: there is no file .*none.safetensors; timm publishes"),
    ):
        with pytest.raises(I2IError, match=sentence):
            metric("fid", network="test_resnet", weights=path)
    with pytest.raises(I2IError, match=r"`i2i import weights-inception.* makes one"):
        metric("kid", weights=tmp_path / "none.safetensors")


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(I2IError, match=r"network: timm has no 'incepton'\n    did you mean 'inception'\?"):
        metric("fid", network="incepton", weights="random")
    with pytest.raises(I2IError, match=r"network: timm cannot make 'test_resnet\.other'"):
        metric("fid", network="test_resnet.other", weights="random")
    with pytest.raises(SpecError, match="there is no metric 'fdi'"):
        metric("fdi")


def test_a_download_without_a_network_ends_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*args: Any, **kwargs: Any) -> None:
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    with pytest.raises(
        I2IError,
        match=r"github.com cannot be reached, and nothing was fetched from there before; fetch https.*--as inception",
    ):
        metric("fid", weights="download")
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repo, name: None)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", unreachable)
    with pytest.raises(
        I2IError, match=r"cannot be had, and was not fetched before; fetch model\.safetensors"
    ):
        metric("fid", network="test_resnet", weights="download")


def test_a_download_is_what_it_should_be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub

    asked: dict[str, Any] = {}

    def answer(url: str, **options: Any) -> dict[str, Tensor]:
        asked.update(url=url, **options)
        return Inception("2048", "random", "fid").network.state_dict()

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", answer)
    metric("fid", weights="download")
    assert asked["url"].endswith("/weights-inception-2015-12-05-6726825d.pth")
    assert (asked["check_hash"], asked["weights_only"]) == (True, True)
    cached = saved(tmp_path / "model.safetensors", timm.create_model("test_resnet"))
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repo, name: str(cached))
    assert str(
        metric("fid", network="test_resnet", weights="download").protocol()["network_weights"]
    ).startswith("sha256")
