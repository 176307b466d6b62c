"""The perceptual loss against torchvision's network, and the way its weights come from there."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F
from torchvision.models.vgg import cfgs, make_layers
from trained import command

import i2i
from i2i.losses import VGG19

# Where relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 are.
RELUS = (1, 6, 11, 20, 29)


class Files(NamedTuple):
    network: nn.Sequential
    published: Path
    converted: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Torchvision's network with random weights: as its file, and converted."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("vgg19")
    network = make_layers(cfgs["E"]).requires_grad_(False)
    state = {f"features.{key}": value for key, value in network.state_dict().items()}
    torch.save({**state, "classifier.0.weight": torch.zeros(2, 2)}, folder / "vgg19-dcbb9e9d.pth")
    out = i2i.import_weights(folder / "vgg19-dcbb9e9d.pth", folder / "made/vgg19.safetensors", "vgg19")
    return Files(network, folder / "vgg19-dcbb9e9d.pth", out)


@pytest.fixture(scope="module")
def loss(files: Files) -> VGG19:
    return VGG19(weights=files.converted)


def picture(seed: int, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, 32, 32, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def textbook(network: nn.Sequential, fake: Tensor, real: Tensor) -> Tensor:
    total, start = torch.zeros(()), 0
    for relu, weight in zip(RELUS, (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), strict=True):
        stage = network[start : relu + 1]
        fake, real, start = stage(fake), stage(real), relu + 1
        total = total + weight * (fake - real.detach()).abs().mean()
    return total


def test_it_is_the_textbooks(files: Files, loss: VGG19) -> None:
    one, other = (picture(1).requires_grad_() for _ in range(2))
    made, expected = loss(one, picture(2)), textbook(files.network.float(), other, picture(2))
    made.backward()
    expected.backward()
    assert float(made.detach()) == pytest.approx(float(expected.detach()), rel=1e-6)
    # fp32 through thirteen layers
    assert torch.allclose(one.grad, other.grad, rtol=1e-4, atol=1e-8)
    assert float(loss(picture(1), picture(1))) == 0


def test_no_gradient_reaches_the_second_picture_or_the_weights(loss: VGG19) -> None:
    real = picture(2).requires_grad_()
    assert not loss(picture(1), real).requires_grad
    assert not list(loss.parameters())


def test_grey_pictures_are_coloured(loss: VGG19) -> None:
    fake, real = picture(1, 1), picture(2, 1)
    assert torch.equal(loss(fake, real), loss(fake.expand(-1, 3, -1, -1), real.expand(-1, 3, -1, -1)))


def test_no_checkpoint_holds_the_weights(loss: VGG19) -> None:
    assert not loss.state_dict()
    assert sum(buffer.numel() for buffer in loss.buffers()) == 12_944_960


def test_it_runs_in_half_precision_and_in_double(files: Files, loss: VGG19) -> None:
    full = float(loss(picture(1), picture(2)))
    with torch.autocast("cpu", torch.bfloat16):
        half = loss(picture(1), picture(2))
    assert half.dtype == torch.float32
    assert float(half) == pytest.approx(full, rel=0.02)
    exact = VGG19(weights=files.converted).double()(picture(1).double(), picture(2).double())
    assert exact.dtype == torch.float64
    assert float(exact) == pytest.approx(full, rel=1e-5)


def test_a_rehearsal_reads_the_file_and_needs_no_memory(files: Files) -> None:
    with FakeTensorMode():
        made = VGG19(weights=files.converted)(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32))
    assert made.shape == ()


@pytest.mark.parametrize(
    ("fake", "real", "sentence"),
    [
        ((1, 2, 32, 32), (1, 2, 32, 32), "pictures of 1 or 3 channels, got 2"),
        ((1, 3, 32, 15), (1, 3, 32, 15), "sides of at least 16 pixels, got 32x15"),
        ((1, 3, 32, 32), (1, 3, 32, 16), "compares equal shapes"),
    ],
)
def test_it_refuses_pictures(
    loss: VGG19, fake: tuple[int, ...], real: tuple[int, ...], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        loss(torch.zeros(fake), torch.zeros(real))


def test_without_weights_it_says_where_they_are() -> None:
    with pytest.raises(ValueError, match=r"^weights: ") as error:
        VGG19()
    for words in (
        "fetch vgg19-dcbb9e9d.pth",
        "`i2i import vgg19-dcbb9e9d.pth --as vgg19 -o vgg19.safetensors`",
        'weights = "vgg19.safetensors"',
        "perceptual_weight = 0",
    ):
        assert words in str(error.value)


def wrong_file(name: str, folder: Path, right: Path) -> Path:
    path = folder / f"{name}.safetensors"
    tensors = load_file(right) if name in ("shape", "name") else {}
    match name:
        case "text":
            path.write_text("no tensors")
        case "other":
            save_file({"a": torch.zeros(1)}, path)
        case "shape":
            save_file({**tensors, "conv5_1.bias": torch.zeros(3)}, path)
        case "name":
            save_file({key: value for key, value in tensors.items() if key != "conv3_2.weight"}, path)
    return folder if name == "folder" else path


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("missing", "there is no file .*missing.safetensors; i2i import"),
        ("text", "text.safetensors is not a safetensors file; i2i import"),
        ("folder", "is not a safetensors file; i2i import"),
        ("other", "does not hold those of VGG19: conv1_1.weight is missing or of another shape"),
        ("shape", "does not hold those of VGG19: conv5_1.bias is missing or of another shape"),
        ("name", "does not hold those of VGG19: conv3_2.weight is missing or of another shape"),
    ],
)
def test_a_wrong_file_is_refused(files: Files, tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=rf"^weights: .*{sentence}"):
        VGG19(weights=wrong_file(name, tmp_path, files.converted))


def test_the_command_converts(files: Files, tmp_path: Path) -> None:
    out = tmp_path / "vgg19.safetensors"
    done = command("import", files.published, "--as", "vgg19", "-o", out)
    assert (done.code, done.out, done.err) == (0, f"converted: {out}\n", "")
    made, expected = load_file(out), load_file(files.converted)
    assert made.keys() == expected.keys()
    assert all(torch.equal(made[key], expected[key]) for key in made)
    again = command("import", files.published, "--as", "vgg19", "-o", out)
    assert again.code == 1
    assert f"{out}: this file exists; choose another name" in again.err


def test_weights_in_half_precision_become_full(files: Files, tmp_path: Path) -> None:
    state = {f"features.{key}": value.half() for key, value in files.network.state_dict().items()}
    torch.save(state, tmp_path / "half.pth")
    made = load_file(i2i.import_weights(tmp_path / "half.pth", tmp_path / "full.safetensors", "vgg19"))
    assert {tensor.dtype for tensor in made.values()} == {torch.float32}
    assert torch.equal(made["conv5_1.weight"], state["features.28.weight"].float())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["FILE", "-o", "vgg19"], "vgg19: --as vgg19 writes a file of weights; call it vgg19.safetensors"),
        (["FILE", "-o", "other.pth/v.safetensors"], "v.safetensors: this file cannot be written ("),
        (["FILE", "FILE", "-o", "v.safetensors"], "--as vgg19 converts one file, and there are 2"),
        (["FILE", "-o", "v.safetensors", "--set", "data.size=9"], "--set changes the spec of a run"),
        (["OTHER", "-o", "v.safetensors"], "features.0.weight is missing or of another shape"),
    ],
)
def test_a_wrong_conversion_is_refused(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"features.0.weight": F.pad(torch.zeros(1), (0, 3))}, tmp_path / "other.pth")
    places = {"FILE": files.published, "OTHER": Path("other.pth")}
    done = command("import", *(places.get(word, word) for word in words), "--as", "vgg19")
    assert (done.code, done.out) == (1, "")
    assert sentence in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.glob("*.safetensors"))
