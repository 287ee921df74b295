"""Settings for training and augmentation."""

import math
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any

from digitlab.images import BOX, SIZE, check_whole

# The largest value of each setting; all others are 1 at most.
_LARGEST = {"rotation": 180, "stretch": 4, "shear": 4, "shift": SIZE, "bend": BOX, "pen": 2}
_SEEDS = 2**32  # as many as Keras takes


def _make_plain(settings: Any) -> None:
    """Give all settings their types, so that equal ones look the same in a checkpoint: 0 as 0.0."""
    for field in fields(settings):
        if field.type in (bool, int, float):
            object.__setattr__(settings, field.name, field.type(getattr(settings, field.name)))


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

    redrawn: float = 0.5  # share of the digits that are thinned to a line and drawn again
    rotation: float = 20.0  # degrees, either way
    stretch: float = 0.2  # largest share by which one side grows relative to the other
    scale: float = 0.1  # digits not redrawn grow or shrink by a factor of up to e to this power
    shear: float = 0.25  # slant: pixels sideways for each pixel up, either way
    shift: float = 1.0  # pixels: digits move up to 1.5 times this, redrawn ones 0.5 times
    bend: float = 0.8  # pixels: how far waves bend the line at most
    styles: float = 0.4  # share of the redrawn 0, 1, 5, 7, 9 in a style that is rare in MNIST
    gaps: float = 0.15  # share of the redrawn digits that lack a piece of the line
    pen: float = 0.7  # wider or narrower than MNIST's by a factor of up to e to this power
    untouched: float = 0.3  # share of the digits not redrawn that stay as MNIST has them
    people: float = 0.33  # share of the digits that are people's, if `train` gets any
    non_digits: float = 0.1  # how many are added per digit, for networks with 11 outputs

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            most = _LARGEST.get(field.name, 1)
            if not (isinstance(value, Real) and 0 <= float(value) <= most):
                raise ValueError(f"expected {field.name} from 0 to {most}, got {value!r}")
        _make_plain(self)


# Everything turned off: lines are drawn with MNIST's pen, straight and in the middle.
PLAIN = Augmentation(**{field.name: 0.0 for field in fields(Augmentation)})


@dataclass(frozen=True)
class TrainConfig:
    """All settings of `train`.

    The defaults train `pen_cnn`; the article's network was trained with
    ``TrainConfig(batch_size=64, peak_learning_rate=0.001, one_cycle=False)``, and the shipped one
    with an augmentation, see ``models/README.md``.

    Raises:
        ValueError: A setting is out of range.

    Example:
        >>> digitlab.TrainConfig(epochs=3).batch_size
        128
    """

    epochs: int = 1  # how many times each training digit is seen
    batch_size: int = 128  # digits for one step of the optimiser
    peak_learning_rate: float = 0.02  # Adam's highest learning rate
    weight_decay: float = 0.0  # AdamW's: each step shrinks weights by this times the learning rate
    one_cycle: bool = True  # climb to the peak and fall to 0; False: stay at the peak
    warmup_share: float = 0.25  # share of all steps in which the rate climbs
    validation_share: float = 1 / 12  # share of training digits held out: 5,000 of MNIST's 60,000
    seed: int = 0  # for the order of the digits, dropout, and which ones are held out
    augmentation: Augmentation | None = None  # None: the same images in every epoch

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            check_whole(getattr(self, name), name, least)
        if self.seed >= _SEEDS:
            raise ValueError(f"expected a seed below 2 ** 32, got {self.seed}")
        for name in ("peak_learning_rate", "weight_decay", "warmup_share", "validation_share"):
            if not isinstance(value := getattr(self, name), Real):
                raise ValueError(f"expected {name} to be a number, got {value!r}")
        if getattr(self.one_cycle, "ndim", 0) or self.one_cycle not in (True, False):
            raise ValueError(f"expected one_cycle to be True or False, got {self.one_cycle!r}")
        if not 0 < self.peak_learning_rate < math.inf:
            raise ValueError(
                f"expected a finite peak_learning_rate above 0, got {self.peak_learning_rate!r}"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"expected a weight_decay of at least 0, got {self.weight_decay!r}")
        for name in ("warmup_share", "validation_share"):
            if not 0 <= (value := getattr(self, name)) < 1:
                raise ValueError(f"expected {name} to be at least 0 and below 1, got {value!r}")
        if not isinstance(self.augmentation, Augmentation | None):
            raise ValueError(
                "expected augmentation to be a digitlab.Augmentation or None, got "
                f"{self.augmentation!r}"
            )
        _make_plain(self)


def as_config(config: Any, default: TrainConfig) -> TrainConfig:
    """Return the settings, or the default ones for None.

    Raises:
        TypeError: They are something else.
    """
    if config is not None and not isinstance(config, TrainConfig):
        raise TypeError(f"expected a TrainConfig, got {type(config).__name__}")
    return default if config is None else config
