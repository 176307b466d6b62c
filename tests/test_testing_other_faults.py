"""Faults planted into data, metrics, loggers, optimizers, schedules and importers, each found by its own message."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_testing_faults import SOUND, Fault

import i2i.testing

REST = (Path(__file__).parent / "stranger_rest.py").read_text(encoding="utf-8")
RAMPS, NOISE, LINES = "data.ramps", "data.noise", "logger.lines"
SPREAD, HALVING, STEEPEST, IMPORTER = (
    "metric.spread",
    "schedule.halving",
    "optimizer.steepest",
    "importer.plain-regression.G",
)
MEMORY = 'memory = self.state[weight].setdefault("memory", torch.zeros_like(weight))'
FAULTS = [
    Fault(
        "data without a method",
        '    def name(self, index: int) -> str:\n        return f"ramp-{index}"\n',
        "",
        f"{RAMPS}: interface",
        "it has no name; a source has facts",
    ),
    Fault(
        "samples without a name",
        'return f"ramp-{index}"',
        'return ""',
        f"{RAMPS}: interface",
        "name(0) is ''; it should be the files of the sample",
    ),
    Fault(
        "a type that is not stored",
        'stored={"a": "float32"}',
        'stored={"a": "uint8"}',
        f"{NOISE}: facts",
        "'a' of sample 0 is float32; facts.stored says uint8",
    ),
    Fault(
        "pictures with holes",
        "a = nn.functional.interpolate(grid[None], 16)[0]",
        "a = nn.functional.interpolate((grid / (grid > 0)).nan_to_num(torch.nan, 1, torch.nan)[None], 16)[0]",
        f"{NOISE}: facts",
        "'a' of sample 0 holds NaN",
    ),
    Fault(
        "values beyond their range",
        "generator=drawn) * 2 - 1",
        "generator=drawn) * 2 + 1",
        f"{NOISE}: facts",
        "facts.value_range says -1 to 1",
    ),
    Fault(
        "16 bits beyond their range",
        'return {"a": a, "b": 255 - a}',
        'return {"a": a.to(torch.uint16), "b": torch.full_like(a, 999, dtype=torch.uint16)}',
        f"{RAMPS}: facts",
        "'b' of sample 0 holds 999 to 999; facts.value_range says 0 to 255",
    ),
    Fault(
        "labels beyond their number",
        "torch.tensor(index % 4)",
        "torch.tensor(index + 1)",
        f"{NOISE}: facts",
        "'level' of sample 3 is 4; facts.labels says 0 to 3",
    ),
    Fault(
        "fields that are not told",
        'fields=("a", "level")',
        'fields=("a", "step")',
        f"{NOISE}: facts",
        "they disagree about level, step",
    ),
    Fault(
        "data that are trained on and held out",
        'return f"{self.part}-{index}"',
        'return f"noise-{index}"',
        f"{NOISE}: held out",
        "noise-0 is trained on and held out",
    ),
    Fault(
        "held-out pictures without their labels",
        'fields=("a", "level")',
        'fields=("a", "level") if part == "train" else ("a",)',
        f"{NOISE}: held out",
        "held-out samples hold a, the others a, level",
    ),
    Fault(
        "held-out pictures that are drawn anew",
        'drawn = rng if self.part == "train" else torch.Generator().manual_seed(index)',
        "drawn = rng",
        f"{NOISE}: held out",
        "held-out samples are drawn at random",
    ),
    Fault(
        "a limit where no sample loads",
        "cells: Annotated[int, Field(ge=1",
        "cells: Annotated[int, Field(ge=0",
        f"{NOISE}: bounds",
        "cells = 0 is allowed, but raises RuntimeError",
    ),
    Fault(
        "a metric whose second value is no number",
        '"most": self.most}',
        '"most": float("nan")}',
        f"{SPREAD}: value",
        "most gives nan for ordinary pictures",
    ),
    Fault(
        "a metric whose second value is of the last batch",
        "max(self.most, float(gaps.max()))",
        "float(gaps.mean())",
        f"{SPREAD}: value",
        "it depends on how many results it is shown at a time",
    ),
    Fault(
        "a metric that changes what it is shown",
        "(result - truth).abs()",
        "result.sub_(truth).abs()",
        f"{SPREAD}: value",
        "it changes the pictures that it is shown",
    ),
    Fault(
        "a metric that disturbs the run",
        "(result - truth).abs()",
        "(result - truth + 0 * torch.rand(1)).abs()",
        f"{SPREAD}: value",
        "it draws from torch's global random numbers",
    ),
    Fault(
        "a metric that is another one each time",
        "(result - truth).abs()",
        "(result - truth + SEEN.setdefault(len(SEEN), torch.tensor(float(len(SEEN))))).abs()",
        f"{SPREAD}: value",
        "it gives another value the second time",
    ),
    Fault(
        "a logger without a method",
        "    def close(self) -> None:\n",
        "    def end(self) -> None:\n",
        f"{LINES}: calls",
        "it has no method close (i2i.Logger)",
    ),
    Fault(
        "a logger that stumbles over NaN",
        "{dict(values)}",
        "{[round(value) for value in values.values()]}",
        f"{LINES}: calls",
        "cannot convert float NaN to integer",
    ),
    Fault(
        "a logger that begins its file anew",
        "        self.path = folder / self.file\n",
        '        self.path = folder / self.file\n        self.path.write_text("", encoding="utf-8")\n',
        f"{LINES}: calls",
        "when it is opened again, as after a resume, lines.txt loses what it held",
    ),
    Fault(
        "a schedule that divides by zero at its limit",
        "every: Annotated[int, Field(ge=1)]",
        "every: Annotated[int, Field(ge=0)]",
        f"{HALVING}: bounds",
        "every = 0 is allowed, but raises ZeroDivisionError",
    ),
    Fault(
        "a schedule that turns back at its limit",
        "float(0.5 ** min(60, step // steps_per_epoch // self.every))",
        "float(self.every - 2) if self.every == 1 else 1.0",
        f"{HALVING}: bounds",
        "with every = 1 at step 0 the factor is -1.0",
    ),
    Fault(
        "a schedule that is not finite",
        "float(0.5 ** min(60, step // steps_per_epoch // self.every))",
        'step / steps_per_epoch if step < 1000 else float("inf")',
        f"{HALVING}: factors",
        "at step 1000 the factor is inf",
    ),
    Fault(
        "an optimizer that rests",
        'weight.sub_(memory, alpha=group["lr"])',
        "weight.sub_(memory, alpha=0)",
        f"{STEEPEST}: steps",
        "two steps move no weight",
    ),
    Fault(
        "an optimizer that forgets",
        MEMORY,
        "memory = SEEN.setdefault(id(weight), torch.zeros_like(weight))",
        f"{STEEPEST}: steps",
        "after a restart it goes on differently",
    ),
    Fault(
        "a limit at which no optimizer can be built",
        "parts: Annotated[int, Field(ge=1",
        "parts: Annotated[int, Field(ge=0",
        f"{STEEPEST}: bounds",
        "parts = 0 is allowed, but raises ZeroDivisionError",
    ),
    Fault(
        "an importer that takes everything",
        'if "their_stem.weight" not in shapes:',
        "if keys is None:",
        f"{IMPORTER}: detects",
        "it takes an empty file for weights of its own",
    ),
    Fault(
        "an importer of no method",
        '"plain-regression.G", GeneratorImporter',
        '"plane-regression.G", GeneratorImporter',
        "importer.plane-regression.G: detects",
        "there is no strategy 'plane-regression' whose part G it could fill",
    ),
    Fault(
        "an importer without a docstring",
        '    """The stem of a generator that another project saved."""\n\n',
        "",
        f"{IMPORTER}: summary",
        "it has no docstring",
    ),
    Fault(
        "a limit at which no importer can be built",
        "depth: Annotated[int, Field(ge=1",
        "depth: Annotated[int, Field(ge=0",
        f"{IMPORTER}: bounds",
        "depth = 0 is allowed, but raises ZeroDivisionError",
    ),
]


def test_the_rest_without_a_fault_passes(tmp_path: Path) -> None:
    file = tmp_path / "stranger.py"
    file.write_text(REST, encoding="utf-8")
    mine = [check for check in i2i.testing.checks(file) if check.component.kind != "strategy"]
    assert [sentence for check in mine for sentence in check.run()] == []
    assert {check.component.kind for check in mine} == {"optimizer", "data", "metric", "importer"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_found_by_its_own_message(fault: Fault, tmp_path: Path) -> None:
    (sound,) = [text for text in (SOUND, REST) if fault.old in text]
    assert sound.count(fault.old) == 1
    file = tmp_path / "stranger.py"
    text = sound.replace(fault.old, fault.new).replace(
        "\nimport i2i\n", "\nimport i2i\n\nSEEN: dict[int, Tensor] = {}\n", 1
    )
    file.write_text(text, encoding="utf-8")
    (check,) = [each for each in i2i.testing.checks(file) if str(each) == fault.rule]
    found = check.run()
    assert [sentence for sentence in found if fault.sentence in sentence], found
