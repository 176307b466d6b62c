"""A spec: a TOML file, checked in one pass; every default is written back."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import tomlkit
from pydantic import Field

from i2i.core.errors import I2IError, Problem, SpecError, nearest
from i2i.core.registry import Registry
from i2i.core.schema import Ref, plain, validate
from i2i.core.strategy import Phase, Strategy
from i2i.spec.lines import line_of
from i2i.spec.sections import Reference, Section, Term, Train, Validate

Workers = Annotated[int, Field(ge=0)]
DEFAULT_WORKERS = 2


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
    except tomllib.TOMLDecodeError as error:
        raise I2IError(f"{label}: this is not TOML: {error}") from error


def override(tables: dict[str, Any], settings: Iterable[str]) -> None:
    """Apply `--set strategy.generator.width=32`: values are TOML, bare words are strings.

    Raises:
        I2IError: a setting without `=`, or a key inside something that is no table.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise I2IError(f"--set {setting}: write KEY=VALUE, for example --set train.steps=1000")
        table, parts = tables, key.strip().split(".")
        for part in parts[:-1]:
            inner = table.setdefault(part, {})
            if isinstance(inner, str):  # a component named without a table
                inner = table[part] = {"name": inner}
            if not isinstance(inner, dict):
                raise I2IError(f"--set {setting}: {part} holds a value, not a table")
            table = inner
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
    except tomllib.TOMLDecodeError:
        return text


def resolve(
    source: str | Path | Mapping[str, Any] | Spec, registry: Registry, settings: Iterable[str] = ()
) -> Spec:
    """Check a spec against what is installed and fill in every default.

    Defaults come from the components, over them the strategy's recipe, then the file, then `settings`.

    Raises:
        SpecError: all that is wrong with it, each with file and line.
    """
    tables, name, folder, text = read(source)
    override(tables, settings)
    resolver = _Resolver(registry, tables, folder)
    spec = resolver.spec()
    if resolver.problems:
        places = [_place(name, text, problem.at) for problem in resolver.problems]
        raise SpecError(resolver.problems, places)
    return spec


def _place(name: str, text: str, at: str) -> str:
    line = line_of(text, at) if text else None
    if line is None:
        return f"{name}: " if name else ""
    return f"{name}:{line}: " if name else f"line {line}: "


class _Resolver:
    """One pass over the tables of a spec, gathering every problem."""

    def __init__(self, registry: Registry, tables: Mapping[str, Any], folder: Path) -> None:
        self.registry, self.folder = registry, folder
        self.problems: list[Problem] = []
        sections = [f.alias or name for name, f in Spec.model_fields.items() if name != "workers"]
        self.given: dict[str, Any] = {}
        for name, table in tables.items():
            if name not in sections:
                self.problems.append(Problem(name, "there is no such section", nearest(name, sections)))
            elif not isinstance(table, list if name == "loggers" else Mapping):
                if name in ("strategy", "data", "schedule") and isinstance(table, str):
                    self.given[name] = {"name": table}
                else:
                    self.problems.append(Problem(name, f"should be a table, got {table!r}"))
            else:
                self.given[name] = table

    def spec(self) -> Spec:
        """The resolved spec; worth nothing if there are problems."""
        recipe = self._recipe()
        data, workers = self._data(recipe.get("data", {}))
        offers = {"image_size": data.options["size"]} if data and "size" in data.options else {}
        strategy = self._component("strategy", self.given.get("strategy", {}), "strategy", offers=offers)
        phases = self._phases(strategy)
        networks = sorted({name for phase in phases for name in phase.minimise})
        train = self._train(recipe.get("train", {}), networks)
        parts: dict[str, Any] = {
            "optimizers": self._optimizers(recipe.get("optimizers", {}), networks),
            "schedule": self._schedule(recipe, train),
            "train": train,
            "validation": self._validation(train, offers),
            "terms": self._terms(phases, networks),
            "loggers": self._loggers(),
        }
        if self.problems or strategy is None or data is None:
            return Spec.model_construct(strategy=Ref("?"), data=Ref("?"))
        return Spec(strategy=self._absolute(strategy), data=self._absolute(data), workers=workers, **parts)

    def _component(
        self,
        kind: str,
        raw: object,
        at: str,
        default: Ref | None = None,
        offers: Mapping[str, Any] | None = None,
    ) -> Ref | None:
        try:
            return self.registry.resolve(kind, raw, at, default, offers)
        except SpecError as error:
            self.problems += error.problems
            return None

    def _recipe(self) -> Mapping[str, Any]:
        name = self.given.get("strategy", {}).get("name")
        if name not in self.registry.names("strategy"):
            return {}
        recipe: Mapping[str, Any] = self.registry.get("strategy", name).factory.recipe  # type: ignore[attr-defined]
        return recipe

    def _phases(self, strategy: Ref | None) -> list[Phase]:
        if strategy is None:
            return []
        method: Strategy = self.registry.build(strategy, {}, {})
        return list(method.phases())

    def _data(self, recipe: Mapping[str, Any]) -> tuple[Ref | None, int]:
        given = dict(self.given.get("data", {}))
        workers: Any = given.pop("workers", DEFAULT_WORKERS)
        if not isinstance(workers, int) or isinstance(workers, bool) or workers < 0:
            self.problems.append(
                Problem("data.workers", f"input should be a number of processes, got {workers!r}")
            )
        if "data" not in self.given:
            hint = f"known: {', '.join(self.registry.names('data'))}"
            self.problems.append(Problem("data", "this section is needed: where are the pictures?", hint))
            return None, 0
        name = given.get("name", recipe.get("name"))
        if name not in self.registry.names("data"):
            return self._component("data", given, "data"), 0
        options = self.registry.get("data", str(name)).signature.options.model_fields
        published = {k: v for k, v in recipe.items() if k in options}
        default = Ref(str(name), **published)
        size = given.get(
            "size", published.get("size", options["size"].default if "size" in options else None)
        )
        return self._component("data", given, "data", default, {"image_size": size}), workers

    def _optimizers(self, recipe: Mapping[str, Any], networks: list[str]) -> dict[str, Ref]:
        given = self.given.get("optimizers", {})
        for name in set(given) - {"default", *networks}:
            if networks:
                self.problems.append(
                    Problem(f"optimizers.{name}", f"there is no network '{name}'", nearest(name, networks))
                )
        published = {name: self._published(table) for name, table in recipe.items()}
        fallback = published.get("default") or Ref("adam")
        default = self._component("optimizer", given.get("default", fallback), "optimizers.default", fallback)
        resolved = {"default": default}
        for name in [n for n in networks if n in given or n in published]:
            base = published.get(name) or default
            resolved[name] = self._component("optimizer", given.get(name, base), f"optimizers.{name}", base)
        return {name: ref for name, ref in resolved.items() if ref is not None}

    @staticmethod
    def _published(table: Mapping[str, Any]) -> Ref:
        return Ref(table["name"], **{k: v for k, v in table.items() if k != "name"})

    def _train(self, recipe: Mapping[str, Any], networks: list[str]) -> Train:
        given = dict(self.given.get("train", {}))
        base = dict(recipe)
        if {"steps", "epochs"} & set(given):
            base = {k: v for k, v in base.items() if k not in ("steps", "epochs")}
        if isinstance(given.get("init"), str):
            given["init"] = {"name": given["init"]}
        values, problems = validate(Train, {**base, **given}, "train", "section 'train'")
        if {"steps", "epochs"} <= set(given):
            problems.append(Problem("train.epochs", "the length is given twice; keep either steps or epochs"))
        elif not {"steps", "epochs"} & {*base, *given}:
            problems.append(Problem("train.steps", "how long should it train? give steps or epochs"))
        for name in values.get("ema", {}):
            if networks and name not in networks:
                problems.append(
                    Problem(f"train.ema.{name}", f"there is no network '{name}'", nearest(name, networks))
                )
        self.problems += problems
        if problems:
            return Train()
        if values["init_from"] is not None:
            values["init_from"] = self.folder / values["init_from"]
        return Train(**values)

    def _schedule(self, recipe: Mapping[str, Any], train: Train) -> Ref:
        given = self.given.get("schedule", {})
        base = scaled(recipe.get("schedule", {"name": "constant"}), recipe.get("train", {}), train)
        in_steps = {"constant_steps", "decay_steps"} & set(given)
        in_epochs = {"constant", "decay"} & set(given)
        if in_steps or in_epochs:  # the other unit of the recipe would contradict it
            base = {k: v for k, v in base.items() if k == "name" or k.endswith("_steps") == bool(in_steps)}
        default = self._published(base)
        return self._component("schedule", given, "schedule", default) or default

    def _validation(self, train: Train, offers: Mapping[str, Any]) -> Validate:
        given = dict(self.given.get("validate", {}))
        raw_data = given.pop("data", None)
        values, problems = validate(Validate, given, "validate", "section 'validate'")
        every_train = self.given.get("train", {}).get("validate_every")
        if every_train is not None and given.get("every", every_train) != every_train:
            problems.append(
                Problem(
                    "validate.every",
                    f"train.validate_every says {every_train}, this says {given['every']}; keep one",
                )
            )
        self.problems += problems
        if problems:
            return Validate()
        values["metric"] = self._component("metric", values["metric"], "validate.metric") or Ref("l1")
        values["every"] = values["every"] or train.validate_every
        if raw_data is not None:
            data = self._component("data", raw_data, "validate.data", None, offers)
            values["data"] = self._absolute(data) if data else None
        return Validate(**values)

    def _terms(self, phases: list[Phase], networks: list[str]) -> dict[str, Term]:
        terms = {}
        for name, table in self.given.get("terms", {}).items():
            at = f"terms.{name}"
            if not isinstance(table, Mapping):
                self.problems.append(Problem(at, f"should be a table, got {table!r}"))
                continue
            values, problems = validate(Term, table, at, f"term '{name}'")
            self.problems += problems
            if problems:
                continue
            loss = self._component("loss", values["loss"], f"{at}.loss")
            self.problems += _term_problems(at, name, values, phases, networks) if phases else []
            if loss is not None:
                terms[name] = Term(**{**values, "loss": self._absolute(loss)})
        return terms

    def _loggers(self) -> tuple[Ref, ...]:
        given: list[Any] = self.given.get("loggers", [])
        found = [self._component("logger", raw, f"loggers.{i}") for i, raw in enumerate(given)]
        return tuple(ref for ref in found if ref is not None)

    def _absolute(self, ref: Ref) -> Ref:
        """Paths count from the folder of the spec."""
        options = {}
        for name, value in ref.options.items():
            if isinstance(value, Path):
                value = self.folder / value.expanduser()
            elif isinstance(value, Ref):
                value = self._absolute(value)
            options[name] = value
        return Ref.of(ref.kind, ref.name, options)


def _term_problems(
    at: str, name: str, values: Mapping[str, Any], phases: list[Phase], networks: list[str]
) -> list[Problem]:
    problems = []
    phase = next((p for p in phases if p.name == values["phase"]), None)
    if phase is None:
        hint = nearest(values["phase"], [p.name for p in phases])
        return [Problem(f"{at}.phase", f"there is no phase '{values['phase']}'", hint)]
    if any(name in row for row in phase.minimise.values()):
        problems.append(Problem(at, f"phase '{phase.name}' has a term '{name}' already; choose another name"))
    for network in values["minimised_by"]:
        if network not in networks:
            hint = nearest(network, networks)
            problems.append(Problem(f"{at}.minimised_by", f"there is no network '{network}'", hint))
        elif network not in phase.minimise:
            hint = f"it trains {', '.join(phase.minimise)}"
            problems.append(
                Problem(f"{at}.minimised_by", f"phase '{phase.name}' does not train {network}", hint)
            )
    return problems


def scaled(schedule: Mapping[str, Any], recipe: Mapping[str, Any], train: Train) -> dict[str, Any]:
    """The published schedule for a run of another length: its parts keep their proportion."""
    whole = schedule.get("constant", 0) + schedule.get("decay", 0)
    if not whole or train.epochs == recipe.get("epochs"):
        return dict(schedule)
    length, suffix = (train.epochs, "") if train.epochs is not None else (train.steps or 0, "_steps")
    constant = round(length * schedule["constant"] / whole)
    return {"name": schedule["name"], f"constant{suffix}": constant, f"decay{suffix}": length - constant}


def _present(section: Section) -> dict[str, Any]:
    """A section as a table, without what is absent."""
    table = {f.alias or name: getattr(section, name) for name, f in type(section).model_fields.items()}
    return {
        name: _present(value) if isinstance(value, Section) else plain(value)
        for name, value in table.items()
        if value is not None
    }


def _toml(table: Any) -> Any:
    """Tables as tomlkit's: values first, then inner tables."""
    if isinstance(table, list):
        array = tomlkit.aot()
        for entry in table:
            array.append(_toml(entry))
        return array
    out = tomlkit.table()
    for key, value in sorted(table.items(), key=lambda item: isinstance(item[1], dict)):
        if isinstance(value, dict):
            if value:
                out.add(key, _toml(value))
        else:
            out.add(key, tomlkit.item(value))
    return out
