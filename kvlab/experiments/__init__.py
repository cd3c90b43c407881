"""The experiments: what each runs, on the MiniGPT or the demo model, and the numbers that it gives."""
