"""Learn handwritten digit recognition, and use it: MNIST, a CNN, TensorFlow.js, a drawing pad."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Where each public name lives. Nothing is imported before it is used: TensorFlow takes seconds.
_MODULES = {
    "Digits": "data",
    "load_digits": "data",
    "whole_file": "files",
    "render_strokes": "ink",
    "normalize_image": "ink",
    "stored_drawing": "drawings",
    "save_drawing": "drawings",
    "load_drawing": "drawings",
    "article_cnn": "networks",
    "pen_cnn": "networks",
    "digits_cnn": "networks",
    "Augmentation": "augment",
    "doodle": "doodles",
    "TrainConfig": "training",
    "train": "training",
    "Prediction": "recognizer",
    "Recognizer": "recognizer",
    "load_recognizer": "recognizer",
    "plot_digits": "plots",
    "plot_drawing": "plots",
    "plot_history": "plots",
    "plot_probabilities": "plots",
    "plot_confusion": "plots_errors",
    "plot_mistakes": "plots_errors",
    "plot_calibration": "plots_errors",
    "plot_filters": "plots_inside",
    "plot_activations": "plots_inside",
    "plot_saliency": "plots_inside",
    "plot_embedding": "plots_inside",
    "measure_saliency": "saliency",
    "get_filters": "inside",
    "get_activations": "inside",
    "embed": "inside",
    "DrawingPad": "pad",
    "export_tfjs": "tfjs",
    "export_tflite": "tflite",
    "build_site": "site",
}

__all__ = [*_MODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'digitlab' has no attribute {name!r}")
    value = getattr(import_module(f"digitlab.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
