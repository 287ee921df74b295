"""What people's digits gain: a small network learns from more and more writers.

The network learns from writers of the contributors that are not held out, in random order, and
reads the digits of the others. This is compared with the other way to spend the time: learning
longer from augmented digits of MNIST.
"""

import dataclasses

import keras
import numpy as np

import digitlab
from benchmarks import data
from benchmarks.tables import Table
from models.train import HELD_OUT, RECIPE

WRITERS = (0, 32, 229)  # 229 is all of them
SEEDS = (0, 1)
EPOCHS = 3


def table() -> Table:
    """Accuracy on people whom the network has never met, by how many others it has learned from."""
    digits, people = digitlab.load_digits(sample=False), digitlab.load_people()
    held_out = np.isin(people.contributors, HELD_OUT)
    images = np.stack([digitlab.render_strokes(drawing) for drawing in data.people()[0]])
    images, labels = images[held_out], people.labels[held_out]
    others = np.unique(people.writers[~held_out])
    cases = [(count, EPOCHS) for count in WRITERS] + [(0, 2 * EPOCHS)]
    rows = []
    for count, epochs in cases:
        errors = []
        for seed in SEEDS:
            chosen = np.random.default_rng(seed).permutation(others)[:count]
            theirs = people[np.isin(people.writers, chosen) & ~held_out] if count else None
            config = dataclasses.replace(RECIPE, epochs=epochs, seed=seed)
            keras.utils.set_random_seed(seed)
            model = digitlab.pen_cnn()
            digitlab.train(model, digits, config, progress=False, people=theirs)
            read = digitlab.Recognizer(model).predict_images(images).argmax(1)
            errors.append(int((read != labels).sum()))
        each = ", ".join(map(str, errors))
        accuracy = 100 - 100 * np.mean(errors) / len(labels)
        rows.append([str(count), str(epochs), each, f"{accuracy:.2f}"])
    columns = ["writers", "epochs", f"misread of {len(labels):,}, each seed", "correct, %"]
    return {"columns": columns, "rows": rows}
