"""Pushing to a hub and loading from it: the library is real, the hub is on this machine."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fake_hub
import huggingface_hub
import pytest
import torch
from fake_hub import TOKEN, Hub, Repo
from helpers import registry
from huggingface_hub import constants
from PIL import Image
from torch import Tensor

from i2i.core.errors import I2IError
from i2i.translate.loading import load
from i2i.translate.model import Model
from i2i.translate.sharing import hub as hub_module
from i2i.translate.sharing.hub import push
from i2i.translate.sharing.packed import packed

GONE = "http://127.0.0.1:9"  # the port of a service that no machine offers


def point_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_ENDPOINT would have done when the library was imported."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub with one user, who is logged in, and an empty cache."""
    with fake_hub.serving() as hub:
        point_at(hub.address, monkeypatch)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
        yield hub


@pytest.fixture(scope="module")
def model(paired_run: Path) -> Model:
    return loaded(str(paired_run))


def loaded(name: str) -> Model:
    return load(name, registry=registry(), device="cpu")


def picture() -> Tensor:
    return torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_what_was_pushed_is_loaded_and_translates_the_same(hub: Hub, model: Model) -> None:
    assert push(model, "me/maps") == f"{hub.address}/me/maps"
    assert torch.equal(loaded("hf://me/maps").translate(picture()), model.translate(picture()))
    assert [asked for asked in hub.asked if "/resolve/" in asked] == [
        "HEAD /me/maps/resolve/main/model.safetensors",
        "GET /me/maps/resolve/main/model.safetensors",
    ]


def test_one_commit_holds_model_card_spec_and_sample(hub: Hub, model: Model) -> None:
    push(model, "me/maps", message="first")
    repo = hub.repos["me/maps"]
    assert sorted(repo.files) == ["README.md", "model.safetensors", "sample.png", "spec.toml"]
    assert repo.messages == ["first"]
    assert not repo.private
    assert b"](sample.png)" in repo.files["README.md"]
    assert Image.open(io.BytesIO(repo.files["sample.png"])).width > 64


def test_the_sample_can_stay_at_home(hub: Hub, model: Model) -> None:
    push(model, "me/maps", sample=False)
    assert "sample.png" not in hub.repos["me/maps"].files
    assert b"sample.png" not in hub.repos["me/maps"].files["README.md"].replace(b"-o samples.png", b"")


def test_a_push_says_method_and_step_and_goes_on_top(hub: Hub, model: Model) -> None:
    push(model, "me/maps")
    push(model, "me/maps", message="again", sample=False)
    assert hub.repos["me/maps"].messages == ["pix2pix, step 4", "again"]


def test_a_private_repository(hub: Hub, model: Model) -> None:
    push(model, "me/maps", private=True)
    assert hub.repos["me/maps"].private


def test_a_public_repository_does_not_become_private_silently(hub: Hub, model: Model) -> None:
    hub.repos["me/maps"] = Repo(private=False)
    with pytest.raises(I2IError, match=r"me/maps exists and is public; make it private on the hub, or leave"):
        push(model, "me/maps", private=True)
    assert not hub.repos["me/maps"].files


def test_a_revision_can_be_named(hub: Hub, model: Model) -> None:
    hub.repos["me/maps"] = Repo(False, {"model.safetensors": packed(model)})
    revision = hub.repos["me/maps"].commit
    assert loaded(f"hf://me/maps@{revision}").origin.step == 4
    with pytest.raises(I2IError, match=r"^hf://me/maps@v2: it has no revision 'v2'$"):
        loaded("hf://me/maps@v2")


def test_a_path_is_a_name_too(hub: Hub, model: Model) -> None:
    hub.repos["me/maps"] = Repo(False, {"model.safetensors": packed(model)})
    assert load(Path("hf://me/maps"), registry=registry(), device="cpu").origin.step == 4


def test_without_a_network_the_cache_serves(hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.repos["me/maps"] = Repo(False, {"model.safetensors": packed(model)})
    loaded("hf://me/maps")
    point_at(GONE, monkeypatch)
    assert torch.equal(loaded("hf://me/maps").translate(picture()), model.translate(picture()))
    with pytest.raises(I2IError) as error:
        loaded("hf://me/other")
    assert str(error.value) == "hf://me/other: the hub cannot be reached, and the cache does not hold this"


def test_only_safetensors_are_ever_asked_for(hub: Hub) -> None:
    hub.repos["me/maps"] = Repo(False, {"model.pth": b"pickle"})
    with pytest.raises(
        I2IError, match=r"^hf://me/maps: it has no model.safetensors; i2i push puts models there$"
    ):
        loaded("hf://me/maps")
    assert hub.asked == ["HEAD /me/maps/resolve/main/model.safetensors"]


def test_what_others_put_there_is_refused_by_the_name_it_was_asked_by(hub: Hub) -> None:
    hub.repos["me/maps"] = Repo(False, {"model.safetensors": b"nonsense that is no model"})
    with pytest.raises(I2IError, match=r"^hf://me/maps is damaged, or no .safetensors file"):
        loaded("hf://me/maps")


@pytest.mark.parametrize("name", ["hf://maps", "hf://me/maps/x", "hf://", "hf://me/maps@", "hf:///me/maps"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(I2IError, match=r"write hf://OWNER/NAME, or hf://OWNER/NAME@REVISION$"):
        loaded(name)


def test_a_repository_that_there_is_not(hub: Hub) -> None:
    with pytest.raises(
        I2IError, match=r"^hf://me/maps: there is no such repository, or it is private and not"
    ):
        loaded("hf://me/maps")


@pytest.mark.parametrize(
    ("repo", "sentence"),
    [
        ("maps", "write OWNER/NAME"),
        ("me/../maps", "this is no name for a repository"),
        ("me/ma ps", "this is no name for a repository"),
    ],
)
def test_a_bad_name_is_refused_before_anything_is_sent(
    hub: Hub, model: Model, repo: str, sentence: str
) -> None:
    with pytest.raises(I2IError, match=sentence):
        push(model, repo)
    assert not hub.asked


def test_without_a_token_nothing_is_sent(hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(I2IError, match=r"^nobody is logged in to the hub: hf auth login$"):
        push(model, "me/maps")
    assert not hub.asked


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "the hub does not know your token"),
        (403, "your token may not write there"),
        (400, r"the hub refuses \(status 400\): "),
        (500, r"the hub is out of order \(status 500\); try again later"),
    ],
)
def test_a_refusal_is_a_sentence(hub: Hub, model: Model, status: int, sentence: str) -> None:
    hub.refuses = status
    with pytest.raises(I2IError, match=rf"^me/maps: {sentence}") as error:
        push(model, "me/maps")
    assert "\n" not in str(error.value)


def test_no_network_is_a_sentence(hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(GONE, monkeypatch)
    with pytest.raises(I2IError, match=r"^me/maps: the hub cannot be reached: "):
        push(model, "me/maps")


def test_a_missing_library_is_named(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(I2IError, match=r"needed to push a model: pip install 'i2i-toolkit\[hub\]'$"):
        push(model, "me/maps")
    with pytest.raises(I2IError, match=r"needed to load 'hf://me/maps': pip install"):
        loaded("hf://me/maps")


def test_a_process_that_has_loaded_nothing_yet_says_it_too(tmp_path: Path) -> None:
    code = "from i2i.translate.sharing.hub import fetch; fetch('hf://me/maps')"
    alone = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=alone, capture_output=True, text=True, check=False
    )
    assert done.stderr.endswith(
        "I2IError: hf://me/maps: the hub cannot be reached, and the cache does not hold this\n"
    )


def test_the_names_that_the_library_must_have() -> None:
    names = [
        getattr(huggingface_hub.errors, name) for name in ("HTTPError", "HFValidationError", "GatedRepoError")
    ]
    assert all(issubclass(name, Exception) for name in names)
    assert hub_module.MODEL == constants.SAFETENSORS_SINGLE_FILE
