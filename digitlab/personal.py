"""A personal last layer: it learns from a few examples how one person writes.

The network stays as it is. Its *features*, the inputs of its last dense layer, are similar for
digits that look similar. They are compared in two steps. First their square roots are taken, so
that no strong feature outweighs the others (R. Arandjelović and A. Zisserman, 2012). Then what all
digits have in common is subtracted: the mean over one typical drawing of each. The median cosine
between drawings of the same digit in one hand is then 0.7, and of different digits 0. So
an additional last layer, kernel ridge regression (C. Saunders and others, 1998), learns the labels
of the examples from their features. The closer a drawing is to an example, the more this layer
counts and the less the network; and the more examples there are, the less the network counts close
to them, and the farther they reach.

**The bound.** Where no example has a cosine above 0.42 (one example) or 0.2 (fifty examples) with a
drawing, the answer is the network's own, to the last bit. Where the network is certain, it takes a
higher cosine to overrule it.
"""

import numpy as np

from digitlab.drawings import stored_drawing
from digitlab.images import CLASSES
from digitlab.strokes import render_strokes

# Chosen in benchmarks/hand.py, see models/EXPERIMENTS.md. The same values are
# in web/site/hand.js; tests/fixtures/hand.json checks both.
_FAR = 0.14  # the cosine up to which even many examples have no effect
_ALONE = 0.3  # how much higher that is for few examples, which say less about a hand
_SHARPNESS = 2.5  # of the kernel exp(-_SHARPNESS * (1 - cosine))
_RIDGE = 0.1  # regularisation: how far the answer to an example may stay from its label
_STRENGTH = 22.0  # factor from the regression's answers, about 0 to 1, to log-probabilities
# With this many examples, their threshold has fallen half way, and the network counts half.
_HALF_WAY = 12
_SMALLEST = 1e-9  # probability, so that one example can overrule a network that is certain
_ACCEPT = 1.25  # how much sooner an example overrules the eleventh class than the digits


class PersonalLayer:
    """What was learned from examples. It does not change: another example makes a new layer.

    Args:
        features: (n, f), those of the examples.
        labels: (n,) int64, 0 to 9.
        typical: (t, f), those of typical digits, see `typical_images`.
    """

    def __init__(self, features: np.ndarray, labels: np.ndarray, typical: np.ndarray):
        self._common = _unit(_root(typical)).mean(axis=0)  # (f,)
        self._examples = self._directions(features)
        kernel = _kernel(self._examples @ self._examples.T)  # (n, n)
        targets = np.eye(CLASSES)[labels] - 1 / CLASSES  # (n, 10)
        self._weights = np.linalg.solve(kernel + _RIDGE * np.eye(len(labels)), targets)

    def adjust(self, answers: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Return the network's answers, adjusted by the examples.

        Args:
            answers: (n, 10) or (n, 11), probabilities.
            features: (n, f), those of the upright images.

        Returns:
            The same shape, float64. A row without a close example is unchanged.
        """
        cosines = self._directions(features) @ self._examples.T  # (n, examples)
        count = len(self._examples)
        many = count / (count + _HALF_WAY)
        far = _FAR + _ALONE * (1 - many)
        near = (cosines.max(axis=1, initial=far, keepdims=True) - far) / (1 - far)  # (n, 1)
        near = near.clip(0, 1)
        personal = _STRENGTH * (_kernel(cosines) @ self._weights)  # (n, 10)
        network = 1 - near * many
        logits = network * np.log(answers[:, :CLASSES] + _SMALLEST) + near * personal
        digits = np.exp(logits - logits.max(axis=1, keepdims=True))
        digits /= digits.sum(axis=1, keepdims=True)
        # What looks like an example is a digit, however sure the network is that it is not one.
        others = answers[:, CLASSES:] * (1 - _ACCEPT * near).clip(0)  # (n, 0) or (n, 1)
        digits *= 1 - others.sum(axis=1, keepdims=True)
        return np.where(near > 0, np.hstack([digits, others]), answers)

    def _directions(self, features: np.ndarray) -> np.ndarray:
        """Return what features (n, f) have beyond those of all digits, scaled to length 1."""
        return _unit(_unit(_root(features)) - self._common)


def typical_drawings() -> list[list[np.ndarray]]:
    """Return one typical drawing of each digit, coarse, because the web page holds them too."""
    return [[stroke[::8] for stroke in stored_drawing(digit)] for digit in range(CLASSES)]


def typical_images() -> np.ndarray:
    """Return the typical drawings as images: (10, 28, 28) float32 in [0, 1]."""
    return np.stack([render_strokes(drawing) for drawing in typical_drawings()])


def _root(features: np.ndarray) -> np.ndarray:
    """Take square roots, of negative numbers as of positive ones."""
    return np.sign(features) * np.sqrt(np.abs(features))


def _unit(features: np.ndarray) -> np.ndarray:
    """Scale rows (n, f) to length 1."""
    return features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-12)


def _kernel(cosines: np.ndarray) -> np.ndarray:
    return np.exp(-_SHARPNESS * (1 - cosines))
