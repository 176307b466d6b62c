"""A spec: a TOML file, checked in one pass; every default is written back."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import tomlkit
from pydantic import Field

from i2i.core.errors import I2IError, Problem, SpecError, nearest
from i2i.core.registry import Registry
from i2i.core.schema import Ref, plain
from i2i.spec.lines import line_of
from i2i.spec.resolver import DEFAULT_WORKERS, MOST_WORKERS, Resolver
from i2i.spec.sections import Reference, Section, Term, Train, Validate

Workers = Annotated[int, Field(ge=0, le=MOST_WORKERS)]
EXAMPLE = "--set train.steps=1000"
# Two keys that say the same: who sets one means it instead of the other.
INSTEAD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "train.steps": ("train", "epochs"),
        "train.epochs": ("train", "steps"),
        "train.validate_every": ("validate", "every"),
        "validate.every": ("train", "validate_every"),
    }
)


class Spec(Section):
    """A run, completely: the sections of a spec file.

    Attributes:
        strategy: the method and its components.
        data: the data set.
        workers: processes that read pictures (`workers` of the section `data`).
        optimizers: one for each network.
        schedule: of the learning rate.
        train: the same for every method.
        validation: the section `validate`.
        terms: losses that the spec adds.
        loggers: where numbers and pictures go.
    """

    strategy: Reference
    data: Reference
    workers: Workers = DEFAULT_WORKERS
    optimizers: dict[str, Reference] = Field(default_factory=dict)
    schedule: Reference = Ref("constant")
    train: Train = Train()
    validation: Validate = Field(Validate(), alias="validate")
    terms: dict[str, Term] = Field(default_factory=dict)
    loggers: tuple[Reference, ...] = ()

    def tables(self) -> dict[str, Any]:
        """The spec as the tables of its file; what is absent is left out."""
        return {
            "strategy": self.strategy.table(),
            "data": {**self.data.table(), "workers": self.workers},
            "optimizers": {name: ref.table() for name, ref in self.optimizers.items()},
            "schedule": self.schedule.table(),
            "train": _present(self.train),
            "validate": _present(self.validation),
            "terms": {name: _present(term) for name, term in self.terms.items()},
            "loggers": [ref.table() for ref in self.loggers],
        }

    def toml(self) -> str:
        """The spec as a file; reading it gives an equal spec."""
        document = tomlkit.document()
        for name, table in self.tables().items():
            if table:
                document[name] = _toml(table)
        return tomlkit.dumps(document).lstrip("\n")


SECTIONS = tuple(field.alias or name for name, field in Spec.model_fields.items() if name != "workers")


def read(source: str | Path | Mapping[str, Any] | Spec) -> tuple[dict[str, Any], str, Path, str]:
    """Tables, name, folder and text of a spec given as a path, TOML text, a dict or a `Spec`.

    Raises:
        I2IError: no such file, or not TOML.
    """
    if isinstance(source, Spec):
        return source.tables(), "", Path.cwd(), ""
    if isinstance(source, Mapping):
        return plain_tables(source), "", Path.cwd(), ""
    if isinstance(source, Path) or ("\n" not in source and "=" not in source):
        path = Path(source)
        text = _read_file(path)
        return _parse(text, str(path)), path.name, path.resolve().parent, text
    return _parse(source, "spec"), "", Path.cwd(), source


def plain_tables(tables: Mapping[str, Any]) -> dict[str, Any]:
    """A spec written as a Python dict, with `Ref`s and paths turned into tables and strings."""
    return {str(k): plain(v) for k, v in tables.items() if v is not None}


def _read_file(path: Path) -> str:
    if path.is_dir():
        hint = f"\n    did you mean '{path / 'spec.toml'}'?" if (path / "spec.toml").is_file() else ""
        raise I2IError(f"{path}: this is a folder; name the spec file{hint}")
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = (
            nearest(path.name, [p.name for p in path.parent.glob("*.toml")]) if path.parent.is_dir() else ""
        )
        raise I2IError(f"{path}: there is no such spec file\n    {near}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise I2IError(f"{path}: it cannot be read ({error})") from error


def _parse(text: str, label: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise I2IError(
            f"{label}: its lists or tables are nested too deeply; a spec needs few levels"
        ) from None
    except ValueError as error:  # not TOML, or a number of thousands of digits
        raise I2IError(f"{label}: this is not TOML: {error}") from error


def override(tables: dict[str, Any], settings: Iterable[str], example: str = EXAMPLE) -> None:
    """Apply `--set strategy.generator.width=32`: values are TOML, bare words are strings.

    `example` is shown to those who write something else.

    Raises:
        I2IError: a setting without `=`, or a key inside something that is no table.
    """
    flag = example.split()[0]
    for setting in settings:
        key, equals, text = setting.partition("=")
        parts = [part.strip() for part in key.split(".")]
        if not equals or not all(parts):
            raise I2IError(f"{flag} {setting}: write KEY=VALUE, for example {example}")
        table = tables
        for part in parts[:-1]:
            inner = table.setdefault(part, {})
            if isinstance(inner, str):  # a component named without a table
                inner = table[part] = {"name": inner}
            if not isinstance(inner, dict):
                raise I2IError(f"{flag} {setting}: {part} holds a value, not a table")
            table = inner
        section, other = INSTEAD.get(".".join(parts), ("", ""))
        if isinstance(held := tables.get(section), dict):
            held.pop(other, None)
        _replace(table, parts[-1], _value(text.strip()))


def _replace(table: dict[str, Any], key: str, value: Any) -> None:
    """Another name replaces the options of the old one."""
    old = table.get(key)
    if isinstance(old, dict) and isinstance(value, str):
        value = {**old, "name": value} if old.get("name") == value else {"name": value}
    if key == "name" and table.get("name", value) != value:
        table.clear()
    table[key] = value


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def resolve(
    source: str | Path | Mapping[str, Any] | Spec, registry: Registry, settings: Iterable[str] = ()
) -> Spec:
    """Check a spec against what is installed and fill in every default.

    Defaults come from the components, over them the strategy's recipe, then the file, then `settings`.

    Raises:
        SpecError: all that is wrong with it, each with file and line.
    """
    settings = tuple(settings)
    tables, _, folder, _ = read(source)
    override(tables, settings)
    keys = {setting.partition("=")[0].strip() for setting in settings}
    resolver = Resolver(registry, tables, folder, SECTIONS, keys)
    parts = resolver.parts()
    if resolver.problems:
        raise located(SpecError(resolver.problems), source, settings)
    return Spec(**parts)


def located(
    error: I2IError, source: str | Path | Mapping[str, Any] | Spec, settings: Iterable[str] = ()
) -> I2IError:
    """An error about a spec with file and line in front, its problems in the order of the file.

    An error whose sentence does not start with a key of the spec stays as it is.
    """
    _, name, _, text = read(source)
    problems = error.problems if isinstance(error, SpecError) else _as_problems(str(error))
    if not problems:
        return error
    keys = [setting.partition("=")[0].strip() for setting in settings]
    lines = {problem: line_of(text, problem.at) for problem in problems}
    ordered = sorted(problems, key=lambda problem: lines[problem] or len(text))
    return SpecError(ordered, [_place(name, lines[p], _set_by(p.at, keys)) for p in ordered])


def _as_problems(sentence: str) -> tuple[Problem, ...]:
    """`train.batch: 3 cannot be cut …` as a problem of that key."""
    first, _, hint = sentence.partition("\n")
    at, colon, message = first.partition(": ")
    known = colon and at.split(".")[0] in SECTIONS
    return (Problem(at, message, inspect.cleandoc(hint)),) if known else ()


def _set_by(at: str, keys: Iterable[str]) -> bool:
    return any(f"{at}.".startswith(f"{key}.") for key in keys)


def _place(name: str, line: int | None, set_: bool) -> str:
    if set_:
        return "--set "
    if line is None:
        return f"{name}: " if name else ""
    return f"{name}:{line}: " if name else f"line {line}: "


def _present(section: Section) -> dict[str, Any]:
    """A section as a table, without what is absent."""
    table = {f.alias or name: getattr(section, name) for name, f in type(section).model_fields.items()}
    return {
        name: _present(value) if isinstance(value, Section) else plain(value)
        for name, value in table.items()
        if value is not None
    }


def _toml(table: Any) -> Any:
    """Tables as tomlkit's: values first, then inner tables.

    An empty table counts as a value: left out, the method's own would come back when the spec is read again.
    """
    if isinstance(table, list):
        array = tomlkit.aot()
        for entry in table:
            array.append(_toml(entry))
        return array
    out = tomlkit.table()
    for key, value in sorted(table.items(), key=lambda item: isinstance(item[1], dict) and bool(item[1])):
        if isinstance(value, dict):
            out.add(key, _toml(value) if value else tomlkit.inline_table())
        else:
            out.add(key, tomlkit.item(value))
    return out
