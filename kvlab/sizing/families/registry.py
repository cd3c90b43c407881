"""The families by `model_type`, one row each; and the way from a `config.json` to a `Decoder`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from kvlab.architecture.config import Config
from kvlab.errors import KvlabError
from kvlab.sizing.config_reader import Keys, defaults_of, shown
from kvlab.sizing.decoder import Decoder, Shape
from kvlab.sizing.families import llama_like
from kvlab.sizing.families.gemma3n import read_gemma3n
from kvlab.sizing.families.gpt2_like import (
    read_bloom,
    read_falcon,
    read_gpt2,
    read_gpt_bigcode,
    read_gpt_neo,
    read_gpt_neox,
    read_gptj,
    read_mpt,
    read_opt,
)
from kvlab.sizing.families.hybrid import read_jamba, read_qwen3_next
from kvlab.sizing.families.mla import read_deepseek_v2, read_deepseek_v3
from kvlab.sizing.layer_types import as_derived

FAMILIES: dict[str, Callable[[Keys], Shape]] = {
    "gpt2": read_gpt2,
    "gpt_neo": read_gpt_neo,
    "gptj": read_gptj,
    "codegen": read_gptj,
    "gpt_neox": read_gpt_neox,
    "gpt_bigcode": read_gpt_bigcode,
    "bloom": read_bloom,
    "mpt": read_mpt,
    "opt": read_opt,
    "falcon": read_falcon,
    **{model_type: partial(llama_like.read, style=style) for model_type, style in llama_like.STYLES.items()},
    "deepseek_v2": read_deepseek_v2,
    "deepseek_v3": read_deepseek_v3,
    "gemma3n_text": read_gemma3n,
    "jamba": read_jamba,
    "qwen3_next": read_qwen3_next,
}

# Models that see or hear keep their decoder's keys in `text_config`, whose type is this one; None where it says so.
NESTED: dict[str, str | None] = {
    "gemma3": "gemma3_text",
    "gemma3n": "gemma3n_text",
    "llama4": "llama4_text",
    "llava": None,
    "mistral3": None,
    "qwen2_vl": "qwen2_vl_text",
    "qwen2_5_vl": "qwen2_5_vl_text",
    "qwen3_vl": "qwen3_vl_text",
}
# These two wrote all keys at the top before they had a `text_config`.
ONCE_FLAT = ("qwen2_vl", "qwen2_5_vl")
# Whose `tie_word_embeddings` ties the head: the outer configuration's, except for these types. Any of several does.
TIE = "tie_word_embeddings"
TIED_BY = {"llama4": ("text",)} | dict.fromkeys(("llava", *ONCE_FLAT), ("outer", "text"))


def model_types() -> tuple[str, ...]:
    """Return every `model_type` that can be read."""
    return (*FAMILIES, *NESTED)


def read_decoder(config: Config, name: str) -> Decoder:
    """Return the `Decoder` that a `config.json` describes; its `model_type` alone says how it is read.

    Raises:
        KvlabError: the type is not known, a key is malformed, or keys contradict each other.
    """
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in model_types():
        known = ", ".join(sorted(model_types()))
        raise KvlabError(f"{name}: model_type is {shown(model_type)}, which is not known; known are {known}")
    if model_type in NESTED:
        return _read_nested(config, name, model_type)
    return _read(Keys(config, name, model_type, defaults_of(model_type)), model_type)


def _read(keys: Keys, model_type: str, note: str = "") -> Decoder:
    if keys.flag_if_there("is_encoder_decoder"):
        raise keys.refusal("is_encoder_decoder is true, and only decoders can be sized")
    keys.require("use_bidirectional_attention", False)  # such a model has no use for a cache
    shape = FAMILIES[keys.model_type](keys)
    keys.refuse_unread()
    if "layer_types" not in keys.read:
        as_derived(keys, ["full"] * sum(group.count for group in shape.layers))
    return Decoder(
        **{**vars(shape), "note": "; ".join(filter(None, (shape.note, note)))},
        name=keys.name,
        model_type=model_type,
        inferred=tuple(keys.inferred.values()),
    )


def _read_nested(config: Config, name: str, model_type: str) -> Decoder:
    """Read the decoder of a model with towers."""
    text = config.get("text_config")
    if text is None and model_type in ONCE_FLAT:
        text = {key: value for key, value in config.items() if key != "model_type"}
    if not isinstance(text, Mapping):
        raise KvlabError(f"{name} (model_type {model_type}): text_config is {shown(text)}, and must be an object")
    expected = NESTED[model_type]
    text_type = text.get("model_type", expected)
    if not isinstance(text_type, str) or text_type not in FAMILIES or expected not in (None, text_type):
        wanted = f"must be {expected!r}" if expected else "must name a family that is known"
        raise KvlabError(
            f"{name} (model_type {model_type}): text_config's model_type is {shown(text_type)}, and {wanted}"
        )
    outer = Keys(config, name, model_type, defaults_of(model_type))
    inner = Keys(text, name, text_type, defaults_of(text_type))
    tied = any(_ties({"outer": outer, "text": inner}[whose]) for whose in TIED_BY.get(model_type, ("outer",)))
    keys = Keys({**text, TIE: tied}, name, text_type, inner.defaults)
    keys.inferred |= outer.inferred | inner.inferred
    decoder = _read(keys, model_type, note="of the text decoder; towers for images and sound are not counted")
    for key in sorted(keys.read & config.keys() & text.keys() - {TIE}):
        if config[key] != text[key]:
            raise outer.refusal(f"{key} is {shown(config[key])}, and in text_config {shown(text[key])}")
    if _is_contradicted(tied, outer, inner):
        return replace(
            decoder, parameters=None, note="text_config says otherwise than the rest whether the head is tied"
        )
    return decoder


def _ties(keys: Keys) -> bool:
    """Return whether a configuration ties the head; one whose class has no such key does where it is written."""
    return keys.flag(TIE) if TIE in keys.config or TIE in keys.defaults.values else False


def _is_contradicted(tied: bool, *both: Keys) -> bool:
    """Return whether one of the two configurations denies what the library makes of them.

    The library writes the default of each class into a file, so that a default that another configuration overrules is
    no contradiction; but a default does not overrule what is written.
    """
    written = [keys for keys in both if isinstance(keys.config.get(TIE), bool)]
    against = [keys for keys in written if keys.config[TIE] is not tied]
    overruled = len(against) < len(written) and all(k.config[TIE] is k.defaults.values.get(TIE) for k in against)
    return bool(against) and not overruled
