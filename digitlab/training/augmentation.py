"""Augmentation: MNIST's digits as other people would have written them, new ones every epoch.

MNIST holds American handwriting from about 1990, as pixels. Here a share of its digits is thinned
to the line that the pen followed and drawn again as `digitlab.strokes` draws strokes: turned,
stretched, slanted, bent, with a different pen, and in styles that are rare in MNIST (a slash
through the zero, a flag and a foot on the one, a bar through the seven). The others stay pixels:
most of them are turned and stretched, and some are left alone. A network with an eleventh output
also gets non-digits: doodles, noise, and several digits at once. Digits that people wrote with
pens can take the place of a share of MNIST's.
"""

import math

import keras
import numpy as np
import numpy.typing as npt

from digitlab.images import SIZE, as_batch, as_bytes, as_images, as_labels, check_whole
from digitlab.training.handwriting import vary_style
from digitlab.training.lines import sample_drawing, thin
from digitlab.training.non_digits import LETTERS, SCRIBBLES, SHAPES, doodle
from digitlab.training.people import People, redraw
from digitlab.training.pixels import make_noise, transform_images
from digitlab.training.rendering import draw_and_thin, draw_lines
from digitlab.training.settings import Augmentation

NON_DIGIT = 10  # the label of non-digits, and their place among a network's outputs

_AT_ONCE = 2000  # digits that `augment_digits` draws at a time: each takes 50 KB
_GROUPS = tuple(tuple(kinds) for kinds in (LETTERS, SHAPES, SCRIBBLES))


class AugmentedDigits(keras.utils.PyDataset):
    """Batches of augmented digits for `keras.Model.fit`.

    A batch depends only on the seed, the epoch and its index.

    Args:
        images: (n, 28, 28) uint8, ink light on dark.
        labels: (n,) 0 to 9.
        augmentation: The settings.
        batch_size: Digits in a batch; non-digits are added to them.
        seed: The seed of all random choices.
        non_digits: Whether to add non-digits, as label 10.
        epoch: The first epoch, counted from 0.
        people: Digits that take the place of a share of the images.
        multiple: Drop the last images of a batch, so that its size is a multiple of this number.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        augmentation: Augmentation,
        batch_size: int,
        seed: int,
        non_digits: bool,
        epoch: int = 0,
        people: People | None = None,
        multiple: int = 1,
    ) -> None:
        super().__init__()  # one worker thread draws the next batches during a training step
        self.images, self.labels = images, labels
        self.augmentation, self.batch_size, self.seed = augmentation, batch_size, seed
        self.adds_non_digits, self.people, self.multiple = non_digits, people, multiple
        self.points, self.starts = thin(images)
        self.has_line = np.diff(self.starts) > 0  # False: it is blank or too faint
        self.epoch = epoch
        self._shuffle()

    def __len__(self) -> int:
        """How many batches an epoch has."""
        return math.ceil(len(self.images) / self.batch_size)

    def on_epoch_end(self) -> None:
        """Shuffle; the next epoch draws new digits."""
        self.epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        self.order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.images))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Images (b, 28, 28, 1) float32 in [0, 1], and their labels (b,)."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        people = None
        if self.people is not None:
            count = rng.binomial(len(chosen), self.augmentation.people)
            chosen, people = chosen[count:], self.people[rng.integers(len(self.people), size=count)]
        images, chosen, others = self._draw(chosen, rng, people)
        labels = [self.labels[chosen], np.full(others, NON_DIGIT)]
        if people is not None:
            labels.insert(1, people.labels)
        size = len(images) - len(images) % self.multiple
        return images[:size, ..., None], np.concatenate(labels)[:size].astype(np.int64)

    def _draw(
        self, chosen: np.ndarray, rng: np.random.Generator, people: People | None = None
    ) -> tuple[np.ndarray, np.ndarray, int]:
        """Draw the chosen digits, then people's digits, then non-digits.

        Returns the images, the chosen digits in their new order (first those that stay pixels,
        then those that are redrawn), and the number of non-digits.
        """
        redrawn = (rng.random(len(chosen)) < self.augmentation.redrawn) & self.has_line[chosen]
        pixels, lines = chosen[~redrawn], chosen[redrawn]
        drawn = [
            vary_style(self._line(i), int(self.labels[i]), self.augmentation, rng) for i in lines
        ]
        moved = transform_images(self.images[pixels], self.augmentation, rng)
        size = len(chosen)
        if people is not None:
            drawn += [redraw(drawing, rng) for drawing in people.drawings]
            size += len(people)
        others = noisy = 0
        if self.adds_non_digits and self.augmentation.non_digits:
            others = rng.binomial(size, self.augmentation.non_digits)
            noisy = rng.binomial(others, 0.1)
            drawn += [self._draw_non_digit(rng) for _ in range(others - noisy)]
        specks = make_noise(noisy, rng)
        images = np.concatenate([moved, draw_lines(drawn, self.augmentation, rng), specks])
        return images, np.concatenate([pixels, lines]), others

    def _line(self, index: int) -> np.ndarray:
        return self.points[self.starts[index] : self.starts[index + 1]]

    def _draw_non_digit(self, rng: np.random.Generator) -> np.ndarray:
        """Points (p, 2) of a doodle, or of two or three digits side by side."""
        if rng.random() < 0.75 or not self.has_line.any():
            kinds = _GROUPS[rng.choice(3, p=[0.25, 0.4, 0.35])]
            drawing = doodle(kinds[rng.integers(len(kinds))], rng)
            # Thinning leaves room between a scribble's lines, so half of the scribbles are not
            # thinned and stay dense. Where there are people's digits, whose lines are clean, half
            # of the other doodles stay clean, too.
            stays = (kinds == _GROUPS[2] or self.people is not None) and rng.random() < 0.5
            line = sample_drawing(drawing)
            return line if stays else draw_and_thin(line)
        lines, right = [], 0.0
        for index in rng.choice(np.flatnonzero(self.has_line), rng.choice([2, 2, 3])):
            line = self._line(index)
            low, high = line.min(0), line.max(0)
            lines.append(line - [low[0] - right, low[1] - rng.uniform(-4, 4)])
            right += high[0] - low[0] + rng.uniform(1, 7)
        return np.concatenate(lines)


def augment_digits(
    images: npt.ArrayLike,
    labels: npt.ArrayLike,
    augmentation: Augmentation | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Return each digit as somebody else might have written it; `train` can learn from such digits.

    Args:
        images: (n, 28, 28), in any form that `Recognizer.predict_images` takes.
        labels: (n,), 0 to 9. They decide which digits can get a slash, a flag, a foot or a bar.
        augmentation: The settings. Default: `Augmentation()`.
        seed: A different seed gives different images.

    Returns:
        (n, 28, 28) float32 in [0, 1], in the same order.

    Raises:
        TypeError: `augmentation` is something else.
        ValueError: The images or labels have a different form, or there are none; or `seed` is no
            whole number of at least 0.

    Example:
        >>> digits = digitlab.load_digits()
        >>> digitlab.augment_digits(digits.x_train[:10], digits.y_train[:10]).shape
        (10, 28, 28)
    """
    if not isinstance(augmentation, Augmentation | None):
        raise TypeError(f"expected an Augmentation, got {type(augmentation).__name__}")
    check_whole(seed, "seed", 0)
    images = as_images(images)
    if not len(images):
        raise ValueError("expected images of shape (n, 28, 28), n at least 1, got none")
    batches = AugmentedDigits(
        as_bytes(as_batch(images)[..., 0]),
        as_labels(labels, len(images)),
        augmentation or Augmentation(),
        batch_size=_AT_ONCE,
        seed=seed,
        non_digits=False,
    )
    rng = np.random.default_rng([seed, 0])
    result = np.empty((len(images), SIZE, SIZE), np.float32)
    for first in range(0, len(images), _AT_ONCE):
        few = np.arange(first, min(first + _AT_ONCE, len(images)))
        drawn, chosen, _ = batches._draw(few, rng)
        result[chosen] = drawn
    return result
