"""`Decoder`: what a model stores of a text, and how large it is itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kvlab.accounting.layers import Layers


@dataclass(frozen=True)
class Inferred:
    """A key that a `config.json` leaves out, and the value that its configuration class gives it."""

    key: str
    value: object
    config_class: str


NO_LOOKING_AHEAD = "the modules that predict more than one token are not counted"


@dataclass(frozen=True)
class Shape:
    """What a reader finds in a configuration: the part of a `Decoder` that differs from family to family.

    Attributes:
        layers: the layers, in groups that store alike.
        d_model: `d`, width of the residual stream.
        n_heads: `H`, query heads.
        d_ff: width of the MLP's hidden layer; of one expert's, in a mixture.
        vocab_size: `V`, entries of the vocabulary.
        max_context: positions that the model was made for; None where nothing limits them.
        parameters: `N`, all of them, exactly; None where this family's are not counted.
        note: what `parameters` leaves out, or why there is none.
    """

    layers: tuple[Layers, ...]
    d_model: int
    n_heads: int
    d_ff: int
    vocab_size: int
    max_context: int | None
    parameters: int | None
    note: str = ""


@dataclass(frozen=True)
class Decoder(Shape):
    """A decoder-only language model, as far as its memory goes; sound and image towers are not part of it.

    Attributes:
        name: what people call it.
        model_type: the family that read it.
        inferred: the keys that its configuration left out.
    """

    name: str = ""
    model_type: str = ""
    inferred: tuple[Inferred, ...] = ()

    @property
    def n_layers(self) -> int:
        """`L`, all layers."""
        return sum(group.count for group in self.layers)

    @property
    def n_kv_heads(self) -> int | None:
        """`H_kv`, K/V heads; None where layers differ in them."""
        return self._common(lambda group: group.n_kv_heads)

    @property
    def head_dim(self) -> int | None:
        """`d_h`, elements of a head; None where layers differ in them, or K and V."""
        k_dim, v_dim = self._common(lambda group: group.k_dim), self._common(lambda group: group.v_dim)
        return k_dim if k_dim == v_dim else None

    def _common(self, field: Callable[[Layers], int]) -> int | None:
        values = {field(group) for group in self.layers}
        return values.pop() if len(values) == 1 else None


def grouped(kinds: list[str], layers_of: Mapping[str, Layers]) -> tuple[Layers, ...]:
    """Return the layers of each kind as one group, in the order in which the kinds first occur.

    Args:
        kinds: of each layer.
        layers_of: one layer of each kind, whose `count` is ignored.
    """
    return tuple(_counted(layers_of[kind], count) for kind, count in Counter(kinds).items())


def _counted(one: Layers, count: int) -> Layers:
    fields = {**vars(one), "count": count}
    return Layers(**fields)
