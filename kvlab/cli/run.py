"""`generate` and `verify`: the model at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kvlab.cli.arguments import Count, Ids, as_json, of_model, open_model, require_one_prompt
from kvlab.cli.terminal import print_card, print_json, progress
from kvlab.errors import KvlabError
from kvlab.units import both_units

if TYPE_CHECKING:
    from kvlab.decoding.equivalence import Verification

EXIT_DIFFERS = 1


@click.command()
@click.argument("prompt", required=False)
@click.option("--ids", type=Ids(), help="The prompt as token ids, such as 1,2,3.")
@click.option("--tokens", type=Count(), required=True, help="How many tokens to generate.")
@click.option("--no-cache", is_flag=True, help="Recompute everything at each step.")
@of_model
@click.option("--stop", is_flag=True, help="Stop after an end-of-text token.")
@click.option("--temperature", type=float, help="Sample at this temperature instead of taking the best token.")
@click.option("--top-k", type=Count(), help="Sample among this many best tokens.")
@click.option("--seed", type=Count(least=0), help="Seed of the sampling; default 0.")
@as_json
def generate(
    prompt: str | None,
    ids: list[int] | None,
    tokens: int,
    no_cache: bool,
    model_name: str,
    stop: bool,
    temperature: float | None,
    top_k: int | None,
    seed: int | None,
    json_: bool,
) -> None:
    """Continue PROMPT, or the tokens of --ids."""
    from kvlab.decoding.generation import generate_cached, generate_uncached, greedy, sampler
    from kvlab.model.checkpoint import end_of_text_ids

    require_one_prompt(prompt, ids)
    sampled = temperature is not None or top_k is not None
    if seed is not None and not sampled:
        raise KvlabError("--seed has nothing to seed; add --temperature or --top-k, or leave it out")
    pick = sampler(1.0 if temperature is None else temperature, top_k, seed or 0) if sampled else greedy
    opened = open_model(model_name)
    prompt_ids = opened.ids_of(prompt) if prompt is not None else ids or []
    stop_ids = end_of_text_ids(opened.require_folder()) if stop else ()
    decode = generate_uncached if no_cache else generate_cached
    run = decode(opened.model, prompt_ids, tokens, pick, stop_ids=stop_ids)
    text = opened.tokenizer.decode(run.ids) if opened.tokenizer else None

    opened.note_stop(run, tokens)
    if json_:
        print_json(
            prompt_ids=list(run.prompt_ids),
            ids=list(run.ids),
            text=text,
            cache_bytes=run.cache_bytes,
            stopped=run.stopped,
        )
        return
    print_card(
        "generated",
        ({"text": (prompt or "") + text} if text is not None else {})
        | {
            "tokens": f"{len(run.prompt_ids)} of prompt, {len(run.ids)} generated ({run.stopped})",
            "ids": " ".join(map(str, run.ids)),
            "cache": "none: all recomputed at each step" if no_cache else both_units(run.cache_bytes),
        },
    )


@click.command()
@click.option("--prompts", type=Count(most=10_000), default=50, show_default=True, help="Prompts to run.")
@click.option("--tokens", type=Count(), default=64, show_default=True, help="Steps for each prompt.")
@of_model
@as_json
def verify(prompts: int, tokens: int, model_name: str, json_: bool) -> None:
    """Compare decoding with a cache and without, byte by byte. Exit code 1 if anything differs.

    Prompts are those of the grammar; a model without a tokenizer gets seeded ids.
    """
    from kvlab.decoding.equivalence import seeded_prompts
    from kvlab.decoding.equivalence import verify as compare
    from kvlab.training.corpus import sample_prompts

    opened = open_model(model_name)
    if opened.tokenizer:
        prompt_ids = [opened.ids_of(text) for text in sample_prompts(prompts)]
    else:
        prompt_ids = seeded_prompts(opened.model.architecture.vocab_size, prompts)
    with progress("comparing", total=2 * prompts) as advance:
        result = compare(opened.model, prompt_ids, tokens, advance)
    exact = result.exact
    if json_:
        print_json(
            steps=exact.steps,
            differing_logits=exact.differing_logits,
            differing_kv=exact.differing_kv,
            differing_tokens=exact.differing_tokens,
            max_abs_difference=exact.max_abs_difference,
            blas_differing_logits_share=result.blas_differing_logits_share,
        )
    else:
        _print_verification(result)
    if not exact.identical:
        raise SystemExit(EXIT_DIFFERS)


def _print_verification(result: Verification) -> None:
    exact = result.exact
    print_card(
        "identical to the last bit" if exact.identical else "NOT identical",
        {
            "steps": f"{exact.steps:,}",
            "logits that differ": f"{exact.differing_logits:,} of {exact.compared_logits:,}",
            "K/V entries that differ": f"{exact.differing_kv:,} of {exact.compared_kv:,}",
            "tokens that differ": f"{exact.differing_tokens:,} of {exact.steps:,}",
            "largest difference": f"{exact.max_abs_difference:g}",
            "on plain BLAS": f"{result.blas_differing_logits_share:.1%} of the logits differ",
        },
    )
