"""Starting from the weights of another run: what fits is taken, the rest starts anew, and all of it is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import registry, tiny_tables
from safetensors.torch import load_file
from torch import Tensor
from trained import PERIODS, command

from i2i.core.errors import I2IError
from i2i.engine import checkpoint
from i2i.run.run import Run, build

AVERAGED = {"pix2pix": "G", "cyclegan": "G_ab"}
NORMS = {"generator": {"name": "unet", "width": 4, "norm": "batch"}}


def new_run(start: Path, out: Path, strategy: str = "pix2pix", **options: Any) -> Run:
    """A new run of two steps, with the networks of the trained ones unless options say otherwise."""
    train = {**PERIODS, "steps": 2, "ema": {AVERAGED[strategy]: 0.5}, "init_from": str(start)}
    return build(tiny_tables(strategy, options=options, train=train), registry=registry(), out=out)


def rows(run: Run) -> dict[str, list[str]]:
    """Network -> tensors taken, tensors of all, and the rest in words."""
    lines = [line.split(maxsplit=4) for line in run.start.splitlines()[2:]]
    return {name: [taken, *rest] for name, taken, _, *rest in lines}


def saved(run: Path, name: str) -> dict[str, Tensor]:
    return load_file(run / f"checkpoints/step-000004/{name}.safetensors")


def test_everything_that_fits_is_taken(unpaired_run: Path, tmp_path: Path) -> None:
    run = new_run(unpaired_run, tmp_path / "run", "cyclegan")
    assert run.start.splitlines()[:2] == [
        f"from {unpaired_run / 'checkpoints/step-000004'}",
        "network  tensors",
    ]
    assert {name: row[0] == row[1] for name, row in rows(run).items()} == dict.fromkeys(
        ("G_ab", "G_ba", "D_a", "D_b"), True
    )
    for name in rows(run):
        old = saved(unpaired_run, name)
        assert all(torch.equal(old[key], value) for key, value in run.engine.net[name].state_dict().items())


def test_averaged_copies_start_from_the_weights_that_were_taken(unpaired_run: Path, tmp_path: Path) -> None:
    run = new_run(unpaired_run, tmp_path / "run", "cyclegan")
    average, weights = run.engine.ema["G_ab"].state_dict(), run.engine.net.G_ab.state_dict()
    assert all(torch.equal(average[key], weights[key]) for key in weights)
    assert torch.equal(average["stem.conv.weight"], saved(unpaired_run, "G_ab")["stem.conv.weight"])


def test_another_width_takes_what_has_the_same_shape(unpaired_run: Path, tmp_path: Path) -> None:
    generator = {"name": "resnet", "width": 8, "blocks": 1}
    run = new_run(unpaired_run, tmp_path / "run", "cyclegan", generator=generator)
    old = saved(unpaired_run, "G_ab")
    taken, count, rest = rows(run)["G_ab"]
    assert (taken, int(count)) == ("1", len(old))  # the bias of the colours
    assert rest == (
        "stem.conv.weight is 8×3×7×7 here, 4×3×7×7 there; stem.conv.bias is 8 here, 4 there; "
        f"down.0.conv.weight is 16×8×3×3 here, 8×4×3×3 there and {len(old) - 4} more"
    )
    assert torch.equal(run.engine.net.G_ab.state_dict()["head.bias"], old["head.bias"])
    assert rows(run)["D_a"][0] == rows(run)["D_a"][1]


def test_more_and_fewer_layers_are_told(unpaired_run: Path, tmp_path: Path) -> None:
    generator = {"name": "resnet", "width": 4, "blocks": 2}
    more = new_run(unpaired_run, tmp_path / "more", "cyclegan", generator=generator)
    assert rows(more)["G_ab"][2].startswith(
        "body.1.first.conv.weight is new here; body.1.first.conv.bias is new"
    )
    fewer = new_run(unpaired_run, tmp_path / "fewer", "cyclegan", generator={**generator, "blocks": 0})
    taken, count, rest = rows(fewer)["G_ab"]
    assert taken == count
    assert rest.startswith("body.0.first.conv.bias has no place here; body.0.first.conv.weight has no")


def test_a_network_that_is_not_there_starts_anew(paired_run: Path, tmp_path: Path) -> None:
    tensors = {"G": saved(paired_run, "G")}
    checkpoint.write(tmp_path / "half", tensors, {}, {})
    run = new_run(tmp_path / "half", tmp_path / "run", **NORMS)
    assert rows(run)["G"][0] == rows(run)["G"][1]
    assert (rows(run)["D"][0], rows(run)["D"][2]) == ("0", "it is not there")


def test_nothing_at_all_is_an_error(paired_run: Path, unpaired_run: Path, tmp_path: Path) -> None:
    with pytest.raises(I2IError) as error:
        new_run(unpaired_run, tmp_path / "run")
    said = str(error.value).splitlines()
    assert said[0].endswith("step-000004 fits; it has D_a, D_b, G_ab, G_ba, pool_a, pool_b")
    assert [line.split()[:2] for line in said[1:]] == [["network", "tensors"], ["D", "0"], ["G", "0"]]
    assert not (tmp_path / "run").exists()


def test_what_is_not_used_is_told(paired_run: Path, tmp_path: Path) -> None:
    tensors = {name: saved(paired_run, name) for name in ("G", "G.ema", "D")}
    checkpoint.write(tmp_path / "three", {**tensors, "E": tensors["D"]}, {}, {})
    assert new_run(tmp_path / "three", tmp_path / "run", **NORMS).start.splitlines()[-1] == "not used: E"


def test_check_shows_the_table_and_training_notes_it(paired_run: Path, tmp_path: Path) -> None:
    spec = paired_run.parent / "pix.toml"
    settings = ["--set", f"train.init_from='{paired_run}'", "--set", "train.steps=1"]
    checked = command("check", spec, *settings)
    assert checked.code == 0, checked.err
    table = checked.out.partition("\nstart\n")[2].partition("data that was read")[0].splitlines()
    assert [line.split()[0] for line in table] == ["from", "network", "D", "G"]
    trained = command("run", spec, *settings, "--out", tmp_path / "run")
    lines = trained.out.splitlines()
    assert lines[0] == f"starts {table[0].strip()}"
    assert [line.strip() for line in lines[1:4]] == [line.strip() for line in table[1:]]
    again = command("resume", tmp_path / "run", "--set", "train.steps=2")
    assert (again.code, "starts from" in again.out) == (0, False)
    assert "\nstart\n" not in command("check", spec).out


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        I2IError, match=r"train\.init_from: .*none: this is neither a run folder nor a checkpoint"
    ):
        new_run(tmp_path / "none", tmp_path / "run")
