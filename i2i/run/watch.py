"""A watch over a run: says once, in words, what goes wrong with the training itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from i2i.engine import lines
from i2i.engine.loop import Engine
from i2i.losses import Counted
from i2i.run.signs import Sign

FILE = "watch.jsonl"
LEAST_STEPS = 200
SHARE = 0.05  # of the run
LEAST_READINGS = 3
ALWAYS = 0.99  # of its judgements a discriminator that has won gets right

IN_PICTURES = ("collapse", "inverted", "copies")
TITLES = {
    "won": "the discriminator has won",
    "collapse": "the results have collapsed",
    "inverted": "the colours are inverted",
    "copies": "the generator only copies",
}
TEXTS = {
    "won": (
        "it was right about {number:.1%} of the pictures, real and generated, for {held:,} steps, and the generator "
        "learns little from it; lower its learning rate, smooth its labels (target = 0.9), take another adversarial "
        "loss or a gradient penalty (R1), or augment the data more"
    ),
    "collapse": (
        "what is made of different samples{where} differs by {number:.1%} of what real pictures differ; go back "
        "to an earlier checkpoint (train.init_from) with lower learning rates or another adversarial loss, or weigh "
        "the terms higher that tie a result to its sample"
    ),
    "inverted": (
        "the grey values of inputs and results{where} correlate by {number:.2f}, light where the input is dark; "
        "this rarely heals: start again with another train.seed, or weigh the terms higher that tie the colours of a "
        "result to its input; nothing is wrong if the true results are negatives"
    ),
    "copies": (
        "results{where} differ from their inputs by {number:.1%} of the range of values; weigh the terms lower "
        "that hold a result to its input, or the adversarial one higher"
    ),
}


@dataclass(frozen=True)
class Remark:
    """What the watch says: a line of `watch.jsonl`, where `number` is what showed it."""

    step: int
    kind: str
    number: float
    text: str

    def line(self) -> str:
        """The remark as people read it in the log."""
        title = TITLES[self.kind]
        return f"watch: {title}, step {self.step:,}: {self.text.removeprefix(f'{title}: ')}"


class Watch:
    """Says what goes wrong, each thing once a run, after it held for a while.

    It must be seen in `LEAST_READINGS` readings in a row, for `LEAST_STEPS` steps or a `SHARE` of the run, whichever is
    longer; the first ones are not looked at, where everything looks wrong.
    """

    def __init__(self, engine: Engine, steps: int) -> None:
        self.device = engine.device
        self.patience = max(LEAST_STEPS, round(SHARE * steps))
        self.losses = {name: engine.net[name] for name in engine.net if isinstance(engine.net[name], Counted)}
        self.said: list[str] = []
        self.since: dict[str, tuple[int, int]] = {}

    def judged(self) -> dict[str, Tensor]:
        """How often the discriminator was right since the last reading, about real pictures and about fake ones."""
        shares: dict[str, list[Tensor]] = {}
        for loss in self.losses.values():
            for role, share in loss.read().items():
                shares.setdefault(f"judged/{role}", []).append(share)
        return {name: sum(values[1:], start=values[0]) / len(values) for name, values in shares.items()}

    def numbers(self, step: int, numbers: Mapping[str, float]) -> list[Remark]:
        """What the numbers of a reading say; those of `judged` are among them."""
        judged = [value for name, value in numbers.items() if name.startswith("judged/")]
        if len(judged) < 2:
            return []
        found = [Sign("won", min(judged), "")] if min(judged) >= ALWAYS else []
        return self._look(step, ("won",), found)

    def pictures(self, step: int, found: Collection[Sign]) -> list[Remark]:
        """What the signs in the pictures of a preview say."""
        return self._look(step, IN_PICTURES, found)

    def _look(self, step: int, kinds: Collection[str], found: Collection[Sign]) -> list[Remark]:
        if step <= self.patience:
            return []
        seen = {sign.kind: sign for sign in found}
        for kind in kinds:
            first, readings = self.since.pop(kind, (step, 0))
            if kind in seen:
                self.since[kind] = (first, readings + 1)
        return [self._say(step, sign) for sign in found if self._due(step, sign.kind)]

    def _due(self, step: int, kind: str) -> bool:
        first, readings = self.since[kind]
        return kind not in self.said and readings >= LEAST_READINGS and step - first >= self.patience

    def _say(self, step: int, sign: Sign) -> Remark:
        self.said.append(sign.kind)
        held = step - self.since[sign.kind][0]
        where = f" ('{sign.column}')" if sign.column else ""
        text = TEXTS[sign.kind].format(number=sign.number, where=where, held=held)
        return Remark(step, sign.kind, sign.number, f"{TITLES[sign.kind]}: {text}")

    def state(self) -> dict[str, Any]:
        """What a resumed run must know to say the same things, as plain values."""
        counts = {name: loss.state() for name, loss in self.losses.items()}
        return {
            "said": list(self.said),
            "since": {kind: list(held) for kind, held in self.since.items()},
            "counts": counts,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken; an empty one is that of a run without a watch."""
        self.said = list(state.get("said", ()))
        self.since = {kind: (first, readings) for kind, (first, readings) in state.get("since", {}).items()}
        counts = state.get("counts", {})
        for name, loss in self.losses.items():
            loss.restore(counts.get(name, {}), self.device)


def note(folder: Path, remark: Remark) -> bool:
    """Add a remark to the run folder; False if it is there: a run that went back to a checkpoint says nothing twice."""
    path = folder / FILE
    if any(line.get("kind") == remark.kind for line in lines.read(path)):
        return False
    lines.append(path, asdict(remark))
    return True
