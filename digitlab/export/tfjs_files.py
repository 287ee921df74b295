"""The files of an export to TensorFlow.js: model.json, and weights named by their checksums."""

import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from digitlab._io import json_with_checksum

MODEL = "model.json"
SHARDS = "group*-shard*.bin*"  # the pattern of the weights' names, also of compressed copies
_DIGITS = 12  # of the checksum, in the name
_SHARD_NAME = re.compile(rf"[\w-][\w.-]*-([0-9a-f]{{{_DIGITS}}})\.bin")


def name_shard(content: bytes, number: int, count: int) -> str:
    """Return the name of one of `count` files with weights, numbered from 1."""
    return f"group1-shard{number}of{count}-{_checksum(content)}.bin"


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def write_export(files: dict[str, bytes], target: Path) -> None:
    """Write an export, so that model.json in the folder is always complete.

    Args:
        files: The content of each file by name: the weights, and model.json last.
        target: The folder, which is created if necessary.

    Raises:
        OSError: The files cannot be written. In that case, none has changed.
    """
    new_folders = [path for path in (target, *target.parents) if not path.exists()]
    try:
        target.mkdir(parents=True, exist_ok=True)
        _publish(files, target)
    except BaseException:
        for folder in new_folders:
            with suppress(OSError):
                folder.rmdir()
        raise


def _publish(files: dict[str, bytes], target: Path) -> None:
    old = _listed(target / MODEL)
    added = [target / name for name in files if not (target / name).exists()]
    # Inside the target, so that files are moved within one file system.
    with tempfile.TemporaryDirectory(
        prefix=".export-", dir=target, ignore_cleanup_errors=True
    ) as folder:
        fresh = Path(folder)
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        try:
            for name in files:
                os.replace(fresh / name, target / name)
        except BaseException:
            if (fresh / MODEL).exists():  # else it is in place: Ctrl-C came after the last move
                for path in added:
                    with suppress(OSError):
                        path.unlink(missing_ok=True)
            raise
    for name in old - set(files):
        with suppress(OSError):
            (target / name).unlink(missing_ok=True)


def _listed(model_json: Path) -> set[str]:
    """Return the names of the weight files that a model.json lists and that lie beside it."""
    try:
        document = json.loads(model_json.read_text("utf-8"))
        paths = [path for group in document["weightsManifest"] for path in group["paths"]]
        # The file may come from anywhere: return no names in other folders, and only weights.
        return {path for path in paths if Path(path).name == path and path.endswith(".bin")}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def verified_weights(folder: Path) -> tuple[str, ...]:
    """Return the names of the weight files of an export, after checking that nothing is damaged.

    Raises:
        FileNotFoundError: model.json, or a file that it lists, is missing.
        ValueError: One of them was changed or cut off, or something else wrote them.
    """
    try:
        text = (folder / MODEL).read_text(encoding="utf-8")
    except OSError as error:
        raise FileNotFoundError(
            f"expected a folder that digitlab.export_tfjs wrote, with a {MODEL}; {folder} has "
            f"none that can be read ({error.strerror})"
        ) from error
    try:
        document = json.loads(text)
        names = [name for group in document["weightsManifest"] for name in group["paths"]]
        if json_with_checksum(document) != text or not all(map(_SHARD_NAME.fullmatch, names)):
            raise ValueError("it was changed, or something else wrote it")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"expected {folder / MODEL} to be as digitlab.export_tfjs wrote it: {error}. "
            "Export the network again"
        ) from error
    for name in names:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"expected the weights {name} beside {MODEL} in {folder}")
        if _checksum((folder / name).read_bytes()) != _SHARD_NAME.sub(r"\1", name):
            raise ValueError(
                f"expected {folder / name} to be as digitlab.export_tfjs wrote it; it was cut off "
                "or changed. Export the network again"
            )
    return tuple(names)
