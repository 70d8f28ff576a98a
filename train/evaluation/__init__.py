"""What the trained models are worth, measured on held-out music."""
