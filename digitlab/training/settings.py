"""The settings of the training and of the augmentation."""

import math
from dataclasses import dataclass, fields
from numbers import Integral, Real

from digitlab.images import BOX, SIZE

# The largest value of each setting; those not listed are shares, 1 at most.
_MOST = {"rotation": 180, "stretch": 4, "shear": 4, "shift": SIZE, "bend": BOX, "pen": 2}


@dataclass(frozen=True)
class Augmentation:
    """The settings of the augmentation; 0 turns a part off.

    Rotation, stretch and shear are those of redrawn digits; the others get half of each.

    Raises:
        ValueError: A setting is below 0 or above its largest value; the message names both.

    Example:
        >>> digitlab.TrainConfig(epochs=10, augmentation=digitlab.Augmentation(rotation=30)).epochs
        10
    """

    redrawn: float = 0.5  # share of the digits: thinned to a line, and drawn again with a pen
    rotation: float = 20.0  # degrees, either way
    stretch: float = 0.2  # share by which one side grows against the other
    scale: float = 0.1  # of the digits that are not redrawn: larger or smaller, e to that power
    shear: float = 0.25  # slant: pixels sideways for each pixel up, either way
    shift: float = 1.0  # pixels: 1.5 times as far either way, 0.5 times for redrawn digits
    bend: float = 0.8  # pixels: how far waves move the line
    styles: float = 0.4  # share of the redrawn 0, 1, 5, 7, 9: in a style that is rare in MNIST
    gaps: float = 0.15  # share of the redrawn digits: a piece of the line is missing
    pen: float = 0.7  # how much wider or narrower the pen is than MNIST's: e to that power
    untouched: float = 0.3  # share of the digits that are not redrawn: left as MNIST has them
    people: float = 0.33  # share of the digits that are people's, where `train` gets any
    non_digits: float = 0.1  # how many for each digit; for networks with 11 outputs

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            most = _MOST.get(field.name, 1)
            if not (isinstance(value, Real) and 0 <= float(value) <= most):
                raise ValueError(f"expected {field.name} from 0 to {most}, got {value!r}")


# Everything turned off: lines are drawn with MNIST's pen, straight and in the middle.
PLAIN = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})


@dataclass(frozen=True)
class TrainConfig:
    """All settings of `train`.

    The defaults train `pen_cnn`; the article's network was trained with
    ``TrainConfig(batch_size=64, peak_learning_rate=0.001, one_cycle=False)``, and the shipped one
    with an augmentation, see ``models/README.md``.

    Example:
        >>> digitlab.TrainConfig(epochs=3).batch_size
        128
    """

    epochs: int = 1  # how many times each training digit is seen
    batch_size: int = 128  # digits for one step of the optimiser
    peak_learning_rate: float = 0.02  # Adam's learning rate, at its highest
    weight_decay: float = 0.0  # AdamW's: each step shrinks weights by this times the rate
    one_cycle: bool = True  # climb to the peak and fall to 0; False: stay at the peak
    warmup_share: float = 0.25  # of all steps: the climb
    validation_share: float = 1 / 12  # of the training digits, held out: 5,000 of MNIST's 60,000
    seed: int = 0  # for the order of the digits, dropout, and which ones are held out
    augmentation: Augmentation | None = None  # None: the same images in every epoch

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not (whole and value >= least):
                raise ValueError(
                    f"expected {name} to be a whole number from {least}, got {value!r}"
                )
        if not 0 < self.peak_learning_rate < math.inf:
            raise ValueError(
                f"expected a finite peak_learning_rate above 0, got {self.peak_learning_rate!r}"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"expected a weight_decay from 0, got {self.weight_decay!r}")
        for name in ("warmup_share", "validation_share"):
            if not 0 <= (value := getattr(self, name)) < 1:
                raise ValueError(f"expected {name} to be at least 0 and below 1, got {value!r}")
        if not isinstance(self.augmentation, Augmentation | None):
            raise ValueError(
                f"expected an augmentation of digitlab.Augmentation, got {self.augmentation!r}"
            )
