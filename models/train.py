"""Train the shipped network anew and export it: `make models`.

Writes digits.keras, digits.tflite and tfjs/ beside this file, and prints the figure for README.md.
"""

from pathlib import Path

import keras

import digitlab

MODELS = Path(__file__).parent
SEED = 0
CONFIG = digitlab.TrainConfig(epochs=12, seed=SEED)


def main() -> None:
    """Train, export, and measure on the test set, once, at the end."""
    digits = digitlab.load_digits(sample=False)
    keras.utils.set_random_seed(SEED)
    model = digitlab.pen_cnn()
    digitlab.train(model, digits, CONFIG)

    model.save(MODELS / "digits.keras", include_optimizer=False)
    digitlab.export_tflite(model, MODELS / "digits.tflite")
    digitlab.export_tfjs(model, MODELS / "tfjs")

    recognizer = digitlab.load_recognizer(MODELS / "digits.tflite")
    right = recognizer.predict_images(digits.x_test).argmax(1) == digits.y_test
    print(f"{digits.name} test accuracy: {100 * right.mean():.2f} %, {CONFIG}")


if __name__ == "__main__":
    main()
