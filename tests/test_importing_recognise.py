"""Which part of which method a file holds: by its tensors, by its name, or as the user says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import registry
from sources import Pixel, patch, resnet, saved, unet
from torch import nn

import i2i
from i2i.core.errors import I2IError
from i2i.core.importing import Match
from i2i.importing.recognise import agreed, recognise


def found(*paths: Path, as_: str | None = None) -> dict[str, str]:
    """File name -> STRATEGY.PART."""
    return {file.path.name: file.found.name for file in recognise(paths, registry(), as_)}


def refused(*paths: Path, as_: str | None = None, among: i2i.Registry | None = None) -> str:
    with pytest.raises(I2IError) as error:
        recognise(paths, among or registry(), as_)
    return str(error.value)


# By name


@pytest.mark.parametrize(
    ("name", "net", "part"),
    [
        ("latest_net_G.pth", unet("batch"), "pix2pix.G"),
        ("latest_net_G.pth", unet("instance"), "pix2pix.G"),
        ("latest_net_G.pth", resnet("batch"), "pix2pix.G"),
        ("latest_net_G.pth", resnet("instance", dropout=True), "pix2pix.G"),
        ("200_net_D.pth", patch("batch", channels=6), "pix2pix.D"),
        ("iter_5_net_D.pth", Pixel("batch", channels=6), "pix2pix.D"),
        ("latest_net_G_A.pth", resnet(), "cyclegan.G_ab"),
        ("latest_net_G_B.pth", resnet("batch", dropout=True), "cyclegan.G_ba"),
        ("latest_net_G_B.pth", unet("instance"), "cyclegan.G_ba"),
        ("latest_net_D_A.pth", patch(), "cyclegan.D_b"),
        ("latest_net_D_B.pth", Pixel(), "cyclegan.D_a"),
        ("netG_A2B.pth", resnet(), "cyclegan.G_ab"),
        ("netG_B2A.pth", resnet(), "cyclegan.G_ba"),
        ("netD_A.pth", patch(), "cyclegan.D_a"),
        ("netD_B.pth", patch(), "cyclegan.D_b"),
    ],
)
def test_a_file_name_tells_what_the_weights_leave_open(
    tmp_path: Path, name: str, net: nn.Module, part: str
) -> None:
    assert found(saved(tmp_path / name, net)) == {name: part}


def test_weights_that_fit_one_part_need_no_name(tmp_path: Path) -> None:
    # six channels: cyclegan's discriminators may see as many, so only what those are not is told by the weights alone
    tensors = saved(tmp_path / "x.pth", {"main.0.weight": torch.zeros(4, 8, 7, 7)})
    assert found(saved(tmp_path / "y.pth", unet("batch")), as_="pix2pix") == {"y.pth": "pix2pix.G"}
    assert "no importer knows these weights" in refused(tensors)


# As the user says


@pytest.mark.parametrize(
    ("as_", "part"),
    [
        ("pix2pix", "pix2pix.G"),
        ("pix2pix.G", "pix2pix.G"),
        ("cyclegan.G_ab", "cyclegan.G_ab"),
        ("cyclegan.G_ba", "cyclegan.G_ba"),
    ],
)
def test_the_user_says_what_a_file_is(tmp_path: Path, as_: str, part: str) -> None:
    assert found(saved(tmp_path / "horse2zebra.pth", resnet()), as_=as_) == {"horse2zebra.pth": part}


def test_the_user_is_right_whatever_the_name(tmp_path: Path) -> None:
    path = saved(tmp_path / "latest_net_G_B.pth", resnet())
    assert found(path, as_="cyclegan.G_ab") == {path.name: "cyclegan.G_ab"}


def test_a_method_is_enough_where_the_name_tells_the_part(tmp_path: Path) -> None:
    """As published: one direction, called like the generator of pix2pix."""
    path = saved(tmp_path / "latest_net_G.pth", resnet())
    assert found(path, as_="cyclegan") == {path.name: "cyclegan.G_ab"}


def test_what_the_user_says_must_exist_and_fit(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.pth", unet())
    said = refused(path, as_="cyclegan.G_ba_")
    assert said.startswith(
        "--as cyclegan.G_ba_: there is no importer of that name\n    did you mean 'cyclegan.G_ba'?"
    )
    assert "cyclegan, cyclegan.D_a" in said
    assert refused(path, as_="pix2pix.D") == (
        f"{path}: these weights do not fit pix2pix.D; they fit cyclegan.G_ab, cyclegan.G_ba and pix2pix.G"
    )


def test_one_part_cannot_be_several_files(tmp_path: Path) -> None:
    paths = [saved(tmp_path / f"{n}.pth", resnet()) for n in range(2)]
    assert refused(*paths, as_="cyclegan.G_ab") == (
        "--as cyclegan.G_ab names one part, and there are 2 files; name the method: --as cyclegan"
    )


# What cannot be told


def test_an_ambiguous_file_lists_what_it_can_be(tmp_path: Path) -> None:
    path = saved(tmp_path / "horse2zebra.pth", resnet())
    assert refused(path) == (
        f"{path}: these weights fit cyclegan.G_ab, cyclegan.G_ba and pix2pix.G alike; say which:\n"
        "    --as cyclegan.G_ab\n"
        "    --as cyclegan.G_ba\n"
        "    --as pix2pix.G\n"
        "    call it …net_G_A.pth: cyclegan.G_ab\n"
        "    call it …net_G_B.pth: cyclegan.G_ba"
    )


def test_a_name_that_two_methods_use_settles_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path / "latest_net_G.pth", resnet())
    assert refused(path) == (
        f"{path}: these weights fit cyclegan.G_ab and pix2pix.G alike; say which:\n"
        "    --as cyclegan.G_ab\n"
        "    --as pix2pix.G"
    )


def test_several_files_settle_each_other(tmp_path: Path) -> None:
    generator = saved(tmp_path / "latest_net_G.pth", resnet())
    judge = saved(tmp_path / "latest_net_D.pth", patch("batch", channels=6))
    parts = {"latest_net_G.pth": "pix2pix.G", "latest_net_D.pth": "pix2pix.D"}
    assert found(generator, judge) == found(judge, generator) == parts


def test_among_several_files_an_ambiguous_one_wants_the_method_or_a_name(tmp_path: Path) -> None:
    one, other = (saved(tmp_path / f"{n}.pth", resnet()) for n in ("one", "other"))
    assert refused(one, other) == (
        f"{one}: these weights fit cyclegan.G_ab, cyclegan.G_ba and pix2pix.G alike; say which:\n"
        "    --as pix2pix\n"
        "    call it …net_G_A.pth: cyclegan.G_ab\n"
        "    call it …net_G_B.pth: cyclegan.G_ba"
    )


def test_files_of_two_methods_are_refused(tmp_path: Path) -> None:
    one = saved(tmp_path / "latest_net_G_A.pth", resnet())
    other = saved(tmp_path / "latest_net_D.pth", patch("batch", channels=6))
    assert refused(one, other) == (
        "these files are not parts of one method; import them one by one\n"
        f"    {one}: cyclegan.G_ab\n"
        f"    {other}: pix2pix.D"
    )


def test_two_files_for_one_part_are_refused(tmp_path: Path) -> None:
    one, other = (saved(tmp_path / f"{n}_net_G_A.pth", resnet()) for n in (5, 10))
    assert refused(one, other) == f"{one} and {other} are both cyclegan.G_ab; import one of them"


def test_nothing_is_imported_from_nothing() -> None:
    assert refused() == "there is nothing to import: name at least one file of weights"


class Foreign:
    """Weights of a project whose generator has one scale."""

    def detect(self, keys: Iterable[str], shapes: Mapping[str, tuple[int, ...]]) -> Match | None:
        return Match(keys={"scale": "scale"}) if set(keys) == {"scale"} else None


@pytest.mark.parametrize("as_", [None, "pix2pix", "pix2pix.G", "pix2pix.G-foreign"])
def test_a_part_may_be_read_in_a_further_layout(tmp_path: Path, as_: str | None) -> None:
    more = i2i.discover()
    more.add("importer", "pix2pix.G-foreign", Foreign)
    path = saved(tmp_path / "x.pth", {"scale": torch.tensor(1.0)})
    (file,) = recognise([path], more, as_)
    assert (file.found.strategy, file.found.part, [*file.weights]) == ("pix2pix", "G", ["scale"])


# What does not fit


def test_unknown_weights_are_described(tmp_path: Path) -> None:
    weights = {f"layer{n}.weight": torch.zeros(n, 2) for n in range(1, 8)} | {"z.count": torch.tensor(1)}
    path = saved(tmp_path / "x.pth", weights)
    first, asked = refused(path).split("\n")
    assert first == (
        f"{path}: no importer knows these weights: 8 tensors, layer1.weight (1×2), layer2.weight (2×2), "
        "layer3.weight (3×2), layer4.weight (4×2), layer5.weight (5×2), …"
    )
    assert asked.startswith("    asked: ")
    assert {"cyclegan.G_ab", "pix2pix.D"} <= set(asked.removeprefix("    asked: ").split(", "))


def test_without_importers_nobody_knows_anything(tmp_path: Path) -> None:
    said = refused(saved(tmp_path / "x.pth", {"scale": torch.tensor(1.0)}), among=i2i.Registry("none"))
    assert said.endswith("1 tensors, scale (a number)\n    asked: none, because none is installed")


def test_a_network_that_blurs_is_refused_with_the_reason(tmp_path: Path) -> None:
    weights = {**resnet().state_dict(), "model.12.filt": torch.zeros(4, 1, 3, 3)}
    path = saved(tmp_path / "latest_net_G.pth", weights)
    for as_ in (None, "cyclegan", "pix2pix.G"):
        said = refused(path, as_=as_)
        assert said.startswith(f"{path}: this network blurs where it halves or doubles the size")
        assert said.count("anti-aliasing") == 1


def test_tensors_without_a_place_and_missing_ones_are_named(tmp_path: Path) -> None:
    weights = dict(unet("batch").state_dict())
    weights |= {"extra.weight": torch.zeros(1), "extra.bias": torch.zeros(1)}
    path = saved(tmp_path / "latest_net_G.pth", weights)
    said = "extra.weight (and 1 more) has no place in it"
    assert refused(path) == f"{path}: this looks like pix2pix.G, but {said}"
    lost = "model.model.1.model.2.running_mean"
    path = saved(tmp_path / "latest_net_G.pth", {k: v for k, v in weights.items() if k != lost})
    assert refused(path) == f"{path}: this looks like pix2pix.G, but {said} and it lacks {lost}"


# What files tell together


def test_files_agree_on_options_and_facts(tmp_path: Path) -> None:
    files = [
        saved(tmp_path / f"net_G_{n}.pth", resnet(channels=c)) for n, c in (("A", (3, 1)), ("B", (1, 3)))
    ]
    files.append(saved(tmp_path / "net_D_A.pth", patch(channels=1)))
    options, facts = agreed(recognise(files, registry()))
    generator = {"name": "resnet", "width": 2, "blocks": 2, "norm": "instance", "dropout": 0.0}
    judge = {"name": "patch", "width": 2, "layers": 3, "norm": "instance"}
    assert options == {"generator": generator, "discriminator": judge}
    assert facts == {"channels": {"a": 3, "b": 1}}


def test_files_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    files = [saved(tmp_path / f"net_G_{n}.pth", resnet(blocks=b)) for n, b in (("A", 1), ("B", 2))]
    with pytest.raises(I2IError) as error:
        agreed(recognise(files, registry()))
    assert str(error.value) == (
        f"these files are not of one training: strategy.generator.blocks is 1 and 2 ({files[0]}, {files[1]})"
    )


# Importers of strangers


class Stranger:
    """Weights of somebody else."""

    def detect(self, keys: Iterable[str], shapes: Mapping[str, tuple[int, ...]]) -> Match | None:
        if set(keys) != {"theirs", "noise"}:
            return None
        facts: dict[str, Any] = {"channels": {"a": shapes["theirs"][0]}}
        return Match(keys={"theirs": "ours"}, unused=("noise",), facts=facts)


def test_a_strangers_importer_is_asked(tmp_path: Path) -> None:
    components = i2i.Registry("mine")
    components.merge(registry())
    components.add("importer", "mine.G", Stranger)
    path = saved(tmp_path / "x.pth", {"theirs": torch.ones(5), "noise": torch.zeros(1)})
    (file,) = recognise([path], components)
    assert (file.found.strategy, file.found.part) == ("mine", "G")
    assert file.weights.keys() == {"ours"}
