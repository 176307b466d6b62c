"""The model card of a run: what it is, what it was trained on and how, and how to use it, in Markdown for the hub."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from i2i.core.extras import DISTRIBUTION
from i2i.core.strategy import Strategy
from i2i.core.words import counted, listed
from i2i.engine.checkpoint import folder_name
from i2i.spec.assemble import precision_of
from i2i.spec.catalogue import allowed
from i2i.spec.spec import Spec
from i2i.spec.used import foreign
from i2i.translate.origin import Origin
from i2i.translate.sharing.clean import cleaned

if TYPE_CHECKING:
    from i2i.translate.model import Model

SHOWN = 40
"""So many classes or domains are named."""
JUDGED = "validate/"
# Numbers of a run's log that say how it went, not what came of it.
PACE = ("step", "time", "images_per_second", "waiting_for_data")


def card(model: Model, repo: str, sample: str = "") -> str:
    """The card of a model.

    Args:
        model: a loaded run, or a packed model; only a run tells its last measurements.
        repo: OWNER/NAME, where the model will be.
        sample: the file of a sample sheet beside the card, if there is one.
    """
    draws = model.strategy.takes({})[0] == "seed"
    sections = {
        "": _head(model, repo, sample),
        "How to use it": _use(model, f"hf://{repo}", draws),
        "Controls": _controls(model),
        "Data": _data(model),
        "Training": _training(model.spec, model.origin),
        "Measured": _measured(model.origin),
        "Limits": LIMITS,
        "Made with": _made_with(model.origin),
    }
    body = [f"## {title}\n\n{text}" if title else text for title, text in sections.items() if text]
    return f"{_header(model, draws)}\n" + "\n\n".join(body) + "\n"


LIMITS = """\
- Pictures unlike those of the training data give results that look plausible and mean nothing.
- Results are made up from what the training pictures have in common: no detail in them is evidence of anything.
- What is in the training data, its one-sidedness too, shows in the results.
- The licence and the intended use are for the author of this model to state."""


def newest_sample(origin: Origin) -> Path | None:
    """The newest sample sheet that the run had drawn when the model was saved."""
    folder = origin.run / "samples" if origin.run else None
    if folder is None or not folder.is_dir():
        return None
    last = f"{folder_name(origin.step)}.png"
    sheets = (path for path in folder.glob("step-*.png") if (len(path.name), path.name) <= (len(last), last))
    return max(sheets, key=lambda path: (len(path.name), path.name), default=None)


def _header(model: Model, draws: bool) -> str:
    """What the hub sorts models by, in YAML."""
    task = "unconditional-image-generation" if draws else "image-to-image"
    tags = "".join(f"\n- {json.dumps(tag)}" for tag in ("i2i", model.spec.strategy.name))
    return f"---\nlibrary_name: i2i\npipeline_tag: {task}\ntags:{tags}\n---\n"


def _head(model: Model, repo: str, sample: str) -> str:
    name = model.spec.strategy.name
    lines = [f"# {repo.rpartition('/')[2]}", f"**{name}**: {_summary(model.strategy)}"]
    lines += [f"![Samples of the training]({sample})"] * bool(sample)
    return "\n\n".join([*lines, *paper(model.strategy)])


def _summary(strategy: Strategy) -> str:
    return (inspect.getdoc(type(strategy)) or "").partition("\n")[0]


def paper(strategy: Strategy) -> list[str]:
    """What the module of a method says below its first line, or its package: the paper, as a rule."""
    module = type(strategy).__module__
    for name in (module, module.partition(".")[0]):
        paragraphs = (inspect.getdoc(sys.modules.get(name)) or "").split("\n\n")[1:]
        if paragraphs:
            return [" ".join(text.split()) for text in paragraphs]
    return []


def _use(model: Model, place: str, draws: bool) -> str:
    command = f"sample {place} -o samples.png" if draws else f"translate {place} my-pictures -o translated"
    call = 'model.sample(16, out="samples.png")' if draws else 'model.translate("in.png", out="out.png")'
    lost = "".join(
        f"\n\nIt needs the plug-in {each.package} {each.version}: `{each.install}`"
        for each in foreign(model.origin.state)
    )
    files = "".join(
        f"\n\nIt needs the plug-in file `{Path(file).name}`: `i2i --plugin {Path(file).name} …`."
        for file in model.origin.state.get("plugin_files", {})
    )
    return (
        f"```sh\npip install '{DISTRIBUTION}[hub]'\ni2i {command}\n```\n\n"
        f'```python\nimport i2i\n\nmodel = i2i.load("{place}")\n{call}\n```{lost}{files}'
    )


def _controls(model: Model) -> str:
    fields = model.controls.options.model_fields
    if not fields:
        return ""
    schema = model.controls.json_schema()["properties"]
    rows = [
        (f"`{name}`", allowed(schema[name]).replace("|", "or"), str(field.default), field.description or "")
        for name, field in fields.items()
    ]
    return _table(("control", "values", "default", ""), rows) + "\n\nOn the command line: `-c control=value`."


def _data(model: Model) -> str:
    facts = model.facts
    kinds = {1: "grey", 3: "RGB"}
    trained = {field.removesuffix("?") for field in model.strategy.wants()}
    lines = [
        f"- `{name}`: {kinds.get(channels, counted(channels, 'channel'))}, values {low:g} to {high:g}"
        for name, channels in facts.channels.items()
        if name in trained
        for low, high in (facts.value_range[name],)
    ]
    lines += [
        f"- `{name}`: maps; number of classes: {count:,}" for name, count in facts.maps.items() if count
    ]
    lines += [f"- domains: {listed(facts.domains, SHOWN)}"] * bool(facts.domains)
    lines += [f"- classes: {listed(facts.classes, SHOWN)}"] * bool(facts.classes)
    size = f"{facts.image_size}×{facts.height} pixels while training; results have the size of their input"
    if model.strategy.takes({})[0] == "seed":
        size = f"{facts.image_size}×{facts.height} pixels"
    return "\n".join([f"Data set of the kind `{model.spec.data.name}`, {size}.", "", *lines])


def _training(spec: Spec, origin: Origin) -> str:
    train = cleaned(spec).train
    rows = [("steps", f"{origin.step:,}"), ("batch", str(train.batch)), ("seed", str(train.seed))]
    rows += [(f"optimizer ({name})", _shown(ref.table())) for name, ref in spec.optimizers.items()]
    rows += [("learning rate", _shown(spec.schedule.table())), ("precision", precision_of(spec))]
    rows += [(f"average of {name}", str(decay)) for name, decay in train.ema.items()]
    if imported := origin.state.get("imported"):
        rows += [("imported from", ", ".join(map(str, imported.values())))]
    return _table(("setting", "value"), rows) + "\n\nAll of them are in [spec.toml](spec.toml)."


def _shown(table: Mapping[str, Any]) -> str:
    options = ", ".join(f"{key} = {value}" for key, value in table.items() if key != "name")
    return f"{table['name']} ({options})" if options else str(table["name"])


def _measured(origin: Origin) -> str:
    numbers = last_numbers(origin)
    judged = {
        name.removeprefix(JUDGED).replace("_of_copying", " of copying the input"): value
        for name, value in numbers.items()
        if name.startswith(JUDGED)
    }
    terms = {
        name: v
        for name, v in numbers.items()
        if name.partition("/")[0] not in ("validate", "lr", "judged", "memory")
    }
    rows = [(f"{name} on held-out pictures", f"{value:.4g}") for name, value in judged.items()]
    rows += [(name, f"{value:.4g}") for name, value in terms.items()]
    return _table(("last measurements", ""), rows) if rows else ""


def last_numbers(origin: Origin) -> dict[str, float]:
    """The last value of everything that the run had measured when the model was saved."""
    numbers: dict[str, float] = {}
    with suppress(OSError):
        for line in (origin.run or Path()).joinpath("metrics.jsonl").read_text("utf-8").splitlines():
            with suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict) and found.get("step", 0) <= origin.step:
                    numbers |= {
                        k: v for k, v in found.items() if k not in PACE and isinstance(v, int | float)
                    }
    return numbers


def _made_with(origin: Origin) -> str:
    versions = origin.state.get("versions", {})
    named = ", ".join(f"{name} {versions[name]}" for name in ("i2i", "torch", "python") if name in versions)
    return f"{named}." if named else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
