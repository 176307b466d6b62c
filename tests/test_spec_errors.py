"""Wrong specs: every mistake gets a sentence with its place, what is wrong, and what would be right."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers import registry

import i2i
from i2i.spec.spec import read, resolve

# Six lines; what is wrong comes after them, from line 7 on.
PIX = """\
[strategy]
name = "pix2pix"
[data]
name = "demo"
layout = "paired"
size = 32
"""
TERM = """\
[terms.edges]
loss = "sobel"
of = ["fake", "b"]
phase = "generator"
minimised_by = ["G"]
"""
ALL_SECTIONS = "known: data, loggers, optimizers, schedule, strategy, terms, train, validate"
UNET = "known: depth, dropout, norm, width"
LOSSES = "known: bounded-logistic, hinge, huber, l1, l2, lsgan, sobel, timm, vanilla, vgg19, wgan-gp"
GENERATORS = (
    "known: domain-resnet, joint-mlp, label-mlp, label-resizing, label-strided, latent-unet, mlp, resizing, resnet, "
    "spade, strided, style, unet, vaegan-decoder"
)
DISCRIMINATORS = (
    "known: class-conv, conv, domain-patch, feature-patch, joint-maxout, label-mlp, label-strided, maxout, mlp, "
    "multi-scale, patch, pixel, progressive, projected, strided, vaegan-features"
)
STRATEGIES = "known: acgan, bicyclegan, cgan, cyclegan, dcgan, gan, pix2pix, spade, stargan, stylegan, vaegan"
OPTIMIZERS = "known: adam, adamw, rmsprop, sgd"
DATA = "known: demo, domains, images, masks, paired, shards, unpaired"
NEEDS_LIST = "input should be a list, got 'fake'"


def line(number: int, text: str, *hints: str) -> str:
    return "\n".join([f"  line {number}: {text}", *(f"    {hint}" for hint in hints)])


def nowhere(text: str, *hints: str) -> str:
    return "\n".join([f"  {text}", *(f"    {hint}" for hint in hints)])


# What follows the six lines above -> what is said about it, word for word.
AFTER: dict[str, str] = {
    # names that do not exist
    "[stratgy]\nx = 1": line(
        7, "stratgy: there is no such section", f"did you mean 'strategy'? {ALL_SECTIONS}"
    ),
    "[strategy.generator]\nwidht = 8": line(
        8,
        "strategy.generator.widht: generator 'unet' has no such option",
        f"did you mean 'width'? {UNET}",
    ),
    "[strategy.generator]\nname = 'unett'": line(
        7,
        "strategy.generator: there is no generator 'unett'",
        f"did you mean 'unet'? {GENERATORS}",
    ),
    "[strategy.pixle]\nname = 'l1'": line(
        7,
        "strategy.pixle: strategy 'pix2pix' has no such option",
        "did you mean 'pixel'? known: discriminator, gan, generator, latent, pixel, pixel_weight",
    ),
    "[strategy.pixel]\nname = 'l3'": line(
        7, "strategy.pixel: there is no loss 'l3'", f"did you mean 'l2'? {LOSSES}"
    ),
    "[strategy.discriminator]\nname = 'unet'": line(
        7,
        "strategy.discriminator: there is no discriminator 'unet'",
        DISCRIMINATORS,
    ),
    "[optimizers]\nD = 'adm'": line(
        8, "optimizers.D: there is no optimizer 'adm'", f"did you mean 'adam'? {OPTIMIZERS}"
    ),
    "[optimizers.G_ab]\nlr = 1e-3": line(
        7, "optimizers.G_ab: there is no network 'G_ab'", "known: D, G, default"
    ),
    "[schedule]\nname = 'lineer'": line(
        7,
        "schedule: there is no schedule 'lineer'",
        "did you mean 'linear'? known: constant, exponential, linear",
    ),
    "[schedule]\nname = 'constant'\nconstant = 3": line(
        9, "schedule.constant: schedule 'constant' has no such option", "there are none"
    ),
    "[train]\nstep = 3": line(
        8,
        "train.step: section 'train' has no such option",
        "did you mean 'steps'? known: accumulate, activation_checkpointing, batch, checkpoint_every, clip, compile, "
        "device, ema, epochs, init, init_from, keep, log_every, max_bad_files, max_rollbacks, max_skips, "
        "memory_format, on_nonfinite, precision, sample_every, seed, steps, validate_every",
    ),
    "[train.init]\nnam = 'normal'": line(
        8, "train.init.nam: 'train.init' has no such option", "did you mean 'name'? known: gain, name"
    ),
    "[train]\nema = { F = 0.9 }": line(8, "train.ema.F: there is no network 'F'", "known: D, G"),
    "[validate]\nmetric = 'psnrr'": line(
        8,
        "validate.metric: there is no metric 'psnrr'",
        "did you mean 'psnr'? known: " + ", ".join(registry().names("metric")),
    ),
    "[validate]\ndata = 'demos'": line(
        8, "validate.data: there is no data 'demos'", f"did you mean 'demo'? {DATA}"
    ),
    "[validate]\npatence = 3": line(
        8,
        "validate.patence: section 'validate' has no such option",
        "did you mean 'patience'? known: also, data, direction, every, metric, patience",
    ),
    "[[loggers]]\nname = 'tensorbord'": line(
        7,
        "loggers.0: there is no logger 'tensorbord'",
        "did you mean 'tensorboard'? known: csv, mlflow, tensorboard, wandb",
    ),
    # wrong types
    "[train]\nsteps = 'many'": line(8, "train.steps: input should be a whole number, got 'many'"),
    "[train]\nsteps = '12'": line(8, "train.steps: input should be a whole number, got '12'"),
    "[train]\nsteps = true": line(8, "train.steps: input should be a whole number, got true"),
    "[train]\nsteps = 1.5": line(8, "train.steps: input should be a whole number, got 1.5"),
    "[train]\nclip = 'small'": line(8, "train.clip: input should be a number, got 'small'"),
    "[train]\nclip = nan": line(8, "train.clip: input should be a finite number, got nan"),
    "[train]\ncompile = 'yes'": line(8, "train.compile: input should be true or false, got 'yes'"),
    "[train]\ncompile = 1": line(8, "train.compile: input should be true or false, got 1"),
    "[train]\ndevice = 0": line(8, "train.device: input should be a string, got 0"),
    "[train]\nema = 0.9": line(8, "train.ema: input should be a table, got 0.9"),
    "[train]\nema = { G = '0.9' }": line(8, "train.ema.G: input should be a number, got '0.9'"),
    "[train]\ninit_from = 7": line(8, "train.init_from: input should be a path, got 7"),
    "[train]\ninit = 3": line(8, "train.init: input should be a table, got 3"),
    "[optimizers]\nD = 3": line(
        8, "optimizers.D: should be the name of the optimizer or a table with its name, got 3"
    ),
    "[optimizers.D]\nbetas = [0.5]": line(8, "optimizers.D.betas: input should have more entries, got [0.5]"),
    "[optimizers.D]\nbetas = [0.5, 0.9, 0.9]": line(
        8, "optimizers.D.betas: input should have at most 2 entries, got [0.5, 0.9, 0.9]"
    ),
    "[optimizers.D]\nbetas = 0.5": line(8, "optimizers.D.betas: input should be a list, got 0.5"),
    "[strategy.generator]\ndepth = 'deep'": line(
        8, "strategy.generator.depth: input should be a whole number or 'auto', got 'deep'"
    ),
    "[schedule]\nconstant = true": line(8, "schedule.constant: input should be a whole number, got true"),
    "[terms]\nedges = 3": line(8, "terms.edges: should be a table, got 3"),
    "[loggers]\nname = 'tensorboard'": line(
        7, "loggers: should be a list of tables: [[loggers]], got {'name': 'tensorboard'}"
    ),
    # limits
    "[train]\nsteps = 0": line(8, "train.steps: input should be greater than or equal to 1, got 0"),
    "[train]\nbatch = -1": line(8, "train.batch: input should be greater than or equal to 1, got -1"),
    "[train]\nepochs = 0": line(8, "train.epochs: input should be greater than 0, got 0"),
    "[train]\nseed = -1": line(8, "train.seed: input should be greater than or equal to 0, got -1"),
    "[train]\nema = { G = 1.5 }": line(8, "train.ema.G: input should be less than 1 or a table, got 1.5"),
    "[train]\nprecision = 'half'": line(
        8, "train.precision: input should be 'auto', 'fp32', 'bf16' or 'fp16', got 'half'"
    ),
    "[train.init]\nname = 'gauss'": line(
        8,
        "train.init.name: input should be 'normal', 'xavier', 'kaiming', 'orthogonal' or 'default', got 'gauss'",
    ),
    "[validate]\npatience = 0": line(
        8, "validate.patience: input should be greater than or equal to 1, got 0"
    ),
    "[validate]\ndirection = 'up'": line(
        8, "validate.direction: input should be 'auto', 'min' or 'max', got 'up'"
    ),
    "[optimizers.D]\nlr = 0": line(8, "optimizers.D.lr: input should be greater than 0, got 0"),
    "[strategy.generator]\nnorm = 'layer'": line(
        8,
        "strategy.generator.norm: input should be 'instance', 'batch', 'sync-batch', 'group' or 'none', got 'layer'",
    ),
    "[strategy.generator]\ndropout = 1": line(
        8, "strategy.generator.dropout: input should be less than 1, got 1"
    ),
    "[strategy.gan]\ntarget = 3": line(
        8, "strategy.gan.target: input should be less than or equal to 1, got 3"
    ),
    "[strategy.generator]\nname = 'resnet'\nblocks = -1": line(
        9,
        "strategy.generator.blocks: input should be greater than or equal to 0 or 'auto', got -1",
    ),
    # what cannot work
    "[train]\nsteps = 4\nepochs = 2": line(
        9, "train.epochs: the length is given twice; keep either steps or epochs"
    ),
    "[schedule]\nconstant = 1\ndecay_steps = 3": line(
        8,
        "schedule.constant: give the plan either in epochs (constant, decay) or in steps (constant_steps, "
        "decay_steps)",
    ),
    "[validate]\nevery = 3\n[train]\nvalidate_every = 4": line(
        8, "validate.every: train.validate_every says 4, this says 3; keep one"
    ),
    "[strategy.generator]\ndepth = 9": line(
        8, "strategy.generator.depth: 9 needs a multiple of 512 pixels, got 32; use 5 or less"
    ),
    "[strategy.discriminator]\nlayers = 9": line(
        8, "strategy.discriminator.layers: 9 need at least 1536 pixels, got 32; use 3 or less"
    ),
    # terms
    TERM.replace("sobel", "sobl"): line(
        8, "terms.edges.loss: there is no loss 'sobl'", f"did you mean 'sobel'? {LOSSES}"
    ),
    TERM.replace('"generator"', '"generators"'): line(
        10,
        "terms.edges.phase: there is no phase 'generators'",
        "did you mean 'generator'? known: discriminator, generator",
    ),
    TERM.replace('["G"]', '["G", "F"]'): line(
        11, "terms.edges.minimised_by: there is no network 'F'", "known: D, G"
    ),
    TERM.replace('["G"]', '["D"]'): line(
        11, "terms.edges.minimised_by: phase 'generator' does not train D", "it trains G"
    ),
    TERM.replace("edges", "pixel"): line(
        7, "terms.pixel: phase 'generator' has a term 'pixel' already; choose another name"
    ),
    TERM.replace('["fake", "b"]', '"fake"'): line(9, f"terms.edges.of: {NEEDS_LIST}"),
    TERM.replace('["fake", "b"]', "[]"): line(
        9, "terms.edges.of: input should have at least 1 entry, got []"
    ),
    TERM.replace('of = ["fake", "b"]\n', ""): line(7, "terms.edges.of: term 'edges' needs this option"),
    TERM.replace('"sobel"', "{ scale = 2 }"): line(
        8,
        "terms.edges.loss: input should be the name of a component or a table with its name, got {'scale': 2}",
    ),
    TERM + "weight = 'a'": line(12, "terms.edges.weight: input should be a number or a table, got 'a'"),
    TERM + "weight = { to = 3 }": line(
        12, "terms.edges.weight.steps: 'terms.edges.weight' needs this option"
    ),
    TERM + "weight = { steps = 3, too = 3 }": line(
        12,
        "terms.edges.weight.too: 'terms.edges.weight' has no such option",
        "did you mean 'to'? known: from, schedule, steps, to",
    ),
}

# A whole text -> what is said about it.
WHOLE: dict[str, str] = {
    "[strategy]\nname = 'pix2pix'\n": nowhere("data: this section is needed: where are the pictures?", DATA),
    "[strategy]\nname = 'pix2pix'\n[data]\nsize = 256": line(3, "data.root: data 'paired' needs this option"),
    "strategy = 'pix2pix'\ndata = 'paired'": line(2, "data.root: data 'paired' needs this option"),
    "[data]\nname = 'demo'": nowhere(
        "strategy.name: the name of the strategy is needed here",
        STRATEGIES,
    ),
    "[strategy]\nname = 3\n[data]\nname = 'demo'": line(
        2,
        "strategy.name: the name of the strategy is needed here",
        STRATEGIES,
    ),
    "strategy = 3\ndata = 'demo'": line(1, "strategy: should be a table, got 3"),
    "strategy = 'cyclgan'\ndata = 'demo'": line(
        1,
        "strategy: there is no strategy 'cyclgan'",
        f"did you mean 'cyclegan'? {STRATEGIES}",
    ),
    "strategy = 'pix2pix'\n[data]\nname = 'dmo'": line(
        2, "data: there is no data 'dmo'", f"did you mean 'demo'? {DATA}"
    ),
    "strategy = 'pix2pix'\n[data]\nname = 4": line(3, "data.name: the name of the data is needed here", DATA),
    "strategy = 'pix2pix'\ndata = 'demo'\ntrain = 3": line(3, "train: should be a table, got 3"),
    "strategy = 'pix2pix'\n[data]\nroot = 3": line(3, "data.root: input should be a path, got 3"),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nworkers = -1": line(
        4, "data.workers: input should be a number of processes, got -1"
    ),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nworkers = true": line(
        4, "data.workers: input should be a number of processes, got true"
    ),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nchannels = 0": line(
        4, "data.channels: input should be greater than or equal to 1, got 0"
    ),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nbit_depth = 12\nvalue_range = [0, 1]": line(
        4,
        "data.bit_depth: it and value_range both say which values stand for -1 and +1; leave one of them out "
        "(12 bits are value_range = [0, 4095])",
    ),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nvalue_range = { c = [0, 1] }": line(
        4, "data.value_range.c: input should be 'a' or 'b', got 'c'"
    ),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nflip = 'no'": line(
        4, "data.flip: input should be true or false, got 'no'"
    ),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nsize = 101": line(
        1, "strategy.generator.depth: none fits pictures of 101 pixels; choose a power of two, such as 256"
    ),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nsize = 16": line(
        1, "strategy.discriminator.layers: 3 need at least 24 pixels, got 16; use 2 or less"
    ),
    "strategy = 'pix2pix'\n[data]\nroot = 'x'\nsize = 64\nload_size = 32": line(
        5,
        'data.load_size: a crop of size 64 does not fit into pictures resized to 32; use 64 or more, or "auto"',
    ),
    "[strategy]\nname = 'pix2pix'\npixel_weight = -1\n[data]\nname = 'demo'": line(
        3, "strategy.pixel_weight: input should be greater than or equal to 0, got -1"
    ),
}


def complaint(source: Any, *settings: str) -> str:
    with pytest.raises(i2i.I2IError) as error:
        resolve(source, registry(), settings)
    return str(error.value)


@pytest.mark.parametrize("text", AFTER)
def test_a_wrong_key_gets_its_sentence(text: str) -> None:
    assert complaint(PIX + text) == AFTER[text]


@pytest.mark.parametrize("text", WHOLE)
def test_a_wrong_spec_gets_its_sentence(text: str) -> None:
    said = complaint(text + "\n")
    assert said == WHOLE[text]


def test_the_file_stands_in_front_of_the_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(PIX + "[train]\nstep = 3\n", encoding="utf-8")
    assert complaint(file).startswith("  mine.toml:8: train.step: section 'train' has no such option\n")


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    text = """\
[strategy]
name = "pix2pix"
[strategy.generator]
widht = 8
norm = "layer"
[data]
name = "paired"
[optimizers.D]
name = "adm"
[terms.edges]
loss = "sobl"
[trian]
"""
    assert complaint(text) == "\n".join(
        [
            line(
                4,
                "strategy.generator.widht: generator 'unet' has no such option",
                f"did you mean 'width'? {UNET}",
            ),
            line(
                5,
                "strategy.generator.norm: input should be 'instance', 'batch', 'sync-batch', 'group' or 'none', "
                "got 'layer'",
            ),
            line(6, "data.root: data 'paired' needs this option"),
            line(8, "optimizers.D: there is no optimizer 'adm'", f"did you mean 'adam'? {OPTIMIZERS}"),
            line(10, "terms.edges.of: term 'edges' needs this option"),
            line(10, "terms.edges.phase: term 'edges' needs this option"),
            line(10, "terms.edges.minimised_by: term 'edges' needs this option"),
            line(11, "terms.edges.loss: there is no loss 'sobl'", f"did you mean 'sobel'? {LOSSES}"),
            line(12, "trian: there is no such section", f"did you mean 'train'? {ALL_SECTIONS}"),
        ]
    )


def test_a_dict_has_no_lines() -> None:
    tables = {"strategy": "pix2pix", "data": {"name": "demo", "sise": 3}}
    assert complaint(tables) == (
        "  data.sise: data 'demo' has no such option\n"
        "    did you mean 'size'? known: count, flip, layout, light, load_size, seed, size, split"
    )


def test_a_wrong_setting_is_named() -> None:
    assert complaint(PIX, "train.steps=many") == (
        "  --set train.steps: input should be a whole number, got 'many'"
    )
    assert complaint(PIX, "strategy.generator=resnt") == (
        f"  --set strategy.generator: there is no generator 'resnt'\n    did you mean 'resnet'? {GENERATORS}"
    )


def test_a_long_value_is_cut_off() -> None:
    said = complaint(PIX + f"[train]\nsteps = '{'x' * 500}'")
    assert len(said) < 160
    assert said.endswith("…")


# What only shows when networks and data are built.


def build_complaint(text: str, tmp_path: Path) -> str:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(i2i.I2IError) as error:
        i2i.build(file, registry=registry())
    return str(error.value)


def test_a_missing_root_names_the_nearest_folder(tmp_path: Path) -> None:
    (tmp_path / "horses").mkdir()
    said = build_complaint("strategy = 'cyclegan'\n[data]\nroot = 'hoses'\n", tmp_path)
    root = tmp_path.resolve()
    assert said == (
        f"  mine.toml:3: data.root: there is no folder '{root / 'hoses'}'; "
        f"the nearest is '{root / 'horses'}'; '{root}' holds horses"
    )


def test_a_batch_that_does_not_divide_names_one_that_does(tmp_path: Path) -> None:
    said = build_complaint(PIX + "[train]\nbatch = 3\naccumulate = 2\n", tmp_path)
    assert said == (
        "  mine.toml:8: train.batch: 3 cannot be cut into accumulate (2) × processes (1) micro-batches; 4 can"
    )


def test_identity_needs_equal_channels(tmp_path: Path) -> None:
    for domain, mode in (("A", "L"), ("B", "RGB")):
        (tmp_path / f"train{domain}").mkdir()
        picture(mode).save(tmp_path / f"train{domain}" / "1.png")
    said = build_complaint("strategy = 'cyclegan'\n[data]\nroot = '.'\nsize = 32\n", tmp_path)
    assert said == (
        "  mine.toml:1: strategy.identity_weight: the identity loss needs domains with equal channels, but a has 1 "
        "and b has 3; set it to 0, or data.channels to 3"
    )


def picture(mode: str) -> Any:
    from PIL import Image

    return Image.new(mode, (32, 32))


def test_a_crop_larger_than_the_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    picture("RGB").save(tmp_path / "train" / "1.png")
    text = "strategy = 'pix2pix'\n[data]\nroot = '.'\nsize = 32\ncentre_crop = 64\n"
    said = build_complaint(text, tmp_path)
    assert said == (
        "  mine.toml:5: data.centre_crop: 64 is larger than 'train/1.png', which is 16×32; "
        "use 16 or less, or leave it out"
    )


def test_data_without_the_wanted_fields_is_refused(tmp_path: Path) -> None:
    class Labelled:
        """Pictures with classes."""

        def __init__(self) -> None:
            self.facts = i2i.DataFacts(
                fields=("image", "domain"), image_size=32, channels={"image": 3}, value_range={}
            )

    mine = i2i.Registry("mine")
    mine.merge(registry())
    mine.add("data", "labelled", Labelled)
    with pytest.raises(i2i.I2IError) as error:
        i2i.build({"strategy": "pix2pix", "data": "labelled"}, registry=mine)
    assert (
        str(error.value)
        == "  data: strategy 'pix2pix' needs a, b; this data has image, domain; the method is made for data 'paired'"
    )


def test_a_truth_that_nobody_knows_cannot_be_waited_for(tmp_path: Path) -> None:
    for folder in ("trainA", "trainB", "testA", "testB"):
        (tmp_path / folder).mkdir()
        picture("RGB").save(tmp_path / folder / "1.png")
    text = "strategy = 'cyclegan'\n[data]\nroot = '.'\nsize = 32\n[validate]\npatience = 3\n"
    assert build_complaint(text, tmp_path) == (
        "  mine.toml:6: validate.patience: the true translations of what the training data holds out are not known, "
        "so there is nothing to compare with"
    )


def test_a_device_that_is_not_here_is_named(tmp_path: Path) -> None:
    said = build_complaint(PIX + "[train]\ndevice = 'gpu'\n", tmp_path)
    assert said == (
        "  mine.toml:8: train.device: there is no device 'gpu'; use auto, cpu, cuda, cuda:1 or mps"
    )


def test_a_start_that_is_none_is_refused(tmp_path: Path) -> None:
    said = build_complaint(PIX + "[train]\ninit_from = 'old'\n", tmp_path)
    assert said.startswith(
        f"  mine.toml:8: train.init_from: {tmp_path.resolve() / 'old'}: this is neither a run folder nor a checkpoint"
    )


# Nothing that a user writes ends in a traceback.

ODD = (
    None,
    True,
    False,
    0,
    -1,
    1,
    3.5,
    1e30,
    float("nan"),
    float("inf"),
    "",
    "x",
    "auto",
    "l1",
    [],
    [1],
    ["a", 2],
)
ODDER = ({}, {"name": "l1"}, {"name": 3}, {"a": {"b": 1}}, [[]], [{}], {"": 0}, {"name": "l1", "name ": 1})
VALUES: tuple[Any, ...] = (*ODD, *ODDER)
VALID: dict[str, Any] = {
    "strategy": {"name": "pix2pix", "generator": {"name": "unet", "width": 4, "depth": 3}, "gan": "lsgan"},
    "data": {"name": "demo", "layout": "paired", "size": 32, "workers": 0},
    "optimizers": {"default": {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.9]}, "D": "sgd"},
    "schedule": {"name": "linear", "constant_steps": 2, "decay_steps": 2},
    "train": {
        "steps": 4,
        "ema": {"G": 0.9},
        "init": {"name": "normal", "gain": 0.1},
        "batch": 2,
        "validate_every": 2,
    },
    "validate": {"metric": "l1", "patience": 2, "data": {"name": "demo", "layout": "paired", "size": 32}},
    "terms": {
        "e": {"loss": "l1", "of": ["fake", "b"], "phase": "generator", "minimised_by": ["G"], "weight": 2}
    },
    "loggers": [{"name": "tensorboard", "folder": "events"}],
}


@dataclass
class Change:
    """One random change somewhere in a tree of tables."""

    rng: random.Random

    def __call__(self, tables: Any) -> None:
        place, key = self.somewhere(tables)
        change: Callable[[Any, Any], None] = self.rng.choice(
            [self.replace, self.remove, self.rename, self.add]
        )
        change(place, key)

    def somewhere(self, tables: Any) -> tuple[Any, Any]:
        place = tables
        while True:
            key = self.rng.choice(list(place) if isinstance(place, dict) else range(len(place)))
            inner = place[key]
            if not isinstance(inner, (dict, list)) or not inner or self.rng.random() < 0.3:
                return place, key
            place = inner

    def replace(self, place: Any, key: Any) -> None:
        place[key] = copy.deepcopy(self.rng.choice(VALUES))

    def remove(self, place: Any, key: Any) -> None:
        del place[key]

    def rename(self, place: Any, key: Any) -> None:
        if isinstance(place, dict):
            place[self.rng.choice(["name", "nam", "", "a.b", key + "s", key[:-1]])] = place.pop(key)

    def add(self, place: Any, key: Any) -> None:
        if isinstance(place, dict):
            place[self.rng.choice(["name", "width", "x", "lr", "from"])] = copy.deepcopy(
                self.rng.choice(VALUES)
            )


def test_random_changes_end_in_a_spec_or_in_a_sentence() -> None:
    made = 0
    for seed in range(600):
        change, tables = Change(random.Random(seed)), copy.deepcopy(VALID)
        for _ in range(1 + seed % 3):
            if tables:
                change(tables)
        try:
            spec = resolve(tables, registry())
        except i2i.I2IError as error:
            assert str(error).strip()
            continue
        made += 1
        assert resolve(spec.toml(), registry()) == spec, seed
    assert 20 < made < 400


def test_random_settings_end_in_a_spec_or_in_a_sentence() -> None:
    rng = random.Random(0)
    keys = [
        "train",
        "train.steps",
        "strategy.generator",
        "data.size",
        "loggers",
        "optimizers.G.lr",
        "a.b",
        "terms.x.of",
    ]
    values = [
        "1",
        "-1",
        "x",
        "",
        "[",
        "{",
        "{ name = 'l1' }",
        "true",
        "1e400",
        "2020-01-01",
        '"',
        "\n",
        "[1, 'a']",
    ]
    for _ in range(200):
        setting = f"{rng.choice(keys)}{rng.choice(['=', '.x=', '..=', ''])}{rng.choice(values)}"
        try:
            resolve(VALID, registry(), [setting])
        except i2i.I2IError as error:
            assert str(error).strip()


def test_random_texts_are_read_or_refused() -> None:
    rng = random.Random(1)
    text = resolve(VALID, registry()).toml()
    for _ in range(150):
        cut, end = sorted(rng.sample(range(len(text)), 2))
        broken = text[:cut] + rng.choice(["", "[", "=", '"', "\n[x]\n", "#"]) + text[end:]
        try:
            read(broken + "\n")
            resolve(broken + "\n", registry())
        except i2i.I2IError as error:
            assert str(error).strip()
