"""A component's signature, read as its schema.

Positional parameters are *facts*, told by whoever builds the component; keyword-only parameters are
*options*, set by the user. There is no second declaration.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import core_schema

RESERVED = frozenset(dir(BaseModel)) | {"name"}
PLAIN = (bool, int, float, str)


@dataclass(frozen=True)
class Kind:
    """Marks an option that names another component: `Annotated[Ref, Kind("loss")]`."""

    name: str


class Ref:
    """The name of a component and the options it is built with; in TOML a string or a table.

    `kind` is filled in when a registry resolves the reference.
    """

    __slots__ = ("kind", "name", "options")
    name: str
    options: Mapping[str, Any]
    kind: str

    def __init__(self, name: str, /, **options: Any) -> None:
        self._fill(name, options, "")

    @classmethod
    def of(cls, kind: str, name: str, options: Mapping[str, Any]) -> Ref:
        """A resolved reference."""
        ref = cls(name)
        ref._fill(name, dict(options), kind)
        return ref

    def _fill(self, name: str, options: Mapping[str, Any], kind: str) -> None:
        for slot, value in (("name", name), ("options", options), ("kind", kind)):
            object.__setattr__(self, slot, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Ref does not change; make a new one instead of setting {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Ref does not change")

    def __reduce__(self) -> tuple[Any, ...]:
        return (Ref.of, (self.kind, self.name, dict(self.options)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and (self.name, self.options) == (other.name, other.options)

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Ref({', '.join([repr(self.name), *(f'{k}={v!r}' for k, v in self.options.items())])})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(
            cls, serialization=core_schema.plain_serializer_function_ser_schema(plain)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        return {
            "type": ["string", "object"],
            "description": "a component: its name, or a table with its name",
        }

    def table(self) -> dict[str, Any]:
        """The reference as a table of a spec; what is absent is left out."""
        return {"name": self.name, **{k: plain(v) for k, v in self.options.items() if v is not None}}


def plain(value: Any) -> Any:
    """A value as TOML can hold it."""
    if isinstance(value, Ref):
        return value.table()
    if isinstance(value, BaseModel):
        return plain(value.model_dump(by_alias=True))
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Enum):
        return plain(value.value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)


@dataclass(frozen=True)
class Signature:
    """What a component's signature says.

    Attributes:
        facts: names of the positional parameters, in order.
        required_facts: those without a default.
        options: a pydantic model of the keyword-only parameters; unknown names are forbidden.
        nested: the options that name another component, with its kind.
    """

    facts: tuple[str, ...]
    required_facts: tuple[str, ...]
    options: type[BaseModel]
    nested: Mapping[str, str] = field(default_factory=dict)

    def defaults(self) -> dict[str, Any]:
        """The options that have a default, with it."""
        fields = self.options.model_fields
        return {
            name: f.get_default(call_default_factory=True)
            for name, f in fields.items()
            if not f.is_required()
        }

    def json_schema(self, at: str = "#") -> dict[str, Any]:
        """The JSON schema of the options; `at` is where it will stand, for references within it."""
        return self.options.model_json_schema(ref_template=f"{at}/$defs/{{model}}")


def read_signature(factory: Callable[..., Any]) -> Signature:
    """Read a class's or a function's signature.

    Raises:
        TypeError: it takes `*args` or `**kwargs`, or an option has a name that pydantic or i2i owns.
    """
    label = getattr(factory, "__name__", repr(factory))
    hints = type_hints(factory)
    facts: list[str] = []
    required: list[str] = []
    options: dict[str, Any] = {}
    nested: dict[str, str] = {}
    for p in inspect.signature(factory).parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            stars = "*" if p.kind is p.VAR_POSITIONAL else "**"
            raise TypeError(f"{label} takes {stars}{p.name}; name every option instead")
        if p.kind is not p.KEYWORD_ONLY:
            facts.append(p.name)
            required += [p.name] if p.default is p.empty else []
            continue
        if p.name in RESERVED or p.name.startswith(("model_", "_")):
            raise TypeError(f"{label} has an option called '{p.name}', a name that is taken; choose another")
        hint = hints.get(p.name, Any)
        nested.update((p.name, kind) for kind in kinds_of(hint))
        options[p.name] = (hint, ... if p.default is p.empty else p.default)
    return Signature(tuple(facts), tuple(required), _model(f"{label} options", options), nested)


def _model(name: str, options: Mapping[str, Any]) -> type[BaseModel]:
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True, protected_namespaces=())
    return create_model(name, __config__=config, **options)


def unwritable(signature: Signature) -> list[str]:
    """The options that cannot be written to a spec and read again: a run is rebuilt from the spec in its folder."""
    fields = signature.options.model_fields.items()
    return [name for name, f in fields if name not in signature.nested and not _writable(name, f)]


def _writable(name: str, option: FieldInfo) -> bool:
    if _plainly_writable(option):
        return True
    probe = _model(name, {name: (option.annotation, option)})
    default = option.get_default(call_default_factory=True)
    try:
        probe.model_json_schema()
        if option.is_required() or default is None:
            return True
        again = probe.model_validate({name: plain(default)})
    except (PydanticInvalidForJsonSchema, ValidationError):
        return False
    return bool(plain(getattr(again, name)) == plain(default))


def _plainly_writable(option: FieldInfo) -> bool:
    """Whether it is a number or text with limits at most, as most are: asking pydantic takes long."""
    limits_only = all(type(limit).__module__ == "annotated_types" for limit in option.metadata)
    default = option.default
    return (
        limits_only
        and option.annotation in PLAIN
        and type(default) is option.annotation
        and default == default
    )


def type_hints(factory: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function's or a constructor's parameters, with their `Annotated` metadata."""
    # The constructor that `dataclass` writes would look up a base class's annotations in the module of the subclass.
    if inspect.isclass(factory) and not dataclasses.is_dataclass(factory):
        return typing.get_type_hints(factory.__init__, include_extras=True)
    return typing.get_type_hints(factory, include_extras=True)


def kinds_of(hint: Any) -> Iterator[str]:
    """The kind named by an option's annotation, if it is a reference."""
    if typing.get_origin(hint) is Annotated:
        yield from (m.name for m in hint.__metadata__ if isinstance(m, Kind))
    for part in typing.get_args(hint):
        if typing.get_origin(part) is Annotated:
            yield from kinds_of(part)
