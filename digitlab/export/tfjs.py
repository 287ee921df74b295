"""The export to TensorFlow.js: a Keras 3 model becomes model.json and weights for a web page.

`digitlab.export.tfjs_model` translates the model; `digitlab.export.tfjs_files` writes the files.
From a shell: ``python -m digitlab.export.tfjs model.keras folder --quantize uint8``.
"""

import argparse
import os
import zipfile
from pathlib import Path
from typing import Any

import keras

from digitlab._io import json_with_checksum
from digitlab.export.quantization import QUANTIZATIONS, Weights, large_kernels, quantize_weights
from digitlab.export.tfjs_files import MODEL, name_shard, write_export
from digitlab.export.tfjs_model import check_values, translate

_SHARD = 4 * 1024 * 1024  # bytes: a size that browsers cache


def export_tfjs(
    model: keras.Model, directory: str | os.PathLike[str], quantize: str | None = None
) -> Path:
    """Write a Keras 3 model for `tf.loadLayersModel` of TensorFlow.js 4.22, on any Keras backend.

    The weights' file names carry a hash of their content, and model.json is put in place last: a
    page never reads the old model with the new weights. An export that fails leaves everything as
    it was. One that succeeds removes the weights of the model.json that it replaced; other files
    in the folder stay. The same model gives the same bytes every time.

    What matters only during training (compilation, initializers, regularizers, constraints) is not
    exported; augmentation layers such as RandomRotation become a Dropout, which does nothing at
    inference.

    Args:
        model: A `keras.Sequential` or a functional `keras.Model`, built, compiled or not, with any
            inputs and outputs. A model in another precision is cast to float32, with a warning.
        directory: Where model.json and the weights go; created if necessary.
        quantize: How kernels are stored: None as they are (4 bytes per weight), "float16" (2) or
            "uint8" (1). TensorFlow.js computes in float32 in each case. Biases, statistics and the
            smallest kernels, a few hundredths of the weights, stay as they are.

    Returns:
        The path of model.json.

    Raises:
        TypeError: `model` is not a Keras 3 model.
        ValueError: `quantize` is none of the three; or the model is not built, has a layer, an
            option or a name that TensorFlow.js does not know, or weights that are not finite.
            Nothing is written.
        OSError: The files cannot be written.
    """
    if quantize not in QUANTIZATIONS:
        choices = ", ".join(map(repr, QUANTIZATIONS))
        raise ValueError(f"quantize is {quantize!r}; expected one of {choices}.")
    topology, weights = translate(model)
    check_values(weights, quantize)
    files = _encode(topology, weights, quantize)
    write_export(files, Path(directory))
    return Path(directory) / MODEL


def main(arguments: list[str] | None = None) -> None:
    """Export a model file from a shell."""
    parser = argparse.ArgumentParser(
        prog="python -m digitlab.export.tfjs",
        description="Write a Keras model for tf.loadLayersModel of TensorFlow.js 4.22.",
    )
    parser.add_argument("model", type=Path, help="a file that model.save wrote: .keras or .h5")
    parser.add_argument("folder", type=Path, help="where model.json and the weights go")
    parser.add_argument(
        "--quantize",
        choices=[choice for choice in QUANTIZATIONS if choice],
        help="store large kernels in two bytes a weight (float16) or in one (uint8)",
    )
    options = parser.parse_args(arguments)
    try:
        if not options.model.is_file():
            raise ValueError(f"expected a .keras or .h5 file, and there is none at {options.model}")
        # Keras itself does not notice all damage, because Python 3.13's zipfile checks less.
        if zipfile.is_zipfile(options.model):
            with zipfile.ZipFile(options.model) as archive:
                if (member := archive.testzip()) is not None:
                    raise ValueError(f"expected a complete file, {member} in it is damaged")
                if "config.json" not in archive.namelist():
                    raise ValueError(f"expected what model.save wrote, got {options.model}")
        model = keras.models.load_model(options.model, compile=False)
        print(export_tfjs(model, options.folder, options.quantize))
    except (OSError, TypeError, ValueError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")


def _encode(
    topology: dict[str, Any], weights: dict[str, Weights], quantize: str | None
) -> dict[str, bytes]:
    """Return the files of an export by name: the weights, and model.json last."""
    quantized = large_kernels(weights) if quantize else []
    entries, content = [], b""
    for name, value in weights.items():
        entry: dict[str, Any] = {"name": name, "shape": list(value.shape), "dtype": "float32"}
        values = value
        if quantize and name in quantized:
            values, scale, minimum = quantize_weights(value, quantize)
            entry["quantization"] = {"dtype": quantize, "original_dtype": "float32"}
            if quantize == "uint8":
                entry["quantization"] |= {"min": minimum, "scale": scale}
        entries.append(entry)
        content += values.astype(values.dtype.newbyteorder("<")).tobytes()
    files = {}
    shards = [content[at : at + _SHARD] for at in range(0, len(content), _SHARD)]
    for number, shard in enumerate(shards, 1):
        files[name_shard(shard, number, len(shards))] = shard
    document = {
        "format": "layers-model",
        "generatedBy": f"keras v{keras.__version__}",
        "convertedBy": "digitlab",
        "modelTopology": topology,
        "weightsManifest": [{"paths": list(files), "weights": entries}],
    }
    return files | {MODEL: json_with_checksum(document).encode()}


if __name__ == "__main__":
    main()
