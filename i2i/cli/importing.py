"""The command that takes over other projects' weights."""

from __future__ import annotations

from pathlib import Path

import click

from i2i.cli.main import registry_of


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="The run folder; with --as vgg19, inception, lpips-… or weights the file, X.safetensors.",
)
@click.option(
    "--as",
    "as_",
    metavar="STRATEGY[.PART]",
    help="What the files are, where the weights do not tell; or vgg19, inception, lpips-alex, lpips-vgg, lpips-squeeze "
    "or weights, for losses and metrics.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a key of the spec, data.size=128 for example.",
)
@click.pass_context
def import_(
    ctx: click.Context, files: tuple[Path, ...], out: Path, as_: str | None, settings: tuple[str, ...]
) -> None:
    """Turn other projects' weights into a run folder.

    FILE is a `.pth` or `.ckpt` with the weights of one network; several are parts of one method. The run folder
    translates pictures, and new runs start from it (train.init_from). With `--as vgg19`, `inception`,
    `lpips-alex`, … a published file becomes what losses and metrics read.
    """
    from i2i.importing.convert import CONVERTED, convert
    from i2i.importing.run import import_files

    if as_ in CONVERTED:
        click.echo(f"converted: {convert(files, out, as_, settings)}")
        return
    imported = import_files(files, out, as_, registry_of(ctx), settings)
    if imported.folder != out:
        click.echo(f"{out} exists; this run goes to {imported.folder}")
    click.echo(imported.summary())
