"""Combs: printed lines with even ticks, which show where each digit goes, removed from ink."""

from typing import NamedTuple

import numpy as np
import scipy

from digitlab.pictures.lines import SOLID, LongLine, cleared, erased, find_lines

_LONG = 0.3  # minimum length of a comb, as a share of the picture's width
_FLAT = 1.5  # minimum length, as a multiple of the height of all ink that is connected with it
_WHOLE = 0.9  # minimum length of its line, as a share of the comb's
_MIN_TICKS = 3  # ticks that no digit touches
_EVEN = 0.15  # how much their distances and heights may differ, as a share of the usual ones
# As shares of the distance between ticks: their maximum height, and how far a line may go on beyond
# the outer ticks if they are higher than that.
_SHORT, _ENDS = 0.6, 0.2
_MAX_CUT_OFF = 4  # in thicknesses of the line: what the line cuts off is no larger


class _Ticks(NamedTuple):
    """The ticks on a line: their height, where the first one is, their distance and number."""

    height: float
    first: float
    distance: float
    number: int


def without_combs(ink: np.ndarray) -> np.ndarray:
    """Remove combs from ink (h, w) in [0, 1]. What is written on them stays."""
    solid = ink > SOLID
    labels, _ = scipy.ndimage.label(solid, np.ones((3, 3)))
    gone = np.zeros_like(solid)
    for label, place in enumerate(scipy.ndimage.find_objects(labels), start=1):
        part = labels[place] == label
        height, width = part.shape
        if width >= max(_LONG * ink.shape[1], _FLAT * height):
            gone[place] |= part & ~_without_comb(part)
    return cleared(ink, solid, gone)


def _without_comb(part: np.ndarray) -> np.ndarray:
    """Remove a comb, if there is one, from a mask (h, w) of connected ink."""
    # How thick lines may be depends on the mask's shorter side, so there must be some room.
    room = part.shape[1] // 4
    padded = np.pad(part, ((room, room), (0, 0)))
    lines = [it for it in find_lines(padded) if it.length >= _WHOLE * part.shape[1]]
    if len(lines) != 1:
        return part
    (line,) = lines
    rest = erased(padded, lines, [])
    ticks = _find_ticks(rest, line)
    if ticks is None:
        return part
    places = ticks.first + ticks.distance * np.arange(ticks.number)
    rest = erased(rest, [], [_as_line(line, place, ticks.height) for place in places])
    labels, _ = scipy.ndimage.label(rest, np.ones((3, 3)))
    for label, place in enumerate(scipy.ndimage.find_objects(labels), start=1):
        if max(side.stop - side.start for side in place) <= _MAX_CUT_OFF * line.thickness:
            rest[place] &= labels[place] != label
    return rest[room : room + len(part)]


def _find_ticks(rest: np.ndarray, line: LongLine) -> _Ticks | None:
    """Find the ticks in a mask (h, w) from which their line was erased."""
    labels, _ = scipy.ndimage.label(rest, np.ones((3, 3)))
    found = []
    for rows, columns in scipy.ndimage.find_objects(labels):
        tall, wide = rows.stop - rows.start, columns.stop - columns.start
        place = (columns.start + columns.stop - 1) / 2
        near = rows.start - line.thickness <= line.row_at(place) <= rows.stop + line.thickness
        if near and tall >= 2 * wide and wide <= 2 * line.thickness + 2:
            found.append((place, tall))
    places, heights = np.array(sorted(found)).reshape(-1, 2).T
    height = float(np.median(heights)) if found else 0.0
    places = places[np.abs(heights - height) <= _EVEN * height + 1]
    # Where the line has a gap, a tick that crosses it is in two parts at the same place.
    places = places[np.diff(places, prepend=-np.inf) > 2 * line.thickness]
    if len(places) < _MIN_TICKS:
        return None
    steps = np.diff(places) / np.diff(places).min()  # 2 where a digit touches a tick
    count = int(np.rint(steps).sum())
    distance = float(np.ptp(places)) / count
    past = np.array([places[0] - line.first, line.end - places[-1]]) / distance
    short = height <= _SHORT * distance
    if np.abs(steps - np.rint(steps)).max() > _EVEN or not (short or past.max() <= _ENDS):
        return None
    before, after = (past + _ENDS).astype(int)  # further ticks, which digits touch
    first = float(places[0]) - before * distance
    return _Ticks(height, first, distance, count + 1 + before + after)


def _as_line(line: LongLine, place: float, height: float) -> LongLine:
    """Make a tick, above and below its line, a line down the picture."""
    level = float(line.row_at(place))
    rows = np.arange(max(int(level - height), 0), int(level + height) + 1)
    tilt = (line.rows[-1] - line.rows[0]) / line.length
    return LongLine(int(rows[0]), place - (rows - level) * tilt, line.thickness)
