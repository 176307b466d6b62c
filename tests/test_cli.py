"""The command line: every command, every flag, every exit code; what a user can cause never shows a traceback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from helpers import registry, tiny_tables
from many import FILE, many
from PIL import Image
from safetensors.torch import load_file
from trained import command, run_tables, write_spec

import i2i
from i2i.cli.main import COMMANDS, HELP, cli
from i2i.engine.loop import Engine
from i2i.spec.spec import resolve

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
# Options of a method live in specs. Who adds a flag here has thought about that.
FLAGS = {
    "": ["--plugin", "--traceback", "--version", "-h", "--help"],
    "run": ["--set", "--out"],
    "resume": ["--set"],
    "check": ["--set", "--fast"],
    "bench": ["--set", "--json"],
    "new": ["--demo"],
    "schema": [],
    "translate": [
        "-o",
        "--out",
        "-c",
        "--control",
        "--seed",
        "--grid",
        "--batch",
        "--tile",
        "--type",
        "--device",
        "--precision",
        "--compile",
    ],
    "sample": ["-o", "--out", "-n", "--count", "-c", "--control", "--seed", "--device"],
    "evaluate": [
        "--metric",
        "--set",
        "-c",
        "--control",
        "-n",
        "--count",
        "--seed",
        "--batch",
        "--device",
        "--compare",
    ],
    "report": ["-o", "--out"],
    "export": ["-o", "--out", "-c", "--control", "--pixels", "--dropout", "--force", "--device"],
    "push": ["--private", "--message", "--no-sample"],
    "serve": ["--host", "--port", "--device"],
    "import": ["-o", "--out", "--as", "--set"],
    "demo-data": ["--layout", "--count", "--size", "--seed"],
    "plugins": [],
    "plugin": [],
    "list": [],
    "show": [],
}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path / "pix.toml", run_tables("pix2pix"))


def subcommand(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def flags(of: click.Command) -> list[str]:
    return [flag for option in of.params if isinstance(option, click.Option) for flag in option.opts]


# The shape of it


def test_the_commands_are_these() -> None:
    assert list(COMMANDS) == list(HELP) == [name for name in FLAGS if name]


@pytest.mark.parametrize("name", FLAGS)
def test_the_flags_are_these(name: str) -> None:
    made = flags(subcommand(name) if name else cli)
    assert [flag for flag in FLAGS[name] if flag not in ("-h", "--help")] == made


@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_given(name: str, flag: str) -> None:
    done = command(*([name] if name else []), flag)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: i2i {name}".rstrip())


@pytest.mark.parametrize("name", [name for name in FLAGS if name])
def test_the_short_help_is_the_first_line_of_the_long_one(name: str) -> None:
    assert (subcommand(name).help or "").splitlines()[0] == HELP[name]


def test_plugin_has_one_command() -> None:
    plugin = subcommand("plugin")
    assert isinstance(plugin, click.Group)
    assert list(plugin.commands) == ["new"]
    assert flags(plugin.commands["new"]) == ["--kind", "-o", "--out"]


def test_every_flag_explains_itself() -> None:
    plugin = subcommand("plugin")
    assert isinstance(plugin, click.Group)
    commands = [cli, *(subcommand(name) for name in COMMANDS), *plugin.commands.values()]
    options = [option for each in commands for option in each.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_the_version_is_told() -> None:
    assert command("--version").out == f"i2i {i2i.__version__}\n"


# Exit codes


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["frobnicate"],
        ["run"],
        ["run", "a.toml", "b.toml"],
        ["run", "a.toml", "--fast"],
        ["run", "a.toml", "--width", "3"],
        ["run", "a.toml", "--set"],
        ["translate", "run"],
        ["translate", "run", "a.png"],
        ["translate", "run", "a.png", "-o", "b", "--seed", "x"],
        ["demo-data", "x", "--layout", "mosaic"],
        ["demo-data", "x", "--count", "many"],
        ["show", "generator"],
        ["new"],
        ["plugin", "new"],
        ["plugin", "new", "mine", "--kind", "optimizer"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_two(words: list[str]) -> None:
    done = command(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(("Usage: i2i", "Error: Option"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "missing.toml"], "missing.toml: there is no such spec file"),
        (["check", "missing.toml"], "missing.toml: there is no such spec file"),
        (["resume", "missing"], "missing: this is not a run folder"),
        (
            ["translate", "missing", "a.png", "-o", "b"],
            "missing: this is neither a run folder nor a checkpoint",
        ),
        (["new", "cyclgan"], "  strategy.name: there is no strategy 'cyclgan'\n    did you mean 'cyclegan'?"),
        (["list", "generators"], "there is no kind 'generators'\n    did you mean 'generator'?"),
        (["show", "generators", "unet"], "there is no kind 'generators'\n    did you mean 'generator'?"),
        (
            ["show", "generator", "unett"],
            "  generator: there is no generator 'unett'\n    did you mean 'unet'?",
        ),
        (["--plugin", "missing.py", "list"], "--plugin missing.py: there is no such file"),
        (["demo-data", "x", "--count", "0"], "a demo set needs count >= 1 and size >= 8, got 0 and 128"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_user_can_mend_ends_with_one_and_a_sentence(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(said)
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())


def test_a_wrong_spec_is_a_sentence_with_its_line(spec: Path) -> None:
    spec.write_text(spec.read_text(encoding="utf-8").replace("steps = 4", "stepps = 4"), encoding="utf-8")
    done = command("run", spec)
    line = 1 + spec.read_text(encoding="utf-8").splitlines().index("stepps = 4")
    assert done.code == 1
    assert done.err.startswith(f"  pix.toml:{line}: train.stepps: section 'train' has no such option\n")


def test_traceback_shows_where_an_error_came_from(tmp_path: Path) -> None:
    with pytest.raises(i2i.I2IError):
        command("--traceback", "check", tmp_path / "missing.toml")


def test_a_mistake_of_ours_keeps_its_traceback(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(engine: Engine, batch: Any) -> Any:
        raise KeyError("ours")

    monkeypatch.setattr(Engine, "advance", broken)
    with pytest.raises(KeyError):
        command("run", spec, "--out", spec.parent / "run")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried"),
            "there is not enough memory for a step",
        ),
        (MemoryError(), "there is not enough memory for a step"),
        (OSError(28, "No space left on device", "x.png"), "[Errno 28] No space left on device: 'x.png'"),
    ],
)
def test_what_the_machine_lacks_is_a_sentence(
    spec: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fails(engine: Engine, batch: Any) -> Any:
        raise error

    monkeypatch.setattr(Engine, "advance", fails)
    done = command("run", spec, "--out", spec.parent / "run")
    assert done.code == 1
    assert done.err.startswith(said)


# Training


def test_a_run_says_what_it_does(paired_run: Path) -> None:
    printed = (paired_run.parent / "printed.txt").read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(
        r"step 1/4  \S+ images/s, \d+% waiting for data, .* left  discriminator: fake \S+ real \S+  "
        r"generator: gan \S+ pixel \S+",
        printed[0],
    )
    judged = [line for line in printed if "held-out" in line]
    assert re.fullmatch(r"step 2: held-out l1 0\.\d{4} \(copying the input: 0\.\d{4}\)", judged[0])
    assert printed[-1] == f"done: {paired_run} (pictures in {paired_run / 'samples'})"


def test_an_existing_run_is_left_alone_and_the_new_place_is_told(spec: Path) -> None:
    run = spec.parent / "run"
    assert command("run", spec, "--set", "train.steps=1", "--out", run).code == 0
    done = command("run", spec, "--set", "train.steps=1", "--out", run)
    assert done.code == 0
    assert done.out.splitlines()[0] == f"{run} exists; this run goes to {run}-2"
    assert (spec.parent / "run-2/checkpoints/latest").is_file()


def test_without_out_the_run_is_named_after_the_spec(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(spec.parent)
    assert command("run", "pix.toml", "--set", "train.steps=1").code == 0
    assert (spec.parent / "runs/pix/spec.toml").is_file()


def test_set_goes_over_the_file(spec: Path) -> None:
    run = spec.parent / "run"
    done = command("run", spec, "--set", "train.steps=1", "--set", "strategy.generator.width=2", "--out", run)
    assert done.code == 0
    written = tomllib.loads((run / "spec.toml").read_text(encoding="utf-8"))
    assert (written["train"]["steps"], written["strategy"]["generator"]["width"]) == (1, 2)


def test_an_interrupted_run_says_how_to_go_on_and_ends_like_an_unbroken_one(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken = spec.parent / "whole", spec.parent / "broken"
    assert command("run", spec, "--out", whole).code == 0
    advance = Engine.advance

    def interrupted(engine: Engine, batch: Any) -> Any:
        if engine.step == 2:
            signal.raise_signal(signal.SIGINT)
        return advance(engine, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "advance", interrupted)
        done = command("run", spec, "--out", broken)
    assert done.code == 130
    assert done.out.splitlines()[-1] == f"stopped at step 3, with a checkpoint; to go on: i2i resume {broken}"
    assert done.err.strip() == "stopped"
    done = command("resume", broken)
    assert done.code == 0, done.err
    assert done.out.startswith("step 4/4  ")
    for file in sorted((whole / "checkpoints/step-000004").glob("*.safetensors")):
        one, other = load_file(file), load_file(broken / "checkpoints/step-000004" / file.name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to a child alone")
def test_control_c_ends_with_130_and_no_traceback(spec: Path) -> None:
    code = "import torch; torch.set_num_threads(1); from i2i.cli.main import main; main()"
    words = ["run", str(spec), "--set", "train.steps=100000", "--out", str(spec.parent / "run")]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    metrics = spec.parent / "run/metrics.jsonl"
    for _ in range(600):
        if metrics.exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "to go on: i2i resume" in out
    assert "Traceback" not in err


def test_a_run_that_fails_ends_with_the_processes_that_read(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "pix.toml", run_tables("pix2pix"))
    sick = ["--set", "data.workers=2", "--set", "optimizers.default.lr=1e30", "--set", "train.steps=100"]
    words = ["-m", "i2i", "run", str(spec), *sick, "--out", str(tmp_path / "run")]
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert "what may help: a lower optimizers." in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_resumed_run_takes_few_settings_only(paired_run: Path) -> None:
    done = command("resume", paired_run, "--set", "train.batch=3")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "--set train.batch: a resumed run can change only train.steps, data.root, data.folder, data.cache, "
        "data.cache_folder, train.device, train.checkpoint_every, train.accumulate, train.on_nonfinite, "
        "train.max_skips, train.max_rollbacks, train.max_bad_files; start a new run instead\n"
    )


def test_check_prints_the_plan_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_spec(tmp_path / "horse.toml", tiny_tables("cyclegan"))
    term = (
        "terms.edges={ loss = 'sobel', of = ['fake_b', 'a'], phase = 'generators', minimised_by = ['G_ab'] }"
    )
    done = command("check", "horse.toml", "--set", term)
    assert done.code == 0, done.err
    titles = [line for line in done.out.splitlines() if not line.startswith(" ")]
    read = ["data that was read", "problems"]
    assert titles == ["strategy", "data", "networks", "length", "learning rate", "objectives", *read]
    both = "gan_a + gan_b + 10·cycle_a + 10·cycle_b + 5·same_a + 5·same_b"
    assert done.out.endswith(
        "objectives\n"
        "    phase generators, every step\n"
        f"        G_ab minimises {both} + edges\n"
        f"        G_ba minimises {both}\n"
        "    phase discriminators, every step\n"
        "        D_a minimises 0.5·real_a + 0.5·fake_a\n"
        "        D_b minimises 0.5·real_b + 0.5·fake_b\n"
        "data that was read\n"
        "    training: 8 of 8 samples\n"
        "    held-out: 1 of 1 sample\n"
        "problems\n"
        "    none were found\n"
    )
    assert "8 steps of batch 4" in done.out
    assert "the published one is scaled to this length" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["horse.toml"]


# Specs


@pytest.mark.parametrize("strategy", registry().names("strategy"))
@pytest.mark.parametrize("demo", [False, True])
def test_new_prints_the_example(strategy: str, demo: bool) -> None:
    done = command("new", strategy, *["--demo"] * demo)
    assert (done.code, done.err) == (0, "")
    example = EXAMPLES / f"{strategy}{'-demo' * demo}.toml"
    assert done.out == example.read_text(encoding="utf-8")


@pytest.mark.parametrize("strategy", registry().names("strategy"))
def test_a_new_spec_is_the_published_recipe(strategy: str) -> None:
    example = registry().get("strategy", strategy).factory.example
    published = resolve({"strategy": strategy, **example}, registry())
    assert resolve(command("new", strategy).out, registry()) == published


def test_every_key_of_a_new_spec_is_explained() -> None:
    for line in command("new", "cyclegan").out.splitlines():
        key = line.partition(" =")[0]
        if "=" in line and key not in ("name", "# centre_crop"):
            assert "#" in line.partition("=")[2], line


def test_the_schema_is_json() -> None:
    made = json.loads(command("schema").out)
    assert made == i2i.schema(registry=registry())
    assert made["title"] == "i2i spec"


# What is installed


def test_components_are_listed_with_their_summaries() -> None:
    done = command("list")
    assert done.code == 0
    for component in registry():
        name, summary = re.escape(component.name), re.escape(component.summary)
        assert re.search(f"^    {name}  +{summary}$", done.out, re.MULTILINE)
    only = command("list", "optimizer").out.splitlines()
    assert only[0] == "optimizer"
    assert [line.split()[0] for line in only[1:]] == ["adam", "adamw", "rmsprop", "sgd"]
    assert "cyclegan.G_ab" in command("list", "importer").out


def test_a_component_is_shown_with_everything_about_it() -> None:
    lines = command("show", "generator", "unet").out.splitlines()
    assert lines[0].startswith("generator 'unet': Encoder-decoder with skips")
    assert re.fullmatch(r"    from i2i\.spec\.builtin, .*unet\.py:\d+", lines[1])
    assert lines[2:5] == [
        "    facts: in_channels, out_channels",
        "    options:",
        "        width (integer ≥ 1; default 64)  channels of the first layer",
    ]
    norms = "instance | batch | sync-batch | group | none; default instance"
    words = "normalisation of the hidden layers; sync-batch sees all processes"
    assert f"        norm ({norms})  {words}" in lines
    shown = command("show", "strategy", "cyclegan").out
    assert "        cycle (loss; default l1)" in shown
    assert "        root (path; needed)  folder of the data set" in command("show", "data", "paired").out
    assert "options: none" in command("show", "loss", "hinge").out


def test_every_component_can_be_shown() -> None:
    for component in registry():
        done = command("show", component.kind, component.name)
        assert done.code == 0
        assert done.out.startswith(f"{component}: {component.summary}")


def test_plug_ins_are_listed() -> None:
    done = command("plugins")
    assert (done.code, done.err) == (0, "")
    assert (
        f"cyclegan  {i2i.__version__}  (i2i_cyclegan)\n    strategy 'cyclegan', importer 'cyclegan.G_ab'"
        in done.out
    )
    assert "broken" not in done.out


# Data


@pytest.mark.parametrize(
    ("layout", "folders"),
    [
        ("paired", ["test", "train"]),
        ("unpaired", ["testA", "testB", "trainA", "trainB", "truthA", "truthB"]),
        ("domains", ["test", "train", "truth"]),
        ("masks", ["test", "train"]),
        ("images", ["test", "train"]),
    ],
)
def test_a_data_set_is_drawn(tmp_path: Path, layout: str, folders: list[str]) -> None:
    out = tmp_path / "set"
    done = command("demo-data", out, "--layout", layout, "--count", 5, "--size", 16)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"5 training pictures, layout {layout}: {out}\n"
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == folders
    again = command("demo-data", out)
    assert again.code == 1
    assert "is there already and is not overwritten" in again.err


def test_a_drawn_data_set_can_be_trained_on(tmp_path: Path) -> None:
    out = tmp_path / "set"
    command("demo-data", out, "--layout", "paired", "--count", 2, "--size", 64)
    tables = run_tables("pix2pix", steps=1)
    tables["data"] = {"name": "paired", "root": str(out), "size": 64, "workers": 0}
    assert command("run", write_spec(tmp_path / "x.toml", tables), "--out", tmp_path / "run").code == 0


# Translating


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, size in {"a.png": (40, 30), "b.jpg": (9, 21), "deep/c.png": (64, 64)}.items():
        Image.fromarray(rng.integers(0, 256, (*size[::-1], 3)).astype(np.uint8)).save(folder / name)
    return folder


def opened(path: Path) -> np.ndarray[Any, Any]:
    with Image.open(path) as image:
        return np.array(image)


def test_a_tree_of_pictures_is_translated(unpaired_run: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = command("translate", unpaired_run, pictures, "-o", out)
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(
        rf"3 pictures translated \((fp32|bf16), [\d.]+ images/s\): {re.escape(str(out))}", done.out.strip()
    )
    for name in ("a.png", "b.jpg", "deep/c.png"):
        assert opened(out / name).shape == opened(pictures / name).shape
    assert len([path for path in out.rglob("*") if path.is_file()]) == 3


def test_one_picture_goes_to_the_file_that_is_named(
    unpaired_run: Path, pictures: Path, tmp_path: Path
) -> None:
    done = command("translate", unpaired_run, pictures / "a.png", "--out", tmp_path / "new.png")
    assert re.fullmatch(
        rf"1 picture translated \((fp32|bf16)\): {re.escape(str(tmp_path))}.new.png", done.out.strip()
    )
    made = i2i.load(unpaired_run, registry=registry()).translate(pictures / "a.png")
    assert np.array_equal(opened(tmp_path / "new.png"), np.array(made))


def test_controls_seed_and_checkpoint_are_chosen(
    unpaired_run: Path, paired_run: Path, pictures: Path, tmp_path: Path
) -> None:
    def made(*words: object) -> np.ndarray[Any, Any]:
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.png"
        done = command("translate", *words, "-o", out, "--device", "cpu")
        assert done.code == 0, done.err
        return opened(out)

    picture = pictures / "a.png"
    assert not np.array_equal(made(unpaired_run, picture), made(unpaired_run, picture, "-c", "back=true"))
    assert np.array_equal(made(unpaired_run, picture), made(unpaired_run, picture, "--control", "back=false"))
    assert np.array_equal(made(paired_run, picture, "--seed", 1), made(paired_run, picture, "--seed", 1))
    assert not np.array_equal(made(paired_run, picture, "--seed", 1), made(paired_run, picture, "--seed", 2))
    assert not np.array_equal(made(f"{paired_run}@2", picture), made(f"{paired_run}@4", picture))
    assert np.array_equal(
        made(paired_run / "checkpoints/step-000002", picture), made(f"{paired_run}@2", picture)
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-c", "back"], "-c back: write KEY=VALUE, for example -c back=true"),
        (
            ["-c", "bakc=true"],
            "  control.bakc: strategy 'cyclegan' has no such option\n    did you mean 'back'?",
        ),
        (["-c", "back=maybe"], "  control.back: input should be true or false, got 'maybe'"),
        (["--device", "gpu"], "device: there is no device 'gpu'; use auto, cpu, cuda, cuda:1 or mps"),
    ],
)
def test_wrong_controls_are_told_before_anything_is_translated(
    unpaired_run: Path, pictures: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    done = command("translate", unpaired_run, pictures, "-o", tmp_path / "out", *words)
    assert done.code == 1
    assert done.err.startswith(said)
    assert not (tmp_path / "out").exists()


def test_bad_pictures_are_told_and_the_rest_is_translated(
    unpaired_run: Path, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "broken.png").write_bytes(b"nothing")
    done = command("translate", unpaired_run, pictures, "-o", tmp_path / "out")
    assert done.code == 1
    assert done.out.startswith("3 pictures translated (")
    assert "broken.png" in done.out.splitlines()[-1]
    assert "Traceback" not in done.err


# Several results


@pytest.fixture(scope="module")
def many_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of the plug-in `many`."""
    out = tmp_path_factory.mktemp("many") / "run"
    return i2i.build({"strategy": "many", "data": "demo"}, registry=i2i.discover([FILE]), out=out).train()


def translated(*words: object) -> Any:
    return command("--plugin", FILE, "translate", *words, "--device", "cpu")


def test_samples_are_written_beside_each_other(many_run: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = translated(many_run, pictures, "-o", out, "-c", "samples=2", "-c", "colour=all", "--seed", 3)
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(
        rf"3 pictures translated, 6 results each \(.*\): {re.escape(str(out))}", done.out.strip()
    )
    assert len(list(out.glob("a-*.png"))) == len(list((out / "deep").glob("c-*.png"))) == 6
    made = many().translate(pictures / "a.png", samples=2, seed=3, colour="green")
    assert np.array_equal(opened(out / "a-green-2.png"), np.array(made[1]))


def test_the_seed_may_be_a_control(many_run: Path, pictures: Path, tmp_path: Path) -> None:
    ways = [["--seed", 3], ["-c", "seed=3"], ["-c", "seed=3", "--seed", 3], []]
    for n, words in enumerate(ways):
        assert translated(many_run, pictures / "a.png", "-o", tmp_path / f"{n}.png", *words).code == 0
    one, other, both, neither = (opened(tmp_path / f"{n}.png") for n in range(4))
    assert np.array_equal(one, other) and np.array_equal(one, both)
    assert not np.array_equal(one, neither)
    done = translated(many_run, pictures, "-o", tmp_path / "out", "-c", "seed=2", "--seed", 3)
    assert (done.code, done.err) == (1, "--seed 3 and -c seed=2 are two seeds; give one of them\n")


def test_a_control_given_twice_is_refused(many_run: Path, pictures: Path, tmp_path: Path) -> None:
    done = translated(many_run, pictures, "-o", tmp_path / "out", "-c", "seed=2", "-c", "seed=3")
    sentence = "-c seed: this control is given 2 times; give one of them, or a list: seed=[…]\n"
    assert (done.code, done.err) == (1, sentence)


def test_a_control_may_be_a_picture(
    many_run: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(pictures)
    plain = [many_run, "a.png", "-c", "noise=0", "-o", tmp_path / "x.png"]
    assert translated(*plain, "-c", "cover=deep/c.png").code == 0
    expected = many().translate(pictures / "a.png", noise=0.0, cover=Image.open(pictures / "deep/c.png"))
    assert np.array_equal(opened(tmp_path / "x.png"), np.array(expected))
    done = translated(*plain, "-c", "cover=c.png", "-c", "samples=0")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "  control.samples: input should be greater than or equal to 1, got 0",
        "  control.cover: there is no file 'c.png'",
    ]


def test_a_grid_shows_inputs_beside_their_results(many_run: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "new/grid.png"
    done = translated(many_run, pictures, "--grid", "-o", out, "-c", "samples=2", "-c", "sync=true")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == f"3 pictures in a grid: {out}"
    expected = many().grid(pictures, samples=2, sync=True)
    assert np.array_equal(opened(out), np.array(expected))
    assert [path.name for path in out.parent.iterdir()] == ["grid.png"]


def test_a_grid_leaves_out_bad_pictures_and_tells_them(
    many_run: Path, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "broken.png").write_bytes(b"nothing")
    done = translated(many_run, pictures, "--grid", "-o", tmp_path / "grid.jpg")
    assert done.code == 1
    assert done.out.splitlines()[-2] == f"3 pictures in a grid: {tmp_path / 'grid.jpg'}"
    assert "broken.png" in done.out.splitlines()[-1]
    done = translated(many_run, pictures / "broken.png", "--grid", "-o", tmp_path / "none.png")
    assert (done.code, (tmp_path / "none.png").exists()) == (1, False)


@pytest.mark.parametrize(
    ("out", "words", "said"),
    [
        ("grid", [], "{out}: a grid is one picture; name a file that ends in .png or .jpg"),
        ("pictures/a.png", [], "{out} would be replaced by the grid; choose another name"),
        (
            "x.png",
            ["-c", "samples=250"],
            "a grid of 3 rows and 251 columns is too large; 250 of each is the most",
        ),
        (
            "x.png",
            ["-c", "samples=2", "-c", "noise=0"],
            "control.samples: with these controls this method draws no ",
        ),
    ],
)
def test_a_wrong_grid_is_told_and_nothing_is_written(
    many_run: Path, pictures: Path, tmp_path: Path, out: str, words: list[str], said: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    done = translated(many_run, pictures, "--grid", "-o", tmp_path / out, *words)
    assert done.code == 1
    assert done.err.startswith(said.format(out=tmp_path / out))
    assert sorted(tmp_path.rglob("*")) == before
