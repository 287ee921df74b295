"""The digits: MNIST, found or downloaded, and always checked; off the network, a bundled sample.

`load_digits` looks in this order and takes the first that it finds:

1. the environment variable ``DIGITLAB_DATA``: a folder with ``mnist.npz`` or MNIST's four IDX
   files (gzipped or not), or the path of an npz file of any name;
2. the cache, ``mnist.npz`` in ``pooch.os_cache("digitlab")``;
3. the cache of Keras, ``~/.keras/datasets/mnist.npz``, or under ``KERAS_HOME`` where that is set;
4. two mirrors on the network, which fill the cache.

Wherever they came from, arrays that are not MNIST's to the last byte are refused. Where there is
no MNIST at all, the bundled sample takes its place, with a warning (see ``assets/README.md``).
"""

import gzip
import hashlib
import io
import os
import queue
import struct
import threading
import warnings
import zipfile
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pooch
from tqdm.auto import tqdm

from digitlab._io import atomic_write
from digitlab.images import as_batch, as_images, as_labels

NPZ = "mnist.npz"
SAMPLE = Path(__file__).parent / "assets" / "sample_digits.npz"
SAMPLE_NAME = "scikit-learn's sample digits (not MNIST)"

# What makes an array MNIST's: its shape, and the SHA-256 of its bytes.
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

_MOST = 100_000_000  # bytes: twice what MNIST takes. A small file can say that it holds terabytes.

# What the four files of MNIST's original form hold. http://yann.lecun.com/exdb/mnist/ describes it.
IDX = {
    "train-images-idx3-ubyte": "x_train",
    "train-labels-idx1-ubyte": "y_train",
    "t10k-images-idx3-ubyte": "x_test",
    "t10k-labels-idx1-ubyte": "y_test",
}


@dataclass(frozen=True)
class RemoteFile:
    """A file on the network: what it is called, where it is, what it must be."""

    name: str
    url: str
    hash: str  # "algorithm:hexdigest"
    size: int  # bytes


# Both mirrors carry the database of Yann LeCun, Corinna Cortes and Christopher Burges, once at
# http://yann.lecun.com/exdb/mnist/ (CC BY-SA 3.0). First the file that
# `keras.datasets.mnist.load_data` downloads, then the four original files, as torchvision's.
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

# Seconds that a mirror may be silent (not a kilobyte in that time) before it is given up, be it
# its name, the connection, the answer or the rest of the file that does not come. Two mirrors:
# off the network, `load_digits` answers within 10 seconds.
PATIENCE = 4.0


@dataclass(frozen=True, repr=False, eq=False)
class Digits:
    """Handwritten digits, split into training and test set.

    Made of your own, images may come as `digitlab.Recognizer.predict_images` takes them and labels
    as whole numbers, in arrays, tables (pandas) or tensors; they are kept as uint8. The arrays of
    `load_digits` are yours: writable, and read anew by each call.

    Attributes:
        x_train: Images to learn from, (n, 28, 28) uint8: 0 is paper, 255 full ink. 60,000 for
            MNIST, 1,433 for the sample.
        y_train: The digit that each shows, (n,) uint8, 0 to 9.
        x_test: Images to test with, (m, 28, 28) uint8. 10,000 for MNIST, 364 for the sample.
        y_test: The digit that each shows, (m,) uint8, 0 to 9.
        name: What these digits are, "MNIST" or not. Show it beside every figure made with them.

    Raises:
        ValueError: Images or labels are not as above, or their numbers differ.
    """

    x_train: npt.NDArray[np.uint8]
    y_train: npt.NDArray[np.uint8]
    x_test: npt.NDArray[np.uint8]
    y_test: npt.NDArray[np.uint8]
    name: str

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            images = as_images(getattr(self, f"x_{part}"))
            labels = as_labels(getattr(self, f"y_{part}"), len(images), f"y_{part}")
            if images.dtype != np.uint8:
                images = (255 * as_batch(images)[..., 0]).round().astype(np.uint8)
            object.__setattr__(self, f"x_{part}", images)
            object.__setattr__(self, f"y_{part}", labels.astype(np.uint8))

    def __repr__(self) -> str:
        return (
            f"<Digits: {self.name}, {len(self.x_train):,} images for training, "
            f"{len(self.x_test):,} for the test>"
        )


def load_digits(sample: bool = True) -> Digits:
    """Load MNIST from this machine or, the first time, from the network.

    The module's docstring lists the places, in order. A download shows a progress bar and is kept
    in the cache; nothing is shown when MNIST is found here. ``DIGITLAB_DATA`` is only read, never
    written, and is the only place looked into where it is set: a path that leads nowhere is an
    error, and not a reason to take other digits than you asked for.

    Args:
        sample: When MNIST can neither be found nor downloaded: True warns and returns a sample of
            1,797 other digits, which come with scikit-learn, at the latest after 10 seconds of
            silence on the network. False raises.

    Raises:
        FileNotFoundError: ``DIGITLAB_DATA`` is set, and MNIST is not there.
        ValueError: ``DIGITLAB_DATA`` is set, and what is there is damaged or not MNIST.
        OSError: With ``sample=False``, when there is no MNIST; says what was tried, and how each
            try ended. Also when the files in ``DIGITLAB_DATA`` cannot be read.
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
            files = _download(mirror)
            digits = _digits(files, source="this download")
        except (OSError, ValueError) as error:
            failures.append(f"{_host(mirror)}: {error}")
        else:
            _keep(files, digits)
            return digits

    tried = "\n".join(f"  - {failure}" for failure in failures)
    remedy = (
        f"To have MNIST, connect to the network and call load_digits() again. Or download\n"
        f"{MIRRORS[0][0].url}\nelsewhere, and put it at {_cache_file()},\n"
        f"or anywhere, and set the environment variable DIGITLAB_DATA to its path."
    )
    if not sample:
        raise OSError(f"MNIST could neither be found nor downloaded. Tried:\n{tried}\n{remedy}")
    warnings.warn(
        f"\nThis is NOT MNIST: it could neither be found nor downloaded. Instead, here are "
        f"{SAMPLE_NAME}.\nNo figure measured on them says anything of MNIST. Tried:\n"
        f"{tried}\n{remedy}",
        stacklevel=2,
    )
    with np.load(SAMPLE, allow_pickle=False) as arrays:
        return Digits(**{name: arrays[name] for name in ARRAYS}, name=SAMPLE_NAME)


def _cache_file() -> Path:
    return Path(pooch.os_cache("digitlab")) / NPZ


def _keras_file() -> Path:
    return Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras"), "datasets", NPZ)


def _read_named(path: Path) -> dict[str, bytes]:
    """Read what the user named: an npz file, or a folder with one or with the four IDX files."""
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
            f"to a folder with {NPZ} or the four IDX files, or to an npz file; or unset it, and "
            f"load_digits() will look in its cache and on the network."
        )
    return files


def _digits(files: Mapping[str, bytes], source: str) -> Digits:
    """Make MNIST of the content of its files, `NPZ` alone or all of `IDX`.

    Raises:
        ValueError: When it is damaged, or anything but MNIST.
    """
    try:
        if NPZ in files:
            arrays = _read_npz(files[NPZ])
        else:
            arrays = {array: _read_idx(files[name]) for name, array in IDX.items()}
    except Exception as error:  # zipfile, zlib, gzip, numpy: each has errors of its own
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
    return Digits(**arrays, name="MNIST")


def _read_npz(content: bytes) -> dict[str, npt.NDArray[np.uint8]]:
    if not zipfile.is_zipfile(io.BytesIO(content)):  # numpy would take it for a pickle, and say so
        raise ValueError("it is no npz file, or only a part of one")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if (size := sum(member.file_size for member in archive.infolist())) > _MOST:
            raise ValueError(f"it holds {size:,} bytes, far more than MNIST")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        if missing := [name for name in ARRAYS if name not in arrays]:
            raise ValueError(f"it holds no {', '.join(missing)}")
        return {name: arrays[name] for name in ARRAYS}


def _read_idx(content: bytes) -> npt.NDArray[np.uint8]:
    """Read an IDX file: two zeros, 8 for uint8, the number of dimensions, the shape, the bytes."""
    if content[:2] == b"\x1f\x8b":
        with gzip.open(io.BytesIO(content)) as file:
            content = file.read(_MOST + 1)
        if len(content) > _MOST:
            raise ValueError("it holds far more than MNIST")
    if content[:3] != b"\0\0\x08":
        raise ValueError("it is no IDX file of unsigned bytes")
    shape = struct.unpack_from(f">{content[3]}I", content, 4)
    array = np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape))
    return array.reshape(shape).copy()  # writable


def _host(mirror: tuple[RemoteFile, ...]) -> str:
    return urlsplit(mirror[0].url).netloc


def _download(mirror: tuple[RemoteFile, ...]) -> dict[str, bytes]:
    """Download a mirror's files and check their hashes: name without .gz, and content.

    Raises:
        OSError: The server is not there, is silent, refuses, or stops half way.
        ValueError: It sent something else.
    """
    files = {}
    with tqdm(
        desc=f"Downloading MNIST from {_host(mirror)}",
        total=sum(remote.size for remote in mirror),
        unit="B",
        unit_scale=True,
        leave=False,  # a bar that stopped half way goes
    ) as bar:
        for remote in mirror:
            content = bytearray()
            with closing(_receive(remote.url)) as chunks:  # at once, whatever happens here
                for chunk in chunks:
                    content += chunk
                    bar.update(len(chunk))
                    if len(content) > remote.size:  # perhaps without end
                        break
            algorithm, expected = remote.hash.split(":")
            got = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
            if got != expected:
                page = content.lstrip()[:1] == b"<"
                raise ValueError(
                    f"sent something else as {remote.name}: expected {remote.size:,} bytes with "
                    f"{algorithm} {expected}, got {len(content):,} with {got}"
                    + (" (a web page: does this network ask you to log in?)" if page else "")
                )
            files[remote.name.removesuffix(".gz")] = bytes(content)
        bar.leave = True
    return files


class _Pipe:
    """What a download is written to in one thread and read from in another."""

    def __init__(self) -> None:
        self.items: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
        self.closed = False

    def write(self, chunk: bytes) -> None:
        if self.closed:
            raise BrokenPipeError("nobody reads this download any more")
        self.items.put(chunk)

    def flush(self) -> None:
        """Nothing waits; but pooch flushes what it writes to."""


def _receive(url: str) -> Generator[bytes, None, None]:
    """Yield the content of a URL as it comes.

    The download runs in a thread of its own, for a time-out alone would not keep `PATIENCE`: none
    applies to the look-up of a name, and each address of a host has the connection's time-out to
    itself.

    Raises:
        TimeoutError: After `PATIENCE` seconds of silence.
        OSError: Any other failure of the download.
    """
    pipe = _Pipe()
    responses: list[Any] = []
    download = pooch.HTTPDownloader(
        # Half of it to connect, so that a second address has its turn where the first, often of
        # IPv6, leads nowhere.
        timeout=(PATIENCE / 2, PATIENCE),
        headers={"Accept-Encoding": "identity"},  # the file's own bytes: they have the hash
        hooks={"response": lambda response, **_: responses.append(response)},
    )

    def work() -> None:
        try:
            download(url, pipe, None)
            pipe.items.put(None)
        except Exception as error:
            cause: BaseException = error
            while cause.__context__:  # "Connection refused", not the story of who told whom
                cause = cause.__context__
            pipe.items.put(OSError(f"{type(cause).__name__}: {cause}"))
        finally:
            for response in responses:  # pooch leaves it open after an error
                response.close()

    try:
        threading.Thread(target=work, name="digitlab download", daemon=True).start()
        while True:
            try:
                item = pipe.items.get(timeout=PATIENCE)
            except queue.Empty:
                raise TimeoutError(f"silent for {PATIENCE:g} seconds, given up") from None
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        pipe.closed = True


def _keep(files: Mapping[str, bytes], digits: Digits) -> None:
    """Put MNIST into the cache, whole or not at all; warn where that cannot be done."""
    target = _cache_file()
    try:
        with atomic_write(target) as part:
            if NPZ in files:
                part.write_bytes(files[NPZ])
            else:
                np.savez_compressed(part, **{name: getattr(digits, name) for name in ARRAYS})
    except OSError as error:
        warnings.warn(
            f"MNIST was downloaded, but cannot be kept at {target} ({error}), so the next call "
            f"will download it again.",
            stacklevel=3,  # the caller of load_digits
        )
