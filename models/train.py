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

    # Without the optimiser, whose state is twice as large as the network.
    plain = digitlab.pen_cnn()
    plain.set_weights(model.get_weights())
    plain.save(MODELS / "digits.keras")
    digitlab.export_tflite(plain, MODELS / "digits.tflite")
    digitlab.export_tfjs(plain, MODELS / "tfjs")

    recognizer = digitlab.load_recognizer(MODELS / "digits.tflite")
    right = recognizer.predict_images(digits.x_test).argmax(1) == digits.y_test
    print(f"{digits.name} test accuracy: {100 * right.mean():.2f} %, {CONFIG}")


if __name__ == "__main__":
    main()
