"""What follows attention: MLPs and mixtures of experts. Each is a function from keys to all layers' elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from kvlab.accounting import components
from kvlab.sizing.config_reader import Keys


class Counted(NamedTuple):
    """The elements of all layers' MLPs, and the hidden width of one: of an expert's, in a mixture."""

    parameters: int
    d_ff: int


FeedForward = Callable[[Keys, int, int], Counted]  # keys, d_model, n_layers


def dense(bias: bool | str = False) -> FeedForward:
    """Return the way of three matrices a layer, one of them a gate's; with biases where `bias` says so."""

    def feed_forward(keys: Keys, d_model: int, n_layers: int) -> Counted:
        d_ff = keys.integer("intermediate_size")
        biases = keys.is_on(bias) * (2 * d_ff + d_model)
        return Counted(n_layers * (components.gated_mlp_parameters(d_model, d_ff) + biases), d_ff)

    return feed_forward


gated = dense()


def plain(bias: bool | str) -> FeedForward:
    """Return the way of two matrices a layer; with biases where `bias` says so."""

    def feed_forward(keys: Keys, d_model: int, n_layers: int) -> Counted:
        d_ff = keys.integer("intermediate_size")
        biases = keys.is_on(bias) * (d_ff + d_model)
        return Counted(n_layers * (components.plain_mlp_parameters(d_model, d_ff) + biases), d_ff)

    return feed_forward


def experts(count_key: str) -> FeedForward:
    """Return the way of a mixture of `count_key` experts in every layer."""

    def feed_forward(keys: Keys, d_model: int, n_layers: int) -> Counted:
        d_ff = keys.integer("intermediate_size")
        mixture = components.experts_parameters(d_model, d_ff, keys.integer(count_key))
        return Counted(n_layers * mixture, d_ff)

    return feed_forward


def qwen_experts(shared: bool) -> FeedForward:
    """Return the way of Qwen's mixtures: in every nth layer but those that `mlp_only_layers` lists.

    A shared expert, where there is one, has a gate of `d` elements; a layer without experts has a plain gated MLP.
    """

    def feed_forward(keys: Keys, d_model: int, n_layers: int) -> Counted:
        d_ff = keys.integer("moe_intermediate_size")
        mixture = components.experts_parameters(d_model, d_ff, keys.integer("num_experts"))
        if shared:
            mixture += (
                components.gated_mlp_parameters(d_model, keys.integer("shared_expert_intermediate_size")) + d_model
            )
        without = set(layer_numbers(keys, "mlp_only_layers", n_layers))
        period = keys.integer("decoder_sparse_step")
        sparse = sum(i not in without and (i + 1) % period == 0 for i in range(n_layers))
        parameters = sparse * mixture
        if sparse < n_layers:
            parameters += (n_layers - sparse) * components.gated_mlp_parameters(
                d_model, keys.integer("intermediate_size")
            )
        return Counted(parameters, d_ff)

    return feed_forward


def gpt_oss_experts(keys: Keys, d_model: int, n_layers: int) -> Counted:
    """Return gpt-oss's mixtures, whose matrices and router all have biases."""
    d_ff, n_experts = keys.integer("intermediate_size"), keys.integer("num_local_experts")
    biases = n_experts * (2 * d_ff + d_model + 1)
    return Counted(n_layers * (components.experts_parameters(d_model, d_ff, n_experts) + biases), d_ff)


def llama4_experts(keys: Keys, d_model: int, n_layers: int) -> Counted:
    """Return Llama 4's mixtures, each with a shared expert, in the layers that `moe_layers` lists or every nth.

    The other layers have an MLP of the width `intermediate_size_mlp`.
    """
    d_ff = keys.integer("intermediate_size")
    mixture = components.experts_parameters(d_model, d_ff, keys.integer("num_local_experts"))
    mixture += components.gated_mlp_parameters(d_model, d_ff)
    if keys.items("moe_layers") is None:
        sparse = n_layers // keys.integer("interleave_moe_layer_step")
    else:
        sparse = len(set(layer_numbers(keys, "moe_layers", n_layers)))
    parameters = sparse * mixture
    if sparse < n_layers:
        parameters += (n_layers - sparse) * components.gated_mlp_parameters(
            d_model, keys.integer("intermediate_size_mlp")
        )
    return Counted(parameters, d_ff)


def layer_numbers(keys: Keys, key: str, n_layers: int) -> list[int]:
    """Return the layers that a key lists, none where it is null. Raises `KvlabError` for what is not a layer number."""
    listed = keys.items(key) or []
    for entry in listed:
        if keys.checked(key, entry, least=0) >= n_layers:
            raise keys.refusal(f"{key} lists layer {entry}, and there are {n_layers}, counted from 0")
    return listed
