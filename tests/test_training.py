"""Protects training: gradients against central differences, the recipe, and the committed checkpoint.

Slow: sixty-four tokens after each of the 228 prompts.
"""

import json
import math

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from sentences import is_sentence

from kvlab.architecture import Architecture, gpt2_architecture
from kvlab.cache import DenseCache
from kvlab.decoding.generation import generate_cached
from kvlab.errors import KvlabError
from kvlab.model import load_model
from kvlab.training import MINIGPT, gradients, trainer
from kvlab.training.corpus import is_grammatical, prompts, sample_prompts, sentences
from kvlab.training.tokenizer import Tokenizer
from kvlab.training.trainer import MINIGPT_ARCHITECTURE, AdamW, Recipe, train, train_to_folder

# Different primes wherever the mathematics allows it, so that swapped axes cannot pass: d = 2 · 5.
SMALL = Architecture("small", "gpt2", 2, 10, 2, 2, 5, d_ff=11, vocab_size=13, max_context=7)
TINY = Architecture("tiny", "gpt2", 1, 20, 2, 2, 10, d_ff=24, vocab_size=300, max_context=16)
SHORT = Recipe(n_documents=120, batch_size=8, peak_rate=3e-2)


def small_params(rng):
    """All parameters away from their initial zeros and ones, where a missing gradient term could hide."""
    drawn = trainer.initial_params(SMALL, rng)
    return {name: tensor + rng.normal(0, 0.3, tensor.shape) for name, tensor in drawn.items()}


def numeric_gradient(loss, tensor, step=1e-5):
    gradient = np.zeros_like(tensor)
    for i in np.ndindex(tensor.shape):
        kept = tensor[i]
        tensor[i] = kept + step
        above = loss()
        tensor[i] = kept - step
        gradient[i] = (above - loss()) / (2 * step)
        tensor[i] = kept
    return gradient


def test_every_entry_of_every_gradient_agrees_with_central_differences():
    rng = np.random.default_rng(0)
    params = small_params(rng)
    ids, targets = rng.integers(13, size=(3, 7)), rng.integers(13, size=(3, 7))
    _, exact = gradients.loss_and_gradients(params, ids, targets, SMALL)

    def loss():
        return gradients.cross_entropy(gradients.forward(params, ids, SMALL)[0], targets)[0]

    assert exact.keys() == params.keys()
    for name, tensor in params.items():
        numeric = numeric_gradient(loss, tensor)
        # A loss of about 3 is rounded at 4e-16; over a step of 2e-5 that is 2e-11 an entry, some 1e-9 of the largest
        # entry of the flattest tensor, and the cubic term adds as much. A wrong term would be off by 1e-3 and more.
        assert np.abs(numeric - exact[name]).max() <= 1e-7 * np.abs(exact[name]).max(), name


def test_the_gradient_of_positions_beyond_the_window_is_zero():
    rng = np.random.default_rng(1)
    ids = rng.integers(13, size=(2, 5))
    _, exact = gradients.loss_and_gradients(small_params(rng), ids, ids, SMALL)
    assert exact["transformer.wpe.weight"][:5].any(axis=1).all()
    assert not exact["transformer.wpe.weight"][5:].any()


def test_a_later_token_changes_no_earlier_logit():
    rng = np.random.default_rng(2)
    params, ids = small_params(rng), rng.integers(12, size=(1, 7))
    later = ids.copy()
    later[0, 4] += 1
    before, after = (gradients.forward(params, i, SMALL)[0] for i in (ids, later))
    assert np.array_equal(before[0, :4], after[0, :4])
    assert not np.isclose(before[0, 4:], after[0, 4:]).all(axis=1).any()


def test_float32_parameters_give_float32_gradients():
    rng = np.random.default_rng(3)
    ids = rng.integers(13, size=(2, 7))
    _, exact = gradients.loss_and_gradients(trainer.initial_params(SMALL, rng), ids, ids, SMALL)
    assert {gradient.dtype for gradient in exact.values()} == {np.dtype(np.float32)}


def test_a_uniform_guess_costs_the_logarithm_of_the_vocabulary():
    loss, dlogits = gradients.cross_entropy(np.zeros((2, 3, 17)), np.ones((2, 3), dtype=int))
    assert loss == pytest.approx(math.log(17))
    assert dlogits[0, 0, 1] == pytest.approx((1 / 17 - 1) / 6)


def test_sixty_steps_of_training_lower_the_loss():
    trained = train(60, recipe=SHORT, architecture=TINY)
    assert trained.losses[0] == pytest.approx(math.log(300), abs=0.1)
    assert np.mean(trained.losses[-10:]) < trained.losses[0] - 1
    assert trained.validation_loss == pytest.approx(np.mean(trained.losses[-10:]), abs=0.3)


def test_the_same_seed_trains_the_same_bytes_and_another_seed_others():
    one, same, other = (train(3, seed, recipe=SHORT, architecture=TINY).params for seed in (5, 5, 6))
    assert all(one[name].tobytes() == same[name].tobytes() for name in one)
    assert any(one[name].tobytes() != other[name].tobytes() for name in one)


def test_progress_is_told_every_step_and_its_loss():
    told = []
    trained = train(4, progress=lambda step, loss: told.append((step, loss)), recipe=SHORT, architecture=TINY)
    assert told == list(enumerate(trained.losses, start=1))


@pytest.mark.parametrize("steps", [0, -3])
def test_a_training_of_no_steps_is_refused(steps, tmp_path):
    with pytest.raises(KvlabError, match=f"steps is {steps}"):
        train_to_folder(tmp_path / "model", steps)
    assert not list(tmp_path.iterdir())


def test_too_few_documents_to_hold_a_window_out_are_refused():
    with pytest.raises(KvlabError, match="held-out tokens"):
        train(1, recipe=Recipe(n_documents=120, held_out_share=1e-4), architecture=TINY)


def test_the_learning_rate_rises_to_its_peak_and_falls_to_its_end():
    recipe = Recipe()
    rates = [trainer.learning_rate(step, 200, recipe) for step in range(201)]
    assert rates[0] == pytest.approx(recipe.peak_rate / 10)
    assert np.argmax(rates) in (9, 10)
    assert max(rates) == pytest.approx(recipe.peak_rate)
    assert rates[105] == pytest.approx((recipe.peak_rate + recipe.final_rate) / 2)
    assert rates[200] == pytest.approx(recipe.final_rate)


def test_gradients_are_clipped_together_as_one_vector():
    large = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    trainer.clip(large, 1.0)
    assert (large["a"].item(), large["b"].item()) == pytest.approx((0.6, 0.8))
    trainer.clip(large, 2.0)
    assert (large["a"].item(), large["b"].item()) == pytest.approx((0.6, 0.8))


def test_adamw_takes_its_first_step_by_the_rate_against_the_sign_and_decays_matrices_only():
    params = {"matrix": np.array([[2.0, 2.0]]), "bias": np.array([2.0])}
    optimizer = AdamW(params, Recipe(weight_decay=0.5))
    optimizer.step({"matrix": np.array([[7.0, 0.0]]), "bias": np.array([-0.3])}, rate=0.1)
    assert params["matrix"] == pytest.approx(np.array([[2 * 0.95 - 0.1, 2 * 0.95]]))
    assert params["bias"] == pytest.approx(np.array([2.1]))


def test_adamw_averages_gradients_and_squares_without_bias():
    params, recipe = {"bias": np.array([0.0])}, Recipe(betas=(0.9, 0.98))
    optimizer = AdamW(params, recipe)
    for gradient in (1.0, 3.0):
        optimizer.step({"bias": np.array([gradient])}, rate=1.0)
    mean = (0.9 * 0.1 * 1 + 0.1 * 3) / (1 - 0.9**2)
    square = (0.98 * 0.02 * 1 + 0.02 * 9) / (1 - 0.98**2)
    assert params["bias"] == pytest.approx(np.array([-1 - mean / math.sqrt(square)]))


def test_the_configuration_is_read_back_as_the_same_architecture():
    config = json.loads(json.dumps(trainer.config_json(MINIGPT_ARCHITECTURE, 0)))
    assert gpt2_architecture(config, config["name"]) == MINIGPT_ARCHITECTURE


def test_a_trained_folder_opens_as_a_model_with_the_trained_weights(tmp_path):
    folder = tmp_path / "model"
    trained = train_to_folder(folder, steps=1, recipe=SHORT, architecture=TINY)
    assert {file.name for file in folder.iterdir()} == {"config.json", "model.safetensors", "tokenizer.json"}
    assert np.array_equal(load_model(folder).wte, trained.params["transformer.wte.weight"])
    assert Tokenizer.from_file(folder / "tokenizer.json").to_json() == trained.tokenizer.to_json()


def test_a_folder_with_something_in_it_is_refused_before_the_training(tmp_path):
    (tmp_path / "kept").write_text("kept")
    with pytest.raises(KvlabError, match="exists already"):
        train_to_folder(tmp_path, 1, progress=lambda *_: pytest.fail("it trained"), recipe=SHORT, architecture=TINY)
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]


# The committed checkpoint.

MODEL = load_model(MINIGPT)
TOKENIZER = Tokenizer.from_file(MINIGPT / "tokenizer.json")
N_TOKENS = 64


@pytest.fixture(scope="module")
def continuations():
    """The greedy text of 64 tokens behind each of the 228 prompts."""
    return {prompt: continued(prompt) for prompt in prompts()}


def continued(prompt):
    return TOKENIZER.decode(generate_cached(MODEL, TOKENIZER.encode(prompt), N_TOKENS).ids)


def test_the_checkpoint_is_the_recipes_architecture_and_has_141056_parameters():
    tensors = load_file(MINIGPT / "model.safetensors")
    assert MODEL.architecture == MINIGPT_ARCHITECTURE
    assert sum(tensor.size for tensor in tensors.values()) == 141_056
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float32)}
    expected = trainer.initial_params(MINIGPT_ARCHITECTURE, np.random.default_rng(0))
    assert {name: t.shape for name, t in tensors.items()} == {name: t.shape for name, t in expected.items()}


def test_the_checkpoint_file_says_that_it_is_in_the_transformers_format():
    with safe_open(MINIGPT / "model.safetensors", "numpy") as file:
        assert file.metadata() == {"format": "pt"}


def test_the_training_forward_and_the_models_forward_agree_on_the_checkpoint():
    ids = np.array([TOKENIZER.encode("Yesterday I worked at home. Every day she goes to school.")])
    trained, _ = gradients.forward(load_file(MINIGPT / "model.safetensors"), ids, MINIGPT_ARCHITECTURE)
    hidden = MODEL.forward(ids, DenseCache.for_model(MODEL.architecture))
    # Two orders of summation in float32, over a few hundred terms, on logits of about 20.
    assert np.abs(trained - MODEL.logits(hidden)).max() < 1e-4


def test_yesterday_i_goes_on_with_worked():
    hidden = MODEL.forward(np.array([TOKENIZER.encode("Yesterday I")]), DenseCache.for_model(MODEL.architecture))
    probabilities = gradients.softmax(MODEL.logits(hidden[0, -1]))
    assert TOKENIZER.token(int(probabilities.argmax())) == " worked"
    assert probabilities.max() > 0.1  # Zipf's law over 74 verbs gives the first one 0.2


def test_the_checkpoint_continues_some_prompts_grammatically():
    assert [prompt for prompt in sample_prompts(12) if not is_grammatical(prompt, continued(prompt))] == []


@pytest.mark.slow
def test_the_checkpoint_continues_at_least_220_of_the_228_prompts_grammatically(continuations):
    wrong = [prompt + text for prompt, text in continuations.items() if not is_grammatical(prompt, text)]
    assert len(continuations) == 228
    assert len(wrong) <= 8, wrong


@pytest.mark.slow
def test_at_least_19_in_20_of_all_generated_sentences_are_grammatical(continuations):
    found = [sentence for prompt, text in continuations.items() for sentence in sentences(prompt + text)]
    assert len(found) > 5 * 228
    assert sum(map(is_sentence, found)) >= 0.95 * len(found)


@pytest.mark.slow
def test_fewer_than_1_in_20_texts_say_a_sentence_twice(continuations):
    texts = [sentences(prompt + text) for prompt, text in continuations.items()]
    assert sum(len(set(found)) < len(found) for found in texts) < 0.05 * 228
