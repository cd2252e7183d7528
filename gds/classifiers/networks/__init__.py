"""Pre-trained encoders as classifiers: embeddings, heads, fine-tuning, attributions."""
