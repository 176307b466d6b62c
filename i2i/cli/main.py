"""The command `i2i`: the group of all commands, and the one place where errors become sentences."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

import click

# command -> the module that holds it: only the one that runs is imported
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "run": "training",
        "resume": "training",
        "check": "training",
        "bench": "benching",
        "new": "specs",
        "schema": "specs",
        "translate": "translating",
        "sample": "sampling",
        "evaluate": "evaluating",
        "report": "reporting",
        "export": "exporting",
        "push": "publishing",
        "serve": "serving",
        "import": "importing",
        "demo-data": "datasets",
        "plugins": "components",
        "plugin": "scaffolding",
        "list": "components",
        "show": "components",
    }
)
HELP: Mapping[str, str] = MappingProxyType(
    {
        "run": "Train what a spec describes.",
        "resume": "Continue a run from its newest checkpoint.",
        "check": "Check a spec and its data, and print the plan; trains nothing.",
        "bench": "Measure how fast a spec trains in each setting, and name the fastest safe one.",
        "new": "Print a complete, commented spec of a method.",
        "schema": "Print the JSON schema of specs, for editors.",
        "translate": "Translate pictures with a trained model.",
        "sample": "Draw pictures from random numbers alone.",
        "evaluate": "Judge trained models by metrics on held-out pictures.",
        "report": "Show what runs did: one page with curves and pictures, which opens without a network.",
        "export": "Write a trained model as a file for other programs.",
        "push": "Publish a trained model on the Hugging Face Hub.",
        "serve": "Serve a trained model as a web page.",
        "import": "Turn other projects' weights into a run folder.",
        "demo-data": "Draw a small data set with known truth.",
        "plugins": "List the plug-ins that are installed, and what is wrong with broken ones.",
        "plugin": "Write a plug-in of your own: i2i plugin new NAME.",
        "list": "List the components that specs can name.",
        "show": "Show a component: its options, its facts, and where it lives.",
    }
)
# Commands whose names Python needs for itself: their functions end in an underscore.
PYTHONS_OWN = ("list", "import")


class Commands(click.Group):
    """Imports a command when it is asked for, so that `i2i --help` does not wait for torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"i2i.cli.{COMMANDS[cmd_name]}")
        name = f"{cmd_name}_" if cmd_name in PYTHONS_OWN else cmd_name.replace("-", "_")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(HELP.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Use the components of a Python file, for this command.",
)
@click.option("--traceback", is_flag=True, help="Show where an error came from.")
@click.version_option(package_name="i2i-toolkit", message="i2i %(version)s")
@click.pass_context
def cli(ctx: click.Context, plugins: tuple[Path, ...], traceback: bool) -> None:
    """Image-to-image translation: one engine, every method a plug-in."""
    ctx.obj = plugins


def main() -> None:
    """Run the command line; errors that a user can mend are printed as sentences."""
    traceback = "--traceback" in sys.argv
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _say
            sys.exit(cli.main(prog_name="i2i", standalone_mode=False))
    except (click.exceptions.Abort, KeyboardInterrupt):
        _stop("stopped", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except Exception as error:
        if traceback:
            raise
        _stop(*_sentence(error))


def _sentence(error: Exception) -> tuple[str, int]:
    """What to say about an error; ours are sentences already, others keep their traceback."""
    from i2i.core.errors import I2IError, lacks_memory

    text = str(error).rstrip()
    if "torchvision::nms" in text:
        return (
            "torch and torchvision do not belong together (one is the CPU build, the other is not); "
            "install both anew from the same index: pip install --force-reinstall torch torchvision",
            1,
        )
    if isinstance(error, (I2IError, OSError)):
        return text, 1
    if lacks_memory(error):
        return (
            "there is not enough memory; raise train.accumulate, or lower train.batch, data.size or the width of "
            f"the networks\n    {text}".rstrip(),
            1,
        )
    raise error


def _say(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning: ours as a line."""
    from i2i.core.errors import I2IWarning

    text = warnings.formatwarning(message, category, filename, lineno, line).rstrip()
    _echo(str(message) if issubclass(category, I2IWarning) else text)


def _stop(text: str, code: int) -> None:
    _echo(text)
    sys.exit(code)


def _echo(text: str) -> None:
    """Print what went wrong; what several processes of a run meet alike, one of them prints."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        from i2i.engine.parallel import first_to_say

        if not first_to_say(text):
            return
    click.echo(text, err=True)


def registry_of(ctx: click.Context) -> Any:
    """The components of everything installed, and of the files given by --plugin."""
    from i2i.spec.plugins import discover

    return discover(ctx.find_root().obj or ())
