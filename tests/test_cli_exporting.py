"""The command `i2i export`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from trained import command


def test_it_says_what_it_wrote_and_nothing_else(unpaired_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "there" / "model.onnx"
    pytest.importorskip("onnxruntime")
    done = command("export", unpaired_run, "-o", out, "-c", "back=true", "--pixels")
    assert (done.code, done.err) == (0, "exporting model.onnx …\n")
    assert re.fullmatch(r".*model.onnx: [\d,]+ weights, worst difference \S+ on 5 random sizes\n", done.out)
    assert [path.name for path in out.parent.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["-o", "x.tflite"], "'.tflite' is no ending of an export; known: .onnx, .pt2, .safetensors"),
        (["-o", "x.onnx", "-c", "seed=3"], "control.seed: random numbers are inputs here; leave it out"),
        (["-o", "x.onnx", "-c", "bakc=true"], "did you mean 'back'"),
        (["-o", "x.pt2", "--dropout"], "dropout: this model has none when it translates"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(unpaired_run: Path, words: list[str], sentence: str) -> None:
    done = command("export", unpaired_run, *words)
    assert done.code == 1
    assert sentence in done.err
    assert "Traceback" not in done.err
