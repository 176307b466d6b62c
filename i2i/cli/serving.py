"""The command that serves a trained model as a web page."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from i2i.cli import options
from i2i.cli.main import registry_of


@click.command()
@click.argument("run")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Who may reach it; 0.0.0.0 is everybody."
)
@click.option(
    "--port", default=7860, show_default=True, type=click.IntRange(0, 65535), help="0 is any that is free."
)
@options.device
@click.pass_context
def serve(ctx: click.Context, run: str, host: str, port: int, device: str) -> None:
    """Serve a trained model as a web page.

    RUN is a run folder, RUN@best, RUN@4000, a checkpoint folder, a packed model, or hf://OWNER/NAME. Only this machine
    reaches the page, unless --host says otherwise.
    """
    from i2i.serve import page, server
    from i2i.translate.loading import load

    with _private_folder(), server.listen(host, port) as listener:
        model = load(run, registry=registry_of(ctx), device=device)
        built = page.build_page(model, title=f"{model.spec.strategy.name} · {Path(run).absolute().name}")
        click.echo(server.announcement(listener))
        server.serve(built, listener)


@contextmanager
def _private_folder() -> Iterator[None]:
    """Whatever is uploaded or made stays in a folder that is removed at the end; nothing is told to anybody."""
    # else the folder would stay after a kill
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with tempfile.TemporaryDirectory(prefix="i2i-serve-", ignore_cleanup_errors=True) as folder:
            os.environ.update(GRADIO_TEMP_DIR=folder, GRADIO_ANALYTICS_ENABLED="False")
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
