"""Sharing models and synthetic people on the Hugging Face hub, and never a real person's data."""
