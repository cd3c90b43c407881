"""From what an author writes to what a reader sees: tokens, blocks, mathematics, numbers."""
