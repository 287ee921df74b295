"""The export to LiteRT: a Keras model becomes one small file that runs without TensorFlow.

LiteRT, formerly TensorFlow Lite, answers in 0.1 ms where a Keras call takes 10 ms, and starts in
a fraction of a second.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from digitlab._io import atomic_write, with_checksum
from digitlab._stderr import silent_stderr
from digitlab.keras_checks import check_finite, check_type, model_inputs


def export_tflite(
    model: keras.Model, path: str | os.PathLike[str], quantize: str | None = None
) -> None:
    """Write a Keras model for LiteRT, for any number of images at once.

    The interpreter's `resize_tensor_input` sets the number; 16 to 64 at once is fastest. The same
    model gives the same bytes every time on one kind of processor; others may round differently
    when normalisations are folded. The last bytes are a checksum, which LiteRT ignores and
    `digitlab.load_recognizer` verifies.

    Args:
        model: Takes float32 images (n, 28, 28, 1), and gives probabilities (n, 10); or any other
            model with one input and one output, each of a fixed shape except for n. Compiled or
            not.
        path: The file to write, by convention a ``.tflite`` file. An existing file is replaced when
            the new one is complete. Its folder is created if it does not exist.
        quantize: None: the weights take four bytes each, and the answers are those of Keras.
            "int8": the large kernels take one, and LiteRT computes with whole numbers (dynamic
            range quantization); the images and the answers stay float32. This way the
            shipped network reads images three times as fast, and its probabilities differ by 0.03
            at most on MNIST's test digits.

    Raises:
        TypeError: `model` is not a Keras 3 model.
        ValueError: `quantize` is neither; Keras does not run on TensorFlow; or the model is not
            built, has more than one input or output, takes or computes in another type than
            float32, has weights that are not finite, or operations that LiteRT lacks. Nothing is
            written.
        OSError: The file cannot be written.
    """
    if quantize not in (None, "int8"):
        raise ValueError(f'quantize is {quantize!r}; expected None or "int8".')
    check_type(model)
    inputs, outputs = model_inputs(model), model.outputs
    if (len(inputs), len(outputs)) != (1, 1) or None in inputs[0].shape[1:]:
        raise ValueError(
            f"The model {model.name!r} maps {[tuple(x.shape) for x in inputs]} to "
            f"{[tuple(y.shape) for y in outputs]}; expected one input and one output of fixed "
            "shape. Export keras.Model(input, output) of the part that you need."
        )

    if keras.config.backend() != "tensorflow":
        raise ValueError(
            f"Keras runs on {keras.config.backend()} here; expected the TensorFlow backend, whose "
            'converter writes for LiteRT. Save the model, model.save("model.keras"), and export it '
            "in a Python that was started with KERAS_BACKEND=tensorflow: "
            'export_tflite(keras.models.load_model("model.keras"), path).'
        )
    if inputs[0].dtype not in ("float32", "string"):  # the converter says what is wrong with text
        raise ValueError(
            f"The model {model.name!r} takes {inputs[0].dtype}; expected float32, which "
            "Recognizer passes. Build it without a dtype for its keras.Input."
        )
    for layer in model._flatten_layers(include_self=False):
        passes = isinstance(layer, keras.Model | keras.layers.InputLayer)  # and computes nothing
        if not passes and layer.compute_dtype in ("float16", "bfloat16", "float64"):
            raise ValueError(
                f"The layer {layer.name[:60]!r} computes in {layer.compute_dtype}; expected "
                "float32, in which LiteRT computes. Build the model with float32 layers, and "
                "copy the weights: new.set_weights(model.get_weights())."
            )
        if getattr(layer, "quantization_mode", None) is not None:
            raise ValueError(
                f"The layer {layer.name[:60]!r} is quantized ({layer.dtype_policy.name}); expected "
                'float32. Export the unquantized model, with quantize="int8".'
            )
    check_finite({weight.path: weight.numpy() for weight in model.weights})

    content = with_checksum(_convert(model, quantize))
    with atomic_write(path) as part:
        part.write_bytes(content)


def _convert(model: keras.Model, quantize: str | None) -> bytes:
    """Return the LiteRT flatbuffer of a model of one input and one output."""
    (image,) = model.inputs
    signature = [tf.TensorSpec((None, *image.shape[1:]), image.dtype)]
    function = tf.function(lambda images: model(images, training=False), signature)
    try:
        with _silence():
            # Convert the function alone. Given a model, the converter saves it first, and prints
            # that. Given the model as well as the function, it leaves out the weights.
            concrete = function.get_concrete_function()
            converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
            if quantize:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            return bytes(converter.convert())
    except Exception as error:  # TensorFlow does not export the class of this error
        raise ValueError(
            f"The model {model.name[:60]!r} cannot be written for LiteRT; expected operations of "
            f"LiteRT, got {_explain(str(error))}"
        ) from error


def _explain(message: str) -> str:
    """Say briefly what the converter rejected, and what to do; its own message fills pages."""
    if "TensorList" in message:
        return (
            "a recurrent layer's loop. Build recurrent layers (LSTM, GRU, SimpleRNN) with "
            "unroll=True, or the model without them."
        )
    lacking = re.search(r"TF Select ops: (.*)", message)
    names = lacking[1].split(", ") if lacking else re.findall(r"'(?:tfl?|mlir)\.(\w+)' op", message)
    if names:
        names = sorted(set(names))
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
        return f"{shown}. Build the model without the layers that use them."
    # Keras' own errors end with the arguments that a layer was called with.
    message = re.sub(r"\x1b\[\d*m", "", message.split("Arguments received by")[0])
    lines = [line.strip() for line in message.splitlines() if line.strip()] or ["an error"]
    return f"{lines[-1][:200]!r}. Build the model without what causes this, such as a custom layer."


@contextmanager
def _silence() -> Iterator[None]:
    """Silence the converter; errors still come as exceptions.

    It warns, through absl, about the way that it is called here. Its C++ parts write to file
    descriptor 2, bypassing sys.stderr and ignoring TF_CPP_MIN_LOG_LEVEL. Jupyter shows both in red.
    """
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with silent_stderr():
            yield
    finally:
        logger.setLevel(level)
