"""The command that puts a trained model on the Hugging Face hub."""

from __future__ import annotations

import click

from i2i.cli.main import registry_of


@click.command()
@click.argument("run")
@click.argument("name", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Make it a private repository.")
@click.option("--message", help="What the commit says; by default the method and the step.")
@click.option("--no-sample", is_flag=True, help="Leave the run's sample sheet at home; it shows the data.")
@click.pass_context
def push(
    ctx: click.Context, run: str, name: str, private: bool, message: str | None, no_sample: bool
) -> None:
    """Publish a trained model on the Hugging Face Hub.

    RUN is a run folder, RUN@best, RUN@4000, a checkpoint folder, or a packed model. A card is written from the run. Log
    in first: hf auth login. Whoever may read OWNER/NAME then writes hf://OWNER/NAME where a command takes a RUN.
    """
    from i2i.translate.loading import load
    from i2i.translate.sharing.hub import push as push_model

    model = load(run, registry=registry_of(ctx), device="cpu")
    url = push_model(model, name, private=private, message=message, sample=not no_sample)
    click.echo(f"pushed: {url}\nto use it: hf://{name}")
