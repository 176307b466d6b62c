"""Whether bf16 is as good as fp32: a spec trained in both from several seeds, and what was judged at the end.

    python benchmarks/precision.py SPEC [--seeds 3] [--precisions fp32 bf16] [--out runs/precision] [--set KEY=VALUE]

Prints, for each precision, the judgement of the last step and the best one of each seed, their mean and their spread
(the largest difference between two seeds). The spec needs something to judge by: the demo set, or held-out pairs.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from statistics import mean

import i2i

JUDGED = re.compile(r"validate/.*(?<!_of_copying)")


def judgements(folder: Path) -> list[float]:
    """What was judged in a run, in order."""
    lines = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [value for line in lines for name, value in line.items() if JUDGED.fullmatch(name)]


def trained(spec: str, out: Path, settings: list[str]) -> list[float]:
    """Train, or go on with what was begun before; what was judged."""
    begun = (out / "checkpoints" / "latest").exists()
    run = i2i.Run.open(out) if begun else i2i.build(spec, out=out, settings=settings)
    run.train()
    return judgements(out)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("spec")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--precisions", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--out", type=Path, default=Path("runs/precision"))
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    found: dict[str, list[list[float]]] = {precision: [] for precision in options.precisions}
    for seed in range(options.seeds):
        for precision in options.precisions:
            out = options.out / f"{Path(options.spec).stem}-{precision}-{seed}"
            settings = [*options.set, f"train.seed={seed}", f"train.precision={precision}"]
            found[precision].append(trained(options.spec, out, settings))
            last = found[precision][-1]
            print(f"{precision} seed {seed}: last {last[-1]:.4f}, best {min(last):.4f}", flush=True)
    for precision, runs in found.items():
        for what, values in (("last", [run[-1] for run in runs]), ("best", [min(run) for run in runs])):
            print(f"{precision} {what}: mean {mean(values):.4f}, spread {max(values) - min(values):.4f}")


if __name__ == "__main__":
    main()
