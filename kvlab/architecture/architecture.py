"""`Architecture`: the shapes of a decoder, frozen and checked once."""

from __future__ import annotations

from dataclasses import dataclass, fields

from kvlab.errors import KvlabError
from kvlab.units.whole import whole_number


@dataclass(frozen=True)
class Architecture:
    """The shapes of a transformer decoder: every count explicit, none derived by a division that could leave a rest.

    Attributes:
        name: what people call the model.
        family: the forward pass that it needs; `"gpt2"` is learned positions, pre-LayerNorm, GELU, biases, and
            `"llama"` rotary positions, RMSNorm, SwiGLU, no biases.
        n_layers: `L`, transformer blocks.
        d_model: `d`, width of the residual stream.
        n_heads: `H`, query heads.
        n_kv_heads: `H_kv`, key/value heads, the ones that are cached; `n_heads` is a multiple of it.
        head_dim: `d_h`, elements of one head.
        d_ff: width of the MLP's hidden layer.
        vocab_size: `V`, entries of the vocabulary.
        max_context: `S_max`, positions that the model was made for.
        tied_head: whether the output head is the embedding table.
        norm_epsilon: added to the variance in LayerNorm, to the mean square in RMSNorm.
        rope_theta: the base of rotary positions, where there are any.

    Raises:
        KvlabError: a shape that is not a positive integer, or heads that do not divide; both numbers are named.
    """

    name: str
    family: str
    n_layers: int
    d_model: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    d_ff: int
    vocab_size: int
    max_context: int
    tied_head: bool = True
    norm_epsilon: float = 1e-5
    rope_theta: float = 10_000.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type == "int":
                count = whole_number(f"{self.name}: {field.name}", getattr(self, field.name), least=1)
                object.__setattr__(self, field.name, count)
        if self.n_heads % self.n_kv_heads:
            raise KvlabError(
                f"{self.name}: n_heads {self.n_heads} is not a multiple of n_kv_heads {self.n_kv_heads}; "
                "every K/V head serves the same number of query heads"
            )

    @property
    def is_gpt2(self) -> bool:
        """Whether it has learned positions, LayerNorm, GELU and biases, or rotary ones, RMSNorm, SwiGLU and none."""
        return self.family == "gpt2"

    @property
    def mlp_matrices(self) -> int:
        """2, or 3 with a gate."""
        return 2 if self.is_gpt2 else 3
