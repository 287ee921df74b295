"""Drawings of `unipen-a` whose labels a person cannot confirm by looking at them.

We looked only among the 98 drawings that the network trained on MNIST alone misread, rejected, or
read with a confidence below a half. So there may be others, and figures that leave these out are a
little too good.
"""

_REASONS = {
    "several digits in one drawing": (
        *(5155, 5182, 5184, 5186, 5188, 5191, 5193, 5197, 5204, 5205, 5632),
    ),
    "a sign or a stray stroke, not a digit": (1151, 4643, 5493, 5633, 5730),
    "another digit than the label": (76, 88, 1637, 5914),
}
UNCONFIRMED = {number: reason for reason, numbers in _REASONS.items() for number in numbers}
