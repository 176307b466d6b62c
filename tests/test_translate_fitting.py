"""Pictures that do not fit into the memory: refused before anything is taken, or cut into tiles that do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import strategies, tiny_model
from PIL import Image
from plain import plain, seeded
from torch import Tensor, nn

from i2i.core.errors import I2IError
from i2i.core.machine import free_memory, machine_memory
from i2i.nets import UNet
from i2i.translate import fitting
from i2i.translate.cutting import Cuts
from i2i.translate.model import Model
from i2i.translate.probing import probe_of

WIDE = 64
"""Channels between two layers: a picture of a million pixels takes 256 MB there."""

CODE = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from plain import plain, seeded
from i2i.nets import UNet
model = plain(seeded(UNet, 3, 3, width=4, depth=2, norm="none"))
model.translate(sys.argv[2], out=sys.argv[3], tile=256)
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(most if sys.platform == "darwin" else 1024 * most)
"""


def wide() -> Model:
    network = nn.Sequential(nn.Conv2d(3, WIDE, 3, padding=1), nn.Tanh(), nn.Conv2d(WIDE, 3, 3, padding=1))
    return plain(network)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with 600 MB of free memory."""
    monkeypatch.setattr(fitting, "free_memory", lambda: 600 * 2**20)
    return monkeypatch


def cuts(model: Model, height: int, width: int, tile: int | str | None, count: int = 1) -> list[Cuts] | None:
    """How a picture would be cut."""
    request = model.request({"tile": tile})
    item = model.take(torch.zeros(count, 3, height, width), request)
    made = fitting.cuts_for(model, [item], request)
    return None if made is None else list(made)


def needed(model: Model, height: int, width: int) -> int:
    request = model.request({})
    probe = probe_of(model, request)
    load = fitting.Load(1, height, width, 1, torch.float32, probe, model.device)
    found = load.needed()
    assert found is not None
    return found


def test_a_picture_that_does_not_fit_is_refused_before_the_machine_dies(free: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        I2IError,
        match=r"^a picture of 3000×2000 pixels needs about [3-6]\.\d GiB, and this machine has 600 MiB free; use "
        r'--tile auto \(in Python: tile="auto"\)$',
    ):
        wide().translate(torch.zeros(3, 2000, 3000))


def test_the_file_is_named(free: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Image.new("RGB", (3000, 2000)).save(tmp_path / "large.png")
    with pytest.raises(I2IError, match=r"^large\.png: a picture of 3000×2000 pixels needs"):
        wide().translate(tmp_path / "large.png")


def test_a_batch_is_told_to_be_smaller(free: pytest.MonkeyPatch) -> None:
    with pytest.raises(I2IError, match=r"^4 pictures of 1000×1000 pixels need .* free; use fewer at a time$"):
        cuts(wide(), 1000, 1000, None, count=4)


@pytest.mark.parametrize("tile", [None, "auto"])
def test_what_fits_is_translated_whole(free: pytest.MonkeyPatch, tile: str | None) -> None:
    assert cuts(wide(), 500, 500, tile) is None


def test_automatic_tiles_are_the_largest_that_fit(free: pytest.MonkeyPatch) -> None:
    model = wide()
    made = cuts(model, 2000, 3000, "auto")
    assert made is not None
    rows, columns = made
    assert rows.tile == columns.tile
    assert 200 < rows.tile < 1100  # 300 MB of 2 layers of 64 channels and 4 bytes: 0.6 million pixels
    assert needed(model, rows.tile, rows.tile) < 300 * 2**20
    free.setattr(fitting, "free_memory", lambda: 1200 * 2**20)
    larger = cuts(model, 2000, 3000, "auto")
    assert larger is not None
    assert larger[0].tile > rows.tile


def test_automatic_tiles_work(free: pytest.MonkeyPatch) -> None:
    model = plain(seeded(UNet, 3, 3, width=8, depth=2, norm="none"))
    picture = torch.rand(3, 400, 300, generator=torch.Generator().manual_seed(0))
    whole = model.translate(picture)
    free.setattr(fitting, "free_memory", lambda: 10 * 2**20)
    assert cuts(model, 400, 300, "auto") is not None
    assert (model.translate(picture, tile="auto") - whole).abs().max() < 1e-5


def test_a_machine_without_any_memory_is_told_so(free: pytest.MonkeyPatch) -> None:
    free.setattr(fitting, "free_memory", lambda: 2**20)
    with pytest.raises(
        I2IError, match=r"^even tiles of \d+×\d+ pixels need about \d+ MiB, and this machine has 1 M"
    ):
        cuts(wide(), 2000, 3000, "auto")


def test_where_nobody_knows_the_memory_large_pictures_have_usual_tiles(free: pytest.MonkeyPatch) -> None:
    free.setattr(fitting, "free_memory", lambda: None)
    made = cuts(wide(), 2000, 3000, "auto")
    assert made is not None
    assert made[0].tile == fitting.USUAL
    assert cuts(wide(), 2000, 3000, None) is None
    assert cuts(wide(), 500, 500, "auto") is None


def test_a_network_that_cannot_be_foreseen_is_not_refused(free: pytest.MonkeyPatch) -> None:
    class Choosy(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + x[x > 2].sum() if x[x > 2].shape[0] else x

    assert cuts(plain(Choosy()), 2000, 3000, None) is None


def test_what_is_asked_for_is_done(free: pytest.MonkeyPatch) -> None:
    made = cuts(wide(), 2000, 3000, 700)
    assert made is not None
    assert made[0].tile == 700


def test_free_memory_is_some_of_all() -> None:
    free, whole = free_memory(), machine_memory()
    assert free is None or whole is None or 0 < free <= whole


@pytest.mark.parametrize(
    "name", [name for name in strategies() if tiny_model(name).strategy.takes({})[0] != "seed"]
)
def test_the_memory_of_every_method_is_foreseen(name: str) -> None:
    model = tiny_model(name)
    request = model.request({"domain": "red"} if name == "stargan" else {})
    assert probe_of(model, request).outcome(1, 128, 256) is not None


# Memory that is really taken


def draw(path: Path, side: int) -> Path:
    row = (np.arange(side) // 16 % 256).astype(np.uint8)
    pixels = np.broadcast_to(row[:, None, None] ^ row[None, :, None], (side, side, 3))
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, compress_level=1)
    return path


def most_memory(folder: Path, side: int) -> int:
    """The bytes of a process that translates a picture in tiles, at its fullest moment."""
    source, target = draw(folder / f"{side}.png", side), folder / f"{side}-out.png"
    words = [sys.executable, "-c", CODE, str(Path(__file__).parent), str(source), str(target)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(target) as image:
        assert image.size == (side, side)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say what a process took")
def test_a_pixel_takes_what_it_is_stored_in_a_few_times(tmp_path: Path) -> None:
    small, large = most_memory(tmp_path, 256), most_memory(tmp_path, 1536)
    # Stored in 3 bytes: in Pillow with 4, as an array, as a tensor; the result the same. Floats would be 12 each.
    assert large - small < 1536**2 * 24 + 2**25


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not say what a process took")
def test_a_picture_of_8192_pixels_each_way_goes_through_in_less_than_3_gb(tmp_path: Path) -> None:
    assert most_memory(tmp_path, 8192) < 3e9
