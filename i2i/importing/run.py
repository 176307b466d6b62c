"""Other projects' weights become a run folder: it translates, and other runs start from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from i2i.core.batch import Parts
from i2i.core.data import DataFacts
from i2i.core.registry import Registry
from i2i.engine import checkpoint
from i2i.importing.convert import CONVERTED, convert
from i2i.importing.recognise import Recognised, agreed, recognise
from i2i.importing.spec import imported_spec
from i2i.run.folder import Folder, environment, versions
from i2i.run.table import table
from i2i.spec.assemble import build_parts, precision_of
from i2i.spec.plugins import discover
from i2i.spec.spec import Spec
from i2i.spec.used import used
from i2i.translate.loading import fill


@dataclass(frozen=True)
class Imported:
    """A run folder made of other projects' weights.

    Attributes:
        folder: where it is.
        files: what it was made of.
        net: the parts.
        components: the name of the component of each imported part.
        assumed: sentences about what the files do not tell.
    """

    folder: Path
    files: Sequence[Recognised]
    net: Parts
    components: Mapping[str, str]
    assumed: Sequence[str]

    def summary(self) -> str:
        """The files in a table, what they do not tell, and what to do next."""
        rows = [("file", "part", "component", "tensors", "parameters")]
        for file in self.files:
            part, module = file.found.part, self.net[file.found.part]
            parameters = sum(weight.numel() for weight in module.parameters())
            rows.append(
                (file.path.name, part, self.components[part], f"{len(file.weights):,}", f"{parameters:,}")
            )
        return "\n".join(
            [
                table(rows, right=2),
                *(["assumed:", *(f"    {sentence}" for sentence in self.assumed)] if self.assumed else []),
                f"imported: {self.folder}; to translate, or to train on:",
                f"    i2i translate {self.folder} my-pictures -o translated",
                f"    i2i run {self.folder / 'spec.toml'} --set data.root=my-pictures "
                f"--set train.init_from={self.folder} --out {self.folder}-on",
            ]
        )


def import_weights(
    paths: str | Path | Iterable[str | Path],
    out: str | Path,
    as_: str | None = None,
    *,
    registry: Registry | None = None,
    settings: Iterable[str] = (),
) -> Path:
    """Turn other projects' weights into a run folder, which `load` uses and `train.init_from` names.

    Args:
        paths: one file or several, each with the weights of one network of one method.
        out: the run folder; one that exists is left alone, and NAME-2 is made.
        as_: STRATEGY or STRATEGY.PART, where the weights do not tell. With "vgg19", "inception", "lpips-alex",
            "lpips-vgg", "lpips-squeeze" or "weights" the file becomes what losses and metrics read, X.safetensors,
            written to `out`.
        registry: the components; None looks for what is installed.
        settings: changes to the spec, `KEY=VALUE`.

    Returns:
        The run folder, or the file.

    Raises:
        I2IError: a file is not what it should be, nothing fits, or several things do; the sentence names them.
    """
    files = [Path(file) for file in ([paths] if isinstance(paths, (str, Path)) else paths)]
    if as_ in CONVERTED:
        return convert(files, Path(out), as_, settings)
    return import_files(files, Path(out), as_, registry or discover(), settings).folder


def import_files(
    paths: Sequence[Path], out: Path, as_: str | None, registry: Registry, settings: Iterable[str] = ()
) -> Imported:
    """What `import_weights` does, with all that there is to say about it."""
    files = recognise(paths, registry, as_)
    options, told = agreed(files)
    spec, facts = imported_spec(files[0].found.strategy, options, told, registry, tuple(settings))
    net, _ = build_parts(spec, registry, facts)
    for file in files:
        fill(net[file.found.part], file.weights, f"{file.path}: these weights do not fit {file.found.name}")
    folder = _write(out, spec, registry, facts, files, net)
    components = {file.found.part: _component(net[file.found.part], registry) for file in files}
    return Imported(folder, files, net, components, _assumed(files, told, facts))


def _assumed(files: Sequence[Recognised], told: Mapping[str, Any], facts: DataFacts) -> list[str]:
    """What the importers assume, each sentence once, and what the user has corrected."""
    assumed = list(dict.fromkeys(sentence for file in files for sentence in file.found.match.assumed))
    if facts.domains == tuple(told.get("domains", ())):
        return assumed
    excluding = "" if facts.exclusive else "; none excludes another (--set data.exclusive says which do)"
    return [*assumed, f"but data.attributes calls the domains {', '.join(facts.domains)}{excluding}"]


def _write(
    out: Path,
    spec: Spec,
    registry: Registry,
    facts: DataFacts,
    files: Sequence[Recognised],
    net: Parts,
) -> Path:
    imported = {file.found.part: file.path.name for file in files}
    started = environment(spec, registry, torch.device("cpu"), precision_of(spec), 1)
    folder = Folder.create(out, spec.toml(), {**started, "imported": imported})
    state = {
        "step": 0,
        "scalers": {},
        "imported": imported,
        "versions": versions(spec, registry),
        "packages": used(spec, registry),
        "plugin_files": registry.files,
        "data": dataclasses.asdict(facts),
    }
    tensors = {part: net[part].state_dict() for part in imported}
    checkpoint.write(
        folder.checkpoints / checkpoint.folder_name(0), tensors, state, {"spec.toml": spec.toml()}
    )
    folder.point("latest", 0)
    return folder.path


def _component(module: torch.nn.Module, registry: Registry) -> str:
    """The name under which a network is registered."""
    return next((c.name for c in registry if c.factory is type(module)), type(module).__name__)
