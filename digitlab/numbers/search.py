"""The search: the most likely of all ways to assign each piece to one character.

Dynamic programming (R. Bellman, 1957) over the pieces from left to right. A state says which pieces
are taken: all to the left of the first free one, and some to the right of it, because characters
may overlap. Only the best way to each state can be part of the best way of all.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class BestPath(NamedTuple):
    """The best path through the candidates.

    Attributes:
        chosen: The candidates, by the order of their first pieces.
        share: How likely it is among all ways, 0 to 1.
    """

    chosen: list[int]
    share: float


def find_best_path(
    count: int, groups: Sequence[tuple[int, ...]], best: np.ndarray, total: np.ndarray
) -> BestPath:
    """Find the best way to assign each piece to one candidate.

    Args:
        count: How many pieces there are.
        groups: The pieces of each candidate, in increasing order. Each piece must also be a
            candidate on its own, so that there is a way.
        best: For each candidate, the score of its best reading, a logarithm.
        total: For each candidate, the logarithm of the summed likelihoods of its readings.
    """
    from_first: list[list[int]] = [[] for _ in range(count)]
    for index, group in enumerate(groups):
        from_first[group[0]].append(index)
    masks = [sum(1 << (piece - group[0]) for piece in group) for group in groups]
    # State: bit k says whether the k-th piece from here is taken. Each state has its best score,
    # the logarithm of the sum over all ways to it, and the last step.
    State = tuple[float, float, int, int]
    here: dict[int, State] = {0: (0.0, 0.0, -1, 0)}
    steps: list[dict[int, State]] = []
    for first in range(count):
        following: dict[int, State] = {}
        for mask, (score, every, _, _) in here.items():
            if mask & 1:
                _add(following, mask >> 1, (score, every, -1, mask))
                continue
            for index in from_first[first]:
                if not mask & masks[index]:
                    state = (score + best[index], every + total[index], index, mask)
                    _add(following, (mask | masks[index]) >> 1, state)
        steps.append(following)
        here = following
    score, every, _, _ = here[0]
    chosen, mask = [], 0
    for step in reversed(steps):
        _, _, index, mask = step[mask]
        if index >= 0:
            chosen.append(index)
    return BestPath(chosen[::-1], float(np.exp(min(score - every, 0.0))))


def _add(states: dict, mask: int, state: tuple[float, float, int, int]) -> None:
    """Keep the better way to a state, and the sum of both."""
    before = states.get(mask)
    if before is None:
        states[mask] = state
    else:
        every = float(np.logaddexp(before[1], state[1]))
        score, _, index, previous = state if state[0] > before[0] else before
        states[mask] = (score, every, index, previous)
