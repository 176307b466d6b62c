"""What a method keeps to before it trains: its spec, with every default."""

from __future__ import annotations

from collections.abc import Iterator

from i2i.core.registry import Component
from i2i.spec.assemble import build_source
from i2i.spec.rehearse import rehearse
from i2i.spec.spec import Spec, resolve
from i2i.testing.workbench import Workbench


def spec(bench: Workbench, method: Component) -> Iterator[str]:
    """Its spec comes back from its file: small, and with every default."""
    for written in (bench.spec(method.name), _whole(bench, method)):
        again = resolve(written.toml(), bench.registry)
        if again != written:
            odd = [key for key, value in written.tables().items() if again.tables().get(key) != value]
            yield (
                f"a spec that was written down is read back otherwise, in {', '.join(odd)}; options should be numbers, "
                "strings, lists and tables that stay as they are given"
            )


def defaults(bench: Workbench, method: Component) -> Iterator[str]:
    """It runs with every default."""
    whole = _whole(bench, method)
    rehearse(whole, bench.registry, build_source(whole, bench.registry).facts)
    yield from ()


def _whole(bench: Workbench, method: Component) -> Spec:
    data = bench.data(method.name)
    whole = {**data, "size": 256} if data["name"] == "demo" else data
    return resolve({"strategy": {"name": method.name}, "data": whole}, bench.registry)
