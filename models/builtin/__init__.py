"""The built-in model: its data, tokenizer, training, export and evaluation; only the file they make ships."""
