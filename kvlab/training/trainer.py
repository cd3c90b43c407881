"""The training of the grammar MiniGPT: NumPy, AdamW, a few minutes on two cores.

The defaults are the recipe that made the committed checkpoint. A training is deterministic for one machine, one NumPy
and one number of BLAS threads, and not beyond: so the checkpoint is committed, and its recipe is kept here.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kvlab.architecture import Architecture
from kvlab.errors import KvlabError
from kvlab.model.checkpoint import require_free, save_folder
from kvlab.training.corpus import generate_corpus
from kvlab.training.gradients import Array, Ids, Tensors, cross_entropy, forward, loss_and_gradients
from kvlab.training.tokenizer import Tokenizer, train_tokenizer

MINIGPT_ARCHITECTURE = Architecture(
    name="grammar MiniGPT",
    family="gpt2",
    n_layers=2,
    d_model=64,
    n_heads=4,
    n_kv_heads=4,
    head_dim=16,
    d_ff=256,
    vocab_size=512,
    max_context=128,
)

Progress = Callable[[int, float], None]  # called after each step with its number, from 1, and its loss


@dataclass(frozen=True)
class Recipe:
    """How to train: what is drawn, and how AdamW moves."""

    n_documents: int = 6000
    held_out_share: float = 0.05  # of the tokens, at the end of the stream
    batch_size: int = 32
    peak_rate: float = 4e-3
    final_rate: float = 1e-4
    warmup_share: float = 0.05  # of the steps
    betas: tuple[float, float] = (0.9, 0.98)
    adam_epsilon: float = 1e-8
    weight_decay: float = 0.05
    clip_norm: float = 1.0


@dataclass(frozen=True)
class Trained:
    """What a training leaves: the model, its tokenizer, and the losses in nats a token.

    Attributes:
        architecture: the shapes.
        params: every tensor, float32, under its name in the transformers library.
        tokenizer: the tokenizer that the model was trained with.
        losses: the loss of each step's batch.
        validation_loss: the loss on the held-out part after the last step.
    """

    architecture: Architecture
    params: Tensors
    tokenizer: Tokenizer
    losses: list[float]
    validation_loss: float


def initial_params(a: Architecture, rng: np.random.Generator) -> Tensors:
    """Draw GPT-2's initial parameters: N(0, 0.02²), residual projections divided by √(2L), norms 1, biases 0."""

    def linear(name: str, n_in: int, n_out: int, scale: float = 1.0) -> Tensors:
        weight = rng.normal(0, 0.02 * scale, (n_in, n_out)).astype(np.float32)
        return {f"{name}.weight": weight, f"{name}.bias": np.zeros(n_out, np.float32)}

    def norm(name: str) -> Tensors:
        return {f"{name}.weight": np.ones(a.d_model, np.float32), f"{name}.bias": np.zeros(a.d_model, np.float32)}

    d, residual = a.d_model, 1 / math.sqrt(2 * a.n_layers)
    params: Tensors = {
        "transformer.wte.weight": rng.normal(0, 0.02, (a.vocab_size, d)).astype(np.float32),
        "transformer.wpe.weight": rng.normal(0, 0.02, (a.max_context, d)).astype(np.float32),
    }
    for layer in (f"transformer.h.{i}" for i in range(a.n_layers)):
        params |= norm(f"{layer}.ln_1") | linear(f"{layer}.attn.c_attn", d, 3 * d)
        params |= linear(f"{layer}.attn.c_proj", d, d, residual) | norm(f"{layer}.ln_2")
        params |= linear(f"{layer}.mlp.c_fc", d, a.d_ff) | linear(f"{layer}.mlp.c_proj", a.d_ff, d, residual)
    return params | norm("transformer.ln_f")


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """Return the rate of a step, counted from 0: a linear warm-up to the peak, then half a cosine down to the end."""
    warmup = max(1, round(recipe.warmup_share * steps))
    if step < warmup:
        return recipe.peak_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return recipe.final_rate + (recipe.peak_rate - recipe.final_rate) * (1 + math.cos(math.pi * done)) / 2


def clip(gradients: Tensors, max_norm: float) -> None:
    """Scale all gradients together, in place, so that their norm as one vector is at most ``max_norm``."""
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values()))
    if norm > max_norm:
        for gradient in gradients.values():
            gradient *= max_norm / norm


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101), on the matrices only."""

    def __init__(self, params: Tensors, recipe: Recipe) -> None:
        self.params, self.recipe, self.n_steps = params, recipe, 0
        self.means = {name: np.zeros_like(tensor) for name, tensor in params.items()}
        self.squares = {name: np.zeros_like(tensor) for name, tensor in params.items()}

    def step(self, gradients: Tensors, rate: float) -> None:
        """Move every parameter, in place."""
        self.n_steps += 1
        for name, param in self.params.items():
            if param.ndim == 2:  # a decayed bias or norm would only be pulled away from what it is for
                param *= 1 - rate * self.recipe.weight_decay
            param -= rate * self._direction(name, gradients[name])

    def _direction(self, name: str, gradient: Array) -> Array:
        (beta_1, beta_2), mean, square = self.recipe.betas, self.means[name], self.squares[name]
        mean += (1 - beta_1) * (gradient - mean)
        square += (1 - beta_2) * (gradient * gradient - square)
        root = np.sqrt(square / (1 - beta_2**self.n_steps)) + self.recipe.adam_epsilon
        direction: Array = mean / (1 - beta_1**self.n_steps) / root
        return direction


def token_stream(documents: Iterable[str], tokenizer: Tokenizer) -> Ids:
    """Return all documents as one row of ids, each after an end-of-text token."""
    end = [] if tokenizer.end_of_text is None else [tokenizer.end_of_text]
    return np.array([token for document in documents for token in [*end, *tokenizer.encode(document)]])


def _windows(stream: Ids, starts: Ids, length: int) -> tuple[Ids, Ids]:
    """Cut windows out of the stream: the ids (B, T), and the targets (B, T), each the id that comes next."""
    window = stream[starts[:, None] + np.arange(length + 1)]
    return window[:, :-1], window[:, 1:]


def validation_loss(params: Tensors, held_out: Ids, a: Architecture) -> float:
    """Return the mean loss in nats a token over the whole held-out stream, in windows of the model's context."""
    starts = np.arange(0, len(held_out) - a.max_context, a.max_context)
    ids, targets = _windows(held_out, starts, a.max_context)
    batches = range(0, len(ids), 32)  # equal weight a window: the last batch may be smaller
    total = sum(
        cross_entropy(forward(params, ids[i : i + 32], a)[0], targets[i : i + 32])[0] * len(ids[i : i + 32])
        for i in batches
    )
    return total / len(ids)


def train(
    steps: int = 2000,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    recipe: Recipe | None = None,
    architecture: Architecture = MINIGPT_ARCHITECTURE,
) -> Trained:
    """Make the corpus, learn the tokenizer, and train the model.

    Args:
        steps: how many batches; each is ``recipe.batch_size`` windows of the model's whole context.
        seed: of the corpus, of the initial parameters and of the windows that are drawn.
        progress: called after each step with the number of steps done and the loss of the batch.
        recipe: everything else; without it, the recipe of the committed checkpoint.
        architecture: the shapes; the vocabulary is learned to exactly its size.

    Raises:
        KvlabError: ``steps`` is below 1, or the corpus is too small for the vocabulary or for one held-out window.
    """
    if steps < 1:
        raise KvlabError(f"steps is {steps}; a training takes at least 1 step")
    recipe = recipe or Recipe()
    documents = generate_corpus(recipe.n_documents, seed)
    tokenizer = train_tokenizer(documents, architecture.vocab_size)
    training, held_out = _split(token_stream(documents, tokenizer), recipe, architecture.max_context)
    rng = np.random.default_rng(seed)
    params = initial_params(architecture, rng)
    optimizer, losses = AdamW(params, recipe), []
    for step in range(steps):
        starts = rng.integers(len(training) - architecture.max_context, size=recipe.batch_size)
        ids, targets = _windows(training, starts, architecture.max_context)
        loss, gradients = loss_and_gradients(params, ids, targets, architecture)
        clip(gradients, recipe.clip_norm)
        optimizer.step(gradients, learning_rate(step, steps, recipe))
        losses.append(loss)
        if progress is not None:
            progress(step + 1, loss)
    return Trained(architecture, params, tokenizer, losses, validation_loss(params, held_out, architecture))


def _split(stream: Ids, recipe: Recipe, window: int) -> tuple[Ids, Ids]:
    n_held_out = round(recipe.held_out_share * len(stream))
    if n_held_out <= window:
        raise KvlabError(f"{n_held_out} held-out tokens are no window of {window}; use more documents")
    return stream[:-n_held_out], stream[-n_held_out:]


def config_json(a: Architecture, end_of_text: int | None) -> dict[str, object]:
    """Return the content of `config.json` for a GPT-2 style model, with the transformers library's keys."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "name": a.name,
        "n_layer": a.n_layers,
        "n_head": a.n_heads,
        "n_embd": a.d_model,
        "n_inner": a.d_ff,
        "n_positions": a.max_context,
        "vocab_size": a.vocab_size,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": a.norm_epsilon,
        "tie_word_embeddings": a.tied_head,
        "bos_token_id": end_of_text,
        "eos_token_id": end_of_text,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "torch_dtype": "float32",
        "dtype": "float32",
    }


def train_to_folder(
    folder: Path,
    steps: int = 2000,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    recipe: Recipe | None = None,
    architecture: Architecture = MINIGPT_ARCHITECTURE,
) -> Trained:
    """Train and write a model folder: `config.json`, `model.safetensors`, `tokenizer.json`. Arguments as in `train`.

    Raises:
        KvlabError: the folder holds something already (found out before the training), or ``steps`` is below 1.
    """
    require_free(folder)
    trained = train(steps, seed, progress, recipe=recipe, architecture=architecture)
    config = config_json(trained.architecture, trained.tokenizer.end_of_text)
    save_folder(folder, config, trained.params, trained.tokenizer.to_json())
    return trained
