"""The benchmark of the input runs, and says what it promises; its figures are not judged."""

import importlib.util
import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "benchmarks"


def test_it_measures_every_kind(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(FOLDER)
    found = importlib.util.spec_from_file_location("benchmark_of_input", FOLDER / "input.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    monkeypatch.setattr(module, "KINDS", {name: (ending, 64) for name, (ending, _) in module.KINDS.items()})
    monkeypatch.setattr(module, "SIZE", 16)
    monkeypatch.setattr(module, "LOAD", 18)
    monkeypatch.setattr(module, "WORKERS", (0,))
    monkeypatch.setattr(module, "STEPS", 3)
    monkeypatch.setattr(module.torch, "set_num_threads", lambda count: None)
    monkeypatch.setattr(
        sys,
        "argv",
        ["input.py", "--pictures", "4", "--rounds", "1", "--step", "0", "--json", str(tmp_path / "x")],
    )
    module.main()
    told = json.loads((tmp_path / "x").read_text(encoding="utf-8"))
    assert told["pictures a second"].keys() == module.KINDS.keys()
    assert all(rate > 0 for of_kind in told["pictures a second"].values() for rate in of_kind.values())
    assert "| JPEG 1024² |" in capsys.readouterr().out
