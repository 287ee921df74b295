"""Training: the networks, the loop that trains them, and what they learn from besides MNIST."""
