"""Files of weights: read without running what they hold, and refused in a sentence where they are something else."""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from sources import patch, resnet, saved, stale, unet
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.importing.weights import read_weights


def refused(path: Path) -> str:
    with pytest.raises(I2IError) as error:
        read_weights(path)
    assert str(error.value).startswith(f"{path}: ")
    return str(error.value).removeprefix(f"{path}: ")


def assert_same(read: dict[str, Tensor], net: nn.Module) -> None:
    weights = net.state_dict()
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[key], weights[key]) for key in weights)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
def test_names_lose_what_wrappers_put_in_front(tmp_path: Path, old: bool, prefix: str) -> None:
    net = patch("batch")
    weights = {f"{prefix}{key}": tensor for key, tensor in net.state_dict().items()}
    assert_same(read_weights(saved(tmp_path / "x.pth", weights, old=old)), net)


def test_a_layer_that_is_called_module_keeps_its_name(tmp_path: Path) -> None:
    weights = {"module.weight": torch.zeros(1), "head.weight": torch.zeros(1)}
    assert read_weights(saved(tmp_path / "x.pth", weights)).keys() == weights.keys()


def test_statistics_of_norms_without_weights_are_dropped(tmp_path: Path) -> None:
    net = resnet("instance")
    assert len(stale(net)) > len(net.state_dict())
    assert_same(read_weights(saved(tmp_path / "x.pth", stale(net), old=True)), net)


def test_statistics_of_norms_with_weights_stay(tmp_path: Path) -> None:
    net = nn.Sequential(nn.InstanceNorm2d(3, affine=True, track_running_stats=True))
    assert_same(read_weights(saved(tmp_path / "x.pth", net)), net)


def test_the_counter_that_old_batch_norms_lack_is_added(tmp_path: Path) -> None:
    net = unet("batch")
    weights = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert_same(read_weights(saved(tmp_path / "x.pth", weights, old=True)), net)


def test_a_counter_that_is_there_stays(tmp_path: Path) -> None:
    net = patch("batch")
    net.get_submodule("model.3").get_buffer("num_batches_tracked").fill_(5)
    assert read_weights(saved(tmp_path / "x.pth", net))["model.3.num_batches_tracked"] == 5


def test_a_file_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    saved(tmp_path / "net_G.pth", patch())
    said = refused(tmp_path / "net_g.pth")
    assert said == "there is no such file\n    did you mean 'net_G.pth'? known: net_G.pth"
    assert refused(tmp_path / "none/net_G.pth").startswith("there is no such file")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path) == "this is a folder; name the files of weights in it"


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", "text")
    return file.getvalue()


NOTHING = "this is not a file of weights that PyTorch has written"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "this file is empty"),
        (b"hello world\n" * 9, NOTHING),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), NOTHING),
        (b"\x80", NOTHING),
        (bytes(1000), NOTHING),
        (zipped(), NOTHING),
        (
            b"cos\nsystem\n(S'echo hi'\ntR.",
            "this file holds Python objects (os.system); reading them would run code of the file, which i2i never "
            "does. Where you trust it, save the weights alone: torch.save(network.state_dict(), …)",
        ),
    ],
    ids=["empty", "text", "picture", "one byte", "zeros", "zip", "command"],
)
def test_what_pytorch_did_not_write_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    assert refused(tmp_path / "x.pth") == said


def test_safetensors_are_named(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors")
    assert refused(tmp_path / "x.safetensors").startswith(
        "this is a safetensors file; i2i imports what torch.save"
    )


def test_the_weights_of_a_failed_training_are_refused(tmp_path: Path) -> None:
    said = refused(saved(tmp_path / "x.pth", {"a": torch.zeros(1), "b": torch.tensor([0.0, float("nan")])}))
    assert said == "b holds values that are not finite; the training has failed"


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
def test_half_a_file_is_refused(tmp_path: Path, old: bool) -> None:
    path = saved(tmp_path / "x.pth", patch(), old=old)
    path.write_bytes(path.read_bytes()[:-400])
    assert refused(path) == "this file is damaged or incomplete; fetch it again"


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
@pytest.mark.parametrize(
    ("held", "what"),
    [
        ({"opt": argparse.Namespace(lr=1), "net": torch.zeros(2)}, r"argparse\.Namespace"),
        (nn.Conv2d(1, 1, 1), r"torch\.nn\.modules\.conv\.Conv2d"),
    ],
    ids=["options", "a network"],
)
def test_python_objects_are_refused(tmp_path: Path, held: Any, what: str, old: bool) -> None:
    with pytest.raises(
        I2IError, match=rf"this file holds Python objects \({what}\); reading them would run code"
    ):
        path = tmp_path / "x.pth"
        torch.save(held, path, _use_new_zipfile_serialization=not old)
        read_weights(path)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (
            {"epoch": 3, "optimizer": {"state": {}}, "model": {"a": torch.zeros(2)}},
            "this is the state of a training, not a network: it holds epoch, optimizer, model; save the weights of one "
            "network alone: torch.save(torch.load(…)['model'], …)",
        ),
        (
            {"epoch": 3, "a": torch.zeros(2)},
            "these are not the tensors of a network by name: 'epoch' holds a value of type int; save the weights "
            "alone: torch.save(network.state_dict(), …)",
        ),
        (torch.zeros(3), "this file holds one tensor, not the tensors of a network by name"),
        ([torch.zeros(3)], "this file holds a value of type list, not the tensors of a network by name"),
        ({}, "this file holds no tensors"),
    ],
    ids=["training state", "numbers", "tensor", "list", "nothing"],
)
def test_what_is_no_network_is_refused(tmp_path: Path, held: Any, said: str) -> None:
    torch.save(held, tmp_path / "x.pth")
    assert refused(tmp_path / "x.pth") == said


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    torch.save({f"part{n}": {} for n in range(9)}, tmp_path / "x.pth")
    assert "it holds part0, part1, part2, part3, part4, part5 and 3 more;" in refused(tmp_path / "x.pth")


@pytest.mark.filterwarnings("ignore::FutureWarning")  # programs are on their way out of torch
def test_a_program_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 2, 2)), file)
    (tmp_path / "x.pt").write_bytes(file.getvalue())
    said = "this file holds a TorchScript program; i2i reads weights: torch.save(program.state_dict(), …)"
    assert refused(tmp_path / "x.pt") == said
