"""A record of measurements with fixed numbers: what is built with it is the same on every machine and every day."""

from kvlab.benchmark import record
from kvlab.benchmark.machine import machine

CONTEXTS = list(range(16, 129, 16))
LENGTHS = (1, *range(8, 57, 8))


def curve(unit, values):
    return {
        "contexts": CONTEXTS,
        f"measured_{unit}": [value * 1.01 for value in values],
        "noise": 0.02,
    }


RESULTS = {
    "curves": {
        "memory": curve("bytes", [1024.0 * context for context in CONTEXTS]),
        "cached": curve("seconds", [1e-4 + 1e-7 * context for context in CONTEXTS]),
        "uncached": curve("seconds", [2e-4 + 2e-5 * context for context in CONTEXTS]),
    },
    "bench": {
        "gpt2_small": {
            "contexts": [16, 256, 1023],
            "decode_ms": {"16": 16.5, "256": 17.25, "1023": 20.0},
            "last_level_cache_bytes": 2**25,
            "bandwidth_bytes_per_second": {"16": 32e9, "256": 32e9, "1023": 30e9},
            "roofline_ms": {"16": 16.0, "256": 16.5, "1023": 19.0},
            "decode_over_roofline": {"16": 1.03125, "256": 1.0454, "1023": 1.0526},
            "decode_over_roofline_median": 1.0454,
            "transformers_over_kvlab": None,
            "transformers_sdpa_over_kvlab": None,
            "torch_over_kvlab": None,
            "identity_decode_cost": 1.01,
            "noise": 0.02,
        },
        "mini": {
            "decode_us_per_token": 107.5,
            "transformers_over_kvlab": 7.5,
            "transformers_sdpa_over_kvlab": 6.5,
            "torch_over_kvlab": 1.75,
            "identity_decode_cost": 0.99,
            "noise": 0.03,
        },
        "prefill": {"exact_over_blas_mini": 1.5, "exact_over_blas_gpt2_small": 3.25, "noise": 0.02},
        "generation": {"prompt_tokens": 16, "generated_tokens": 64, "uncached_over_cached": 9.5, "noise": 0.02},
        "per_token": {
            "prompt_tokens": 2,
            "generated_tokens": 50,
            "compared_tokens": 10,
            "cached_ms": [0.25] + [0.125 + 0.001 * (token % 3) for token in range(1, 50)],
            "uncached_ms": [0.25 + 0.015625 * token for token in range(50)],
            "cached_last_over_first": 1.01,
            "uncached_last_over_first": 2.75,
            "noise": 0.02,
        },
        "demo_by_length": {
            "prompt_tokens": 8,
            "generated_tokens": 56,
            "cached_ms": {str(n): 0.25 + 0.25 * n for n in LENGTHS},
            "uncached_ms": {str(n): 0.5 * n + 0.0195 * n * (n - 1) for n in LENGTHS},
            "uncached_over_cached": {str(n): (0.5 * n + 0.0195 * n * (n - 1)) / (0.25 + 0.25 * n) for n in LENGTHS},
            "last_pass_over_first": 5.25,
            "noise": 0.02,
        },
        "demo_by_passes": {
            "tokens": 64,
            "one_pass_ms": 2.75,
            "one_by_one_ms": 16.0,
            "one_by_one_over_one_pass": 5.8181,
            "noise": 0.03,
        },
        "identity": {"decode_cost": 1.01, "noise": 0.03},
        "rounds": 15,
    },
}


def pinned(**changes) -> record.Record:
    """Return a current record with these numbers, or with some of its fields changed."""
    fields = {"key": record.current_key(), "taken": "2026-11-22", "quick": True, "machine": machine()}
    return record.Record(**(fields | {"results": RESULTS} | changes))
