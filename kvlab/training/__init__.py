"""The grammar MiniGPT: its corpus, its tokenizer, its training and the trained checkpoint."""

from pathlib import Path

MINIGPT = Path(__file__).parent / "minigpt"  # the checkpoint, a standard model folder
