"""The forward passes, in the order of the mathematics, and the folders that hold their weights."""

from kvlab.model.checkpoint import MINIGPT, load_model, save_folder
from kvlab.model.gpt2 import GPT2
from kvlab.model.kernels import BLAS, EXACT, Kernel

__all__ = ["BLAS", "EXACT", "GPT2", "MINIGPT", "Kernel", "load_model", "save_folder"]
