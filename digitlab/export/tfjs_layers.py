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


class Supported(NamedTuple):
    """The options and inputs for which TensorFlow.js computes a layer like Keras."""

    options: dict[str, Any]  # the values each option may have; every other option must be unset
    ranks: range = range(2, 6)  # how many dimensions the input may have, the batch's included


def _supported(names: str = "", ranks: range = range(2, 6), **only: Any) -> Supported:
    return Supported({name: ANY for name in names.split()} | only, ranks)


_POOL = _supported("pool_size strides", padding=_SAME_OR_VALID, data_format=_LAST)
_GLOBAL_POOL = _supported(data_format=_LAST)
_RECURRENT = "units activation recurrent_activation use_bias dropout recurrent_dropout"
LAYERS = {
    "Activation": _supported("activation"),
    "Add": _supported(),
    "Average": _supported(),
    "AveragePooling1D": _POOL,
    "AveragePooling2D": _POOL,
    "BatchNormalization": _supported(
        "epsilon center scale momentum",
        ranks=range(2, 5),
        axis=(-1,),  # any other axis gives wrong numbers
    ),
    "Concatenate": _supported("axis"),
    "Conv1D": _supported(
        "filters kernel_size strides dilation_rate activation use_bias",
        padding=_SAME_OR_VALID,  # "causal" raises
        data_format=_LAST,
        groups=(1,),  # ignored by TensorFlow.js
    ),
    "Conv2D": _supported(
        "filters kernel_size strides dilation_rate activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        groups=(1,),  # ignored by TensorFlow.js
    ),
    "Conv2DTranspose": _supported(
        "filters kernel_size strides activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        dilation_rate=((1, 1),),  # ignored by TensorFlow.js
    ),
    "Cropping2D": _supported("cropping", data_format=_LAST),
    "Dense": _supported("units activation use_bias"),
    "DepthwiseConv2D": _supported(
        "kernel_size strides depth_multiplier activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
        dilation_rate=((1, 1),),  # ignored by TensorFlow.js
    ),
    "Dropout": _supported("rate"),
    "ELU": _supported(alpha=(1.0,)),  # any other raises
    "Flatten": _supported(data_format=_LAST, ranks=range(3, 6)),  # a flat input raises
    "GRU": _supported(
        f"{_RECURRENT} return_sequences go_backwards",
        reset_after=(False,),  # True, Keras' default, raises
    ),
    "GaussianDropout": _supported("rate"),
    "GaussianNoise": _supported("stddev"),
    "GlobalAveragePooling1D": _GLOBAL_POOL,
    "GlobalAveragePooling2D": _GLOBAL_POOL,
    "GlobalMaxPooling1D": _GLOBAL_POOL,
    "GlobalMaxPooling2D": _GLOBAL_POOL,
    "LSTM": _supported(f"{_RECURRENT} unit_forget_bias return_sequences go_backwards"),
    "LayerNormalization": _supported("axis epsilon center scale", ranks=range(2, 5)),
    "LeakyReLU": _supported("negative_slope"),
    "MaxPooling1D": _POOL,
    "MaxPooling2D": _POOL,
    "Maximum": _supported(),
    "Minimum": _supported(),
    "Multiply": _supported(),
    "PReLU": _supported("shared_axes"),
    "Permute": _supported("dims"),
    "ReLU": _supported("max_value"),
    "RepeatVector": _supported("n"),
    "Rescaling": _supported("scale offset"),
    "Reshape": _supported("target_shape"),
    "SeparableConv2D": _supported(
        "filters kernel_size strides dilation_rate depth_multiplier activation use_bias",
        padding=_SAME_OR_VALID,
        data_format=_LAST,
    ),
    "SimpleRNN": _supported(
        "units activation use_bias dropout recurrent_dropout return_sequences go_backwards"
    ),
    "Softmax": _supported(axis=(-1,)),  # any other axis raises
    "SpatialDropout1D": _supported("rate"),
    "UpSampling2D": _supported(
        "size",
        data_format=_LAST,
        interpolation=("nearest",),  # "bilinear" uses other sampling points
    ),
    "ZeroPadding2D": _supported("padding", data_format=_LAST),
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
