"""`experiment`: the four experiments of the site, run again here; each a card, or one JSON object.

The JSON object begins with `experiment`, its name. `cache-sizing`: `forward`, a model each; `backward`, the two
problems turned around, in each reading of a device's memory. `kv-cost`: what `curves` prints. `cache-correctness`:
`models`, each with what was compared and the hash of its tokens. `yesterday-worked`: the tokens held; `slots`, those of
K and V at the position looked at, with their bytes; `attention`, the last step's weights by layer and head.
"""

from __future__ import annotations

from collections.abc import Callable
from textwrap import wrap
from typing import Any, NamedTuple

import click

from kvlab.cli.arguments import as_json
from kvlab.cli.measure import print_curves
from kvlab.cli.run import EXIT_DIFFERS
from kvlab.cli.terminal import print_card, print_json, print_table, print_text, progress
from kvlab.units import both_units

Values = dict[str, Any]


class Experiment(NamedTuple):
    """An experiment: what runs it, what prints its card, and whether its result is what it has to be."""

    run: Callable[[], Values]
    show: Callable[[Values], None]
    holds: Callable[[Values], bool] = lambda _: True


class Name(click.ParamType[str]):
    """The name of an experiment."""

    name = "experiment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or refuse with those that there are."""
        if str(value) not in EXPERIMENTS:
            self.fail(f"unknown experiment {str(value)[:40]!r}; known are {', '.join(EXPERIMENTS)}.", param, ctx)
        return str(value)

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:  # noqa: ARG002 - click's
        """Return what there is to choose from."""
        return f"Known are {', '.join(EXPERIMENTS)}"


@click.command()
@click.argument("name", type=Name())
@as_json
def experiment(name: str, json_: bool) -> None:
    """Run an experiment of the site again: cache-sizing, kv-cost, cache-correctness or yesterday-worked.

    kv-cost measures, and takes some seconds. Exit code 1 if bytes differ that must not.
    """
    chosen = EXPERIMENTS[name]
    values = chosen.run()
    if json_:
        print_json(experiment=name, **values)
    else:
        chosen.show(values)
    if not chosen.holds(values):
        raise SystemExit(EXIT_DIFFERS)


def _size() -> Values:
    from dataclasses import asdict

    from kvlab.experiments import cache_sizing

    return {
        "forward": [asdict(row) for row in cache_sizing.forward()],
        "backward": {
            "tokens": {
                "model": cache_sizing.FITTED,
                "device": cache_sizing.FITTED_DEVICE,
                "found": [asdict(found) for found in cache_sizing.fitted()],
            },
            "devices": {
                "model": cache_sizing.SPREAD,
                "device": cache_sizing.SPREAD_DEVICE,
                "found": [asdict(found) for found in cache_sizing.spread()],
            },
        },
    }


def _show_sizes(values: Values) -> None:
    contexts = list(values["forward"][0]["context_bytes"])
    print_table(
        ["model", "dtype", "a token", *(f"{context:,} tokens" for context in contexts)],
        [
            [row["model"], row["dtype"], f"{row['token_bytes']:,} B"]
            + [
                both_units(size) + (" *" if context in row["hypothetical"] else "")
                for context, size in row["context_bytes"].items()
            ]
            for row in values["forward"]
        ],
        "* more tokens than the model was made for",
    )
    _show_fitted(**values["backward"]["tokens"])
    _show_spread(**values["backward"]["devices"])


def _show_fitted(model: str, device: str, found: list[Values]) -> None:
    batches = list(found[0]["tokens"])
    print_text(f"\n{model} on {device}: tokens of each sequence, cache and weights in fp16")
    print_table(
        ["memory", "read as", "weights", "free", *(f"× {batch}" for batch in batches)],
        [
            [*_memory(one), both_units(one["free_bytes"]), *(f"{one['tokens'][batch]:,}" for batch in batches)]
            for one in found
        ],
    )


def _show_spread(model: str, device: str, found: list[Values]) -> None:
    print_text(f"\n{model} on {device}: devices for the weights alone")
    print_table(
        ["memory", "read as", "weights", "dtype", "devices"],
        [[*_memory(one), one["dtype"], f"{one['devices']:,}"] for one in found],
    )


def _memory(found: Values) -> list[str]:
    return [both_units(found["memory_bytes"]), found["reading"], both_units(found["weights_bytes"])]


def _measure() -> Values:
    from kvlab.benchmark.timing import take_one_thread

    take_one_thread()
    from kvlab.benchmark import curves
    from kvlab.benchmark.machine import machine
    from kvlab.benchmark.predictions import judged

    with progress("measuring", total=curves.STEPS) as advance:
        return {**judged(curves.curves(progress=advance)), "machine": machine()}


def _show_curves(values: Values) -> None:
    print_curves({name: curve for name, curve in values.items() if name != "machine"})


def _agree() -> Values:
    from kvlab.experiments import cache_correctness
    from kvlab.experiments.minigpt import SUBJECTS

    models = []
    with progress("comparing", total=len(SUBJECTS)) as advance:
        for model_name in SUBJECTS:
            models.append(cache_correctness.summary(model_name))
            advance()
    return {"models": models}


def _show_agreement(values: Values) -> None:
    for of in values["models"]:
        print_card(
            f"{of['model']}: {'identical to the last bit' if _identical(of) else 'NOT identical'}",
            {
                "run": f"{of['prompts']} prompts × {of['tokens_per_prompt']} tokens, {of['steps']:,} steps",
                "compared": both_units(of["compared_bytes"]),
                "logits that differ": f"{of['differing_logits']:,} of {of['compared_logits']:,}",
                "K/V entries that differ": f"{of['differing_kv_entries']:,} of {of['compared_kv_entries']:,}",
                "tokens that differ": f"{of['differing_tokens']:,} of {of['steps']:,}",
                "on plain BLAS": f"{of['blas_differing_logits_share']:.0%} of the logits differ, and "
                f"{of['blas_differing_tokens']:,} tokens",
                "close choices": f"{of['close_choices']:,}",
                # In groups, as the page has it: in one piece a narrow terminal would cut it.
                "SHA-256 of the ids": " ".join(wrap(of["ids_sha256"], 8)),
            },
        )


def _identical(of: Values) -> bool:
    return not (of["differing_logits"] or of["differing_kv_entries"] or of["differing_tokens"])


def _dump() -> Values:
    from kvlab.experiments import yesterday_worked

    return yesterday_worked.summary()


def _show_dump(values: Values) -> None:
    layers = values["attention"]
    print_card(
        f"{values['prompt']}{values['text']}",
        {
            "slots": " ".join(map(repr, values["held_tokens"])),
            "chosen last": repr(values["chosen_last"]),
            "compared": f"{values['differing_bytes']:,} of {values['compared_bytes']:,} B of K and V differ, and "
            f"{values['attention_differing_bytes']:,} of {values['attention_bytes']:,} B of the last step's attention",
        },
    )
    print_card(
        f"slot {values['position']}: {values['held_tokens'][values['position']]!r}, cached and recomputed",
        {
            f"layer {slot['layer']}, {slot['tensor']}": f"{slot['cached_first_bytes_hex']} and "
            f"{slot['recomputed_first_bytes_hex']} …: {slot['differing_bytes']} of {slot['compared_bytes']} B differ"
            for slot in values["slots"]
        },
    )
    print_card(
        "attention of the last step, by slot",
        {
            f"layer {layer}, head {head}": " ".join(f"{weight:4.0%}" for weight in row)
            for layer, heads in enumerate(layers)
            for head, row in enumerate(heads)
        },
    )


EXPERIMENTS = {
    "cache-sizing": Experiment(_size, _show_sizes),
    "kv-cost": Experiment(_measure, _show_curves),
    "cache-correctness": Experiment(_agree, _show_agreement, lambda values: all(map(_identical, values["models"]))),
    "yesterday-worked": Experiment(
        _dump, _show_dump, lambda values: not (values["differing_bytes"] or values["attention_differing_bytes"])
    ),
}
