"""The tables of a spec, held against what is installed, with every default filled in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from i2i.core.check import shown, validate
from i2i.core.errors import Problem, SpecError, nearest
from i2i.core.registry import Registry
from i2i.core.schema import Ref
from i2i.core.strategy import Phase, Strategy
from i2i.spec.sections import Term, Train, Validate, ignored_limit

DEFAULT_WORKERS, MOST_WORKERS = 2, 1024


class Resolver:
    """One pass over the tables of a spec, gathering every problem.

    Args:
        registry: the components.
        tables: of the spec.
        folder: where its relative paths count from.
        sections: the tables that a spec may have.
        changed: the keys set on the command line; their paths count from the working folder.
    """

    def __init__(
        self,
        registry: Registry,
        tables: Mapping[str, Any],
        folder: Path,
        sections: Sequence[str],
        changed: Collection[str] = (),
    ) -> None:
        self.registry, self.folder, self.changed = registry, folder, changed
        self.problems: list[Problem] = []
        self.given: dict[str, Any] = {}
        for name, table in tables.items():
            if name not in sections:
                self.problems.append(Problem(name, "there is no such section", nearest(name, sections)))
            elif isinstance(table, list if name == "loggers" else Mapping):
                self.given[name] = table
            elif name in ("strategy", "data", "schedule") and isinstance(table, str):
                self.given[name] = {"name": table}
            else:
                wanted = "a list of tables: [[loggers]]" if name == "loggers" else "a table"
                self.problems.append(Problem(name, f"should be {wanted}, got {shown(table)}"))

    def parts(self) -> dict[str, Any]:
        """The fields of the resolved spec; worth nothing if there are problems."""
        recipe = self._recipe()
        data, workers = self._data(recipe.get("data", {}))
        offers = {"image_size": data.options["size"]} if data and "size" in data.options else {}
        strategy = self._strategy(offers)
        phases = self._phases(strategy)
        networks = sorted({name for phase in phases for name in phase.minimise})
        train = self._train(recipe.get("train", {}), networks)
        validation = self._validation(train, offers)
        return {
            "strategy": strategy,
            "data": data,
            "workers": workers,
            "optimizers": self._optimizers(recipe.get("optimizers", {}), networks),
            "schedule": self._schedule(recipe, train),
            # Both say it where the spec is written down, and must agree when it is read again.
            "train": train.model_copy(update={"validate_every": validation.every or train.validate_every}),
            "validation": validation,
            "terms": self._terms(phases, networks),
            "loggers": self._loggers(),
        }

    def _component(
        self,
        kind: str,
        raw: object,
        at: str,
        default: Ref | None = None,
        offers: Mapping[str, Any] | None = None,
    ) -> Ref | None:
        try:
            return self._absolute(self.registry.resolve(kind, raw, at, default, offers), at)
        except SpecError as error:
            self.problems += error.problems
            return None

    def _strategy(self, offers: Mapping[str, Any]) -> Ref | None:
        if "strategy" not in self.given and any(problem.at == "strategy" for problem in self.problems):
            return None
        return self._component("strategy", self.given.get("strategy", {}), "strategy", offers=offers)

    def _knows_strategy(self) -> bool:
        return self.registry.knows("strategy", self.given.get("strategy", {}).get("name"))

    def _recipe(self) -> Mapping[str, Any]:
        if not self._knows_strategy():
            return {}
        return recipe_of(self.given["strategy"]["name"], self.registry)

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
                Problem("data.workers", f"input should be a number of processes, got {shown(workers)}")
            )
        elif workers > MOST_WORKERS:
            wanted = f"input should be {MOST_WORKERS} processes or less, got {shown(workers)}"
            self.problems.append(Problem("data.workers", wanted))
        if "data" not in self.given:
            hint = f"known: {', '.join(self.registry.names('data'))}"
            self.problems.append(Problem("data", "this section is needed: where are the pictures?", hint))
            return None, 0
        name = given.get("name", recipe.get("name"))
        if not self.registry.knows("data", name):
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
        for name in given:
            if networks and name not in ("default", *networks):
                hint = nearest(name, ["default", *networks])
                self.problems.append(Problem(f"optimizers.{name}", f"there is no network '{name}'", hint))
        published = {name: self._published(table) for name, table in recipe.items()}
        fallback = published.get("default") or Ref("adam")
        default = self._component("optimizer", given.get("default", fallback), "optimizers.default", fallback)
        resolved = {"default": default}
        # Where the method is wrong, nobody knows its networks; what the file says of optimizers is still checked.
        for name in [n for n in networks or given if n != "default" and (n in given or n in published)]:
            base = published.get(name) or default or fallback
            resolved[name] = self._component("optimizer", given.get(name, base), f"optimizers.{name}", base)
        return {name: ref for name, ref in resolved.items() if ref is not None}

    @staticmethod
    def _published(table: Mapping[str, Any] | str) -> Ref:
        if isinstance(table, str):
            return Ref(table)
        return Ref(table["name"], **{k: v for k, v in table.items() if k != "name"})

    def _train(self, recipe: Mapping[str, Any], networks: list[str]) -> Train:
        given = dict(self.given.get("train", {}))
        base = dict(recipe)
        if {"steps", "epochs"} & set(given):
            base = {k: v for k, v in base.items() if k not in ("steps", "epochs")}
        if "init" in given:
            given["init"] = _init_over(base.get("init"), given["init"])
        values, problems = validate(Train, {**base, **given}, "train", "section 'train'")
        if {"steps", "epochs"} <= set(given):
            problems.append(Problem("train.epochs", "the length is given twice; keep either steps or epochs"))
        elif self._knows_strategy() and not {"steps", "epochs"} & {*base, *given}:
            problems.append(Problem("train.steps", "how long should it train? give steps or epochs"))
        for name in values.get("ema", {}):
            if networks and name not in networks:
                problems.append(
                    Problem(f"train.ema.{name}", f"there is no network '{name}'", nearest(name, networks))
                )
        problems += [] if problems else ignored_limit(values)
        self.problems += problems
        if problems:
            return Train()
        if values["init_from"] is not None:
            values["init_from"] = self._base("train.init_from") / values["init_from"].expanduser()
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
        if every_train is not None and "every" in given and given["every"] != every_train:
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
        values["also"] = self._also(values["also"], values["metric"])
        values["direction"] = self._direction(values["direction"], values["metric"])
        values["every"] = values["every"] or train.validate_every
        if raw_data is not None:
            data = self._component("data", raw_data, "validate.data", None, offers)
            values["data"] = data
        return Validate(**values)

    def _also(self, raw: tuple[Ref, ...], metric: Ref) -> tuple[Ref, ...]:
        found = [self._component("metric", ref, f"validate.also.{i}") for i, ref in enumerate(raw)]
        refs = [ref for ref in found if ref is not None]
        names = [metric.name, *(ref.name for ref in refs)]
        if twice := next((name for name in names if names.count(name) > 1), None):
            self.problems.append(Problem("validate.also", f"metric '{twice}' is named twice; keep one"))
        return tuple(refs)

    def _direction(self, asked: str, metric: Ref) -> str:
        """Which values are better; the metric itself may know."""
        factory = self.registry.get("metric", metric.name).factory
        higher = getattr(factory, "higher_is_better", None)
        says = "" if higher is None else "max" if higher else "min"
        if asked != "auto" and says and asked != says:
            better = "higher" if says == "max" else "lower"
            self.problems.append(
                Problem("validate.direction", f"of '{metric.name}' {better} values are better; leave it out")
            )
        return asked if asked != "auto" else says or "min"

    def _terms(self, phases: list[Phase], networks: list[str]) -> dict[str, Term]:
        terms = {}
        for name, table in self.given.get("terms", {}).items():
            at = f"terms.{name}"
            if not isinstance(table, Mapping):
                self.problems.append(Problem(at, f"should be a table, got {shown(table)}"))
                continue
            values, problems = validate(Term, table, at, f"term '{name}'")
            self.problems += problems
            wrong = {problem.at for problem in problems}
            raw = table.get("loss") if f"{at}.loss" not in wrong else None
            loss = self._component("loss", raw, f"{at}.loss") if raw is not None else None
            if problems:
                continue
            self.problems += _term_problems(at, name, values, phases, networks) if phases else []
            if loss is not None:
                terms[name] = Term(**{**values, "loss": loss})
        return terms

    def _loggers(self) -> tuple[Ref, ...]:
        given: list[Any] = self.given.get("loggers", [])
        found = [self._component("logger", raw, f"loggers.{i}") for i, raw in enumerate(given)]
        return tuple(ref for ref in found if ref is not None)

    def _absolute(self, ref: Ref, at: str) -> Ref:
        """The reference with every path made absolute."""
        return Ref.of(ref.kind, ref.name, self._rooted(ref.options, at))

    def _rooted(self, value: Any, at: str) -> Any:
        if isinstance(value, Path):
            return self._base(at) / value.expanduser()
        if isinstance(value, Ref):
            return self._absolute(value, at)
        if isinstance(value, Mapping):
            return {name: self._rooted(each, f"{at}.{name}") for name, each in value.items()}
        if isinstance(value, BaseModel):
            return value.model_copy(update=self._rooted(dict(value), at))
        return value

    def _base(self, key: str) -> Path:
        """Where the path of a key counts from: the folder of the spec, or where --set was typed."""
        set_here = any(f"{key}.".startswith(f"{changed}.") for changed in self.changed)
        return Path.cwd() if set_here else self.folder


def recipe_of(strategy: str, registry: Registry) -> dict[str, Any]:
    """The published settings of a method, every component as a table."""
    recipe: Mapping[str, Any] = registry.get("strategy", strategy).factory.recipe  # type: ignore[attr-defined]
    return {key: {"name": value} if isinstance(value, str) else value for key, value in recipe.items()}


def _init_over(published: Any, given: Any) -> Any:
    """The start of the weights as the file gives it, over the recipe's; another name replaces its options."""
    given = {"name": given} if isinstance(given, str) else given
    published = {"name": published} if isinstance(published, str) else published or {}
    same = isinstance(given, Mapping) and given.get("name", published.get("name")) == published.get("name")
    return {**published, **given} if same else given


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
    """The published schedule for a run of another length: its parts keep their share of the run."""
    in_steps = "constant_steps" in schedule
    constant = schedule.get("constant", schedule.get("constant_steps", 0))
    whole = constant + schedule.get("decay", schedule.get("decay_steps", 0))
    if not whole or (train.epochs, train.steps) == (recipe.get("epochs"), recipe.get("steps")):
        return dict(schedule)
    published = recipe.get("steps" if in_steps else "epochs", whole)  # a plan may go on beyond the run
    length, suffix = (train.epochs, "") if train.epochs is not None else (train.steps or 0, "_steps")
    constant, whole = (round(length * part / published) for part in (constant, whole))
    return {"name": schedule["name"], f"constant{suffix}": constant, f"decay{suffix}": whole - constant}
