"""What shapes and places cost that characters rarely have.

The unit of all lengths is the height of a digit. The costs were chosen on composed numbers, see
benchmarks/numbers.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """How shape, place and parts of a candidate change its cost, a negative log-probability.

    Most values are costs; others are standard deviations or weights, as their comments say.
    """

    height: float = 0.5  # standard deviation of the logarithm of a digit's height
    raised: float = 0.22  # standard deviation of the lower end from the line, for raised digits
    sunk: float = 0.4  # and for those that reach below the line
    gap: float = 4.0  # for each digit height of the widest gap inside
    tangle: float = 14.0  # for the share of the width by which others reach in, above 0.2
    covered: float = 1.0  # for the share of its width, or theirs, that other pieces cover
    covered_mark: float = 2.5  # the same, for a comma, a point or a minus
    comma: float = 2.0  # for a digit with a part that looks like a comma (points may be stray dots)
    habits: float = 0.8  # weight of the logarithm of how often a digit is made of this many pieces
    wide: float = 3.0  # for each digit height that it is wider than digits
    doubt: float = 2.0  # weight of the logarithm of the probability that it is a digit at all
    cut: float = 0.5  # for each end that was cut
    joined: float = 1.0  # weight of the logarithm of a digit's probability, if cut parts make it up
    mark: float = 0.5  # for a comma, a point or a minus rather than a digit
    unknown: float = 7.0  # for a character that is none of these
    unknown_more: float = 1.0  # for each of its pieces except one
