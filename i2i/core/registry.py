"""The registry: every component that is installed, by kind and name. A value; no module-level instance exists."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from i2i.core.check import shown, validate
from i2i.core.deprecated import Former, tell
from i2i.core.errors import I2IError, Problem, SpecError, nearest
from i2i.core.schema import Ref, Signature, read_signature, unwritable
from i2i.core.strategy import Strategy

KINDS = (
    "strategy",
    "generator",
    "discriminator",
    "encoder",
    "loss",
    "data",
    "optimizer",
    "schedule",
    "metric",
    "logger",
    "importer",
)
# Keywords of every translation: nobody could reach a control of a method with such a name.
TRANSLATORS = frozenset({"picture", "out", "samples", "seed", "sync", "value_range", "bits", "tile", "batch"})
# What the recipe of a method may settle.
RECIPE = ("data", "optimizers", "schedule", "train")
# What the `update` of a metric can be shown.
SHOWN = ("result", "input", "truth", "labels", "domain", "answers")
# A function of one of these kinds is the thing itself; of the others, it makes the thing.
CALLED_DIRECTLY = frozenset({"loss", "schedule", "metric"})


@dataclass(frozen=True)
class Component:
    """One registered component."""

    kind: str
    name: str
    factory: Callable[..., Any]
    owner: str
    signature: Signature
    package: str = ""
    former: Former = field(default_factory=Former)

    @property
    def summary(self) -> str:
        """The first line of its own docstring; empty where it has none, but for what `dataclass` or a parent wrote."""
        own = vars(self.factory).get("__doc__") if inspect.isclass(self.factory) else self.factory.__doc__
        first = inspect.cleandoc(own or "").partition("\n")[0]
        return "" if first.startswith(f"{self.factory.__name__}(") else first

    @property
    def where(self) -> str:
        """File and line of its definition."""
        try:
            return f"{inspect.getsourcefile(self.factory)}:{inspect.getsourcelines(self.factory)[1]}"
        except (OSError, TypeError):
            return self.factory.__module__

    @property
    def source(self) -> str:
        """The package it is installed with, or the module or file."""
        return self.package or self.owner

    def renamed(self, name: str, given: Mapping[str, Any], at: str) -> dict[str, Any]:
        """Options by the names they have now; a spec that calls them, or the component, by old ones is told."""
        if name != self.name:
            tell(f"{at}: {self.kind} '{name}'", f"'{self.name}'", self.source, self.former.until)
        return self.former.up_to_date(given, at, str(self), self.source)

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"


@dataclass(frozen=True)
class Package:
    """An installed package with plug-ins: its version, and why it cannot be used, if it cannot."""

    version: str
    problem: str = ""


@dataclass
class Registry:
    """Components by kind and name.

    `owner` is the plug-in that `add` registers for, `package` the one it is installed with; `broken` tells which
    plug-ins failed to load, and why; `files` holds the hash of every plug-in that was loaded from a file, `versions`
    the version of every plug-in, `packages` what is installed, by name.
    """

    owner: str = "?"
    package: str = ""
    broken: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    packages: dict[str, Package] = field(default_factory=dict)
    _components: dict[tuple[str, str], Component] = field(default_factory=dict)
    _former: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        name: str,
        factory: Callable[..., Any],
        *,
        former: Former | None = None,
    ) -> None:
        """Register a component.

        Args:
            kind: one of `KINDS`.
            name: what specs call it.
            factory: its class, or its function.
            former: what it and its options were called; specs that say so still work, and are told the new names.

        Raises:
            I2IError: unknown kind, a name that is taken, a signature that cannot be a schema, or old names that cannot
                stand for new ones.
        """
        if kind not in KINDS:
            raise I2IError(f"there is no kind '{kind}'\n    {nearest(kind, KINDS)}")
        if kind == "strategy" and not (inspect.isclass(factory) and issubclass(factory, Strategy)):
            raise I2IError(f"strategy '{name}': {factory!r} is not a class derived from i2i.Strategy")
        try:
            signature = read_signature(factory)
            if inspect.isclass(factory) and issubclass(factory, Strategy):
                _refuse_translators(name, factory)
                _refuse_odd_recipe(name, factory)
        except (TypeError, NameError) as error:
            raise I2IError(f"{kind} '{name}': {error}") from error
        if kind == "metric" and inspect.isclass(factory):
            _check_metric(name, factory)
        if odd := unwritable(signature):
            raise I2IError(
                f"{kind} '{name}': a spec cannot hold the option{'s' * (len(odd) > 1)} {', '.join(odd)}; "
                "use numbers, strings, lists, tables and paths"
            )
        former = former or Former()
        former.check(f"{kind} '{name}'", name, signature.options.model_fields)
        self._insert(Component(kind, name, factory, self.owner, signature, self.package, former))

    def merge(self, other: Registry) -> None:
        """Take over all components of another registry, or none of them.

        Raises:
            I2IError: a name has two owners; both are named.
        """
        for component in other:
            self._refuse_second_owner(component)
        for component in other:
            self._insert(component)
        self.packages |= other.packages

    def _insert(self, component: Component) -> None:
        self._refuse_second_owner(component)
        self._components[component.kind, component.name] = component
        self._former |= {(component.kind, old): component.name for old in component.former.names}

    def _refuse_second_owner(self, new: Component) -> None:
        for name in (new.name, *new.former.names):
            if self.knows(new.kind, name):
                raise I2IError(
                    f"{new.kind} '{name}' is offered by both {self.get(new.kind, name).owner} and {new.owner}; one of "
                    "them has to be renamed, or uninstalled"
                )

    def __iter__(self) -> Iterator[Component]:
        return iter(self._components.values())

    def names(self, kind: str) -> list[str]:
        """The names of a kind, sorted."""
        return sorted(name for k, name in self._components if k == kind)

    def knows(self, kind: str, name: object) -> bool:
        """Whether there is such a component, by its name or an old one."""
        return isinstance(name, str) and ((kind, name) in self._components or (kind, name) in self._former)

    def get(self, kind: str, name: str, at: str = "") -> Component:
        """A component by kind and name, or an old name.

        Raises:
            SpecError: there is none; the nearest name and the plug-ins that failed to load are named.
        """
        if self.knows(kind, name):
            return self._components[kind, self._former.get((kind, name), name)]
        hint = nearest(name, self.names(kind))
        if self.broken:
            hint += "".join(
                f"\nplug-in '{plugin}' failed to load: {why}" for plugin, why in self.broken.items()
            )
        raise SpecError([Problem(at, f"there is no {kind} '{name}'", hint)])

    def resolve(
        self,
        kind: str,
        raw: object,
        at: str,
        default: Ref | None = None,
        offers: Mapping[str, Any] | None = None,
    ) -> Ref:
        """Check a reference and fill in every default, recursively.

        Args:
            kind: what the reference must name.
            raw: a name, a table, or a Ref.
            at: the dotted key, for messages.
            default: what it extends if it names the same component or none.
            offers: facts known before anything is built; "auto" options are settled from them.

        Raises:
            SpecError: all that is wrong with it, at once.
        """
        name, given = self._read(kind, raw, at, default)
        component = self.get(kind, name, at)
        given = _merged(self._base(component, default), component.renamed(name, given, at))
        values, problems = self._resolve_nested(component, given, at, offers)
        options, more = validate(component.signature.options, values, at, str(component))
        problems += [
            p for p in more if p.at.rpartition(".")[2] not in {q.at[len(at) + 1 :] for q in problems}
        ]
        if not problems:
            options, problems = _settle(component, options, offers or {}, at)
        if problems:
            raise SpecError(problems)
        return Ref.of(kind, component.name, options)

    def _base(self, component: Component, default: Ref | None) -> dict[str, Any]:
        """The options of the default, if it names the same component; their old names are the author's, not told."""
        if default is None or not self.knows(component.kind, default.name):
            return {}
        if self.get(component.kind, default.name) is not component:
            return {}
        return {component.former.options.get(key, key): value for key, value in default.options.items()}

    def _read(self, kind: str, raw: object, at: str, default: Ref | None) -> tuple[str, Mapping[str, Any]]:
        if isinstance(raw, str):
            return raw, {}
        if isinstance(raw, Ref):
            return raw.name, raw.options
        if not isinstance(raw, Mapping):
            raise SpecError(
                [Problem(at, f"should be the name of the {kind} or a table with its name, got {shown(raw)}")]
            )
        name = raw.get("name", default.name if default else None)
        if not isinstance(name, str):
            hint = f"known: {', '.join(self.names(kind))}"
            raise SpecError([Problem(f"{at}.name", f"the name of the {kind} is needed here", hint)])
        return name, {k: v for k, v in raw.items() if k != "name"}

    def _resolve_nested(
        self, component: Component, values: Mapping[str, Any], at: str, offers: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], list[Problem]]:
        """Resolve the options that are references themselves."""
        filled: dict[str, Any] = dict(values)
        problems: list[Problem] = []
        defaults = component.signature.defaults()
        for option, kind in component.signature.nested.items():
            default = defaults.get(option)
            raw = values.get(option, default)
            if raw is None:
                continue
            try:
                filled[option] = self.resolve(kind, raw, f"{at}.{option}", default, offers)
            except SpecError as error:
                problems += error.problems
                filled[option] = default
        return filled, problems

    def build(self, ref: Ref, offers: Mapping[str, Any], facts: Mapping[str, Any]) -> Any:
        """Build what a resolved reference names.

        Args:
            ref: the reference; `resolve` made it.
            offers: facts passed if the component wants them.
            facts: facts it must take.

        Raises:
            I2IError: it does not take a fact, needs one that nobody told, or fails.
        """
        component = self.get(ref.kind, ref.name)
        signature = component.signature
        if ref.kind in CALLED_DIRECTLY and inspect.isfunction(component.factory):
            return functools.partial(component.factory, **ref.options)
        refused = [fact for fact in facts if fact not in signature.facts]
        if refused:
            raise I2IError(self._refusal(component, refused))
        told = {**{k: v for k, v in offers.items() if k in signature.facts}, **facts}
        missing = [fact for fact in signature.required_facts if fact not in told]
        if missing:
            raise I2IError(self._unfed(component, missing, told))
        try:
            return component.factory(**told, **ref.options)
        except I2IError:
            raise
        except (ValueError, OSError) as error:
            raise I2IError(f"{component}: {error}") from error
        except Exception as error:
            first = f"{type(error).__name__}: {error}".splitlines()[0]
            raise I2IError(f"{component} cannot be built with these options ({first})") from error

    def _unfed(self, component: Component, missing: list[str], told: Mapping[str, Any]) -> str:
        same = [c for c in self if c.kind == component.kind]
        able = [c.name for c in same if set(c.signature.required_facts) <= told.keys()]
        return (
            f"{component} cannot be used here: nobody tells it {', '.join(missing)}\n"
            f"    {_plural(component.kind)} that do without: {', '.join(sorted(able)) or 'none'}"
        )

    def _refusal(self, component: Component, refused: list[str]) -> str:
        able = [c.name for c in self if c.kind == component.kind and set(refused) <= set(c.signature.facts)]
        wanted = ", ".join(refused)
        return (
            f"{component} cannot be used here: it does not take {wanted}\n"
            f"    {_plural(component.kind)} that do: {', '.join(sorted(able)) or 'none'}"
        )


def _refuse_translators(name: str, strategy: type[Strategy]) -> None:
    """A control that nobody could reach is a mistake of the method's author."""
    taken = sorted(TRANSLATORS & set(read_signature(strategy.translate).options.model_fields))
    if taken:
        raise I2IError(
            f"strategy '{name}': its translate has a control called '{taken[0]}', which is a keyword of every "
            "translation; choose another name"
        )


def _refuse_odd_recipe(name: str, strategy: type[Strategy]) -> None:
    """A section that nobody reads is a mistake of the method's author."""
    if odd := [section for section in strategy.recipe if section not in RECIPE]:
        raise I2IError(
            f"strategy '{name}': its recipe has no section '{odd[0]}'\n    {nearest(odd[0], RECIPE)}"
        )


def _plural(kind: str) -> str:
    return {"loss": "losses", "strategy": "strategies", "data": "data"}.get(kind, f"{kind}s")


def _check_metric(name: str, factory: type) -> None:
    """A metric that nobody could show anything is a mistake of its author."""
    if lost := [method for method in ("update", "compute") if not callable(getattr(factory, method, None))]:
        raise I2IError(f"metric '{name}': {factory.__name__} has no method {' and no '.join(lost)}")
    shown_to = [*inspect.signature(factory.update).parameters][1:]  # type: ignore[attr-defined]
    if odd := [parameter for parameter in shown_to if parameter not in SHOWN]:
        raise I2IError(f"metric '{name}': nobody shows its update '{odd[0]}'\n    {nearest(odd[0], SHOWN)}")
    if not isinstance(getattr(factory, "higher_is_better", None), bool):
        raise I2IError(
            f"metric '{name}': {factory.__name__} does not say which values are better; write higher_is_better = True, "
            "or False, in the class"
        )


def _merged(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Given options over base options; a table for a reference of the base extends that reference."""
    merged = dict(base)
    for key, value in given.items():
        old = base.get(key)
        if isinstance(old, Ref) and value == old.name:
            value = old
        if isinstance(old, Ref) and isinstance(value, Mapping) and value.get("name", old.name) == old.name:
            value = Ref(old.name, **_merged(old.options, {k: v for k, v in value.items() if k != "name"}))
        merged[key] = value
    return merged


def _settle(
    component: Component, options: dict[str, Any], offers: Mapping[str, Any], at: str
) -> tuple[dict[str, Any], list[Problem]]:
    """Let a component turn "auto" into a number, once the facts it asks for are known."""
    settle = getattr(component.factory, "settle", None)
    if settle is None:
        return options, []
    wanted = [p for p in inspect.signature(settle).parameters if p != "options"]
    if not set(wanted) <= set(offers):
        return options, []
    try:
        return settle(options, **{fact: offers[fact] for fact in wanted}), []
    except ValueError as error:
        option, colon, message = str(error).partition(": ")
        return options, [Problem(f"{at}.{option}", message) if colon else Problem(at, str(error))]
