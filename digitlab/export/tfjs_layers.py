"""What TensorFlow.js 4.22 computes like Keras 3: layers, their options, and activations.

TensorFlow.js silently ignores options that it does not have, and computes something else. So only
what is in these tables is exported. They were made from the sources of @tensorflow/tfjs-layers
4.22, and tests/test_tfjs.py runs every layer.
"""

import re
from typing import Any, NamedTuple

ANY = object()
_SAME_OR_VALID = ("same", "valid")
_LAST = ("channels_last",)

# Keras' names of the activations that TensorFlow.js computes in the same way, and its names.
# Not hard_sigmoid: Keras 3's is relu6(x + 3) / 6, TensorFlow.js' is Keras 2's, 0.2 x + 0.5.
ACTIVATIONS = {
    "elu": "elu",
    "gelu": "gelu",
    "linear": "linear",
    "log_softmax": "log_softmax",
    "mish": "mish",
    "relu": "relu",
    "relu6": "relu6",
    "selu": "selu",
    "sigmoid": "sigmoid",
    "silu": "swish",
    "softmax": "softmax",
    "softplus": "softplus",
    "softsign": "softsign",
    "tanh": "tanh",
}


class Known(NamedTuple):
    """The options and inputs for which TensorFlow.js computes a layer like Keras."""

    options: dict[str, Any]  # the values each option may have; every other option must be unset
    ranks: range = range(2, 6)  # how many dimensions the input may have, the batch's included


def _known(names: str = "", ranks: range = range(2, 6), **only: Any) -> Known:
    return Known({name: ANY for name in names.split()} | only, ranks)


_POOL = _known("pool_size strides", padding=_SAME_OR_VALID, data_format=_LAST)
_GLOBAL_POOL = _known(data_format=_LAST)
_RECURRENT = "units activation recurrent_activation use_bias dropout recurrent_dropout"
LAYERS = {
    "Activation": _known("activation"),
    "Add": _known(),
    "Average": _known(),
    "AveragePooling1D": _POOL,
    "AveragePooling2D": _POOL,
    "BatchNormalization": _known(
        "epsilon center scale momentum",
        ranks=range(2, 5),
        axis=(-1,),  # any other axis gives wrong numbers
    ),
    "Concatenate": _known("axis"),
    "Conv1D": _known(
        "filters kernel_size strides dilation_rate activation use_bias",
        padding=_SAME_OR_VALID,  # "causal" raises
        data_format=_LAST,
        groups=(1,),  # ignored by TensorFlow.js
    ),
    "Conv2D": _known(
        "filters kernel_size strides dilation_rate activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        groups=(1,),  # ignored by TensorFlow.js
    ),
    "Conv2DTranspose": _known(
        "filters kernel_size strides activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        dilation_rate=((1, 1),),  # ignored by TensorFlow.js
    ),
    "Cropping2D": _known("cropping", data_format=_LAST),
    "Dense": _known("units activation use_bias"),
    "DepthwiseConv2D": _known(
        "kernel_size strides depth_multiplier activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        dilation_rate=((1, 1),),  # ignored by TensorFlow.js
    ),
    "Dropout": _known("rate"),
    "ELU": _known(alpha=(1.0,)),  # any other raises
    "Flatten": _known(data_format=_LAST, ranks=range(3, 6)),  # a flat input raises
    "GRU": _known(
        f"{_RECURRENT} return_sequences go_backwards",
        reset_after=(False,),  # True, Keras' default, raises
    ),
    "GaussianDropout": _known("rate"),
    "GaussianNoise": _known("stddev"),
    "GlobalAveragePooling1D": _GLOBAL_POOL,
    "GlobalAveragePooling2D": _GLOBAL_POOL,
    "GlobalMaxPooling1D": _GLOBAL_POOL,
    "GlobalMaxPooling2D": _GLOBAL_POOL,
    "LSTM": _known(f"{_RECURRENT} unit_forget_bias return_sequences go_backwards"),
    "LayerNormalization": _known("axis epsilon center scale", ranks=range(2, 5)),
    "LeakyReLU": _known("negative_slope"),
    "MaxPooling1D": _POOL,
    "MaxPooling2D": _POOL,
    "Maximum": _known(),
    "Minimum": _known(),
    "Multiply": _known(),
    "PReLU": _known("shared_axes"),
    "Permute": _known("dims"),
    "ReLU": _known("max_value"),
    "RepeatVector": _known("n"),
    "Rescaling": _known("scale offset"),
    "Reshape": _known("target_shape"),
    "SeparableConv2D": _known(
        "filters kernel_size strides dilation_rate depth_multiplier activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
    ),
    "SimpleRNN": _known(
        "units activation use_bias dropout recurrent_dropout return_sequences go_backwards"
    ),
    "Softmax": _known(axis=(-1,)),  # any other axis raises
    "SpatialDropout1D": _known("rate"),
    "UpSampling2D": _known(
        "size",
        data_format=_LAST,
        interpolation=("nearest",),  # "bilinear" uses other sampling points
    ),
    "ZeroPadding2D": _known("padding", data_format=_LAST),
}

# Layers that do nothing at inference.
PASSES_ON = {
    *("ActivityRegularization", "AlphaDropout", "Identity", "SpatialDropout2D", "SpatialDropout3D"),
    *("AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration"),
    *("RandomColorJitter", "RandomContrast", "RandomElasticTransform", "RandomErasing"),
    *("RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert"),
    *("RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation"),
    *("RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom"),
}

# Options that matter only during training: not exported.
TRAINING_ONLY = re.compile(
    r".*_(initializer|regularizer|constraint)|seed|noise_shape|renorm_momentum|synchronized"
)
RENAMED = {"negative_slope": "alpha"}  # from Keras 3 to Keras 2
WEIGHT_NAMES = {("DepthwiseConv2D", "kernel"): "depthwise_kernel"}  # likewise
FLOATS = ("float16", "bfloat16", "float32", "float64")  # these are cast to float32
