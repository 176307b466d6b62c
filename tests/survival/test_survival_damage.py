"""A checkpoint that is not as it was written is recognised, and the newest good one is used."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from trained import command

from i2i.core.errors import I2IError
from i2i.engine import checkpoint, checkpoints


def flipped(place: float) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[min(int(place * len(data)), len(data) - 1)] ^= 1
        path.write_bytes(data)

    return damage


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "header": flipped(0.0),
    "middle": flipped(0.5),
    "end": flipped(1.0),
    "cut": cut,
    "empty": lambda path: path.write_bytes(b""),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "gone": Path.unlink,
}


@pytest.fixture(scope="module")
def run(paired_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with checkpoints at steps 2 and 4."""
    return Path(shutil.copytree(paired_run, tmp_path_factory.mktemp("damaged") / "run"))


@pytest.fixture
def newest(run: Path) -> Iterator[Path]:
    """Its newest checkpoint, made whole again afterwards."""
    folder, kept = run / "checkpoints" / "step-000004", run / "kept"
    shutil.copytree(folder, kept)
    yield folder
    shutil.rmtree(folder)
    kept.rename(folder)


@pytest.mark.parametrize("how", DAMAGES)
def test_damage_to_any_file_is_recognised(newest: Path, how: str) -> None:
    names = sorted(path.name for path in newest.iterdir())
    assert {"G.safetensors", "G.optimizer.safetensors", "G.ema.safetensors", "state.json", "spec.toml"} < {
        *names
    }
    for name in names:
        path = newest / name
        whole = path.read_bytes()
        DAMAGES[how](path)
        with pytest.raises(I2IError) as caught:
            checkpoint.read(newest)
        assert str(newest) in str(caught.value) and "\n" not in str(caught.value)
        found = checkpoints.newest(newest.parent)
        assert found is not None and found.folder.name == "step-000002", (name, how)
        assert found.note().startswith("step-000004 is damaged ("), name
        path.write_bytes(whole)
    assert checkpoint.read(newest)[1]["step"] == 4


def test_a_flip_of_any_bit_is_recognised(newest: Path) -> None:
    """In the smallest file of weights, byte by byte, and in all files of text."""
    weights = min(newest.glob("*.safetensors"), key=lambda path: path.stat().st_size)
    for path in (weights, newest / "checksums.txt", newest / "spec.toml"):
        whole = path.read_bytes()
        for at in range(0, len(whole), 1 + len(whole) // 60):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
            with pytest.raises(I2IError):
                checkpoint.verify(newest)
        path.write_bytes(whole)


def test_a_run_goes_on_from_the_newest_good_one_and_says_so(run: Path, newest: Path) -> None:
    DAMAGES["middle"](newest / "G.safetensors")
    done = command("resume", run)
    said = (
        "step-000004 is damaged (G.safetensors does not have the checksum it was written with); "
        "going on from step-000002"
    )
    assert done.code == 0 and said in " ".join((done.out + done.err).split())
    assert checkpoint.read(newest)[1]["step"] == 4
