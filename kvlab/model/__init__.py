"""The forward passes, in the order of the mathematics, and the folders that hold their weights."""

from kvlab.model.checkpoint import Model, load_model, save_folder
from kvlab.model.gpt2 import GPT2
from kvlab.model.kernels import BLAS, EXACT, Kernel
from kvlab.model.llama import Llama

__all__ = ["BLAS", "EXACT", "GPT2", "Kernel", "Llama", "Model", "load_model", "save_folder"]
