"""kvlab: an executable model of the transformer KV cache."""
