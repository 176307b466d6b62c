"""A run: what it leaves behind, that a broken one ends like an unbroken one, and when it stops by itself."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import registry
from safetensors.torch import load_file
from torch import Tensor
from trained import PERIODS, command, run_tables, two_processes, write_spec

import i2i
from i2i.core.errors import I2IError
from i2i.run.resuming import RESUMABLE
from i2i.run.run import Run, build
from i2i.spec.spec import resolve

BOTH = pytest.mark.parametrize("strategy", ["pix2pix", "cyclegan"])


def new_run(
    out: Path, strategy: str = "pix2pix", components: i2i.Registry | None = None, **train: Any
) -> Run:
    tables = run_tables(strategy, **train)
    return build(tables, registry=components or registry(), out=out)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def weights(checkpoint: Path) -> dict[str, Tensor]:
    files = sorted(checkpoint.glob("*.safetensors"))
    return {f"{file.stem}/{name}": tensor for file in files for name, tensor in load_file(file).items()}


def assert_equal(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


# What a run leaves behind


def test_the_run_folder_holds_what_is_promised(paired_run: Path) -> None:
    there = {path.relative_to(paired_run).as_posix() for path in paired_run.rglob("*")}
    assert {
        "spec.toml",
        "environment.json",
        "metrics.jsonl",
        "samples/step-000002.png",
        "samples/step-000004.png",
        "checkpoints/latest",
        "checkpoints/best",
        "checkpoints/step-000004/state.json",
        "checkpoints/step-000004/checksums.txt",
        "checkpoints/step-000004/spec.toml",
        "checkpoints/step-000004/G.safetensors",
        "checkpoints/step-000004/G.ema.safetensors",
        "checkpoints/step-000004/G.optimizer.safetensors",
        "checkpoints/step-000004/D.safetensors",
        "checkpoints/step-000004/D.optimizer.safetensors",
    } <= there
    assert [name for name in there if Path(name).name.startswith(".")] == [".lock"]


def test_the_spec_of_the_run_is_the_whole_truth(paired_run: Path) -> None:
    whole = resolve(paired_run.parent / "pix.toml", registry())
    for file in (paired_run / "spec.toml", paired_run / "checkpoints/step-000004/spec.toml"):
        assert resolve(file, registry()) == whole


def test_the_environment_says_what_auto_meant(unpaired_run: Path) -> None:
    facts = json.loads((unpaired_run / "environment.json").read_text(encoding="utf-8"))
    assert (facts["device"], facts["precision"], facts["compile"], facts["processes"]) == (
        "cpu",
        "fp32",
        False,
        1,
    )
    assert facts["versions"]["torch"] == version("torch")
    assert facts["versions"]["i2i"] == i2i.__version__
    assert {"i2i_cyclegan", "i2i.spec.builtin", "i2i.metrics"} <= set(facts["versions"])


def test_metrics_are_one_object_a_line(unpaired_run: Path) -> None:
    terms = [line for line in lines(unpaired_run) if "lr/G_ab" in line]
    assert [line["step"] for line in terms] == [1, 2, 3, 4]
    names = {"gan_a", "gan_b", "cycle_a", "cycle_b", "same_a", "same_b"}
    assert {f"generators/{name}" for name in names} <= set(terms[0])
    assert {f"discriminators/{kind}_{d}" for kind in ("real", "fake") for d in "ab"} <= set(terms[0])
    assert {"lr/G_ba", "lr/D_a", "lr/D_b", "images_per_second", "waiting_for_data", "time"} <= set(terms[0])
    peaks = [line["memory/peak"] for line in terms if "memory/peak" in line]  # not on Windows
    assert peaks == sorted(peaks)
    assert all(peak > 2**20 for peak in peaks)
    assert all(isinstance(value, (int, float)) for line in terms for value in line.values())
    times = [line["time"] for line in lines(unpaired_run)]
    assert times == sorted(times)


def test_judgements_are_lines_of_their_own(unpaired_run: Path) -> None:
    judged = [line for line in lines(unpaired_run) if "validate/l1" in line]
    assert [line["step"] for line in judged] == [2, 4]
    assert all({"step", "validate/l1", "validate/l1_of_copying", "time"} == set(line) for line in judged)


def test_lines_come_when_they_are_due_and_at_both_ends(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run", steps=5, log_every=2, validate_every=100).train()
    assert [line["step"] for line in lines(folder) if "lr/G" in line] == [1, 2, 4, 5]


def test_the_learning_rate_is_the_one_that_was_used(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run", steps=4, batch=8).train()
    rates = [line["lr/G"] for line in lines(folder) if "lr/G" in line]
    assert rates == pytest.approx([2e-4, 2e-4, 2e-4 * 2 / 3, 2e-4 / 3], rel=1e-5)  # six digits are written


def test_latest_and_best_name_checkpoints(unpaired_run: Path) -> None:
    folder = unpaired_run / "checkpoints"
    values = {line["step"]: line["validate/l1"] for line in lines(unpaired_run) if "validate/l1" in line}
    best = min(values, key=lambda step: values[step])
    assert (folder / "latest").read_text(encoding="utf-8") == "step-000004"
    assert (folder / "best").read_text(encoding="utf-8") == f"step-{best:06d}"


def test_only_the_newest_checkpoints_stay_and_the_best(tmp_path: Path) -> None:
    components = i2i.Registry("mine")
    components.merge(registry())
    components.add("metric", "flat", lambda output, truth: 1.0)
    tables = run_tables("pix2pix", steps=6, checkpoint_every=1, keep=2, validate_every=1)
    tables["validate"] = {"metric": "flat"}
    folder = build(tables, registry=components, out=tmp_path / "run").train() / "checkpoints"
    # the first judgement is the best, because none after it is better
    assert sorted(path.name for path in folder.glob("step-*")) == [
        "step-000001",
        "step-000005",
        "step-000006",
    ]


def test_nothing_is_written_before_the_first_step(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    run.describe()
    assert not (tmp_path / "run").exists()
    next(run.steps())
    assert (tmp_path / "run/spec.toml").is_file()


def test_steps_can_be_taken_one_by_one(tmp_path: Path) -> None:
    run, seen = new_run(tmp_path / "run", "cyclegan"), []
    for report in run.steps():
        seen.append(run.engine.step)
        assert isinstance(report["generators/cycle_a"], Tensor)
    assert seen == [1, 2, 3, 4]
    assert run.folder is not None
    assert run.folder.path == tmp_path / "run"


def test_a_run_is_named_after_its_spec_or_its_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec = write_spec(tmp_path / "my.horses.toml", run_tables("pix2pix", steps=1))
    assert build(spec, registry=registry()).train() == Path("runs/my.horses")
    assert build(run_tables("pix2pix", steps=1), registry=registry()).train() == Path("runs/pix2pix")


def test_an_existing_folder_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    first = new_run(tmp_path / "run", steps=1).train()
    second = new_run(tmp_path / "run", steps=1).train()
    assert [first.name, second.name] == ["run-2", "run-3"]
    assert not list((tmp_path / "run").iterdir())


def test_equal_seeds_make_equal_runs(tmp_path: Path) -> None:
    one, other = (new_run(tmp_path / name, steps=2).train() for name in ("one", "other"))
    assert_equal(weights(one / "checkpoints/step-000002"), weights(other / "checkpoints/step-000002"))
    third = new_run(tmp_path / "third", steps=2, seed=1).train()
    assert not torch.equal(
        *(weights(run / "checkpoints/step-000002")["G/down.0.conv.weight"] for run in (one, third))
    )


# Going on


@BOTH
@pytest.mark.parametrize("broken_after", [2, 3])
def test_a_broken_run_ends_like_an_unbroken_one(tmp_path: Path, strategy: str, broken_after: int) -> None:
    whole = new_run(tmp_path / "whole", strategy, steps=5).train()
    broken = new_run(tmp_path / "broken", strategy, steps=5)
    for _ in broken.steps():
        if broken.engine.step == broken_after:
            break
    again = Run.open(tmp_path / "broken", registry=registry())
    assert again.engine.step == 2
    assert again.train() == tmp_path / "broken"
    name = "checkpoints/step-000005"
    assert_equal(weights(whole / name), weights(tmp_path / "broken" / name))
    for folder in (whole, tmp_path / "broken"):
        assert lines(folder)[-1]["validate/l1"] == lines(whole)[-1]["validate/l1"]


def test_a_finished_run_only_says_that_it_is(paired_run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in paired_run.rglob("*")}
    done = command("resume", paired_run)
    pictures = f"(pictures in {paired_run / 'samples'})"
    assert (done.code, done.out) == (0, f"{paired_run} is finished: all 4 steps are done {pictures}\n")
    assert {path: path.stat().st_mtime_ns for path in paired_run.rglob("*")} == before


def test_a_run_that_never_saved_starts_again(tmp_path: Path) -> None:
    next(new_run(tmp_path / "run").steps())
    run = Run.open(tmp_path / "run", registry=registry())
    assert run.engine.step == 0
    run.train()
    assert run.engine.step == PERIODS["steps"]


def test_the_precision_of_the_run_is_kept(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run", steps=1).train()
    facts = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    (folder / "environment.json").write_text(json.dumps({**facts, "precision": "bf16"}), encoding="utf-8")
    assert Run.open(folder, registry=registry()).engine.settings.precision == "bf16"


def test_a_longer_run_goes_on_and_its_spec_says_so(tmp_path: Path) -> None:
    folder = new_run(tmp_path / "run", steps=2).train()
    Run.open(folder, registry=registry(), settings=["train.steps=4", "train.checkpoint_every=1"]).train()
    assert (folder / "checkpoints/step-000003").is_dir()
    assert (folder / "checkpoints/latest").read_text(encoding="utf-8") == "step-000004"
    assert Run.open(folder, registry=registry()).steps_total == 4


def test_a_schedule_that_ends_before_the_run_is_told(spec_with_plan: Path) -> None:
    done = command(
        "run", spec_with_plan, "--set", "schedule.decay_steps=0", "--out", spec_with_plan.parent / "run"
    )
    assert "the learning rate is 0 from step 3 on: the schedule ends before the run" in done.out.splitlines()
    done = command("run", spec_with_plan, "--out", spec_with_plan.parent / "other")
    assert "the learning rate is 0" not in done.out


@pytest.fixture
def spec_with_plan(tmp_path: Path) -> Path:
    schedule = {"name": "linear", "constant_steps": 2, "decay_steps": 2}
    return write_spec(tmp_path / "pix.toml", {**run_tables("pix2pix"), "schedule": schedule})


def test_a_run_in_epochs_may_be_given_a_length_in_steps(tmp_path: Path) -> None:
    tables = run_tables("pix2pix")
    tables["train"] = {**tables["train"], "epochs": 1}
    tables["train"].pop("steps")
    folder = build(tables, registry=registry(), out=tmp_path / "run").train()
    assert Run.open(folder, registry=registry(), settings=["train.steps=6"]).steps_total == 6


@pytest.mark.parametrize(
    "setting", ["train.batch=2", "strategy.pixel_weight=1", "train.seed=1", "data.size=32"]
)
def test_what_would_be_another_run_cannot_be_changed(paired_run: Path, setting: str) -> None:
    with pytest.raises(I2IError) as error:
        Run.open(paired_run, registry=registry(), settings=[setting])
    assert str(error.value) == (
        f"--set {setting.partition('=')[0]}: a resumed run can change only {', '.join(RESUMABLE)}; "
        "start a new run instead"
    )


def test_what_is_no_run_names_the_nearest(paired_run: Path) -> None:
    with pytest.raises(I2IError) as error:
        Run.open(paired_run.with_name("rnu"), registry=registry())
    assert str(error.value) == (
        f"{paired_run.with_name('rnu')}: this is not a run folder (it has no spec.toml and environment.json)\n"
        "    did you mean 'run'? known: run"
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null"])
def test_a_damaged_environment_is_told(paired_run: Path, tmp_path: Path, text: str) -> None:
    folder = shutil.copytree(paired_run, tmp_path / "run")
    (folder / "environment.json").write_text(text, encoding="utf-8")
    with pytest.raises(I2IError, match=r"environment\.json is damaged"):
        Run.open(folder, registry=registry())


def test_a_spec_that_was_changed_by_hand_is_told(paired_run: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(paired_run, tmp_path / "run")
    text = (folder / "spec.toml").read_text(encoding="utf-8")
    (folder / "spec.toml").write_text(text.replace("width = 4", "width = 8", 1), encoding="utf-8")
    with pytest.raises(
        I2IError, match=r"step-000004 does not belong to .*: size mismatch .* \(and \d+ more\)$"
    ):
        Run.open(folder, registry=registry())


# Starting from another run


def started(paired_run: Path, out: Path, start: str) -> Run:
    """A new run of the same networks that starts from another's weights."""
    spec = paired_run.parent / "pix.toml"
    return build(spec, registry=registry(), out=out, settings=[f"train.init_from='{start}'", "train.steps=2"])


def test_a_start_takes_the_weights_and_nothing_else(paired_run: Path, tmp_path: Path) -> None:
    run = started(paired_run, tmp_path / "run", str(paired_run))
    old = weights(paired_run / "checkpoints/step-000004")
    state = {f"{n}/{k}": t for n in ("G", "D") for k, t in run.engine.net[n].state_dict().items()}
    assert_equal(state, {name: old[name] for name in state})
    assert run.engine.step == 0
    assert not any(optimizer.state for optimizer in run.engine.optimizers.values())


def test_a_start_may_name_a_checkpoint(paired_run: Path, tmp_path: Path) -> None:
    run = started(paired_run, tmp_path / "run", f"{paired_run}@2")
    old = weights(paired_run / "checkpoints/step-000002")
    assert torch.equal(run.engine.net.G.state_dict()["down.0.conv.weight"], old["G/down.0.conv.weight"])


def test_a_resumed_run_does_not_start_anew(paired_run: Path, tmp_path: Path) -> None:
    folder = started(paired_run, tmp_path / "run", str(paired_run)).train()
    run = Run.open(folder, registry=registry())
    saved = weights(folder / "checkpoints/step-000002")
    assert torch.equal(run.engine.net.G.state_dict()["down.0.conv.weight"], saved["G/down.0.conv.weight"])


def test_a_start_of_another_method_is_refused(unpaired_run: Path, tmp_path: Path) -> None:
    with pytest.raises(I2IError, match=r"train\.init_from: nothing in .* fits; it has D_a, "):
        new_run(tmp_path / "run", init_from=str(unpaired_run))


def test_a_start_of_another_shape_takes_what_fits(paired_run: Path, tmp_path: Path) -> None:
    settings = [f"train.init_from='{paired_run}'", "strategy.generator.width=8"]
    spec = paired_run.parent / "pix.toml"
    run = build(spec, registry=registry(), out=tmp_path / "run", settings=settings)
    old = weights(paired_run / "checkpoints/step-000004")
    assert torch.equal(run.engine.net.D.state_dict()["head.weight"], old["D/head.weight"])
    assert run.engine.net.G.state_dict()["down.0.conv.weight"].shape[0] == 8
    assert "down.0.conv.weight is 8×3×4×4 here, 4×3×4×4 there" in run.start


# Patience


def patient(out: Path, values: str = "flat", **validate: Any) -> tuple[Run, i2i.Registry]:
    components = i2i.Registry("mine")
    components.merge(registry())
    components.add("metric", "flat", lambda output, truth: 1.0)
    components.add("metric", "nothing", lambda output, truth: math.nan)
    tables = run_tables("pix2pix", steps=8, validate_every=1, checkpoint_every=100, sample_every=100)
    tables["validate"] = {"metric": values, **validate}
    return build(tables, registry=components, out=out), components


def test_patience_ends_a_run(tmp_path: Path) -> None:
    run, components = patient(tmp_path / "run", patience=2)
    folder = run.train()
    assert run.engine.step == 3  # the best is the first; two more are no better
    assert [line["step"] for line in lines(folder) if "validate/flat" in line] == [1, 2, 3]
    assert (folder / "checkpoints/best").read_text(encoding="utf-8") == "step-000001"
    assert (folder / "checkpoints/latest").read_text(encoding="utf-8") == "step-000003"
    assert (folder / "samples/step-000003.png").is_file()
    again = Run.open(folder, registry=components)
    again.train()
    assert again.engine.step == 3


def test_the_end_of_patience_is_told_in_one_line(tmp_path: Path) -> None:
    run, _ = patient(tmp_path / "run", patience=2)
    told: list[str] = []

    class Listener:
        def step(self, step: int) -> None: ...

        def numbers(self, *_: object) -> None: ...

        def note(self, text: str) -> None:
            told.append(text)

    for _ in run.steps(Listener()):
        pass
    assert told[-2:] == [
        "stopped at step 3: 2 judgements without a better flat than 1.0000",
        f"done: {tmp_path / 'run'} (pictures in {tmp_path / 'run/samples'})",
    ]


def test_a_resumed_run_remembers_how_long_it_has_waited(tmp_path: Path) -> None:
    run, components = patient(tmp_path / "run", patience=4)
    for _ in run.steps():
        if run.engine.step == 3:
            break
    again = Run.open(tmp_path / "run", registry=components)
    assert (again.engine.step, again.ranking.best, again.ranking.since) == (1, 1.0, 0)
    again.train()
    assert again.engine.step == 5


def test_without_patience_a_run_goes_to_its_end(tmp_path: Path) -> None:
    run, _ = patient(tmp_path / "run")
    run.train()
    assert run.engine.step == 8


def test_what_is_no_number_is_never_the_best(tmp_path: Path) -> None:
    run, _ = patient(tmp_path / "run", "nothing", patience=2)
    folder = run.train()
    assert run.engine.step == 2
    assert not (folder / "checkpoints/best").exists()
    assert lines(folder)[-1]["validate/nothing"] is None


# Two processes

TOGETHER = """\
import sys, i2i
from pathlib import Path
import torch
torch.set_num_threads(1)
run = i2i.build(Path(sys.argv[1]), out=Path(sys.argv[2]))
run.train()
print(run.engine.step, run.ranking.best)
"""


def test_two_processes_write_one_folder_and_agree_on_the_best(tmp_path: Path) -> None:
    spec = write_spec(
        tmp_path / "pix.toml", run_tables("pix2pix", steps=3, checkpoint_every=3, validate_every=1)
    )
    processes = two_processes(TOGETHER, spec, tmp_path / "run")
    printed = [process.communicate(timeout=300)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert printed[0] == printed[1]
    assert printed[0][0] == "3"
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["run"]
    assert len(lines(tmp_path / "run")) == 6


def test_a_machine_without_a_compiler_trains_without_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("i2i.spec.assemble.missing_compiler", lambda device: "a C++ compiler")
    spec = {
        "strategy": {"name": "gan"},
        "data": {"name": "demo", "layout": "images", "size": 16, "workers": 0},
    }
    run = i2i.build(spec | {"train": {"steps": 1, "compile": True}}, out=tmp_path / "run")
    assert not run.engine.settings.compiled
    run.train(progress=True)
    assert "train.compile: this machine has no compiler that works" in capsys.readouterr().out
