"""Speed of translating a folder: `i2i translate` against a plain loop of open, forward, save with the same network.

    python benchmarks/translate.py [--pictures 16] [--rounds 5] [--device cpu] [--default]

Both translate the same pictures (256², drawn by the demo) in one process and take turns; what is printed is how many
times as fast as the plain loop `i2i` is. The parts say what each brings: threads that read and write, in fp32 and one
picture at a time; bf16 as well; batches as well; and what it does if nothing is said.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch import nn

import i2i
from i2i.data import write_demo
from i2i.translate.loading import load
from i2i.translate.model import Model

SIZE = 256
NETWORKS = {
    "CycleGAN, 9 blocks of width 64": {"name": "resnet", "width": 64, "blocks": 9},
    "a light one, 6 blocks of width 16": {"name": "resnet", "width": 16, "blocks": 6},
}
PARTS: dict[str, tuple[str, dict[str, int]]] = {
    "threads": ("fp32", {"batch": 1}),
    "threads, bf16": ("bf16", {"batch": 1}),
    "threads, bf16, batches": ("bf16", {}),
    "as it is by default": ("auto", {}),
}
Way = Callable[[Path], object]


def model_of(network: dict[str, object], folder: Path, device: str) -> Model:
    """A run of one step of CycleGAN, loaded."""
    spec = {
        "strategy": {"name": "cyclegan", "generator": network},
        "data": {"name": "demo", "size": 32, "count": 2, "workers": 0},
        "train": {"steps": 1, "device": device},
    }
    return load(i2i.build(spec, out=folder / "run").train(), device=device)


def plain_loop(network: nn.Module, files: list[Path], device: str) -> Way:
    """As it is commonly written: one picture at a time, in fp32."""

    def translate(out: Path) -> None:
        network.eval()
        for file in files:
            with Image.open(file) as image:
                pixels = np.array(image.convert("RGB"))
            x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float().to(device) / 127.5 - 1
            with torch.no_grad():
                y = network(x)[0]
            made = ((y + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
            Image.fromarray(made).save(out / file.name)

    return translate


def ours(model: Model, folder: Path, part: str) -> Way:
    """The library's way, as the command line takes it."""
    precision, controls = PARTS[part]

    def translate(out: Path) -> None:
        model.precision = precision
        model.translate(folder, out=out, **controls)

    return translate


def timed(way: Way) -> float:
    """Seconds for all pictures, into a new folder."""
    with tempfile.TemporaryDirectory() as out:
        before = time.perf_counter()
        way(Path(out))
        return time.perf_counter() - before


def speed(way: Way, plain: Way, rounds: int) -> tuple[float, float]:
    """The median time in seconds, and how many times as fast as the plain loop that is: the median of all rounds.

    The two take turns, in changing order, so that a busy machine slows both alike.
    """
    seconds, ratios = [], []
    for turn in range(rounds + 1):
        pair = [plain, way] if turn % 2 else [way, plain]
        times = {each: timed(each) for each in pair}
        if turn > 0:  # the first round warms up
            seconds.append(times[way])
            ratios.append(times[plain] / times[way])
    return median(seconds), median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--default", action="store_true", help="only what it does if nothing is said")
    options = parser.parse_args()
    parts = list(PARTS)[-1:] if options.default else list(PARTS)
    print(f"{options.pictures} pictures of {SIZE}², {options.device}, torch {torch.__version__}, ", end="")
    print(f"{torch.get_num_threads()} threads")
    for title, network in NETWORKS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_demo(folder / "data", "unpaired", count=options.pictures, size=SIZE)
            model, pictures = model_of(network, folder, options.device), folder / "data/trainA"
            plain = plain_loop(model.net.G_ab, sorted(pictures.iterdir()), options.device)
            print(title)
            for part in parts:
                seconds, ratio = speed(ours(model, pictures, part), plain, options.rounds)
                print(f"  {part:<24}{options.pictures / seconds:7.2f} images/s{ratio:7.2f} ×", flush=True)


if __name__ == "__main__":
    main()
