"""Model folders as other people write them: their names, dtypes and parts; and what is wrong with some of them."""

import json
import string

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import LLAMA_PRIMES, PRIMES, random_model, random_tensors
from safetensors.numpy import load_file, save_file

from kvlab.architecture import Architecture
from kvlab.errors import KvlabError
from kvlab.model import load_model, save_folder

GPT2_CONFIG = {
    "model_type": "gpt2",
    "n_layer": 3,
    "n_head": 5,
    "n_embd": 70,
    "n_inner": 109,
    "n_positions": 83,
    "vocab_size": 211,
}
LLAMA_CONFIG = {
    "model_type": "llama",
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 22,
    "hidden_size": 67,
    "intermediate_size": 109,
    "vocab_size": 211,
    "max_position_embeddings": 83,
    "tie_word_embeddings": False,
    "rms_norm_eps": 1e-5,
}
FAMILIES = {"gpt2": (GPT2_CONFIG, PRIMES), "llama": (LLAMA_CONFIG, LLAMA_PRIMES)}
TENSORS = {family: random_tensors(a) for family, (_, a) in FAMILIES.items()}
BOTH = pytest.mark.parametrize("family", FAMILIES)
INDEX = "model.safetensors.index.json"


def weights(part):
    """Return every array of a model, or of a part of it, in order."""
    if isinstance(part, np.ndarray):
        return [part]
    if isinstance(part, tuple):
        return [array for inner in part for array in weights(inner)]
    return [array for name, inner in vars(part).items() if name != "architecture" for array in weights(inner)]


def assert_same_model(loaded, expected):
    assert {array.dtype for array in weights(loaded)} == {np.dtype(np.float32)}
    for a, b in zip(weights(loaded), weights(expected), strict=True):
        assert np.array_equal(a, b)


def write_config(folder, config):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))


def write(folder, family="llama", tensors=None, config=None):
    """Write a folder with one safetensors file."""
    write_config(folder, config or FAMILIES[family][0])
    save_file(TENSORS[family] if tensors is None else tensors, folder / "model.safetensors")
    return folder


def write_parts(folder, family="llama", n_parts=3):
    """Write a folder with several safetensors files, tensors dealt out in turn, and their index."""
    write_config(folder, FAMILIES[family][0])
    names = sorted(TENSORS[family])
    parts = {f"model-{i + 1:05}-of-{n_parts:05}.safetensors": names[i::n_parts] for i in range(n_parts)}
    for part, held in parts.items():
        save_file({name: TENSORS[family][name] for name in held}, folder / part)
    weight_map = {name: part for part, held in parts.items() for name in held}
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


def strided(tensor):
    """Return a view of every second element of a larger array."""
    larger = np.full(tuple(2 * n for n in tensor.shape), np.nan, tensor.dtype)
    view = larger[tuple(slice(None, None, 2) for _ in tensor.shape)]
    view[...] = tensor
    return view


LAYOUTS = {
    "as it is": np.ascontiguousarray,
    "transposed": np.asfortranarray,
    "strided": strided,
    "reversed": lambda tensor: tensor[::-1].copy()[::-1],
}


@BOTH
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_saved_is_loaded_tensor_for_tensor_however_it_lies_in_memory(tmp_path, family, layout):
    config, a = FAMILIES[family]
    save_folder(tmp_path / "model", config, {name: LAYOUTS[layout](t) for name, t in TENSORS[family].items()})
    written = load_file(tmp_path / "model" / "model.safetensors")
    assert written.keys() == TENSORS[family].keys()
    for name, tensor in written.items():
        assert np.array_equal(tensor, TENSORS[family][name]), name
    loaded = load_model(tmp_path / "model")
    assert_same_model(loaded, random_model(a))
    assert loaded.architecture == Architecture(**{**vars(a), "name": "model"})


@BOTH
@pytest.mark.parametrize("prefix", ["", "transformer.", "model."])
def test_names_may_carry_either_prefix_of_the_library(tmp_path, family, prefix):
    # The library never puts a prefix before the head.
    named = {name if name == "lm_head.weight" else prefix + name: t for name, t in TENSORS[family].items()}
    assert_same_model(load_model(write(tmp_path / "model", family, named)), random_model(FAMILIES[family][1]))


@BOTH
def test_tensors_that_the_model_does_not_need_are_left_alone(tmp_path, family):
    extra = {"h.0.attn.bias": np.ones((1, 1, 83, 83), np.uint8), "model.rotary_emb.inv_freq": np.ones(11, np.float64)}
    folder = write(tmp_path / "model", family, TENSORS[family] | extra)
    assert_same_model(load_model(folder), random_model(FAMILIES[family][1]))


@BOTH
@pytest.mark.parametrize("n_parts", [1, 3])
def test_a_model_in_parts_is_the_model_in_one_file(tmp_path, family, n_parts):
    folder = write_parts(tmp_path / "model", family, n_parts)
    assert len(list(folder.glob("*.safetensors"))) == n_parts
    assert_same_model(load_model(folder), random_model(FAMILIES[family][1]))


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16], ids=lambda dtype: dtype.__name__)
def test_each_weight_is_the_one_in_the_file_converted_to_float32(tmp_path, family, dtype):
    narrow = {name: tensor.astype(dtype) for name, tensor in TENSORS[family].items()}
    wide = {name: tensor.astype(np.float32) for name, tensor in narrow.items()}
    assert (dtype == np.float32) == all(np.array_equal(wide[name], TENSORS[family][name]) for name in wide)
    loaded = load_model(write(tmp_path / "narrow", family, narrow))
    assert_same_model(loaded, load_model(write(tmp_path / "wide", family, wide)))
    table = loaded.wte if family == "gpt2" else loaded.embed_tokens
    assert np.array_equal(table, wide["wte.weight" if family == "gpt2" else "embed_tokens.weight"])


@BOTH
@pytest.mark.parametrize("tied", [True, False])
def test_the_head_is_the_embedding_table_where_the_configuration_ties_it(tmp_path, family, tied):
    config, a = FAMILIES[family]
    tensors = random_tensors(Architecture(**{**vars(a), "tied_head": False}))  # files may hold a head that is not used
    model = load_model(write(tmp_path / "model", family, tensors, config | {"tie_word_embeddings": tied}))
    table = model.wte if family == "gpt2" else model.embed_tokens
    assert (model.head is table) == tied
    assert np.array_equal(model.head, table if tied else tensors["lm_head.weight"])


@pytest.mark.parametrize("write_folder", [write, write_parts])
def test_progress_is_reported_in_bytes_of_the_files_that_add_up(tmp_path, write_folder):
    folder, calls = write_folder(tmp_path / "model"), []
    load_model(folder, lambda read, total: calls.append((read, total)))
    sizes = [path.stat().st_size for path in folder.glob("*.safetensors")]
    assert {total for _, total in calls} == {sum(sizes)}
    assert sorted(read for read, _ in calls) == sorted(tensor.nbytes for tensor in TENSORS["llama"].values())
    # What is left is headers: a name, a dtype, a shape and two offsets a tensor.
    headers = sum(sizes) - sum(read for read, _ in calls)
    assert 0 < headers < 200 * len(calls)


def test_progress_counts_half_as_many_bytes_for_half_as_wide_weights(tmp_path):
    narrow = {name: tensor.astype(np.float16) for name, tensor in TENSORS["llama"].items()}
    calls = []
    load_model(write(tmp_path / "model", tensors=narrow), lambda read, _: calls.append(read))
    assert sum(calls) == sum(tensor.size for tensor in TENSORS["llama"].values()) * 2


def test_weights_are_memory_of_their_own_and_outlive_their_file(tmp_path):
    folder = write(tmp_path / "model")
    loaded = load_model(folder)
    path = folder / "model.safetensors"
    with path.open("r+b") as file:
        file.write(b"\xff" * path.stat().st_size)
    path.unlink()
    assert_same_model(loaded, random_model(LLAMA_PRIMES))


def refusal(folder):
    """Return the one sentence with which a folder is refused."""
    with pytest.raises(KvlabError) as refused:
        load_model(folder)
    sentence = str(refused.value)
    assert "\n" not in sentence
    return sentence


@BOTH
def test_each_tensor_that_is_missing_is_named(tmp_path, family):
    for name in TENSORS[family]:
        rest = {other: tensor for other, tensor in TENSORS[family].items() if other != name}
        assert f"the tensor {name} is missing" in refusal(write(tmp_path / "model", family, rest))


@BOTH
def test_each_tensor_of_another_shape_is_named_with_both_shapes(tmp_path, family):
    for name, tensor in TENSORS[family].items():
        if tensor.shape[0] == tensor.shape[-1]:
            continue  # of a vector or a square matrix the transpose has the same shape
        sentence = refusal(write(tmp_path / "model", family, TENSORS[family] | {name: tensor.T.copy()}))
        assert f"{name} has shape {tensor.T.shape}; its config.json asks for {tensor.shape}" in sentence
    for vector in (name for name, tensor in TENSORS[family].items() if tensor.ndim == 1):
        sentence = refusal(write(tmp_path / "model", family, TENSORS[family] | {vector: np.ones(3, np.float32)}))
        assert f"{vector} has shape (3,)" in sentence


@pytest.mark.parametrize(
    ("dtype", "called"),
    [
        (np.int8, "I8"),
        (np.int64, "I64"),
        (np.bool_, "BOOL"),
        (np.float64, "F64"),
        (np.complex64, "C64"),
        (ml_dtypes.float8_e4m3fn, "F8_E4M3"),
    ],
)
def test_a_tensor_of_another_dtype_is_refused_by_its_name_and_that_of_the_dtype(tmp_path, dtype, called):
    tensors = TENSORS["llama"] | {"layers.1.mlp.up_proj.weight": np.ones((109, 67), dtype)}
    sentence = refusal(write(tmp_path / "model", tensors=tensors))
    assert f"layers.1.mlp.up_proj.weight is {called}; supported are float32, float16, bfloat16" in sentence


def test_a_tensor_that_is_there_twice_is_refused_and_none_of_the_two_is_chosen(tmp_path):
    twice = TENSORS["llama"] | {"model.norm.weight": np.ones(67, np.float32)}
    assert "the tensor norm.weight is there twice" in refusal(write(tmp_path / "one", tensors=twice))
    folder = write_parts(tmp_path / "parts")
    for part in folder.glob("*.safetensors"):
        save_file(load_file(part) | {"norm.weight": np.ones(67, np.float32)}, part)
    assert "the tensor norm.weight is there twice" in refusal(folder)


def test_a_part_that_the_index_names_and_the_folder_has_not_is_named(tmp_path):
    folder = write_parts(tmp_path / "model")
    (folder / "model-00002-of-00003.safetensors").unlink()
    sentence = refusal(folder)
    assert "'model-00002-of-00003.safetensors' is missing" in sentence
    assert INDEX in sentence


def test_a_part_that_is_truncated_is_named(tmp_path):
    folder = write_parts(tmp_path / "model")
    part = folder / "model-00003-of-00003.safetensors"
    whole = part.read_bytes()
    for length in (0, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        part.write_bytes(whole[:length])
        assert f"{part} is not a readable safetensors file" in refusal(folder)


def test_a_part_that_is_a_folder_or_no_safetensors_file_is_named(tmp_path):
    folder = write_parts(tmp_path / "model")
    part = folder / "model-00001-of-00003.safetensors"
    part.unlink()
    part.mkdir()
    assert f"{part} is not a readable" in refusal(folder)
    (folder / INDEX).write_text(json.dumps({"weight_map": {"norm.weight": "config.json"}}))
    assert f"{folder / 'config.json'} is not a readable" in refusal(folder)


def test_an_index_leads_to_no_other_folder(tmp_path):
    write(tmp_path / "other")
    write_config(tmp_path / "model", LLAMA_CONFIG)
    for outside in ("../other/model.safetensors", str(tmp_path / "other" / "model.safetensors")):
        (tmp_path / "model" / INDEX).write_text(json.dumps({"weight_map": {"norm.weight": outside}}))
        assert "'model.safetensors' is missing" in refusal(tmp_path / "model")


NO_MAPS = ["[]", "null", '"a"', '{"a": 1}', '{"a": null}', '{"a": ["b"]}']
NO_INDEXES = ["", "{", "[]", '"weight_map"', "{}", "\0", "[" * 100_000, *(f'{{"weight_map": {it}}}' for it in NO_MAPS)]


@pytest.mark.parametrize("text", NO_INDEXES, ids=lambda text: ascii(text)[:40])
def test_an_index_that_is_none_is_refused(tmp_path, text):
    write_config(tmp_path, LLAMA_CONFIG)
    (tmp_path / INDEX).write_text(text)
    assert f"{INDEX} is not an index: its weight_map must map each tensor to its file" in refusal(tmp_path)


def test_an_index_that_is_no_text_is_refused(tmp_path):
    write_config(tmp_path, LLAMA_CONFIG)
    (tmp_path / INDEX).write_bytes(b"\xff\xfe")
    assert "is not an index" in refusal(tmp_path)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A folder with a configuration and nothing else, for properties to write into."""
    folder = tmp_path_factory.mktemp("bare") / "model"
    write_config(folder, LLAMA_CONFIG)
    return folder


names = st.one_of(st.text(max_size=9), st.text("./ax", max_size=9), st.sampled_from(["x" * 300, "\0", "\ud800", ".."]))
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), names),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=5,
)


@given(st.one_of(json_values, st.fixed_dictionaries({"weight_map": st.dictionaries(names, names, max_size=3)})))
def test_an_index_of_anything_is_refused_in_one_sentence(bare, index):
    (bare / INDEX).write_text(json.dumps(index))
    refusal(bare)


@given(st.dictionaries(st.integers(0, 400), st.sampled_from(string.printable.encode()), min_size=1, max_size=4))
def test_a_file_with_bytes_of_its_header_changed_is_loaded_or_refused_and_nothing_else(tmp_path_factory, changes):
    folder = tmp_path_factory.getbasetemp() / "changed"
    if not folder.exists():
        write(folder)
        (folder / "whole").write_bytes((folder / "model.safetensors").read_bytes())
    damaged = bytearray((folder / "whole").read_bytes())
    for at, byte in changes.items():
        damaged[at] = byte
    (folder / "model.safetensors").write_bytes(damaged)
    try:
        loaded = load_model(folder)
    except KvlabError:
        return
    assert [array.shape for array in weights(loaded)] == [array.shape for array in weights(random_model(LLAMA_PRIMES))]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model_type": "mistral"}, "model_type is 'mistral'; only 'gpt2' and 'llama' can be opened"),
        ({"model_type": None}, "model_type is None"),
        ({"model_type": ["llama"]}, "model_type is ['llama']"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rotary positions are scaled (type is 'linear')"),
        ({"head_dim": 21}, "head_dim 21 is odd"),
        ({"attention_bias": True}, "attention_bias is True"),
        ({"max_position_embeddings": 10**400}, "max_position_embeddings has 401 digits"),
        ({"head_dim": 8 * 10**4298}, "head_dim has 4299 digits"),
        ({"rope_theta": 10**400}, "rope_theta is 1000"),
    ],
)
def test_a_configuration_that_cannot_be_run_is_refused_before_any_weight_is_read(tmp_path, changes, named):
    write_config(tmp_path, LLAMA_CONFIG | changes)
    assert named in refusal(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_a_model_is_called_by_its_configurations_name_or_else_by_its_folders(tmp_path):
    assert load_model(write(tmp_path / "folder")).architecture.name == "folder"
    named = write(tmp_path / "other", config=LLAMA_CONFIG | {"name": "my llama"})
    assert load_model(named).architecture.name == "my llama"
