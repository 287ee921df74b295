"""Training: networks, the training loop, and augmentation with non-digits."""
