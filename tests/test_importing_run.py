"""Other projects' weights as a run: they give the same pictures, and training goes on from them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import registry
from safetensors.torch import load_file
from sources import Pixel, patch, picture, randomised, resnet, saved, stale, unet
from sources_bicyclegan import SourceDiscriminator, SourceGenerator, residual_source
from sources_stargan import FIVE
from sources_stargan import SourceCritic as StarCritic
from sources_stargan import SourceGenerator as StarGenerator
from torch import Tensor, nn

import i2i
from i2i.core.batch import Batch, Draws
from i2i.core.errors import I2IError
from i2i.engine.inference import inference
from i2i.importing.run import import_files
from i2i.translate.model import Model

# A horse2zebra of four files, a photo of facades: small, and in the layout of the published ones.
CYCLE = {"net_G_A": resnet(), "net_G_B": resnet(), "net_D_A": patch(layers=2), "net_D_B": patch(layers=2)}
SMALL_DATA = ["data.name=demo", "data.size=32", "data.count=4", "data.workers=0"]


def imported(paths: Path | Sequence[Path], out: Path, as_: str | None = None, *settings: str) -> Path:
    return i2i.import_weights(paths, out, as_, registry=registry(), settings=settings)


def loaded(run: Path) -> Model:
    model = i2i.load(run, registry=registry(), device="cpu")
    for module in model.net.modules().values():
        module.double()
    return model


def translated(model: Model, x: Tensor, **controls: Any) -> Tensor:
    """In fp64: rounding in fp32 grows from block to block."""
    (field, *_) = model.strategy.takes(controls)
    with inference(model.net, model.strategy.inference, Draws(("test",), [0])):
        return model.strategy.translate(model.net, Batch({field: x.double()}), **controls)


def theirs(net: nn.Module, x: Tensor, *, statistics: str = "running") -> Tensor:
    """Their network's result; with the statistics of the picture as their test program has it for batch norm."""
    for module in net.modules():
        module.training = isinstance(module, nn.BatchNorm2d) and statistics == "picture"
    with torch.no_grad():
        made: Tensor = net.double()(x.double())
    return made


@pytest.fixture
def cycle_files(tmp_path: Path) -> list[Path]:
    return [
        saved(tmp_path / f"latest_{name}.pth", randomised(net, seed))
        for seed, (name, net) in enumerate(CYCLE.items())
    ]


# The same pictures


@pytest.mark.parametrize("old", [False, True], ids=["zip", "before 1.6"])
@pytest.mark.parametrize("kind", ["batch", "instance"])
def test_a_u_net_gives_the_pictures_of_theirs(tmp_path: Path, kind: str, old: bool) -> None:
    net = randomised(unet(kind, 7))
    weights = {f"module.{k}": v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    path = saved(tmp_path / "latest_net_G.pth", weights, old=old)
    model = loaded(imported(path, tmp_path / "run", None, "strategy.generator.dropout=0"))
    x = picture(128)
    assert torch.allclose(translated(model, x), theirs(net, x, statistics="picture"), atol=1e-6)
    assert model.facts.image_size == 128


def test_dropout_stays_active_as_published(tmp_path: Path) -> None:
    path = saved(tmp_path / "latest_net_G.pth", randomised(unet("instance", 7)))
    run = imported(path, tmp_path / "run")
    spec = tomllib.loads((run / "spec.toml").read_text(encoding="utf-8"))
    assert spec["strategy"]["generator"]["dropout"] == 0.5
    model = loaded(run)
    assert not torch.equal(translated(model, picture(128)), theirs(unet("instance", 7), picture(128)))
    assert model.strategy.inference.dropout


@pytest.mark.parametrize("kind", ["batch", "instance"])
@pytest.mark.parametrize("dropout", [False, True])
def test_a_resnet_of_pairs_gives_the_pictures_of_theirs(tmp_path: Path, kind: str, dropout: bool) -> None:
    net = randomised(resnet(kind, dropout=dropout))
    path = saved(tmp_path / "latest_net_G.pth", stale(net), old=True)
    model = loaded(imported(path, tmp_path / "run", "pix2pix", *["strategy.generator.dropout=0"] * dropout))
    assert torch.allclose(
        translated(model, picture(32)), theirs(net, picture(32), statistics="picture"), atol=1e-6
    )


def test_both_directions_give_the_pictures_of_theirs(cycle_files: list[Path], tmp_path: Path) -> None:
    model = loaded(imported(cycle_files, tmp_path / "run"))
    x = picture(32)
    assert torch.allclose(translated(model, x), theirs(CYCLE["net_G_A"], x), atol=1e-6)
    assert torch.allclose(translated(model, x, back=True), theirs(CYCLE["net_G_B"], x), atol=1e-6)
    with torch.no_grad():  # their D_A judges b
        assert torch.allclose(model.net.D_b(x.double()), theirs(CYCLE["net_D_A"], x), atol=1e-6)
        assert torch.allclose(model.net.D_a(x.double()), theirs(CYCLE["net_D_B"], x), atol=1e-6)


@pytest.mark.parametrize(
    "judge",
    [patch("batch", channels=6), patch("instance", channels=6), Pixel("batch", channels=6)],
    ids=["patches", "patches, instance norm", "pixels"],
)
def test_a_discriminator_gives_the_scores_of_theirs(tmp_path: Path, judge: nn.Module) -> None:
    generator = saved(tmp_path / "latest_net_G.pth", unet("batch"))
    run = imported([generator, saved(tmp_path / "latest_net_D.pth", randomised(judge))], tmp_path / "run")
    x, model = picture(64, 6), loaded(run)
    with inference(model.net, i2i.Inference()):
        assert torch.allclose(model.net.D(x.double()), theirs(judge, x), atol=1e-6)


# The run folder


def test_the_run_folder_explains_itself(cycle_files: list[Path], tmp_path: Path) -> None:
    run = imported(cycle_files[:2], tmp_path / "run")
    assert run == tmp_path / "run"
    there = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    step = "checkpoints/step-000000"
    assert there == {
        "spec.toml",
        "environment.json",
        "checkpoints/latest",
        *(f"{step}/G_{name}.safetensors" for name in ("ab", "ba")),
        *(f"{step}/{name}" for name in ("checksums.txt", "spec.toml", "state.json")),
    }
    state = json.loads((run / step / "state.json").read_text(encoding="utf-8"))
    assert state["imported"] == {"G_ab": "latest_net_G_A.pth", "G_ba": "latest_net_G_B.pth"}
    assert state["data"]["channels"] == {"a": 3, "b": 3}
    assert state["data"]["value_range"] == {"a": [0, 255], "b": [0, 255]}
    spec = tomllib.loads((run / "spec.toml").read_text(encoding="utf-8"))
    assert (spec["strategy"]["generator"]["blocks"], spec["data"]["name"]) == (2, "unpaired")
    assert spec["data"]["root"] == "put-the-folder-of-your-pictures-here"
    assert "i2i_cyclegan" in state["versions"]


def test_channels_are_those_of_input_and_output(tmp_path: Path) -> None:
    path = saved(tmp_path / "latest_net_G.pth", unet("batch", 7, channels=(1, 3)))
    model = i2i.load(imported(path, tmp_path / "run"), registry=registry())
    assert model.facts.channels == {"a": 1, "b": 3}
    made = model.translate(np.zeros((20, 30), np.uint8))
    assert made.shape == (20, 30, 3)


def test_settings_go_over_what_the_files_tell(cycle_files: list[Path], tmp_path: Path) -> None:
    settings = ["data.size=64", "strategy.identity_weight=0", f"data.root={tmp_path.as_posix()}"]
    run = imported(cycle_files[0], tmp_path / "run", None, *settings)
    spec = tomllib.loads((run / "spec.toml").read_text(encoding="utf-8"))
    assert (spec["data"]["size"], spec["data"]["root"]) == (64, tmp_path.as_posix())
    assert spec["strategy"]["identity_weight"] == 0
    assert i2i.load(run, registry=registry()).facts.image_size == 64


def test_a_setting_that_makes_another_network_is_refused(cycle_files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(
        I2IError, match=r"latest_net_G_A\.pth: these weights do not fit cyclegan\.G_ab: size mis"
    ):
        imported(cycle_files[0], tmp_path / "run", None, "strategy.generator.width=4")
    assert not (tmp_path / "run").exists()


def test_tensors_of_wrong_shapes_are_refused(tmp_path: Path) -> None:
    weights = {**resnet().state_dict(), "model.4.weight": torch.zeros(5, 2, 3, 3)}
    path = saved(tmp_path / "latest_net_G_A.pth", weights)
    with pytest.raises(I2IError, match=r"do not fit cyclegan\.G_ab: size mismatch for down\.0\.conv\.weight"):
        imported(path, tmp_path / "run")


def test_an_existing_folder_is_left_alone(cycle_files: list[Path], tmp_path: Path) -> None:
    first, second = (imported(cycle_files[0], tmp_path / "run") for _ in range(2))
    assert [first.name, second.name] == ["run", "run-2"]


def test_a_discriminator_alone_does_not_tell_the_channels(tmp_path: Path) -> None:
    path = saved(tmp_path / "latest_net_D.pth", patch("batch", channels=6))
    with pytest.raises(I2IError) as error:
        imported(path, tmp_path / "run")
    assert str(error.value) == (
        "these files do not tell how many channels a and b have; import the file of the generator with them"
    )


def test_the_summary_says_what_is_where_and_what_next(tmp_path: Path) -> None:
    path = saved(tmp_path / "latest_net_G.pth", unet("batch", 7))
    lines = import_files([path], tmp_path / "run", None, registry()).summary().splitlines()
    net = unet("batch", 7)
    parameters = f"{sum(p.numel() for p in net.parameters()):,}"
    assert lines[0].split() == ["file", "part", "component", "tensors", "parameters"]
    assert lines[1].split() == ["latest_net_G.pth", "G", "unet", str(len(net.state_dict())), parameters]
    assert lines[2] == "assumed:"
    assert "dropout; 0.5 is taken, and stays active when it translates, as published" in lines[3]
    assert lines[-2:] == [
        f"    i2i translate {tmp_path / 'run'} my-pictures -o translated",
        f"    i2i run {tmp_path / 'run/spec.toml'} --set data.root=my-pictures --set "
        f"train.init_from={tmp_path / 'run'} --out {tmp_path / 'run'}-on",
    ]


# Other methods


@pytest.fixture
def star_files(tmp_path: Path) -> list[Path]:
    nets = {"G": StarGenerator(5, 4, 1), "D": StarCritic(5, 4, 4, 32)}
    return [saved(tmp_path / f"200000-{name}.ckpt", randomised(net)) for name, net in nets.items()]


def test_weights_for_many_domains_bring_their_names(star_files: list[Path], tmp_path: Path) -> None:
    run = imported(star_files, tmp_path / "run")
    model = loaded(run)
    assert (model.facts.domains, model.facts.exclusive) == (FIVE, (FIVE[:3],))
    assert model.facts.image_size == 32
    spec = tomllib.loads((run / "spec.toml").read_text(encoding="utf-8"))
    assert (spec["data"]["size"], spec["data"]["load_size"]) == (32, 32)
    assert (spec["data"]["attributes"], spec["data"]["exclusive"]) == ([*FIVE], [[*FIVE[:3]]])
    x, labels = picture(32).double(), torch.eye(5)[3:4].double()
    source = (
        randomised(StarGenerator(5, 4, 1)).double().train()
    )  # in training mode, as their program translates
    with torch.no_grad():
        made = translated(model, x, domain="Male", source=())
        assert torch.allclose(made, source(x, labels), atol=1e-6)


def test_the_user_names_the_domains(star_files: list[Path], tmp_path: Path) -> None:
    names = ["A", "B", "C", "D", "E"]
    done = import_files(star_files[:1], tmp_path / "run", None, registry(), [f"data.attributes={names}"])
    facts = i2i.load(done.folder, registry=registry()).facts
    assert (facts.domains, facts.exclusive) == (tuple(names), ())
    assert done.assumed[-1] == (
        "but data.attributes calls the domains A, B, C, D, E; none excludes another "
        "(--set data.exclusive says which do)"
    )
    groups = [f"data.attributes={names}", "data.exclusive=[['A', 'B']]"]
    again = imported(star_files[0], tmp_path / "run", None, *groups)
    assert i2i.load(again, registry=registry()).facts.exclusive == (("A", "B"),)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "data.attributes=['A', 'B']",
            "data.attributes: 2 names for 5 domains; name all of Black_Hair, Blond_Hair, Brown_Hair, Male, Young",
        ),
        (
            "data.exclusive=[['Male', 'Female']]",
            "data.exclusive: there is no domain 'Female'\n    did you mean",
        ),
    ],
)
def test_names_that_do_not_fit_are_refused(
    star_files: list[Path], tmp_path: Path, setting: str, said: str
) -> None:
    with pytest.raises(I2IError) as error:
        imported(star_files, tmp_path / "run", None, setting)
    assert str(error.value).startswith(said)


def test_weights_with_a_code_translate_and_train_on(tmp_path: Path) -> None:
    nets = {
        "net_G": SourceGenerator("all", "transposed", 5, latent=3),
        "net_E": residual_source(2, latent=3),
        "net_D": SourceDiscriminator(2, 1),
        "net_D2": SourceDiscriminator(2, 1),
    }
    files = [saved(tmp_path / f"latest_{name}.pth", randomised(net)) for name, net in nets.items()]
    start = imported(files, tmp_path / "run")
    model = loaded(start)
    x, code = picture(32).double(), torch.randn(1, 3).double()
    with inference(model.net, model.strategy.inference):
        assert torch.allclose(model.net.G(x, code), nets["net_G"].double().eval()(x, code), atol=1e-6)
    steps = [*SMALL_DATA, "data.size=64", "train.steps=2", f"train.init_from='{start}'"]
    run = i2i.build(start / "spec.toml", registry=registry(), out=tmp_path / "on", settings=steps)
    assert all(" of " in line and not line.split()[4:] for line in run.start.splitlines()[2:])
    assert run.train() == tmp_path / "on"


# A part that is not there


def test_a_part_that_was_not_imported_is_not_there(cycle_files: list[Path], tmp_path: Path) -> None:
    model = i2i.load(imported(cycle_files[0], tmp_path / "run"), registry=registry())
    assert "G_ab" in model.net
    assert not [part for part in ("G_ba", "D_a", "D_b") if part in model.net]
    assert model.translate(np.zeros((8, 8, 3), np.uint8)).shape == (8, 8, 3)
    with pytest.raises(I2IError, match=r"^this run has no G_ba: it was imported without it$"):
        model.translate(np.zeros((8, 8, 3), np.uint8), back=True)
    with pytest.raises(AttributeError, match="there is no part 'E'"):
        model.net.E  # noqa: B018


def test_a_part_that_a_trained_run_has_lost_is_told(cycle_files: list[Path], tmp_path: Path) -> None:
    run = imported(cycle_files[:2], tmp_path / "run")
    (run / "checkpoints/step-000000/G_ba.safetensors").unlink()
    with pytest.raises(I2IError, match=r"G_ba\.safetensors is missing"):
        i2i.load(run, registry=registry())


# Training on


def test_an_imported_run_cannot_be_resumed(cycle_files: list[Path], tmp_path: Path) -> None:
    run = imported(cycle_files[0], tmp_path / "run")
    with pytest.raises(I2IError) as error:
        i2i.Run.open(run, registry=registry())
    assert str(error.value) == (
        f"{run} holds imported weights and nothing to resume; start a new run from them: i2i run {run / 'spec.toml'} "
        f"--set data.root=… --set train.init_from={run} --out …"
    )


def test_training_goes_on_from_imported_weights(cycle_files: list[Path], tmp_path: Path) -> None:
    start = imported(cycle_files, tmp_path / "run")
    steps = [*SMALL_DATA, "train.steps=2", "train.device=cpu", f"train.init_from='{start}'"]
    run = i2i.build(start / "spec.toml", registry=registry(), out=tmp_path / "on", settings=steps)
    before = load_file(start / "checkpoints/step-000000/G_ab.safetensors")
    assert all(torch.equal(run.engine.net.G_ab.state_dict()[key], before[key]) for key in before)
    folder = run.train()
    after = load_file(folder / "checkpoints/step-000002/G_ab.safetensors")
    assert not torch.equal(after["stem.conv.weight"], before["stem.conv.weight"])
    assert i2i.Run.open(folder, registry=registry()).engine.step == 2
    assert "G_ba" in i2i.load(folder, registry=registry()).net


def test_networks_that_were_not_imported_start_anew(cycle_files: list[Path], tmp_path: Path) -> None:
    start = imported(cycle_files[0], tmp_path / "run")
    steps = [*SMALL_DATA, "train.steps=2", f"train.init_from='{start}'"]
    run = i2i.build(start / "spec.toml", registry=registry(), out=tmp_path / "on", settings=steps)
    assert [line.split()[1:] for line in run.start.splitlines()[2:]] == [
        ["20", "of", "20"],
        *(["0", "of", str(count), "it", "is", "not", "there"] for count in (20, 10, 10)),
    ]


def test_the_placeholder_says_what_to_do(cycle_files: list[Path], tmp_path: Path) -> None:
    start = imported(cycle_files[0], tmp_path / "run")
    with pytest.raises(I2IError, match="put-the-folder-of-your-pictures-here"):
        i2i.build(start / "spec.toml", registry=registry(), settings=[f"train.init_from='{start}'"])
