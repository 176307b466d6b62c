"""The tables of docs/methods/*.md that the code knows: options and published recipe.

`python docs/hooks/method_tables.py` writes them anew, between the marks of each page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import i2i
from i2i.core.registry import Component, Registry

METHODS = Path(__file__).resolve().parents[1] / "methods"
ROW = re.compile(r"^\| `(\w+)` \| ([^|]*?) ?\|", re.MULTILINE)


def between(text: str, mark: str) -> str:
    """What stands between the marks `<!-- mark -->` and `<!-- /mark -->` of a page."""
    return text.split(f"<!-- {mark} -->\n")[1].split(f"<!-- /{mark} -->")[0]


def options_table(method: Component, terms: Mapping[str, str]) -> str:
    """Every option of a method: the terms it acts on (written by hand), its default, and its meaning."""
    rows = ["| option | terms | default | meaning |", "|---|---|---|---|"]
    for name, field in method.signature.options.model_fields.items():
        default = _shown(field.get_default(call_default_factory=True))
        meaning = field.description or _any_of(method.signature.nested[name])
        rows.append(f"| `{name}` | {terms.get(name, '')} | {default} | {meaning} |".replace("|  |", "| |"))
    return "\n".join(rows) + "\n"


def _any_of(kind: str) -> str:
    article = "an" if kind[0] in "aeiou" else "a"
    return f"{article} [{kind}](../reference/components.md#{kind}) and its options"


def _shown(default: object) -> str:
    if not isinstance(default, i2i.Ref):
        return "absent" if default is None else f"`{_toml(default)}`"
    options = ", ".join(f"`{key} = {_toml(value)}`" for key, value in default.options.items())
    return f"`{default.name}`" + (f" with {options}" if options else "")


def recipe_table(recipe: Mapping[str, Any]) -> str:
    """Every key of a spec that the published recipe sets."""
    rows = [f"| `{key}` | `{_toml(value)}` |" for key, value in _flat(recipe)]
    return "\n".join(["| key | published |", "|---|---|", *rows]) + "\n"


def _flat(tables: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield above + key, value


def _toml(value: Any) -> str:
    """A value as a spec writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def written(page: str, name: str, registry: Registry) -> str:
    """A method's page with its tables as the code has them today."""
    method = registry.get("strategy", name)
    recipe: Mapping[str, Any] = method.factory.recipe  # type: ignore[attr-defined]
    old = between(page, "options")
    terms = {option: terms.strip() for option, terms in ROW.findall(old)}
    page = page.replace(old, options_table(method, terms))
    return page.replace(between(page, "recipe"), recipe_table(recipe))


def main() -> None:
    """Write the tables of every page."""
    registry = i2i.discover()
    for path in sorted(METHODS.glob("*.md")):
        if path.stem != "index":
            page = written(path.read_text(encoding="utf-8"), path.stem, registry)
            path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
