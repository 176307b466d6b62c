"""The contract that every plug-in is held to: `check(plugin)`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from i2i.core.errors import I2IError, nearest
from i2i.core.registry import Component, Registry
from i2i.spec.plugins import discover, owner_of, register
from i2i.spec.shield import PluginError, shielded
from i2i.testing import (
    equalities,
    losses,
    methods,
    metrics,
    networks,
    options,
    others,
    sources,
    training,
    translation,
)
from i2i.testing.workbench import Workbench

Rule = Callable[[Workbench, Component], Iterator[str]]
Small = Mapping[str, Mapping[str, Any]]


class ContractError(AssertionError):
    """What is wrong with a plug-in: a sentence a line.

    Attributes:
        sentences: one for each thing.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("\n".join(["", *sentences]))


def summary(bench: Workbench, component: Component) -> Iterator[str]:
    """It says what it is, and of which types its options are."""
    if not component.summary:
        yield "it has no docstring; its first line is what `i2i list` shows"
    for name, option in component.signature.options.model_fields.items():
        if option.annotation is Any:
            yield f"the option {name} has no type, so nobody checks what a spec gives it; write {name}: float, or so"


NETWORK: Mapping[str, Rule] = MappingProxyType(
    {
        "summary": summary,
        "defaults": networks.defaults,
        "forward": networks.forward,
        "random numbers": networks.random_numbers,
        "inputs": networks.inputs_kept,
        "sizes": networks.sizes,
        "device": networks.device,
        "bounds": networks.bounds,
        "options": networks.options,
        "reach": networks.reach,
        "samples": networks.samples,
        "state": networks.state,
        "bf16": networks.half_precision,
        "compile": networks.compiled,
    }
)
RULES: Mapping[str, Mapping[str, Rule]] = MappingProxyType(
    {
        "strategy": {
            "summary": summary,
            "defaults": methods.defaults,
            "spec": methods.spec,
            "bounds": options.bounds,
            "steps": training.steps,
            "terms": training.terms,
            "reach": training.reach,
            "random numbers": training.random_numbers,
            "options": options.options,
            "accumulation": equalities.accumulation,
            "resume": equalities.resume,
            "processes": equalities.processes,
            "bf16": equalities.half_precision,
            "compile": equalities.compiled,
            "channels-last": equalities.channels_last,
            "bad pictures": training.bad_pictures,
            "adversarial losses": training.adversarial,
            "translation": translation.translation,
            "controls": translation.controls,
            "preview": translation.preview,
        },
        "generator": NETWORK,
        "discriminator": NETWORK,
        "encoder": NETWORK,
        "loss": {
            "summary": summary,
            "defaults": losses.defaults,
            "one number": losses.one_number,
            "memory": losses.memory,
            "mean": losses.mean,
            "equal pictures": losses.alike,
            "device": losses.device,
            "bounds": losses.bounds,
            "options": losses.options,
            "bf16": losses.half_precision,
            "compile": losses.compiled,
        },
        "data": {
            "summary": summary,
            "interface": sources.interface,
            "facts": sources.facts,
            "purity": sources.purity,
            "workers": sources.workers,
            "held out": sources.held_out,
            "bounds": sources.bounds,
        },
        "optimizer": {"summary": summary, "steps": others.optimizer_steps, "bounds": others.bounds},
        "schedule": {"summary": summary, "factors": others.schedule_factors, "bounds": others.bounds},
        "metric": {"summary": summary, "value": metrics.value, "bounds": others.bounds},
        "logger": {"summary": summary, "calls": others.logger_calls, "bounds": others.bounds},
        "importer": {"summary": summary, "detects": others.importer_detects, "bounds": others.bounds},
    }
)


# Where one of these is broken, the others of the component would only say so again.
FIRST = frozenset(
    {"defaults", "steps", "forward", "random numbers", "inputs", "one number", "memory", "interface"}
)


@dataclass(frozen=True)
class Check:
    """One rule that a component of a plug-in is held to.

    Attributes:
        component: the component.
        rule: the rule's name.
    """

    component: Component
    rule: str
    bench: Workbench

    def __str__(self) -> str:
        return f"{self.component.kind}.{self.component.name}: {self.rule}"

    def run(self) -> list[str]:
        """What is wrong, a sentence each."""
        rule = RULES[self.component.kind][self.rule]
        try:
            with shielded(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = list(rule(self.bench, self.component))
        except PluginError as error:
            mended = isinstance(error.__cause__, I2IError)
            found = [str(error) if mended else f"while it was checked for '{self.rule}', it raised {error}"]
        return [f"{self.component}: {sentence}" for sentence in found]


def check(plugin: Any, *, small: Small | None = None, exempt: Mapping[str, str] | None = None) -> None:
    """Hold every component of a plug-in to the contract that the bundled ones obey.

    Components are built small, and methods are trained for a few steps on pictures drawn on the spot, on the CPU.

    Args:
        plugin: a module (or an object) with a function `i2i_register` marked with `@i2i.hookimpl`, or the path of a
            Python file that has one.
        small: "kind.name" -> options, and facts, that a component is built with: small ones, or those that it cannot do
            without; "data" -> options of the demo set; "translate.NAME" -> values for the controls of a method. What
            has an option `width`, `blocks`, `layers` or `hidden` is made small unasked. Whether an option
            changes anything is tried for numbers, switches and choices; not for free texts.
        exempt: "kind.name: rule" -> why this component need not keep to this rule.

    Raises:
        ContractError: all that is wrong, a sentence for each thing.
    """
    sentences: dict[str, None] = {}  # each is said once
    stuck: Component | None = None
    for each in checks(plugin, small=small, exempt=exempt):
        if each.component is not stuck and (found := each.run()):
            sentences |= dict.fromkeys(found)
            stuck = each.component if each.rule in FIRST else stuck
    if sentences:
        raise ContractError([*sentences])


def checks(
    plugin: Any, *, small: Small | None = None, exempt: Mapping[str, str] | None = None
) -> list[Check]:
    """The single checks, for `pytest.mark.parametrize`; arguments as for `check`.

    Raises:
        ContractError: the plug-in cannot be loaded, registers nothing, or an exemption names no check.
    """
    registry, mine = loaded(plugin)
    known = [f"{component.kind}.{component.name}" for component in registry]
    known += ["data", *(f"translate.{name}" for name in registry.names("strategy"))]
    _check_names("small: there is no component", small or {}, known)
    bench = Workbench(registry, small or {})
    every = [Check(component, rule, bench) for component in mine for rule in RULES[component.kind]]
    _check_names("exempt: there is no check", exempt or {}, [str(each) for each in every])
    return [each for each in every if str(each) not in (exempt or {})]


def rules(kind: str) -> tuple[str, ...]:
    """The names of the rules that components of a kind are held to."""
    return tuple(RULES[kind])


def _check_names(what: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    if odd := [name for name in given if name not in known]:
        raise ContractError([f"{what} '{odd[0]}'\n    {nearest(odd[0], known)}"])


def loaded(plugin: Any) -> tuple[Registry, list[Component]]:
    """Everything that is installed, and the components of one plug-in."""
    try:
        if isinstance(plugin, str | Path):
            found = discover([Path(plugin)])
            owner = found.plugins[-1].module
        else:
            found = discover()
            owner = owner_of(plugin)
            if owner not in {component.owner for component in found}:
                with shielded():
                    owner = register(found, owner, plugin, "", "").module
    except (I2IError, PluginError) as error:
        raise ContractError([f"the plug-in cannot be loaded: {error}"]) from error
    mine = [component for component in found if component.owner == owner]
    if not mine:
        raise ContractError(
            [f"{owner} registers nothing; call registry.add(kind, name, component) in i2i_register"]
        )
    return found, mine
