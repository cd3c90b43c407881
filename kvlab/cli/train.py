"""`train`: the recipe of the committed checkpoint."""

from __future__ import annotations

from pathlib import Path

import click

from kvlab.cli.arguments import Count, as_json
from kvlab.cli.terminal import print_card, print_json, progress


@click.command()
@click.option("--steps", type=Count(), required=True, help="Steps of the optimiser.")
@click.option("--out", "folder", type=click.Path(path_type=Path), required=True, help="A new folder for the model.")
@as_json
def train(steps: int, folder: Path, json_: bool) -> None:
    """Train the grammar MiniGPT from nothing and write its model folder."""
    from kvlab.training.trainer import train_to_folder

    with progress("training", total=steps) as advance:
        result = train_to_folder(folder, steps, progress=lambda *_: advance())
    loss = result.validation_loss
    if json_:
        print_json(folder=str(folder), steps=steps, validation_loss_nats_per_token=loss)
        return
    print_card(f"trained for {steps:,} steps", {"folder": str(folder), "validation loss": f"{loss:.3f} nats a token"})
