"""MNIST: found on this machine or downloaded, and verified; offline, a bundled sample.

`load_digits` looks in these places, in this order:

1. the environment variable ``DIGITLAB_DATA``: a folder with ``mnist.npz`` or MNIST's four IDX
   files (gzipped or not), or the path of an npz file of any name;
2. the cache, ``mnist.npz`` in ``pooch.os_cache("digitlab")``;
3. the cache of Keras, ``~/.keras/datasets/mnist.npz``, or under ``KERAS_HOME`` if that is set;
4. two mirrors on the network; a download is kept in the cache.

Arrays are accepted only if their SHA-256 sums are MNIST's. If MNIST cannot be found or
downloaded, the bundled sample takes its place, with a warning (see ``assets/README.md``).
"""

import gzip
import hashlib
import io
import os
import struct
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pooch

from digitlab._download import RemoteFile, download
from digitlab._io import atomic_write
from digitlab.images import as_batch, as_bytes, as_images, as_labels, check_range

NPZ = "mnist.npz"
SAMPLE = Path(__file__).parent / "assets" / "sample_digits.npz"
SAMPLE_NAME = "scikit-learn's sample digits (not MNIST)"

# The shape of each of MNIST's arrays, and the SHA-256 of its bytes.
ARRAYS = {
    "x_train": (
        (60_000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": (
        (60_000,),
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    ),
    "x_test": (
        (10_000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    "y_test": (
        (10_000,),
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
}

# The most bytes to unpack, twice the size of MNIST: a small compressed file can hold terabytes.
_LARGEST = 100_000_000

# The four files of MNIST's original form, described at http://yann.lecun.com/exdb/mnist/.
IDX = {
    "train-images-idx3-ubyte": "x_train",
    "train-labels-idx1-ubyte": "y_train",
    "t10k-images-idx3-ubyte": "x_test",
    "t10k-labels-idx1-ubyte": "y_test",
}


# Both mirrors have the database of Yann LeCun, Corinna Cortes and Christopher Burges, formerly at
# http://yann.lecun.com/exdb/mnist/ (CC BY-SA 3.0): the first in the file that
# `keras.datasets.mnist.load_data` downloads, the second in the four original files, which
# torchvision downloads.
MIRRORS: tuple[tuple[RemoteFile, ...], ...] = (
    (
        RemoteFile(
            name=NPZ,
            url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
            hash="sha256:731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
            size=11_490_434,
        ),
    ),
    (
        RemoteFile(
            name="train-images-idx3-ubyte.gz",
            url="https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
            hash="md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
            size=9_912_422,
        ),
        RemoteFile(
            name="train-labels-idx1-ubyte.gz",
            url="https://ossci-datasets.s3.amazonaws.com/mnist/train-labels-idx1-ubyte.gz",
            hash="md5:d53e105ee54ea40749a09fcbcd1e9432",
            size=28_881,
        ),
        RemoteFile(
            name="t10k-images-idx3-ubyte.gz",
            url="https://ossci-datasets.s3.amazonaws.com/mnist/t10k-images-idx3-ubyte.gz",
            hash="md5:9fb629c4189551a2d022fa330f9573f3",
            size=1_648_877,
        ),
        RemoteFile(
            name="t10k-labels-idx1-ubyte.gz",
            url="https://ossci-datasets.s3.amazonaws.com/mnist/t10k-labels-idx1-ubyte.gz",
            hash="md5:ec29112dd5afa0611ce80d1b7f02629c",
            size=4_542,
        ),
    ),
)


@dataclass(frozen=True, repr=False, eq=False)
class Digits:
    """Handwritten digits, split into training and test set.

    Images may be given in any form that `digitlab.Recognizer.predict_images` takes, and labels as
    whole numbers: arrays, tables (pandas) or tensors. This object keeps copies of them, as uint8.
    `load_digits` reads its arrays again on each call, so you can change them.

    Attributes:
        x_train: Images to learn from, (n, 28, 28) uint8: 0 is paper, 255 full ink. 60,000 in
            MNIST, 1,433 in the sample.
        y_train: Their labels, (n,) uint8, 0 to 9.
        x_test: Images to test with, (m, 28, 28) uint8. 10,000 in MNIST, 364 in the sample. If
            there is no test set (m = 0), pass None for it and for `y_test`.
        y_test: Their labels, (m,) uint8, 0 to 9.
        name: What these digits are, "MNIST" or not. Show it beside every figure made with them.

    Args:
        copy: False keeps uint8 images without copying them, for large arrays of your own.

    Raises:
        ValueError: Images or labels are not as above, or there are not as many labels as images.

    Example:
        >>> drawings = [digitlab.stored_drawing(digit) for digit in range(10)]
        >>> images = [digitlab.render_strokes(drawing) for drawing in drawings]
        >>> digitlab.Digits(images, range(10), None, None, "the stored drawings")
        <Digits: the stored drawings, 10 images for training, 0 for the test>
    """

    x_train: npt.NDArray[np.uint8]
    y_train: npt.NDArray[np.uint8]
    x_test: npt.NDArray[np.uint8]
    y_test: npt.NDArray[np.uint8]
    name: str
    copy: InitVar[bool] = True

    if TYPE_CHECKING:  # what it takes is more than what it holds

        def __init__(
            self,
            x_train: npt.ArrayLike,
            y_train: npt.ArrayLike,
            x_test: npt.ArrayLike | None,
            y_test: npt.ArrayLike | None,
            name: str,
            copy: bool = True,
        ) -> None: ...

    def __post_init__(self, copy: bool) -> None:
        for part in ("train", "test"):
            images, labels = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if part == "test" and images is None and labels is None:
                images, labels = np.zeros((0, 28, 28), np.uint8), []
            images = as_images(images)
            labels = as_labels(labels, len(images), f"y_{part}")
            check_range(images)
            if images.dtype != np.uint8:
                images = as_bytes(as_batch(images)[..., 0])
            elif copy:
                images = images.copy()
            object.__setattr__(self, f"x_{part}", images)
            object.__setattr__(self, f"y_{part}", labels.astype(np.uint8))

    def __repr__(self) -> str:
        return (
            f"<Digits: {self.name}, {len(self.x_train):,} images for training, "
            f"{len(self.x_test):,} for the test>"
        )


def check_digits(digits: Any) -> None:
    """Raise TypeError if these are not `Digits`."""
    if not isinstance(digits, Digits):
        raise TypeError(f"expected digits as load_digits() gives them, got {type(digits).__name__}")


def load_digits(sample: bool = True) -> Digits:
    """Load MNIST from this machine or, the first time, from the network.

    The module's docstring lists the places. A download shows a progress bar and is kept in the
    cache; nothing is shown if MNIST is found on this machine. If ``DIGITLAB_DATA`` is set, no
    other place is searched, and nothing is written there.

    Args:
        sample: What to do if MNIST can neither be found nor downloaded. True: warn, and return a
            bundled sample of 1,797 other digits (from scikit-learn), after at most 10 seconds of
            silence on the network. False: raise an error.

    Raises:
        FileNotFoundError: ``DIGITLAB_DATA`` is set, and MNIST is not there.
        ValueError: ``DIGITLAB_DATA`` is set, and what is there is damaged or not MNIST.
        OSError: With ``sample=False``, MNIST is not available; the message lists what was tried,
            and how each try ended. Also if the files in ``DIGITLAB_DATA`` cannot be read.

    Example:
        >>> digits = digitlab.load_digits()
        >>> digits
        <Digits: MNIST, 60,000 images for training, 10,000 for the test>
        >>> digits.x_train[0].shape, digits.y_train[0]
        ((28, 28), np.uint8(5))
    """
    if named := os.environ.get("DIGITLAB_DATA"):
        path = Path(named).expanduser()
        return _digits(_read_named(path), source=f"DIGITLAB_DATA ({path})")

    failures = []
    for place, path in (("the cache", _cache_file()), ("Keras' cache", _keras_file())):
        try:
            return _digits({NPZ: path.read_bytes()}, source="this file")
        except FileNotFoundError:
            failures.append(f"{place}, {path}: not there")
        except (OSError, ValueError) as error:
            failures.append(f"{place}, {path}: {error}")
    for mirror in MIRRORS:
        try:
            contents = download(mirror, f"Downloading MNIST from {_host(mirror)}")
            files = {name.removesuffix(".gz"): content for name, content in contents.items()}
            digits = _digits(files, source="this download")
        except (OSError, ValueError) as error:
            failures.append(f"{_host(mirror)}: {error}")
        else:
            _save_to_cache(files, digits)
            return digits

    tried = "\n".join(f"  - {failure}" for failure in failures)
    remedy = (
        f"To get MNIST, connect to the network and call load_digits() again. Or download\n"
        f"{MIRRORS[0][0].url}\nelsewhere and save it as {_cache_file()},\n"
        f"or anywhere else and set the environment variable DIGITLAB_DATA to its path."
    )
    if not sample:
        raise OSError(f"MNIST could neither be found nor downloaded. Tried:\n{tried}\n{remedy}")
    warnings.warn(
        f"\nThis is NOT MNIST: it could neither be found nor downloaded. Instead, here are "
        f"{SAMPLE_NAME}.\nFigures measured on them say nothing about MNIST. Tried:\n"
        f"{tried}\n{remedy}",
        stacklevel=2,
    )
    with np.load(SAMPLE, allow_pickle=False) as arrays:
        return Digits(**{name: arrays[name] for name in ARRAYS}, name=SAMPLE_NAME, copy=False)


def _cache_file() -> Path:
    return Path(pooch.os_cache("digitlab")) / NPZ


def _keras_file() -> Path:
    return Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"), "datasets", NPZ)


def _read_named(path: Path) -> dict[str, bytes]:
    """Read an npz file, or a folder with one or with the four IDX files."""
    if path.is_file():
        return {NPZ: path.read_bytes()}
    if (path / NPZ).is_file():
        return {NPZ: (path / NPZ).read_bytes()}
    files = {}
    for name in IDX:
        # Some copies of MNIST write "train-images.idx3-ubyte".
        for spelling in (name, name.replace("-idx", ".idx")):
            for candidate in (path / spelling, path / f"{spelling}.gz"):
                if name not in files and candidate.is_file():
                    files[name] = candidate.read_bytes()
    if missing := [name for name in IDX if name not in files]:
        found = "there is no such file or folder"
        if path.exists():
            found = f"there is neither {NPZ} nor {', '.join(missing)} (or these with .gz)"
        raise FileNotFoundError(
            f"DIGITLAB_DATA is set to {path}, but {found}. Put MNIST there; or set DIGITLAB_DATA "
            f"to a folder with {NPZ} or the four IDX files, or to an npz file; or unset it, so "
            f"that load_digits() looks in its cache and on the network."
        )
    return files


def _digits(files: Mapping[str, bytes], source: str) -> Digits:
    """Return MNIST from the content of its files, `NPZ` alone or all of `IDX`.

    Raises:
        ValueError: The files are damaged, or are not MNIST.
    """
    try:
        if NPZ in files:
            arrays = _read_npz(files[NPZ])
        else:
            arrays = {array: _read_idx(files[name]) for name, array in IDX.items()}
    except Exception as error:  # zipfile, zlib, gzip and numpy have errors of their own
        raise ValueError(f"{source} cannot be read as MNIST: {error}") from error
    for name, (shape, sha256) in ARRAYS.items():
        array = arrays[name]
        if array.dtype != np.uint8 or array.shape != shape:
            raise ValueError(
                f"{source} is not MNIST: expected {name} to be uint8 {shape}, "
                f"got {array.dtype} {array.shape}"
            )
        got = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        if got != sha256:
            raise ValueError(
                f"{source} is not MNIST: expected the bytes of {name} to have SHA-256 {sha256}, "
                f"got {got}"
            )
    return Digits(**arrays, name="MNIST", copy=False)


def _read_npz(content: bytes) -> dict[str, npt.NDArray[np.uint8]]:
    if not zipfile.is_zipfile(io.BytesIO(content)):  # numpy would call it a pickle
        raise ValueError("it is not an npz file, or only part of one")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if (size := sum(member.file_size for member in archive.infolist())) > _LARGEST:
            raise ValueError(f"it holds {size:,} bytes, far more than MNIST")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        if missing := [name for name in ARRAYS if name not in arrays]:
            raise ValueError(f"it does not hold {', '.join(missing)}")
        return {name: arrays[name] for name in ARRAYS}


def _read_idx(content: bytes) -> npt.NDArray[np.uint8]:
    """Read an IDX file: two zeros, 8 for uint8, the number of dimensions, the shape, the bytes."""
    if content[:2] == b"\x1f\x8b":
        with gzip.open(io.BytesIO(content)) as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ValueError("it holds far more than MNIST")
    if content[:3] != b"\0\0\x08":
        raise ValueError("it is not an IDX file of unsigned bytes")
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    array = np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape))
    return array.reshape(shape).copy()  # writable


def _host(mirror: Sequence[RemoteFile]) -> str:
    return urlsplit(mirror[0].url).netloc


def _save_to_cache(files: Mapping[str, bytes], digits: Digits) -> None:
    """Save MNIST to the cache; warn if that is not possible."""
    if NPZ not in files:
        npz = io.BytesIO()  # not a file: zipfile complains on stderr if the disk is full
        np.savez_compressed(npz, **{name: getattr(digits, name) for name in ARRAYS})
        files = {NPZ: npz.getvalue()}
    target = _cache_file()
    try:
        with atomic_write(target) as part:
            part.write_bytes(files[NPZ])
    except OSError as error:
        warnings.warn(
            f"MNIST was downloaded, but cannot be kept at {target} ({error}); the next call will "
            f"download it again.",
            stacklevel=3,  # the caller of load_digits
        )
