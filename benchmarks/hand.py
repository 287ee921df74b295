"""How many errors a recognizer makes after it has learned a hand: see `Recognizer.adapt`.

Hands are the writers of people's digits (see `data.py`) with at least `MIN_DRAWINGS` drawings.
The contributor val wrote each digit to a file of its own, so every ten consecutive files are taken
as one hand. Drawings whose label nobody can confirm are left out, because no example can teach
them.
How the settings in `digitlab/personal.py` were chosen is in models/EXPERIMENTS.md.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

import digitlab
from benchmarks import data, speed
from benchmarks.tables import Table
from benchmarks.unconfirmed import UNCONFIRMED
from digitlab import PersonalRecognizer, Recognizer
from digitlab.answers import LOOK_AGAIN_BELOW, combine_looks, is_non_digit
from digitlab.images import as_batch
from digitlab.personal import PersonalLayer, typical_images
from digitlab.runtimes.wrapping import as_runtime
from digitlab.strokes import turn_strokes

MIN_DRAWINGS = 20  # drawings of a hand
EACH = (2, 5)  # examples of each digit
DRAWS = 25  # random choices of examples, and random orders of reading, for each hand
GROUPS = {  # titles, and their contributors
    "The three hands of gmd": ["gmd"],
    "The two hands of val, which several people may have written": ["val"],
    "The hands of aga, apa and apb": ["aga", "apa", "apb"],
}
HARDER: dict[str, Callable[[list], list | np.ndarray]] = {
    "as it is": lambda drawing: drawing,
    "slanted by 20 degrees": lambda drawing: slanted(drawing, 20),
    "slanted by -20 degrees": lambda drawing: slanted(drawing, -20),
    "turned by 20 degrees": lambda drawing: data.turned(drawing, 20),
    "turned by -20 degrees": lambda drawing: data.turned(drawing, -20),
    "a screenshot, pen 2": lambda drawing: digitlab.normalize_image(
        data.screenshot(drawing, pen=2 * data.PEN)
    ),
}

Recognizers = Callable[[str], Recognizer]  # contributor's name -> one that has not seen it


@dataclass(frozen=True)
class Hand:
    """A network's outputs for one person's digits, at each look; drawings may get several looks."""

    contributor: str
    labels: np.ndarray  # (n,)
    confirmed: np.ndarray  # (n,) bool, whether a person can confirm them
    answers: np.ndarray  # (looks, n, 10) or (looks, n, 11), from the network
    features: np.ndarray  # (n, f), at the first look
    typical: np.ndarray  # (t, f), features of typical digits

    def at(self, chosen: np.ndarray | list[int]) -> "Hand":
        """Choose some of the digits."""
        return replace(
            self,
            labels=self.labels[chosen],
            confirmed=self.confirmed[chosen],
            answers=self.answers[:, chosen],
            features=self.features[chosen],
        )

    def layer(self) -> PersonalLayer:
        """Learn from all digits."""
        return PersonalLayer(self.features, self.labels, self.typical)

    def read(self, layer: PersonalLayer | None) -> np.ndarray:
        """Answers as `Recognizer.predict` computes them: (n, 10) or (n, 11)."""
        unsure = self.answers[0].max(1) < LOOK_AGAIN_BELOW
        answers = np.where(unsure[:, None], combine_looks(self.answers), self.answers[0])
        return answers if layer is None else layer.adjust(answers, self.features)

    def errors(self, layer: PersonalLayer | None = None) -> np.ndarray:
        """Which digits are misread or rejected: (n,) bool."""
        answers = self.read(layer)
        return (answers[:, :10].argmax(1) != self.labels) | is_non_digit(answers)


def slanted(drawing: list, degrees: float) -> list:
    """The drawing with its top moved to the right."""
    slant = np.array([[1, 0], [-np.tan(np.radians(degrees)), 1]])
    return [(stroke - data.PAD / 2) @ slant + data.PAD / 2 for stroke in drawing]


@functools.cache
def hand_numbers() -> tuple[np.ndarray, np.ndarray]:
    """For each drawing, the number of its hand, and its contributor."""
    loaded = digitlab.load_people()
    number_of_hand, contributor = loaded.writers.copy(), loaded.contributors
    of_val = contributor == "val"
    files = number_of_hand[of_val]
    number_of_hand[of_val] = 1000 + (files - files.min()) // 10
    return number_of_hand, contributor


def hand(recognizer: Recognizer, items: Sequence, labels: np.ndarray, contributor: str) -> Hand:
    """Have the network look at drawings or images, rounded to bytes as stored examples are."""
    looks: list[Sequence] = [items]
    if isinstance(items[0], list):
        every = [[drawing, *turn_strokes(drawing)] for drawing in items]
        looks = [list(map(digitlab.render_strokes, look)) for look in zip(*every, strict=True)]
    both = [_look(recognizer, np.stack(look)) for look in looks]
    answers = np.stack([answers for answers, _ in both])
    labels = np.asarray(labels, int)
    confirmed = np.full(len(labels), True)
    _, typical = _look(recognizer, typical_images())
    return Hand(contributor, labels, confirmed, answers, both[0][1], typical)


def _look(recognizer: Recognizer, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    whole = (255 * as_batch(images)).round() / np.float32(255)
    runtime = as_runtime(recognizer.model)
    parts = [runtime.with_features(whole[i : i + 500]) for i in range(0, len(whole), 500)]
    answers, features = zip(*parts, strict=True)
    return np.concatenate(answers), np.concatenate(features)


def hands(recognizers: Recognizers, way: Callable[[list], list | np.ndarray]) -> list[Hand]:
    """All hands, drawn in one way."""
    drawings, labels = data.people()
    number_of_hand, contributor = hand_numbers()
    result = []
    for number in np.unique(number_of_hand):
        ours = np.flatnonzero(number_of_hand == number)
        if len(ours) >= MIN_DRAWINGS:
            name = str(contributor[ours[0]])
            items = [way(drawings[index]) for index in ours]
            one = hand(recognizers(name), items, labels[ours], name)
            result.append(replace(one, confirmed=~np.isin(ours, list(UNCONFIRMED))))
    return result


def after_examples(one: Hand, each: int, rng: np.random.Generator) -> np.ndarray:
    """Errors on the digits that are not examples, before and after, and how many digits."""
    order = rng.permutation(len(one.labels))
    chosen = [order[one.labels[order] == digit][:each] for digit in range(10)]
    examples = one.at(np.concatenate(chosen))
    others = one.at(np.setdiff1d(order, np.concatenate(chosen)))
    layer = examples.layer()
    return np.array([others.errors().sum(), others.errors(layer).sum(), len(others.labels)])


def as_you_go(one: Hand, rng: np.random.Generator) -> np.ndarray:
    """The same for the second half, read in order, if each misreading is corrected at once."""
    corrected: list[int] = []
    layer = None
    order = rng.permutation(len(one.labels))
    wrong = np.zeros(len(order), bool)
    turn = 0
    while turn < len(order):
        errors = one.at(order[turn:]).errors(layer)
        if not errors.any():
            break
        turn += int(errors.argmax())  # nothing changes before the next error
        wrong[turn] = True
        corrected.append(order[turn])
        layer = one.at(corrected).layer()
        turn += 1
    second = slice(len(order) // 2, None)
    before = one.at(order[second]).errors()
    return np.array([before.sum(), wrong[second].sum(), len(before)])


def error_tables(recognizers: Recognizers) -> list[Table | str]:
    """Errors of hands before and after learning, a table for each group of contributors."""
    rows: dict[str, list[list[str]]] = {group: [] for group in GROUPS}
    sums = {group: np.zeros((len(EACH) + 1, 3), int) for group in GROUPS}
    unconfirmed_too = np.zeros((len(EACH) + 1, 3), int)
    for name, way in HARDER.items():
        all_hands = hands(recognizers, way)
        unconfirmed_too += count_errors(all_hands)
        for group, contributors in GROUPS.items():
            some = [one for one in all_hands if one.contributor in contributors]
            counts = count_errors([one.at(one.confirmed) for one in some])
            sums[group] += counts
            rows[group].append([name, *map(in_words, counts)])
    columns = ["errors before → after, of digits"]
    columns += [f"{each} examples of each digit" for each in EACH] + ["corrections as you go"]
    tables: list[Table | str] = []
    for group in GROUPS:
        rows[group].append(["all of these", *map(in_words, sums[group])])
        tables += [f"{group}:", {"columns": columns, "rows": rows[group]}]
    confirmed = np.sum(list(sums.values()), axis=0)
    together = [
        ["labels that a person can confirm", *map(in_words, confirmed)],
        ["with the others", *map(in_words, unconfirmed_too)],
    ]
    return [*tables, "All hands together:", {"columns": columns, "rows": together}]


def count_errors(some: list[Hand]) -> np.ndarray:
    """Errors before and after, and digits, over all draws: with examples, and as you go."""
    counts = []
    for each in EACH:
        rng = np.random.default_rng(data.SEED)
        # In smaller hands, few digits would be left to read.
        able = [one for one in some if each == EACH[0] or len(one.labels) > 20 * each]
        draws = [after_examples(one, each, rng) for one in able for _ in range(DRAWS)]
        counts.append(np.sum([*draws, np.zeros(3, int)], axis=0))
    rng = np.random.default_rng(data.SEED)
    goes = [as_you_go(one, rng) for one in some for _ in range(DRAWS)]
    return np.array([*counts, np.sum(goes, axis=0)])


def in_words(counts: np.ndarray) -> str:
    """Say how many errors before and after, of how many digits, and how many percent fewer."""
    before, after, digits = counts
    change = 100 * (after / before - 1) if before else 0.0
    fewer = f", {abs(change):.0f} % {'more' if change > 0 else 'fewer'}" if before else ""
    return f"{before} → {after} of {digits:,}{fewer}" if digits else ""


def loss_table(recognizers: Recognizers) -> Table:
    """The accuracy that other people lose, in points, when the recognizer has learned one hand."""
    drawings, labels = data.people()
    number_of_hand, contributor = hand_numbers()
    numbers, sizes = np.unique(number_of_hand, return_counts=True)
    confirmed = ~np.isin(np.arange(len(labels)), list(UNCONFIRMED))
    rng = np.random.default_rng(data.SEED)
    rows: dict[str, list[list[float]]] = {}
    for number in numbers[sizes >= MIN_DRAWINGS]:
        ours = (number_of_hand == number) & confirmed
        name = str(contributor[ours][0])
        recognizer = recognizers(name)
        sets = seen_by(recognizer)
        for way in ("as it is", "turned by 20 degrees"):
            items = [HARDER[way](drawings[index]) for index in np.flatnonzero(ours)]
            one = hand(recognizer, items, labels[ours], name)
            order = rng.permutation(len(one.labels))
            chosen = [order[one.labels[order] == digit][: EACH[-1]] for digit in range(10)]
            learned = {f"a hand {way}": np.concatenate(chosen)}
            wrong = np.flatnonzero(one.errors())
            if way == "as it is" and len(wrong):
                learned |= {"one misreading": wrong[:1], "all misreadings of a hand": wrong}
            for title, examples in learned.items():
                layer = one.at(examples).layer()
                lost = []
                for kind, group in sets.items():
                    group = group.at(number_of_hand != number) if kind == "people" else group
                    lost.append(100 * float(group.errors(layer).mean() - group.errors().mean()))
                rows.setdefault(title, []).append(lost)
    table = []
    for title, points in rows.items():
        figures = np.mean(points, axis=0), *np.quantile(points, (0.9, 1), axis=0)
        cells = [
            f"{mean:+.2f} ({nine:+.2f}; {worst:+.2f})"
            for mean, nine, worst in zip(*figures, strict=True)
        ]
        table.append([title, *cells])
    columns = [
        "extra errors, in points: mean (90th percentile; maximum of all hands)",
        "all others' digits",
        "MNIST test set",
        "drawn non-digits accepted",
    ]
    return {"columns": columns, "rows": table}


@functools.cache
def seen_by(recognizer: Recognizer) -> dict[str, Hand]:
    """All people's digits, MNIST's test digits and non-digits, as a network sees them."""
    drawings, labels = data.people()
    digits = data.mnist()
    # Only drawings, because non-digits that are images are far from all examples.
    groups = data.non_digits().values()
    drawn = [item for group in groups for item in group if isinstance(item, list)]
    return {
        "people": hand(recognizer, drawings, labels, ""),
        "MNIST": hand(recognizer, list(digits.x_test), digits.y_test, ""),
        "drawn non-digits": _NonDigits(**vars(hand(recognizer, drawn, np.zeros(len(drawn)), ""))),
    }


class _NonDigits(Hand):
    """Non-digits. An error is one that is not rejected."""

    def errors(self, layer: PersonalLayer | None = None) -> np.ndarray:
        return ~is_non_digit(self.read(layer))


def speed_table(recognizer: Recognizer) -> Table:
    """The time to read and to learn with 50 examples."""
    drawings, labels = data.people()
    personal = recognizer.adapt(drawings[:50], labels[:50])
    functions: list[Callable[[], object]] = [
        functools.partial(recognizer.predict, drawings[50]),
        functools.partial(personal.predict, drawings[50]),
        functools.partial(add_and_remove, personal, drawings[50], int(labels[50])),
        functools.partial(recognizer.adapt, drawings[:50], labels[:50]),
    ]
    names = (
        "`recognizer.predict`",
        "`personal.predict`, 50 examples",
        "`personal.add` and `personal.remove`, 50 examples",
        "`recognizer.adapt`, 50 examples",
    )
    times = speed.medians_ms(functions)
    rows = [[name, f"{ms:.2f}"] for name, ms in zip(names, times, strict=True)]
    return {"columns": ["ms, median", ""], "rows": rows}


def add_and_remove(personal: PersonalRecognizer, drawing: list, label: int) -> None:
    """Learn an example and unlearn it, so that it can be learned again."""
    personal.add(drawing, label)
    personal.remove()


def content(recognizers: Recognizers) -> list[Table | str]:
    """Measure everything.

    Args:
        recognizers: Returns, for a contributor's name, a recognizer that has not learned from that
            contributor's digits.
    """
    _, sizes = np.unique(hand_numbers()[0], return_counts=True)
    number = int((sizes >= MIN_DRAWINGS).sum())
    first = f"{number} hands of {MIN_DRAWINGS} drawings or more, {DRAWS} draws of each"
    return [
        f"{first}. Rejected digits count as errors.",
        *error_tables(recognizers),
        f"What other people lose when one hand is learned: {EACH[-1]} drawings of each digit, or "
        "only its misread ones:",
        loss_table(recognizers),
        speed_table(recognizers("val")),
    ]
