"""The spec and the data facts of a run whose networks come from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from i2i.core.data import DataFacts
from i2i.core.errors import I2IError, nearest
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.spec.assemble import build_strategy
from i2i.spec.resolver import recipe_of
from i2i.spec.spec import Spec, resolve

ROOT = "put-the-folder-of-your-pictures-here"
SIZE = 256  # where neither the files nor the method's recipe say how large the pictures are
EIGHT_BITS = (0.0, 255.0)


def imported_spec(
    strategy: str,
    options: Mapping[str, Any],
    told: Mapping[str, Any],
    registry: Registry,
    settings: tuple[str, ...] = (),
) -> tuple[Spec, DataFacts]:
    """The published recipe of a method with the networks that files hold, and what these tell about the data.

    Args:
        strategy: the method.
        options: those of its options that describe the networks.
        told: what the files tell about the data, as fields of `DataFacts`.
        registry: the components.
        settings: changes to the spec, `KEY=VALUE`.

    Raises:
        I2IError: the spec is wrong, or the facts do not suffice or contradict it.
    """
    tables = {"strategy": {"name": strategy, **options}, "data": _data(strategy, told, registry)}
    spec = resolve(tables, registry, settings)
    facts = _facts(spec, told, registry)
    return _completed(spec, facts, registry), facts


def _data(strategy: str, told: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """The data section: a place to fill in, and the size of the pictures if it is not that of the recipe."""
    published = recipe_of(strategy, registry).get("data", {})
    name = published.get("name")
    known = registry.get("data", name).signature.options.model_fields if name else {}
    table = {"root": ROOT} if "root" in known else {}
    if told.get("image_size") in (None, published.get("size")):
        return table
    # A published load size belongs to the published size.
    resized = {"load_size": "auto"} if "load_size" in published else {}
    return {**table, "size": told["image_size"], **resized}


def _facts(spec: Spec, told: Mapping[str, Any], registry: Registry) -> DataFacts:
    """The facts of the data that the weights were made for: 8-bit pictures, as the published programs read them."""
    wanted = [field for field in build_strategy(spec, registry).wants() if not field.endswith("?")]
    channels, vectors = told.get("channels", {}), told.get("vectors", {})
    if unknown := [field for field in wanted if field not in channels and field not in vectors]:
        they = f"{' and '.join(unknown)} {'have' if len(unknown) > 1 else 'has'}"
        raise I2IError(
            f"these files do not tell how many channels {they}; import the file of the generator with them"
        )
    size = spec.data.options.get("size", told.get("image_size", SIZE))
    facts = {"fields": tuple(wanted), "value_range": dict.fromkeys(channels, EIGHT_BITS), **told}
    return DataFacts(**_renamed(spec, {**facts, "image_size": size}))


def _renamed(spec: Spec, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with the domains called as the spec calls them; which of new ones exclude each other is not known.

    Raises:
        I2IError: it names more or fewer than there are, or groups that are none.
    """
    old, told = tuple(facts.get("domains", ())), tuple(facts.get("exclusive", ()))
    new = tuple(spec.data.options.get("attributes") or old)
    if len(new) != len(old):
        raise I2IError(
            f"data.attributes: {len(new)} names for {len(old)} domains; name all of {', '.join(old) or 'none'}"
        )
    names = dict(zip(old, new, strict=True))
    sets = tuple(tuple(names[name] for name in group) for group in facts.get("sets", ()))
    exclusive = tuple(spec.data.options.get("exclusive") or (told if new == old else ()))
    if unknown := [name for group in exclusive for name in group if name not in new]:
        raise I2IError(f"data.exclusive: there is no domain '{unknown[0]}'\n    {nearest(unknown[0], new)}")
    return {**facts, "domains": new, "exclusive": exclusive, "sets": sets}


def _completed(spec: Spec, facts: DataFacts, registry: Registry) -> Spec:
    """The spec with the domains of the weights as the labels to read, and the place to fill in as it was written."""
    known = registry.get("data", spec.data.name).signature.options.model_fields
    options = dict(spec.data.options)
    given = {"attributes": facts.domains, "exclusive": facts.exclusive}
    options |= {key: value for key, value in given.items() if value and key in known and not options.get(key)}
    if options.get("root") == Path.cwd() / ROOT:
        options["root"] = Path(ROOT)
    return spec.model_copy(update={"data": Ref.of("data", spec.data.name, options)})
