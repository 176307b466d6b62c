"""Speed of the input: pictures a second from file to tensor, against a plain loop with Pillow, and time spent waiting.

    python benchmarks/input.py [--pictures 24] [--rounds 9] [--step 0.02] [--json FILE]

One thread, in seconds of its processor. The plain loop is the one that the published programs share: Pillow opens the
picture, torchvision's transforms resize it to 286 with the bicubic filter, crop, flip, and make floats in [-1, 1]. It
and i2i read the same files and take turns; what is printed is how many times as fast i2i is. i2i hands over the stored
type, and makes floats on the device; "to bytes" is against a loop that stops there too, of Pillow and numpy alone.

The second table is the share of the time that training waits for its batch, by the number of workers: a step sleeps for
a fixed time, as the CPU does while a GPU works.

The pictures are drawn into a temporary folder: scenes of the demo set with some noise, as photographs have.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from machine import describe, one_line
from PIL import Image
from torchvision import transforms

from i2i.data import Stream, Unpaired
from i2i.data.demo import landscape
from i2i.data.painting import render

Read = Callable[[Path], Image.Image]
Way = Callable[[], None]
SIZE, LOAD = 256, 286
WORKERS, STEPS = (0, 1, 2), 60
WARM = 6  # passes until what is drawn at random is kept too
NOISE = 6
KINDS = {
    "JPEG 256²": (".jpg", 256),
    "JPEG 1024²": (".jpg", 1024),
    "PNG 256², 8 bits": (".png", 256),
    "PNG 256², 16 bits, grey": (".16.png", 256),
    "TIFF 256², float, grey": (".tif", 256),
    "npy 256², float, grey": (".npy", 256),
}


def write(path: Path, number: int, side: int) -> None:
    """Draw a picture."""
    scene = render(landscape(0, "train", number), side, "day").astype(float)
    pixels = (scene + np.random.default_rng(number).normal(0, NOISE, scene.shape)).round().clip(0, 255)
    grey = pixels.mean(axis=2)
    if path.suffix == ".npy":
        np.save(path, (grey / 255).astype(np.float32))
    elif path.suffix == ".tif":
        Image.fromarray((grey / 255).astype(np.float32)).save(path)
    elif path.name.endswith(".16.png"):
        Image.fromarray((grey * 257).astype(np.uint16)).save(path)
    else:
        Image.fromarray(pixels.astype(np.uint8)).save(path, quality=90)


def by_pillow(path: Path) -> Image.Image:
    """The picture, as it is commonly opened."""
    if path.suffix == ".npy":
        return Image.fromarray(np.load(path))
    image = Image.open(path)
    return image.convert("RGB" if image.mode == "RGB" else "F")


def as_published() -> transforms.Compose:
    """The transforms of the published pix2pix and CycleGAN."""
    return transforms.Compose(
        [
            transforms.Resize((LOAD, LOAD), transforms.InterpolationMode.BICUBIC),
            transforms.RandomCrop(SIZE),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Lambda(lambda x: (x - 0.5) / 0.5),  # Normalize, of any number of channels
        ]
    )


def to_bytes(image: Image.Image) -> torch.Tensor:
    """The same without floats, by Pillow and numpy alone."""
    image = image.resize((LOAD, LOAD), Image.Resampling.BICUBIC)
    left, top = random.randint(0, LOAD - SIZE), random.randint(0, LOAD - SIZE)
    image = image.crop((left, top, left + SIZE, top + SIZE))
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    pixels = np.array(image)
    return torch.from_numpy(pixels[..., None] if pixels.ndim == 2 else pixels).permute(2, 0, 1).contiguous()


def loop(files: Iterable[Path], steps: Callable[[Image.Image], torch.Tensor]) -> Way:
    """A plain loop."""

    def read() -> None:
        for path in files:
            steps(by_pillow(path))

    return read


def ours(folder: Path, **options: object) -> Way:
    """The library's way, as its workers go it: two pictures a sample."""
    source = source_of(folder, **options)
    source.cache.open()

    def read(seed: int = 0) -> None:
        for index in range(len(source)):
            source.load(index, torch.Generator().manual_seed(1000 * seed + index))

    for seed in range(WARM if source.cache.mode != "none" else 1):
        read(seed)
    return read


def source_of(folder: Path, **options: object) -> Unpaired:
    """The pictures of a folder, for CycleGAN."""
    is_real = any(path.suffix in (".tif", ".npy") for path in folder.glob("train?/*"))
    ranges = {"value_range": (0, 1)} if is_real else {}
    return Unpaired(root=folder, size=SIZE, load_size=LOAD, **ranges, **options)


def rates(folder: Path, rounds: int, reducible: bool) -> dict[str, float]:
    """Pictures a second of every way, in turns."""
    files = sorted(folder.glob("train?/*"))
    ways = {
        "plain": loop(files, as_published()),
        "to bytes": loop(files, to_bytes),
        "i2i": ours(folder, cache="none"),
        "in memory": ours(folder, cache="memory"),
        "on disk": ours(folder, cache="disk", cache_folder=folder / "kept"),
    }
    if reducible:
        ways["reduced"] = ours(folder, cache="none", reduced_jpeg=True)
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, read in ways.items():
            before = time.process_time()
            read()
            taken[name].append(time.process_time() - before)
    return {name: len(files) / median(each) for name, each in taken.items()}


def waiting(folder: Path, workers: int, step: float, cache: str) -> float:
    """The share of the time that a loop of fixed steps waits for batches of one sample."""
    stream = iter(Stream(source_of(folder, cache=cache), seed=0, batch=1, workers=workers))
    waited = 0.0
    for _ in itertools.islice(stream, STEPS // 2):  # workers start, and a cache fills
        pass
    began = time.perf_counter()
    for _ in range(STEPS):
        before = time.perf_counter()
        next(stream)
        waited += time.perf_counter() - before
        time.sleep(step)
    share = waited / (time.perf_counter() - began)
    stream.close()
    return share


def measure(pictures: int, rounds: int, step: float) -> dict[str, dict[str, dict[str, float]]]:
    """Both tables."""
    reading: dict[str, dict[str, float]] = {}
    shares: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for number, (kind, (ending, side)) in enumerate(KINDS.items()):
            folder = Path(temporary) / str(number)
            for i in range(pictures):
                domain = folder / ("trainA" if i % 2 else "trainB")
                domain.mkdir(parents=True, exist_ok=True)
                write(domain / f"{i}{ending}", i, side)
            reading[kind] = rates(folder, rounds, reducible=kind == "JPEG 1024²")
            if ending == ".jpg":
                shares[kind] = {
                    f"{workers} workers, {cache}": waiting(folder, workers, step, cache)
                    for cache in ("none", "memory")
                    for workers in WORKERS
                }
    return {"pictures a second": reading, "waiting": shares}


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """What was found, as Markdown."""
    columns = ["i2i", "reduced", "in memory", "on disk"]
    lines = [
        "| files | plain, pictures/s | i2i, pictures/s | i2i | to bytes | reduced | in memory | on disk |",
        "|---" * 8 + "|",
    ]
    for kind, rate in found["pictures a second"].items():
        i2i, *kept = (f"{rate[name] / rate['plain']:.2f} ×" if name in rate else "" for name in columns)
        cells = [
            kind,
            f"{rate['plain']:.0f}",
            f"{rate['i2i']:.0f}",
            i2i,
            f"{rate['i2i'] / rate['to bytes']:.2f} ×",
        ]
        lines.append(f"| {' | '.join([*cells, *kept])} |")
    names = list(next(iter(found["waiting"].values())))
    lines += ["", f"| waiting | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for kind, share in found["waiting"].items():
        lines.append(f"| {kind} | {' | '.join(f'{100 * share[name]:.1f} %' for name in names)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write JSON if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument(
        "--step", type=float, default=0.02, help="seconds of a step, for the share of waiting"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.pictures, options.rounds, options.step)
    print(f"{one_line()}\n\n{table(found)}")
    if options.json:
        facts = {"machine": describe(), "step": options.step, **found}
        options.json.write_text(json.dumps(facts, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
