"""Defaults and precedence: component < recipe < file < --set; what "auto" means; paths; optimizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import registry

from i2i.core.schema import Ref
from i2i.spec.resolver import scaled
from i2i.spec.sections import Train
from i2i.spec.spec import Spec, resolve

PIX = {"strategy": "pix2pix", "data": {"root": "pictures"}}
CYCLE = {"strategy": "cyclegan", "data": {"root": "pictures"}}


def spec(*tables: dict[str, Any], settings: tuple[str, ...] = ()) -> Spec:
    merged: dict[str, Any] = {}
    for table in tables:
        merged |= table
    return resolve(merged, registry(), settings)


def strategy(**options: Any) -> dict[str, Any]:
    return {"strategy": {"name": "pix2pix", **options}}


def option(made: Spec, component: str, name: str) -> Any:
    return made.strategy.options[component].options[name]


def test_a_spec_of_two_lines_trains_as_the_paper_did() -> None:
    made = spec(PIX)
    assert (made.train.epochs, made.train.steps, made.train.batch) == (200, None, 1)
    assert made.train.init.name == "normal"
    assert made.optimizers["default"].options["lr"] == 2e-4
    assert made.optimizers["default"].options["betas"] == (0.5, 0.999)
    assert made.schedule == resolve({**PIX, "schedule": {"constant": 100, "decay": 100}}, registry()).schedule
    assert made.data.options["size"] == 256


def test_defaults_of_a_component_give_way_to_those_of_the_strategy() -> None:
    # the U-Net alone has instance norm and no dropout; pix2pix gives it batch norm and dropout
    assert registry().get("generator", "unet").signature.defaults()["norm"] == "instance"
    assert option(spec(PIX), "generator", "norm") == "batch"
    assert option(spec(PIX), "generator", "dropout") == 0.5


@pytest.mark.parametrize("generator", ["unet", {"name": "unet"}, {}, Ref("unet"), {"width": 64}])
def test_the_same_component_keeps_the_strategys_defaults(generator: Any) -> None:
    made = spec(PIX, strategy(generator=generator))
    assert (option(made, "generator", "norm"), option(made, "generator", "dropout")) == ("batch", 0.5)


def test_another_component_starts_from_its_own_defaults() -> None:
    made = spec(PIX, strategy(generator="resnet"))
    assert option(made, "generator", "norm") == "instance"
    assert option(made, "generator", "dropout") == 0.0


def test_the_file_goes_over_the_recipe_and_set_over_the_file() -> None:
    file = {"optimizers": {"default": {"lr": 1e-3}}, "data": {"root": "pictures", "flip": False}}
    made = spec(PIX, file)
    assert made.optimizers["default"].options["lr"] == 1e-3
    assert made.optimizers["default"].options["betas"] == (0.5, 0.999)
    assert made.data.options["flip"] is False
    made = spec(PIX, file, settings=("optimizers.default.lr=3e-3", "data.flip=true"))
    assert made.optimizers["default"].options["lr"] == 3e-3
    assert made.data.options["flip"] is True


def test_a_table_whose_name_changes_replaces_the_old_one() -> None:
    wide = strategy(generator={"name": "unet", "width": 8})
    for setting in ("strategy.generator=resnet", "strategy.generator.name=resnet"):
        made = spec(PIX, wide, settings=(setting,))
        assert made.strategy.options["generator"].name == "resnet"
        assert option(made, "generator", "width") == 64
    made = spec(PIX, wide, settings=("strategy.generator.name=unet",))
    assert option(made, "generator", "width") == 8


def test_another_optimizer_takes_nothing_from_the_published_one() -> None:
    made = spec(PIX, {"optimizers": {"default": {"name": "adamw"}}})
    assert made.optimizers["default"].options["weight_decay"] == 0.01


def test_optimizers_belong_to_networks_and_extend_the_default() -> None:
    file = {"optimizers": {"default": {"lr": 1e-3}, "D": {"lr": 4e-3}, "G": "sgd"}}
    made = spec(PIX, file)
    assert made.optimizers["D"].name == "adam"
    assert made.optimizers["D"].options["lr"] == 4e-3
    assert made.optimizers["D"].options["betas"] == (0.5, 0.999)
    assert made.optimizers["G"].name == "sgd"
    assert "lr" in made.optimizers["G"].options


def test_optimizers_are_named_by_the_networks_of_the_method() -> None:
    made = spec(CYCLE, {"optimizers": {"G_ab": {"lr": 1e-3}}})
    assert set(made.optimizers) == {"default", "G_ab"}


@pytest.mark.parametrize(("size", "depth"), [(256, 8), (512, 8), (64, 6), (96, 5), (32, 5)])
def test_auto_depth_is_what_the_size_allows_up_to_eight(size: int, depth: int) -> None:
    assert option(spec(PIX, {"data": {"root": "x", "size": size}}), "generator", "depth") == depth


@pytest.mark.parametrize(("size", "blocks"), [(64, 6), (128, 6), (132, 9), (256, 9)])
def test_auto_blocks_are_six_for_small_pictures(size: int, blocks: int) -> None:
    assert option(spec(CYCLE, {"data": {"root": "x", "size": size}}), "generator", "blocks") == blocks


@pytest.mark.parametrize(("size", "load_size"), [(256, 286), (128, 143), (64, 72)])
def test_auto_load_size_keeps_the_published_proportion(size: int, load_size: int) -> None:
    assert spec(PIX, {"data": {"root": "x", "size": size}}).data.options["load_size"] == load_size


def test_an_explicit_value_stays() -> None:
    made = spec(PIX, strategy(generator={"depth": 3}), {"data": {"root": "x", "size": 64, "load_size": 64}})
    assert option(made, "generator", "depth") == 3
    assert made.data.options["load_size"] == 64


def test_a_length_in_epochs_scales_the_schedule() -> None:
    made = spec(PIX, {"train": {"epochs": 20}})
    assert (made.schedule.options["constant"], made.schedule.options["decay"]) == (10, 10)


def test_a_length_in_steps_gives_the_schedule_in_steps() -> None:
    made = spec(PIX, {"train": {"steps": 1000}})
    assert (made.schedule.options["constant_steps"], made.schedule.options["decay_steps"]) == (500, 500)
    assert made.schedule.options["constant"] is None


def test_odd_lengths_keep_their_sum() -> None:
    made = spec(PIX, {"train": {"steps": 7}})
    assert made.schedule.options["constant_steps"] + made.schedule.options["decay_steps"] == 7


@pytest.mark.parametrize(
    ("published", "train", "expected"),
    [
        ({"epochs": 40}, {"epochs": 40}, {"constant": 10, "decay": 30}),
        ({"epochs": 40}, {"epochs": 8}, {"constant": 2, "decay": 6}),
        ({"epochs": 40}, {"steps": 80}, {"constant_steps": 20, "decay_steps": 60}),
        ({"steps": 40}, {"steps": 80}, {"constant_steps": 20, "decay_steps": 60}),
        ({"steps": 40}, {"epochs": 8}, {"constant": 2, "decay": 6}),
        (
            {"steps": 20},
            {"steps": 40},
            {"constant_steps": 20, "decay_steps": 60},
        ),  # it goes on beyond the run
    ],
)
def test_published_schedules_in_both_units_keep_their_proportion(
    published: dict[str, int], train: dict[str, int], expected: dict[str, int]
) -> None:
    unit = "_steps" if "steps" in published else ""
    schedule = {"name": "linear", f"constant{unit}": 10, f"decay{unit}": 30}
    assert scaled(schedule, published, Train(**train)) == {"name": "linear", **expected}


def test_a_schedule_of_ones_own_is_not_scaled() -> None:
    made = spec(PIX, {"train": {"epochs": 20}, "schedule": {"constant": 5, "decay": 15}})
    assert (made.schedule.options["constant"], made.schedule.options["decay"]) == (5, 15)
    assert spec(PIX, {"train": {"steps": 9}, "schedule": "constant"}).schedule.name == "constant"


def test_one_length_replaces_the_other() -> None:
    assert spec(PIX, {"train": {"steps": 9}}).train.epochs is None
    made = spec(PIX, {"train": {"epochs": 3}}, settings=("train.steps=9",))
    assert (made.train.steps, made.train.epochs) == (9, None)
    made = spec(PIX, {"train": {"steps": 9}}, settings=("train.epochs=3",))
    assert (made.train.steps, made.train.epochs) == (None, 3)


def test_paths_count_from_the_spec(tmp_path: Path) -> None:
    file = tmp_path / "specs" / "mine.toml"
    file.parent.mkdir()
    file.write_text(
        'strategy = "pix2pix"\n[data]\nroot = "../pictures"\n'
        '[train]\ninit_from = "old"\n[validate.data]\nname = "paired"\nroot = "other"\n',
        encoding="utf-8",
    )
    made = resolve(file, registry())
    assert made.data.options["root"].resolve() == tmp_path / "pictures"
    assert made.train.init_from == file.parent / "old"
    assert made.validation.data is not None
    assert made.validation.data.options["root"] == file.parent / "other"


def test_paths_of_a_text_count_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert spec(PIX).data.options["root"] == tmp_path / "pictures"
    made = resolve('strategy = "pix2pix"\n[data]\nroot = "pictures"\n', registry())
    assert made.data.options["root"] == tmp_path / "pictures"


def test_the_home_folder_is_understood() -> None:
    assert spec(PIX, {"data": {"root": "~/pictures"}}).data.options["root"] == Path.home() / "pictures"


def test_init_extends_the_published_start() -> None:
    assert spec(PIX, {"train": {"init": {"gain": 0.1}}}).train.init.name == "normal"
    assert spec(PIX, {"train": {"init": {"gain": 0.1}}}).train.init.gain == 0.1
    assert spec(PIX, {"train": {"init": "xavier"}}).train.init.name == "xavier"


def test_the_data_of_the_recipe_need_not_be_named() -> None:
    assert spec(PIX).data.name == "paired"
    assert spec(CYCLE).data.name == "unpaired"


def test_published_data_options_reach_other_data_that_has_them() -> None:
    demo = {"data": {"name": "demo", "layout": "paired"}}
    assert registry().get("data", "demo").signature.defaults()["size"] != 256
    assert spec(PIX, demo).data.options["size"] == 256


def test_workers_are_a_key_of_the_data() -> None:
    assert spec(PIX, {"data": {"root": "x", "workers": 0}}).workers == 0


def test_validation_judges_when_train_says() -> None:
    made = spec(PIX, {"train": {"validate_every": 7}})
    assert made.validation.every == 7
    assert spec(PIX, {"validate": {"every": 3}}).validation.every == 3
    assert made.validation.metric.name == "l1"


def test_a_written_spec_agrees_with_itself_on_when_to_judge() -> None:
    made = spec(PIX, {"validate": {"every": 3}})
    assert spec(PIX, made.tables()) == made


def test_loggers_are_components() -> None:
    made = spec(PIX, {"loggers": [{"name": "tensorboard", "folder": "events"}, "tensorboard"]})
    assert [ref.options["folder"] for ref in made.loggers] == ["events", "tensorboard"]


def test_nothing_is_the_only_none() -> None:
    given = {"train": {"steps": None, "clip": None}, "data": {"root": "x", "centre_crop": None}}
    assert spec(PIX, given).train.epochs == 200
