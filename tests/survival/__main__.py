"""`python -m tests.survival --kills N`: kill runs for as long as that takes, and say how it ended."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from .campaign import VARIANTS, Campaign, nursery

SLICE = 12  # kills of one variant, then comes the next


def main() -> int:
    """Kill so many times, the variants in turn."""
    parser = argparse.ArgumentParser(prog="python -m tests.survival", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many (100)")
    parser.add_argument("--seed", type=int, default=0, help="of the instants (0)")
    parser.add_argument("--variant", choices=VARIANTS, help="only this one")
    wanted = parser.parse_args()
    names = [wanted.variant] if wanted.variant else list(VARIANTS)
    started, done = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as folder, nursery() as warm:
        campaigns = {
            name: Campaign(warm, Path(folder) / name, VARIANTS[name], random.Random(f"{wanted.seed} {name}"))
            for name in names
        }
        while done < wanted.kills:
            for name, campaign in campaigns.items():
                count = min(SLICE, wanted.kills - done)
                if count:
                    campaign.attack(count)
                    done += count
                    print(f"{time.monotonic() - started:5.0f} s  {name}: {campaign.tally}", flush=True)
    print(f"{done} kills in {time.monotonic() - started:.0f} s: every run ended equal to the unbroken one")
    return 0


if __name__ == "__main__":
    sys.exit(main())
