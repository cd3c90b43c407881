"""Which layer stores what: the ways in which families say it, each a function from keys to the kind of every layer."""

from __future__ import annotations

from collections.abc import Callable

from kvlab.accounting.layers import Layers
from kvlab.sizing.config_reader import Keys, shown

# As the transformers library names them, and as they are called here.
LAYER_TYPES = {
    "full_attention": "full",
    "sliding_attention": "sliding",
    "chunked_attention": "chunked",
    "linear_attention": "recurrent",
}

Kinds = Callable[[Keys, int], list[str]]


def all_full(keys: Keys, n_layers: int) -> list[str]:
    """Every layer stores every token."""
    keys.require("use_sliding_window", False)
    return as_derived(keys, ["full"] * n_layers)


def one_window(keys: Keys, n_layers: int) -> list[str]:
    """Every layer has the window `sliding_window`, or none where it is null."""
    return as_derived(keys, ["full" if keys.optional("sliding_window") is None else "sliding"] * n_layers)


def listed_or_one_window(keys: Keys, n_layers: int) -> list[str]:
    """Every layer has the window, which may not be null, unless `layer_types` lists them."""
    keys.integer("sliding_window")
    return typed(keys, ["sliding"] * n_layers)


def switched_window(keys: Keys, n_layers: int) -> list[str]:
    """Every layer has the window, where `use_sliding_window` says so."""
    return as_derived(keys, ["sliding" if _switched_on(keys) else "full"] * n_layers)


def late_windows(keys: Keys, n_layers: int) -> list[str]:
    """Layers from `max_window_layers` on have the window, where `use_sliding_window` says so."""
    on = _switched_on(keys)
    first = keys.integer("max_window_layers", least=0) if on else n_layers
    derived = ["sliding" if i >= first else "full" for i in range(n_layers)]
    return typed(keys, derived) if on else as_derived(keys, derived)


def early_even_windows(keys: Keys, n_layers: int) -> list[str]:
    """Every second layer before `max_window_layers` has the window, where `use_sliding_window` says so."""
    on = _switched_on(keys)
    end = keys.integer("max_window_layers", least=0) if on else 0
    derived = ["sliding" if i % 2 == 0 and i < end else "full" for i in range(n_layers)]
    return typed(keys, derived) if on else as_derived(keys, derived)


def every_nth_full(n: int, key: str | None = None) -> Kinds:
    """Return the way in which layer n, 2n … is full and the others have the window; `key` may name another n."""

    def kinds(keys: Keys, n_layers: int) -> list[str]:
        period = n if key is None or are_listed(keys) else keys.integer(key, otherwise=n)
        return typed(keys, ["sliding" if (i + 1) % period else "full" for i in range(n_layers)])

    return kinds


def windows_where_rotary_is_off(keys: Keys, n_layers: int) -> list[str]:
    """SmolLM 3: a layer without rotary positions has the window, where `use_sliding_window` says so."""
    window, switched_on = keys.optional("sliding_window"), keys.flag("use_sliding_window")
    on, rotary = switched_on and window is not None, rotary_layers(keys, n_layers)
    return typed(keys, ["sliding" if on and not has_rotary else "full" for has_rotary in rotary])


def chunks_where_rotary_is_on(keys: Keys, n_layers: int) -> list[str]:
    """Llama 4: a layer with rotary positions attends within chunks, the others to everything."""
    kinds = ["chunked" if has_rotary else "full" for has_rotary in rotary_layers(keys, n_layers)]
    return typed(keys, kinds, known=("full", "chunked"))


def rotary_layers(keys: Keys, n_layers: int) -> list[bool]:
    """Return which layers have rotary positions: by `no_rope_layers`, where 1 means yes, or all except each nth."""
    given = keys.items("no_rope_layers")
    if not given:
        period = keys.integer("no_rope_layer_interval")
        return [(i + 1) % period != 0 for i in range(n_layers)]
    if len(given) != n_layers or any(entry not in (0, 1) for entry in given):
        raise keys.refusal(f"no_rope_layers must be {n_layers} times 0 or 1, one for each layer")
    return [bool(entry) for entry in given]


def are_listed(keys: Keys) -> bool:
    """Return whether `layer_types` lists the layers, so that no other key says what they are."""
    return keys.config.get("layer_types") is not None


def typed(keys: Keys, derived: list[str], known: tuple[str, ...] = ("full", "sliding")) -> list[str]:
    """Return the kinds that `layer_types` lists, or where it is absent or null the derived ones.

    Raises:
        KvlabError: it lists an unknown type, or not one a layer.
    """
    listed = keys.items("layer_types")
    if listed is None:
        return derived
    names = {name: kind for name, kind in LAYER_TYPES.items() if kind in known}
    for entry in listed:
        if not isinstance(entry, str) or entry not in names:
            raise keys.refusal(f"the layer type {shown(entry)} is unknown; known are {', '.join(names)}")
    if len(listed) != len(derived):
        raise keys.refusal(f"layer_types lists {len(listed)} layers, and there are {len(derived)}")
    return [names[entry] for entry in listed]


def as_derived(keys: Keys, derived: list[str]) -> list[str]:
    """Return the derived kinds. Raises `KvlabError` where `layer_types`, which decides nothing here, says otherwise."""
    if typed(keys, derived) != derived:
        raise keys.refusal(
            f"layer_types says otherwise than the rest, from which {keys.defaults.config_class} derives the layers"
        )
    return derived


def one_of_each(keys: Keys, kinds: list[str], n_kv_heads: int, head_dim: int) -> dict[str, Layers]:
    """Return one layer of each kind of attention that occurs, its window read where there is one."""
    windows = {"full": None, "sliding": "sliding_window", "chunked": "attention_chunk_size"}
    layers = {}
    for kind in dict.fromkeys(kinds):
        key = windows[kind]
        layers[kind] = Layers(kind, 1, n_kv_heads, head_dim, head_dim, None if key is None else keys.integer(key))
    return layers


def _switched_on(keys: Keys) -> bool:
    if not keys.flag("use_sliding_window"):
        keys.asked.add("sliding_window")  # with the switch off, which is how most files come, the window says nothing
        return False
    if keys.value("sliding_window") is None:
        raise keys.refusal("use_sliding_window is true, and sliding_window null")
    return True
