"""The first things to know about a run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from typing import Any

from i2i.core.words import counted, in_bytes
from i2i.report.charts import BASELINE, VALIDATED
from i2i.report.record import Record
from i2i.report.tables import ABSENT, as_count, as_table, as_text


def overview(record: Record) -> dict[str, str]:
    """Titles and what stands beside them; what is not known has none."""
    return {title: text for title, text in _facts(record) if text}


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    spec, facts = record.spec, record.environment
    yield "state", state(record)
    yield "method", _name(spec.get("strategy"))
    yield "data", _data(spec.get("data"))
    yield "length", _length(as_table(spec.get("train")))
    yield "machine", _machine(facts)
    yield from _held_out(record)
    yield "checkpoints", ", ".join(f"{name}: step {step:,}" for name, step in record.checkpoints.items())
    yield from _speed(record)
    yield "pictures", counted(len(record.previews), "preview") if record.previews else "none yet"
    yield "watch", f"{counted(len(record.remarks), 'message')}, see below" if record.remarks else ""
    yield "started", as_text(facts.get("started", "")).replace("T", " ", 1)
    yield "last number", _clock(record.curves.written)
    yield "went back", "; ".join(f"step {old:,} → {new:,}" for old, new in record.curves.returns)
    yield "folder", str(record.path)


def state(record: Record) -> str:
    """Where the training is."""
    step, total = record.curves.last, total_steps(record)
    of = f"step {step:,}" + (f" of {total:,}" if total else "")
    if "imported" in record.environment:
        return f"imported from {as_text(record.environment['imported'])}; it was not trained here"
    if record.trains:
        return f"trains now: {of}"
    if not record.curves.by_name:
        return "no number yet"
    return f"finished: {of}" if total and step >= total else f"stopped at {of}"


def total_steps(record: Record) -> int | None:
    """The length of a run, where its spec or its environment tell it."""
    found = as_table(record.spec.get("train")).get("steps") or record.environment.get("steps")
    return found if isinstance(found, int) else None


def _name(table: Any) -> str:
    return as_text(as_table(table).get("name", table if isinstance(table, str) else ""))


def _data(table: Any) -> str:
    root = as_table(table).get("root", "")
    return f"{_name(table)}" + (f" in {as_text(root)}" if root else "")


def _length(train: Mapping[str, Any]) -> str:
    lengths = [f"{as_count(train[unit])} {unit}" for unit in ("steps", "epochs") if train.get(unit)]
    batch = f" of batch {as_text(train['batch'])}" if "batch" in train else ""
    return f"{lengths[0]}{batch}" if lengths else ""


def _machine(facts: Mapping[str, Any]) -> str:
    device, name = as_text(facts.get("device", "")), as_text(facts.get("device_name", ""))
    processes = as_text(facts.get("processes", 1))
    parts = [device + (f" ({name})" if name else ""), as_text(facts.get("precision", ""))]
    parts += [f"{processes} processes" if processes != "1" else ""]
    return ", ".join(part for part in parts if part)


def _held_out(record: Record) -> Iterator[tuple[str, str]]:
    """The newest value of each metric, and that of the best checkpoint."""
    best = record.checkpoints.get("best")
    for name, curve in record.curves.by_name.items():
        if not name.startswith(VALIDATED) or BASELINE.fullmatch(name):
            continue
        last = curve.steps[-1]
        told = [f"{curve.values[-1]:.4g} at step {last:,}" + (" (best)" if last == best else " (last)")]
        at_best = curve.at(best) if best is not None else None
        told += [f"{at_best:.4g} at step {best:,} (best)"] if at_best is not None and best != last else []
        yield f"held-out {name.removeprefix(VALIDATED)}", ", ".join(told)


def _speed(record: Record) -> Iterator[tuple[str, str]]:
    found = {name: curve.finite() for name, curve in record.curves.by_name.items()}
    if rates := found.get("images_per_second"):
        yield "speed", f"{statistics.median(rates):.3g} images per second (median)"
    if shares := found.get("waiting_for_data"):
        yield "waiting for data", f"{statistics.fmean(shares):.0%} of the time (mean)"
    for name, sizes in found.items():
        if name.startswith("memory/") and sizes:
            yield name.replace("/", ": "), f"{in_bytes(max(sizes))} at most"


def _clock(seconds: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S%z", time.localtime(seconds)) if seconds else ""
    except (ValueError, OverflowError, OSError):
        return ABSENT
