"""Publishes on the Hugging Face Hub: a checkpoint with its model card, or a page as a Space."""
