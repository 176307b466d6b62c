"""Plug-ins of strangers that fail in every way that Python knows: listed with the reason, and no harm done."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from helpers import tiny_tables
from trained import command

import i2i
from i2i.core.errors import I2IError
from i2i.spec.plugins import Discovery, discover

GOOD = '''\
import i2i


def fine(fake, real):
    """A loss."""
    return (fake - real).mean()


@i2i.hookimpl
def i2i_register(registry):
    registry.add("loss", "fine", fine)
'''
IN_HOOK = GOOD.replace("    registry.add(", "    {}\n    registry.add(")

BROKEN = {
    "raises": ("raise RuntimeError('no')", "RuntimeError: no ("),
    "leaves": ("import sys\nsys.exit(0)", "SystemExit: 0 ("),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt: ("),
    "base": ("class End(BaseException): ...\nraise End('all')", "End: all ("),
    "generator": ("raise GeneratorExit", "GeneratorExit: ("),
    "recurses": ("def f(): f()\nf()", "RecursionError: maximum recursion depth exceeded"),
    "memory": ("raise MemoryError", "MemoryError: ("),
    "syntax": ("def (", "SyntaxError: "),
    "nul": ("x = '\0'", "SyntaxError: source code "),
    "silent": ("class E(Exception):\n    def __str__(self): raise self\nraise E", "E: its text cannot be shown (E) ("),
    "long": ("raise ValueError('x' * 10**6)", f"ValueError: {'x' * 488}… ("),
    "lacks": ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere' ("),
    "empty": ("", "it has no function i2i_register"),
    "hook_raises": (IN_HOOK.format("raise OSError('no')"), "OSError: no ("),
    "hook_leaves": (IN_HOOK.format("raise SystemExit"), "SystemExit:  ("),
    "hook_interrupts": (IN_HOOK.format("raise KeyboardInterrupt"), "KeyboardInterrupt:  ("),
    "hook_recurses": (IN_HOOK.format("i2i_register(registry)"), "RecursionError: maximum recursion depth"),
    "hook_aborts": (IN_HOOK.format("raise type('End', (BaseException,), {})('all')"), "End: all ("),
    "hook_takes": (GOOD.replace('"fine"', '"l1"'), "loss 'l1' is offered by both"),
    "hook_half": (GOOD + "    raise RuntimeError('late')\n", "RuntimeError: late ("),
}  # fmt: skip


def install(folder: Path, name: str, text: str, points: str | None = None) -> None:
    """A module and its package's papers, as pip would leave them."""
    module = f"i2i_bad_{name}"
    (folder / f"{module}.py").write_text(text, encoding="utf-8")
    papers = folder / f"{module}-1.0.dist-info"
    papers.mkdir()
    (papers / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8"
    )
    (papers / "entry_points.txt").write_text(points or f"[i2i]\n{name} = {module}\n", encoding="utf-8")


@pytest.fixture
def among_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Discovery:
    """What is found where every broken plug-in is installed, and a good one after them all."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, (text, _) in BROKEN.items():
        install(tmp_path, name, text)
    install(tmp_path, "zzz", GOOD.replace('"fine"', '"last"'))
    return discover()


def test_every_broken_plug_in_is_listed_with_its_reason(among_broken: Discovery) -> None:
    said = {name: among_broken.broken[name].replace(":  (", ": (") for name in BROKEN}
    wanted = {name: why.replace(":  (", ": (") for name, (_, why) in BROKEN.items()}
    assert not {name: text for name, text in said.items() if not text.startswith(wanted[name])}


def test_the_others_are_whole(among_broken: Discovery) -> None:
    whole, installed = {(c.kind, c.name) for c in discover()}, {(c.kind, c.name) for c in among_broken}
    assert installed == whole
    assert ("loss", "last") in installed and ("loss", "fine") not in installed
    assert i2i.build(tiny_tables("pix2pix"), registry=among_broken).describe()


def test_a_spec_that_names_what_a_broken_one_would_offer_is_told(among_broken: Discovery) -> None:
    with pytest.raises(
        I2IError, match=r"there is no loss 'fine'(.|\n)*plug-in 'hook_half' failed to load: Runtime"
    ):
        i2i.build(tiny_tables("pix2pix", options={"pixel": "fine"}), registry=among_broken)


def test_what_a_plug_in_prints_does_not_spoil_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "prints", "print('hello')\n" + GOOD)
    done = command("plugins")
    assert "prints  1.0  (i2i_bad_prints)\n    loss 'fine'" in done.out
    assert "hello" not in done.out and "hello" in done.err


@pytest.mark.parametrize(
    "points", ["[i2i\nx", "no section at all", "[i2i]\nx = ??? !\n", "[i2i]\nx\n", "\udcff"]
)
def test_packages_with_damaged_papers_harm_nobody(
    points: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {(c.kind, c.name) for c in discover()}
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "papers", GOOD, "[i2i]\nx = y\n")
    papers = tmp_path / "i2i_bad_papers-1.0.dist-info"
    (papers / "entry_points.txt").write_bytes(points.encode("utf-8", "surrogateescape"))
    (papers / "METADATA").write_bytes(b"\xff\xfe\x00")
    assert {(c.kind, c.name) for c in discover()} == whole


@pytest.mark.skipif(sys.platform == "win32", reason="no process sends itself a Ctrl-C there")
def test_the_users_own_control_c_still_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "waits", f"import os, time\nos.kill({os.getpid()}, {signal.SIGINT:d})\ntime.sleep(9)\n")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        discover()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_file_is_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(BROKEN[name][0], encoding="utf-8")
    with pytest.raises(I2IError, match=r"--plugin .*mine\.py: it failed to load: "):
        discover([file])
    assert not [module for module in sys.modules if module.startswith("i2i_plugin_mine_")]


def test_an_importer_that_fails_harms_no_import(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import i2i\n\n\nclass Mine:\n    def detect(self, keys, shapes):\n        raise KeyError(3)\n\n\n"
        "@i2i.hookimpl\ndef i2i_register(registry):\n    registry.add('importer', 'pix2pix.mine', Mine)\n",
        encoding="utf-8",
    )
    weights = tmp_path / "x.pth"
    torch.save({"a": torch.zeros(1)}, weights)
    done = command("--plugin", file, "import", weights, "-o", tmp_path / "run")
    assert done.code == 1
    assert "importer 'pix2pix.mine' failed: KeyError: 3 (" in done.err
