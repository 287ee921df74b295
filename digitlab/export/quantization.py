"""Quantization for TensorFlow.js: large kernels in one or two bytes per weight.

In uint8, a kernel's values are rounded to 256 evenly spaced values, one of which is 0. The
arithmetic is that of the Python package tensorflowjs, and of TensorFlow.js, which reads the files.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

QUANTIZATIONS = (None, "float16", "uint8")

Weights = NDArray[np.float32]


class QuantizedWeights(NamedTuple):
    """Weights in fewer bytes: ``values * scale + minimum``."""

    values: np.ndarray  # float16 or uint8
    scale: float = 1.0
    minimum: float = 0.0


def quantize_weights(weights: Weights, dtype: str) -> QuantizedWeights:
    """Quantize an array.

    Args:
        weights: An array of any shape.
        dtype: "float16" or "uint8".

    Raises:
        ValueError: `dtype` is neither of these.
    """
    if dtype not in ("float16", "uint8"):
        raise ValueError(f'expected "float16" or "uint8", got {dtype!r}')
    if dtype == "float16":
        return QuantizedWeights(weights.astype(np.float16))
    low, high = float(weights.min()), float(weights.max())
    if low == high:
        return QuantizedWeights(np.zeros_like(weights, np.uint8), 1.0, low)
    scale = (high - low) / 255
    if low <= 0 <= high:  # move the grid so that 0 lies on it
        low = -np.round(-low / scale) * scale
        high = 255 * scale + low
    values = np.round((weights.clip(low, high) - low) / scale).astype(np.uint8)
    return QuantizedWeights(values, scale, low)


def dequantize_weights(quantized: QuantizedWeights) -> Weights:
    """Return the float32 weights that TensorFlow.js computes with.

    TensorFlow.js multiplies and adds in double precision, and rounds once.
    """
    values = quantized.values.astype(np.float64)
    return (values * quantized.scale + quantized.minimum).astype(np.float32)


def large_kernels(weights: dict[str, Weights]) -> list[str]:
    """Return the names of the weights to quantize.

    Vectors are left out, because a byte is too coarse for a variance. So are the smallest kernels,
    2 % of the weights at most, because errors of the first convolution go through the whole
    network. With that convolution in uint8, one trained pen_cnn read 4 of MNIST's 10,000 test
    images differently; otherwise it read 2 differently.
    """
    kernels = {name: value.size for name, value in weights.items() if value.ndim > 1}
    spare = sum(kernels.values()) / 50
    large = []
    for name in sorted(kernels, key=kernels.__getitem__):
        spare -= kernels[name]
        if spare < 0:
            large.append(name)
    return large


def as_exported(weights: dict[str, Weights], dtype: str) -> dict[str, Weights]:
    """Return a model's weights as TensorFlow.js reads them after an export.

    Args:
        weights: By name, in the model's order.
        dtype: "float16" or "uint8".
    """
    large = large_kernels(weights)
    return {
        name: dequantize_weights(quantize_weights(value, dtype)) if name in large else value
        for name, value in weights.items()
    }
