"""The built-in model: its data, tokenizer, training, export and evaluation. Nothing here ships but the file."""
