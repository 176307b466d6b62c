"""The documents are true: links lead somewhere, code compiles, specs resolve, commands exist."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from reading import ROOT, python_files, repository_files, short

import i2i
from i2i.cli.main import cli
from i2i.spec.spec import resolve

FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SHELLS = ("sh", "bash", "shell", "console")
END_OF_COMMAND = {"|", ">", ">>", "&&", ";"}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SPECS = sorted((ROOT / "examples").glob("*.toml"))


def blocks(text: str, *languages: str) -> Iterator[str]:
    """The fenced code of a document in one of the languages."""
    return (code for _, language, code in FENCE.findall(text) if language in languages)


def commands(text: str) -> Iterator[list[str]]:
    """The command lines of a document, each as its words up to a pipe or a redirection."""
    for block in blocks(text, *SHELLS):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.strip().removeprefix("$ "), comments=True)
            end = next((n for n, word in enumerate(words) if word in END_OF_COMMAND), len(words))
            yield words[:end]


def plugins_of(text: str, folder: Path) -> list[Path]:
    """The plug-ins that a document shows, each saved as a file."""
    shown = [code for code in blocks(text, "python") if "def i2i_register" in code]
    files = [folder / f"shown_{number}.py" for number in range(len(shown))]
    for file, code in zip(files, shown, strict=True):
        file.write_text(code, encoding="utf-8")
    return files


def anchors(text: str) -> set[str]:
    """The names that a link can give to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(document: Path) -> Iterator[str]:
    """Links to files or headings that are not there; other sites are not asked."""
    for target in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        file = document.parent / name if name else document
        if not file.exists() or (heading and heading not in anchors(file.read_text(encoding="utf-8"))):
            yield target


def parse(words: list[str]) -> None:
    """Let the command line read its words, and run nothing.

    Raises:
        click.UsageError: there is no such command, argument or flag.
    """
    group = click.Context(cli, info_name="i2i", **cli.context_settings)
    _, rest, _ = cli.make_parser(group).parse_args(words[1:])
    if not rest:  # i2i --version
        return
    name, command, rest = cli.resolve_command(group, rest)
    assert command is not None
    command.make_context(name, rest, parent=group)


def test_docs_that_are_read_are_the_ones_that_are_kept() -> None:
    assert {path for path in repository_files() if path.suffix == ".md"} == set(DOCUMENTS)


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_links_lead_somewhere(document: Path) -> None:
    assert not list(dead_links(document))


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_python_compiles(document: Path) -> None:
    for code in blocks(document.read_text(encoding="utf-8"), "python"):
        compile(code, str(document), "exec")


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_specs_resolve(document: Path, tmp_path: Path) -> None:
    page = document.read_text(encoding="utf-8")
    registry = i2i.discover(plugins_of(page, tmp_path))
    for text in blocks(page, "toml"):
        if {"strategy", "data"} <= set(tomllib.loads(text)):
            resolve(text, registry)


@pytest.mark.parametrize("spec", SPECS, ids=short)
def test_examples_resolve(spec: Path) -> None:
    resolve(spec, i2i.discover())


@pytest.mark.parametrize("document", DOCUMENTS, ids=short)
def test_commands_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for words in commands(document.read_text(encoding="utf-8")):
        if words[:1] == ["i2i"]:
            parse(words)
        if words[:1] == ["make"]:
            verbs = [word for word in words[1:] if "=" not in word]
            assert all(re.search(rf"^{verb}:", makefile, re.MULTILINE) for verb in verbs), words
        if words[:1] == ["python"] and words[-1].endswith(".py"):
            assert ROOT / words[-1] in python_files(ROOT / "benchmarks", ROOT / "examples"), words


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("## How it starts: `make`\n", encoding="utf-8")
    text = "# Here\n[a](other.md#how-it-starts-make) [b](#here) [c](https://example.org) [d](gone.md) [e](#there)\n"
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert list(dead_links(tmp_path / "page.md")) == ["gone.md", "#there"]


def test_commands_are_read_word_by_word() -> None:
    text = "```sh\n$ i2i new cyclegan > my.toml  # a spec\nmake \\\n  test\n```\n"
    assert list(commands(text)) == [["i2i", "new", "cyclegan"], ["make", "test"]]


@pytest.mark.parametrize("line", ["i2i rum x.toml", "i2i run x.toml --fast", "i2i run"])
def test_a_wrong_command_is_seen(line: str) -> None:
    with pytest.raises(click.UsageError):
        parse(line.split())


def test_every_promise_of_reliability_names_tests_that_exist() -> None:
    text = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w./]+|test_\w+)(…?)`", text)
    written = "\n".join(file.read_text(encoding="utf-8") for file in python_files(ROOT / "tests"))
    tests = set(re.findall(r"def (test_\w+)", written))
    assert len(named) > 50
    for name, cut in named:
        there = (ROOT / name).exists() if "/" in name else name in tests
        assert there or (cut and any(test.startswith(name) for test in tests)), name
