"""A run of decoding, step by step: what each forward pass writes, reads and attends to, noted while it runs.

A trace is the cached run itself, with a cache and a kernel that take notes; it computes the same bytes as without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kvlab.cache import DenseCache, Positions, Reading, slot_offset
from kvlab.decoding.generation import Generation, Logits, generate_cached, greedy
from kvlab.errors import KvlabError
from kvlab.model import EXACT, Kernel, Model
from kvlab.model.ops import Floats


@dataclass(frozen=True)
class Token:
    """A token: its id, and its text where the tokenizer has one."""

    id: int
    text: str | None


@dataclass(frozen=True)
class Write:
    """Consecutive slots that one layer wrote, in every K/V head.

    Attributes:
        layer: the layer.
        first_slot: the first of them.
        n_slots: how many.
        offset_bytes: of the first slot from the start of the K buffer, for each K/V head; in the V buffer the same.
        written_bytes: of K and V together.
    """

    layer: int
    first_slot: int
    n_slots: int
    offset_bytes: tuple[int, ...]
    written_bytes: int


@dataclass(frozen=True)
class Read:
    """The slots, from slot 0 on, that some queries of one layer read together, in every K/V head.

    Attributes:
        layer: the layer.
        first_position: the position of the first of the queries.
        n_queries: how many, at consecutive positions.
        n_slots: slots read: whole tiles.
        n_attended: those of them to which the last of the queries may attend; the others are masked.
        read_bytes: of K and V together.
    """

    layer: int
    first_position: int
    n_queries: int
    n_slots: int
    n_attended: int
    read_bytes: int


@dataclass(frozen=True)
class Candidate:
    """A token that might come next, and its probability: the softmax of the logits."""

    token: Token
    probability: float


@dataclass(frozen=True)
class Step:
    """One forward pass and the token chosen after it.

    Attributes:
        phase: `"prefill"` (the prompt) or `"decode"` (the newest token).
        tokens: the tokens that the pass computed.
        positions: where each stands, which is also its slot.
        writes: one a layer.
        reads: one a layer and tile of queries.
        attention: weights of the newest query over the slots it may attend to, `(n_layers, n_heads, n_attended)`.
        candidates: the most probable next tokens, best first.
        chosen: the token that was taken: the best.
    """

    phase: Literal["prefill", "decode"]
    tokens: tuple[Token, ...]
    positions: tuple[int, ...]
    writes: tuple[Write, ...]
    reads: tuple[Read, ...]
    attention: NDArray[np.float32]
    candidates: tuple[Candidate, ...]
    chosen: Token


@dataclass(frozen=True)
class Trace:
    """A run and its steps.

    Attributes:
        generation: what an untraced run returns.
        steps: the prefill, and then a decode step for each further token.
        cache: the cache as the run left it; the token chosen last is not in it.
    """

    generation: Generation
    steps: tuple[Step, ...]
    cache: DenseCache

    @property
    def held(self) -> tuple[Token, ...]:
        """The token of each slot that is filled."""
        return tuple(token for step in self.steps for token in step.tokens)


def trace(
    model: Model,
    prompt_ids: Sequence[int],
    n_tokens: int,
    *,
    n_candidates: int = 5,
    text_of: Callable[[int], str | None] = lambda _: None,
) -> Trace:
    """Decode greedily with a dense cache, `n_tokens` after the prompt, and note each step.

    Args:
        model: the model.
        prompt_ids: at least one id, and room for one more in the model's context.
        n_tokens: how many tokens to generate; fewer when prompt and text reach the model's context.
        n_candidates: how many of the most probable next tokens to note, at most the vocabulary.
        text_of: gives a token's text, or None where it has none.

    Raises:
        KvlabError: `n_candidates` is below 1, the prompt fills the context, or what `generate_cached` refuses.
    """
    if n_candidates < 1:
        raise KvlabError(f"{n_candidates} candidates were asked for; ask for at least 1")
    recorder = _Recorder.for_model(model.architecture)
    steps: list[Step] = []
    new = list(prompt_ids)

    def token(id_: int) -> Token:
        return Token(id_, text_of(id_))

    def pick_and_note(logits: Logits) -> int:
        chosen = greedy(logits)
        steps.append(
            Step(
                phase="decode" if steps else "prefill",
                tokens=tuple(map(token, new)),
                positions=recorder.new_positions,
                writes=tuple(recorder.writes),
                reads=tuple(recorder.reads),
                attention=np.stack(list(recorder.attention.values())),
                candidates=tuple(Candidate(token(id_), p) for id_, p in _most_probable(logits, n_candidates)),
                chosen=token(chosen),
            )
        )
        new[:] = [chosen]
        return chosen

    run = generate_cached(model, prompt_ids, n_tokens, pick_and_note, cache=recorder, kernel=recorder.kernel)
    if not steps:
        raise KvlabError(f"the prompt fills the model's context of {len(prompt_ids)}; leave room for a token to trace")
    return Trace(run, tuple(steps), recorder)


def _most_probable(logits: Logits, n: int) -> list[tuple[int, float]]:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    # A stable sort, so that of two equal logits the smaller id comes first, as `greedy` takes it.
    best = np.argsort(-logits, kind="stable")[:n]
    return [(int(id_), float(weights[id_] / weights.sum())) for id_ in best]


class _Recorder(DenseCache):
    """A dense cache for one sequence that notes what the present pass asks of it, and a kernel that does likewise."""

    new_positions: tuple[int, ...]
    writes: list[Write]
    reads: list[Read]
    attention: dict[int, Floats]  # of each layer's newest query, (n_heads, n_attended)
    _reading: Reading

    @property
    def kernel(self) -> Kernel:
        """The exact kernel, whose `mix` is noted."""
        return EXACT._replace(mix=self._mix)

    def positions(self, n_tokens: int) -> Positions:
        """Begin a pass: forget the one before."""
        positions = super().positions(n_tokens)
        self.new_positions = tuple(positions[0].tolist())
        self.writes, self.reads, self.attention = [], [], {}
        return positions

    def write(self, layer: int, k: Floats, v: Floats) -> None:
        super().write(layer, k, v)
        offsets = tuple(offset_bytes(self, layer, head, self.position) for head in range(k.shape[1]))
        self.writes.append(Write(layer, self.position, k.shape[2], offsets, k.nbytes + v.nbytes))

    def read(self, layer: int, reading: Reading) -> tuple[Floats, Floats]:
        keys, values = super().read(layer, reading)
        self._reading = reading
        positions = self.new_positions[reading.tokens]
        n_attended = int(np.count_nonzero(reading.mask[-1] == 0))
        self.reads.append(
            Read(layer, positions[0], len(positions), keys.shape[2], n_attended, keys.nbytes + values.nbytes)
        )
        return keys, values

    def _mix(self, p: Floats, values: Floats) -> Floats:
        mask = self._reading.mask
        weights = p.reshape(-1, *mask.shape)  # (H, t, n)
        # A layer's later reading replaces its earlier one: the newest query is in the last.
        self.attention[self.reads[-1].layer] = weights[:, -1, mask[-1] == 0]
        return EXACT.mix(p, values)


def offset_bytes(cache: DenseCache, layer: int, kv_head: int, slot: int) -> int:
    """Return the offset in bytes of a slot of the first sequence, from the start of the K (or V) buffer."""
    _, batch, n_kv_heads, capacity, head_dim = cache.shape
    sizes = {"batch": batch, "n_kv_heads": n_kv_heads, "capacity": capacity, "head_dim": head_dim}
    return slot_offset(layer, 0, kv_head, slot, **sizes, bytes_per_element=cache.dtype.itemsize)
