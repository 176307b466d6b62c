"""What of timm's own options reaches it, what it builds for i2i, and its names."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from helpers import registry
from sources_timm import picture
from torch import nn

import i2i
from i2i_timm.encoder import TimmEncoder
from i2i_timm.networks import REFUSED, known


@pytest.mark.parametrize(
    ("option", "value", "why"),
    [
        ("checkpoint_path", "evil.pth", "`weights` says where its weights come from"),
        ("pretrained", True, "`weights` says where its weights come from"),
        ("pretrained_cfg", "a1_in1k", "`weights` says where its weights come from"),
        ("cache_dir", "elsewhere", "`weights` says where its weights come from"),
        ("features_only", False, "`stages` says which of its maps are used"),
        ("num_classes", 0, "`stages` says which of its maps are used"),
        ("in_chans", 1, "the pictures say it; set data.channels"),
        ("device", "cpu", "i2i decides that"),
        ("scriptable", True, "i2i decides that"),
        ("pruned", True, 'a pruned network has a name of its own: network = "ecaresnet50d_pruned"'),
    ],
)
def test_what_timms_factory_takes_is_refused(option: str, value: object, why: str) -> None:
    with pytest.raises(i2i.I2IError) as error:
        table = {"name": "timm", "network": "test_resnet", "network_options": {option: value}}
        ref = registry().resolve("encoder", table, "strategy.encoder")
        registry().build(ref, {}, {"in_channels": 3, "latent": 4})
    assert str(error.value) == f"encoder 'timm': network_options: '{option}' cannot be set here: {why}"


def test_every_option_of_timms_factory_is_refused() -> None:
    """A later timm may read files in new ways."""
    names = {*signature(timm.create_model).parameters}
    assert names - {"model_name", "kwargs"} <= {*REFUSED}


def test_no_code_of_a_file_runs(tmp_path: Path) -> None:
    """As in models that somebody shares, without a spec that was checked."""
    torch.save(Opening(tmp_path / "ran"), path := tmp_path / "evil.pth")
    with pytest.raises(ValueError, match="'checkpoint_path' cannot be set here"):
        TimmEncoder(3, 4, True, network="test_resnet", network_options={"checkpoint_path": str(path)})
    assert not (tmp_path / "ran").exists()


class Opening:
    """What writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_whole_networks_take_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the stages in use, only names and shapes of the weights are wanted."""
    made: list[nn.Module] = []
    create = timm.create_model

    def kept(*names: Any, **options: Any) -> nn.Module:
        made.append(create(*names, **options))
        return made[-1]

    monkeypatch.setattr(timm, "create_model", kept)
    encoder = TimmEncoder(3, 4, network="resnet10t")
    real = [each for each in made if not all(weight.is_meta for weight in each.parameters())]
    assert [id(each) for each in real] == [id(encoder.backbone.network)]
    assert len(made) == 2


def test_a_network_that_reads_numbers_while_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older versions of timm do so with the rates of drop path."""
    create = timm.create_model

    def reading(*names: Any, **options: Any) -> Any:
        torch.linspace(0, 1, 2)[0].item()
        return create(*names, **options)

    monkeypatch.setattr(timm, "create_model", reading)
    assert TimmEncoder(3, 4, network="test_resnet")(picture(1))[0].isfinite().all()


def test_a_tag_that_was_left_out() -> None:
    with pytest.raises(
        ValueError, match=r"^network: timm has no weights '' of resnet18\n    known: a1_in1k, a2"
    ):
        known("resnet18.")
