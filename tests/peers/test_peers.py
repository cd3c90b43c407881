"""kvlab against the transformers library, on the same weights: `make peers`."""

import numpy as np
import pytest
import torch
from agreement import BOUND, Pass, choices, decode_along, distance, prefill
from folders import FOLDERS, save
from golden import answers
from golden_files import NAMES, read_golden
from library import generate_peer, open_peer, prefill_peer
from safetensors import safe_open

from kvlab.decoding.equivalence import seeded_prompts
from kvlab.decoding.generation import generate_cached
from kvlab.model import load_model
from kvlab.training import MINIGPT
from kvlab.training.corpus import sample_prompts
from kvlab.training.tokenizer import Tokenizer

COMMITTED = "the committed MiniGPT"
N_PROMPTS, N_TOKENS = 20, 64


@pytest.fixture(scope="module", params=[COMMITTED, *FOLDERS])
def case(request):
    return request.param


@pytest.fixture(scope="module")
def folder(case, tmp_path_factory):
    if case == COMMITTED:
        return MINIGPT
    saved = tmp_path_factory.mktemp("saved") / "model"
    save(case, saved)
    return saved


@pytest.fixture(scope="module")
def model(folder):
    return load_model(folder)


@pytest.fixture(scope="module")
def peer(folder):
    return open_peer(folder)


def prompts_for(case, model):
    if case != COMMITTED:
        return seeded_prompts(model.architecture.vocab_size, N_PROMPTS)
    encode = Tokenizer.from_file(MINIGPT / "tokenizer.json").encode
    return [encode(prompt) for prompt in sample_prompts(N_PROMPTS)]


def whole_context(model):
    """Return as many random ids as the model has positions."""
    a = model.architecture
    return np.random.default_rng(0).integers(0, a.vocab_size, a.max_context).tolist()


def distances(found, expected):
    return {name: distance(*pair) for name, *pair in zip(Pass._fields, found, expected, strict=True)}


def test_logits_and_every_layers_keys_and_values_are_those_of_the_library(case, model, peer, measured):
    ids = whole_context(model)
    apart = distances(prefill(model, ids), prefill_peer(peer, ids))
    measured(case, **apart)
    assert max(apart.values()) <= BOUND, apart


def test_they_are_those_of_the_library_in_double_precision_too(model, folder):
    ids = whole_context(model)
    apart = distances(prefill(model, ids), prefill_peer(open_peer(folder, torch.float64), ids))
    assert max(apart.values()) <= BOUND, apart


def test_20_texts_of_64_tokens_have_the_librarys_logits_and_greedy_choices_but_for_near_ties(
    case, model, peer, measured
):
    apart, other, near_ties = 0.0, 0, 0
    for prompt in prompts_for(case, model):
        text, expected = generate_peer(peer, prompt, N_TOKENS)
        logits = decode_along(model, prompt, text)
        here = choices(logits, text)
        apart, other, near_ties = max(apart, distance(logits, expected)), other + here[0], near_ties + here[1]
    measured(case, decode=apart, choices=N_PROMPTS * N_TOKENS, others=other, ties=near_ties)
    assert apart <= BOUND
    assert other == 0
    # Two random logits are closer than 1e-5 of the largest once in some ten thousand steps.
    assert near_ties <= 3


def test_the_minigpt_generates_20_texts_of_64_tokens_as_the_library_does():
    model, peer = load_model(MINIGPT), open_peer(MINIGPT)
    for prompt in prompts_for(COMMITTED, model):
        text, _ = generate_peer(peer, prompt, N_TOKENS)
        assert generate_cached(model, prompt, N_TOKENS).ids == tuple(text.tolist())


@pytest.mark.parametrize("name", FOLDERS)
def test_a_saved_folder_is_what_its_name_says(name, tmp_path):
    save(name, tmp_path)
    model, files = load_model(tmp_path), list(tmp_path.glob("*.safetensors"))
    a, written = model.architecture, set()
    for file in files:
        with safe_open(file, "pt") as tensors:
            written |= {str(tensors.get_tensor(key).dtype) for key in tensors.keys()}  # noqa: SIM118
    heads = "MQA" if a.n_kv_heads == 1 else "MHA" if a.n_kv_heads == a.n_heads else "GQA"
    assert name == ", ".join(
        [a.family]
        + [heads] * (a.family == "llama")
        + ["tied" if a.tied_head else "untied", *(dtype.removeprefix("torch.") for dtype in written)]
        + ["several files"] * (len(files) > 1)
    )


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("gpt2, tied, float32", {"activation_function": "gelu"}),  # by the error function, not by tanh
        ("gpt2, tied, float32", {"layer_norm_epsilon": 1e-6}),
        ("llama, GQA, untied, float32, several files", {"rms_norm_eps": 1e-5}),
        (
            "llama, GQA, untied, float32, several files",
            {"rope_parameters": {"rope_type": "default", "rope_theta": 10_010.0}},
        ),
    ],
    ids=["GELU", "epsilon of LayerNorm", "epsilon of RMSNorm", "theta"],
)
def test_the_bound_tells_a_slightly_different_formula_apart(name, change, tmp_path):
    save(name, tmp_path)
    model = load_model(tmp_path)
    ids = whole_context(model)
    apart = distances(prefill(model, ids), prefill_peer(open_peer(tmp_path, **change), ids))
    assert min(apart.values()) > BOUND, apart


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_holds_what_the_library_says_today(name):
    golden = read_golden(name)
    today = answers(golden)
    assert str(today["versions"]) == str(golden["versions"]), "run `make golden`"
    apart = distances(*(Pass(*(file[kind] for kind in Pass._fields)) for file in (golden, today)))
    assert max(apart.values()) <= BOUND, apart
    assert np.array_equal(golden["texts"], today["texts"])
