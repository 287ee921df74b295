"""Stand-ins for the tensors of other libraries."""

import numpy as np


class Tensor:
    """Iterates over tensors, prints as one, and must be detached, like PyTorch's with gradients."""

    def __init__(self, values, attached=True):
        self.values, self.attached = np.asarray(values), attached

    def detach(self):
        return Tensor(self.values, attached=False)

    def cpu(self):
        return self

    def __len__(self):
        return len(self.values)

    def __getitem__(self, key):
        return Tensor(self.values[key], self.attached)

    def __array__(self, dtype=None, copy=None):
        if self.attached:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return np.asarray(self.values, dtype)

    def __str__(self):
        return f"tensor({self.values})"
