"""Networks of timm in runs: as terms of a spec, as discriminators and as encoders, with their weights by path."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import PLAIN, batches, everything, registry, tiny_engine, tiny_spec, unequal
from safetensors.torch import load_file
from sources_timm import published
from trained import two_processes

import i2i
from i2i.engine import checkpoint
from i2i.engine.loop import Engine
from i2i.spec.assemble import compile_networks
from i2i.spec.spec import Spec


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("timm"), "test_resnet")


def choice(name: str, path: Path, **options: Any) -> dict[str, Any]:
    return {"name": name, "network": "test_resnet", "weights": str(path), **options}


def with_term(path: Path, **train: Any) -> Spec:
    term = {
        "loss": choice("timm", path, stages=[0, 1]),
        "of": ["fake", "b"],
        "phase": "generator",
        "minimised_by": ["G"],
        "weight": {"schedule": "linear", "from": 1.0, "to": 5.0, "steps": 4},
    }
    return tiny_spec("pix2pix", terms={"look": term}, optimizers=PLAIN, train={"batch": 2, **train})


def after(spec: Spec, steps: int, engine: Engine | None = None) -> Engine:
    engine = engine or tiny_engine(spec)
    for report in engine.run(batches(spec, engine.step), steps):
        assert all(term.isfinite() for term in report.values())
    return engine


def test_the_term_is_in_the_objective(path: Path) -> None:
    run = i2i.build(with_term(path), registry=registry())
    assert "G minimises gan + 100·pixel + (1…5 over 4 steps)·look" in run.describe()


def test_the_networks_start_alike_with_the_term_and_without(path: Path) -> None:
    one, other = tiny_engine(with_term(path)), tiny_engine(tiny_spec("pix2pix", train={"batch": 2}))
    assert not unequal(one.net.G.state_dict(), other.net.G.state_dict())


def test_the_weights_of_a_term_are_frozen_and_not_stored(path: Path, tmp_path: Path) -> None:
    spec = with_term(path, ema={"G": 0.9}, accumulate=2)
    whole = after(spec, 2)
    checkpoint.write(tmp_path / "two", *whole.state(), {})
    assert not [file.name for file in (tmp_path / "two").iterdir() if "term" in file.name]
    resumed = tiny_engine(spec)
    resumed.restore(*checkpoint.read(tmp_path / "two"))
    after(spec, 4, whole)
    after(spec, 4, resumed)
    assert not unequal(everything(whole), everything(resumed))
    fresh = tiny_engine(spec)
    for one, other in zip(fresh.net.term_look.buffers(), whole.net.term_look.buffers(), strict=True):
        assert torch.equal(one, other)


def test_random_features_of_a_term_are_stored(path: Path) -> None:
    spec = with_term(path)
    look = spec.terms["look"]
    loss = registry().resolve("loss", {"name": "timm", "network": "test_resnet", "weights": "random"}, "x")
    spec = spec.model_copy(update={"terms": {"look": look.model_copy(update={"loss": loss})}})
    files, _ = tiny_engine(spec).state()
    assert "backbone.network.conv1.0.weight" in files["term_look"]


def test_bf16(path: Path) -> None:
    after(with_term(path, precision="bf16"), 2)


def test_compiled_is_eager(path: Path) -> None:
    torch.compiler.reset()
    unet = {"name": "unet", "width": 2, "depth": 2, "norm": "instance"}
    options = {"generator": unet, "discriminator": {"name": "pixel", "width": 2, "norm": "instance"}}
    tables = with_term(path).tables()
    spec = tiny_spec("pix2pix", options=options, terms=tables["terms"], optimizers=PLAIN, train={"batch": 2})
    eager, compiled = tiny_engine(spec), tiny_engine(spec)
    compile_networks(compiled.net, list(compiled.trained), "aot_eager")
    compiled.settings = dataclasses.replace(compiled.settings, compiled=True)
    after(spec, 1, eager)
    after(spec, 1, compiled)
    # plain gradient descent in fp32, one step
    assert not unequal(everything(eager), everything(compiled), 1e-4)


TRAIN = """
import sys
from pathlib import Path
import i2i
spec, out = map(Path, sys.argv[1:])
print(i2i.build(spec, out=out).train())
"""


def test_two_processes_train_with_it(path: Path, tmp_path: Path) -> None:
    spec = tmp_path / "term.toml"
    spec.write_text(with_term(path, steps=1, validate_every=100).toml(), encoding="utf-8")
    both = two_processes(TRAIN, spec, tmp_path / "run")
    assert [process.communicate(timeout=300) and process.returncode for process in both] == [0, 0]
    assert i2i.Run.open(tmp_path / "run", registry=registry()).engine.step == 1


@pytest.mark.parametrize("strategy", ["pix2pix", "cyclegan", "bicyclegan", "gan"])
def test_a_projected_discriminator_judges(strategy: str, path: Path) -> None:
    judge = choice("projected", path, width=4)
    spec = tiny_spec(strategy, options={"discriminator": judge}, data={"size": 64}, train={"batch": 4})
    engine = tiny_engine(spec)
    features = [b.clone() for m in engine.net.modules().values() for b in m.buffers()]
    assert features
    after(spec, 1, engine)


def test_a_projected_discriminator_resumes_exactly(path: Path, tmp_path: Path) -> None:
    judge = choice("projected", path, width=4)
    spec = tiny_spec("pix2pix", options={"discriminator": judge}, train={"batch": 2, "ema": {"D": 0.9}})
    whole, resumed = after(spec, 1), tiny_engine(spec)
    checkpoint.write(tmp_path / "one", *whole.state(), {})
    resumed.restore(*checkpoint.read(tmp_path / "one"))
    after(spec, 2, whole)
    after(spec, 2, resumed)
    assert not unequal(everything(whole), everything(resumed))


def test_a_model_is_loaded_without_the_files_of_weights(path: Path, tmp_path: Path) -> None:
    moved = path.rename(tmp_path / "weights.safetensors")
    options = {"encoder": choice("timm", moved), "discriminator": choice("projected", moved, width=4)}
    train = {"batch": 2, "steps": 1, "checkpoint_every": 1, "sample_every": 9, "validate_every": 9}
    spec = tiny_spec("bicyclegan", options=options, train=train)
    folder = i2i.build(spec, registry=registry(), out=tmp_path / "run").train()
    before = i2i.load(folder, registry=registry()).net.E.state_dict()
    moved.rename(path)
    model = i2i.load(folder, registry=registry())
    assert not unequal(before, model.net.E.state_dict())
    picture = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))
    assert model.translate(picture, style=picture).isfinite().all()
    with pytest.raises(i2i.I2IError, match="weights: there is no file"):
        i2i.Run.open(folder, registry=registry())


@pytest.mark.parametrize("strategy", ["bicyclegan", "vaegan", "spade"])
def test_an_encoder_starts_from_published_weights(strategy: str, path: Path) -> None:
    spec = tiny_spec(strategy, options={"encoder": choice("timm", path)}, data={"size": 64})
    engine = tiny_engine(spec)
    start = engine.net.E.backbone.network.conv1[0].weight.detach().clone()
    assert torch.equal(start, load_file(path)["conv1.0.weight"])
    after(spec, 1, engine)
    assert not torch.equal(start, engine.net.E.backbone.network.conv1[0].weight)
