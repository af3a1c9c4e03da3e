"""Makes the demo model: its text, its tokenizer, its weights, its GGUF and its report."""
