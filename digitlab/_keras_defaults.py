"""Keras' default settings, for code that must not depend on the user's.

``~/.keras/keras.json`` and `keras.config` may ask for channels first, other floating point types
or mixed precision. The networks here, their training and their exports are meant for the defaults.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from digitlab._shared import SharedChange

_FLOATX, _DATA_FORMAT = "float32", "channels_last"
_saved: dict[str, str] = {}


def _set() -> None:
    _saved.update(floatx=keras.config.floatx(), data_format=keras.config.image_data_format())
    keras.config.set_floatx(_FLOATX)
    keras.config.set_image_data_format(_DATA_FORMAT)


def _restore() -> None:
    # A setting that somebody has changed in the meantime is left alone.
    if keras.config.floatx() == _FLOATX:
        keras.config.set_floatx(_saved["floatx"])
    if keras.config.image_data_format() == _DATA_FORMAT:
        keras.config.set_image_data_format(_saved["data_format"])


_settings = SharedChange(_set, _restore)


@contextmanager
def keras_defaults() -> Iterator[None]:
    """Have Keras use float32 and channels last during a block, or in a decorated function."""
    policy = keras.config.dtype_policy()  # of this thread alone; it depends on floatx
    with _settings.active():
        keras.config.set_dtype_policy(_FLOATX)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)
