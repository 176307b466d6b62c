"""The command that judges trained models."""

from __future__ import annotations

import click

from i2i.cli import options
from i2i.cli.main import registry_of
from i2i.cli.translating import asked


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="What to judge by; default: the metrics of the spec.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Other data, or an option of a metric: data.split=test, fid.weights=FILE.",
)
@options.control("A control of the method: back=true.")
@click.option("-n", "--count", type=click.IntRange(min=1), show_default="all", help="The most inputs.")
@click.option(
    "--seed", type=int, show_default="0", help="Of methods that draw random numbers; the same as -c seed=0."
)
@click.option("--batch", type=click.IntRange(min=1), show_default="what is fast", help="Inputs at a time.")
@options.device
@click.option("--compare", is_flag=True, help="Judge nothing: one table of what the runs were judged with.")
@click.pass_context
def evaluate(
    ctx: click.Context,
    runs: tuple[str, ...],
    metrics: tuple[str, ...],
    settings: tuple[str, ...],
    controls: tuple[str, ...],
    count: int | None,
    seed: int | None,
    batch: int | None,
    device: str,
    compare: bool,
) -> None:
    """Judge trained models by metrics on held-out pictures.

    RUN is a run folder, RUN@best, RUN@4000, a checkpoint folder or a packed model. Values go to its evaluation.json,
    with all that must be equal for two of them to be compared.
    """
    from i2i.run.evaluating import compare_shown, evaluate_shown
    from i2i.translate.loading import load

    registry = registry_of(ctx)
    if compare:
        given = {"--set": settings, "-c": controls, "--count": count, "--seed": seed, "--batch": batch}
        if ignored := [flag for flag, value in given.items() if value not in (None, ())]:
            raise click.UsageError(
                f"--compare judges nothing, so {ignored[0]} would be ignored; leave it out"
            )
        compare_shown(runs, metrics, registry)
        return
    values = asked(controls, seed, example="-c back=true")
    how = {"settings": settings, "count": count, "batch": batch, "registry": registry}
    if wrong := [name for name in values if name in (*how, "model", "name", "metrics", "progress")]:
        raise click.UsageError(f"-c {wrong[0]}: this is no control of a method")
    for run in runs:
        evaluate_shown(load(run, registry=registry, device=device), run, metrics, **how, **values)
