"""What must be equal for two values to be compared: the data, and how results were made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from i2i.core.data import DataFacts, Source
from i2i.core.errors import I2IError
from i2i.core.schema import Ref, read_signature
from i2i.translate.evaluating.judging import Material, Subject
from i2i.translate.evaluating.views import View, alone


def protocol_of(
    data: Ref, material: Material, subject: Subject, controls: Mapping[str, Any], part: str, of_real: str
) -> dict[str, Any]:
    """All of it but what belongs to one metric.

    Args:
        data: whose pictures these are.
        material: what was judged on.
        subject: what was judged.
        controls: under which; those that are as the method has them by itself are left out.
        part: of the data, that the inputs are from.
        of_real: the part that results should be like.
    """
    view, options, facts = material.view, data.options, material.view.facts
    real = alone(material.real, view.made)
    return {
        "data": data.name,
        "inputs": "random numbers" if view.draws_alone else part,
        "count": material.inputs,
        "results": material.inputs * (1 if view.draws_alone else len(view.captions)),
        "real": of_real,
        "real_count": len(real),
        "pictures": _fingerprint(*([] if view.draws_alone else [material.given]), real),
        "drawn": {name: options[name] for name in ("layout", "light", "seed") if name in options},
        "translated": f"{view.field} to {view.made}",
        "direction": options.get("direction"),
        "wanted": [*view.captions] if len(view.captions) > 1 else [],
        "size": facts.image_size,
        "height": facts.height,
        "channels": facts.channels.get(view.made),
        "value_range": [*facts.value_range.get(view.made, ())],
        "resize": _resize(real),
        "centre_crop": options.get("centre_crop"),
        "controls": _changed(subject, controls),
        "seed": subject.seed,
        "precision": subject.precision,
    }


def _changed(subject: Subject, controls: Mapping[str, Any]) -> dict[str, str]:
    usual = read_signature(subject.strategy.translate).defaults()
    return {name: str(value) for name, value in controls.items() if value != usual.get(name)}


def _fingerprint(*sources: Source) -> str:
    """Of the names of the files, wherever their folder is."""
    names = "\n".join(source.name(index) for source in sources for index in range(len(source)))
    return hashlib.sha256(names.encode()).hexdigest()[:12]


def _resize(source: Source) -> str | None:
    """How stored pictures came to this size; None where nothing is stored, or nobody knows."""
    filter_ = getattr(source, "filter", None)
    return filter_ and f"{filter_}, antialiased"


def check_fits(view: View, known: DataFacts) -> None:
    """Refuse data that the networks were not made for.

    Raises:
        I2IError: its fields, channels or classes are other ones.
    """
    facts, fields = view.facts, [name for name in (view.field, view.made) if name in known.fields]
    if lacking := [name for name in fields if name not in facts.fields]:
        raise I2IError(f"this data has no '{lacking[0]}', which the model was trained with")
    for name in fields:
        of_model, of_data = known.channels.get(name), facts.channels.get(name)
        if of_model != of_data:
            raise I2IError(
                f"'{name}' of this data has {of_data} channels, and the model was trained with {of_model}"
            )
    of_model, of_data = (of.maps.get(view.field) for of in (known, facts))
    if of_model and of_model != of_data:
        raise I2IError(
            f"the label maps of this data have {of_data} classes, and those of the model {of_model}"
        )
