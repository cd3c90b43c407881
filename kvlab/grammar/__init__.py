"""The grammar MiniGPT: its corpus, its tokenizer, its training and the trained checkpoint."""
