"""Write what deploy/student_server.sh gives students: class/, which each copies, and mnist/.

Run this with the Python in which digitlab is installed. repo2docker does so through postBuild.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

import digitlab

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write both folders, and let everybody read them."""
    digits = digitlab.load_digits(sample=False)  # first, so that without MNIST nothing is half done
    made = subprocess.run([sys.executable, ROOT / "scripts" / "make_class.py"])
    if made.returncode:
        sys.exit(made.returncode)  # it has said why
    names = "x_train", "y_train", "x_test", "y_test"
    (ROOT / "mnist").mkdir(exist_ok=True)
    np.savez_compressed(
        ROOT / "mnist" / "mnist.npz", **{name: getattr(digits, name) for name in names}
    )
    for folder in ("class", "mnist"):
        for path in (ROOT / folder, *(ROOT / folder).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    # On a shared machine, students must not read the solutions, the slides with the answers, or the
    # page for teachers, which is in the book, too. `make book` keeps the folder's mode.
    (ROOT / "_book").mkdir(exist_ok=True)
    for name in ("notebooks", ".git", "_book", "slides.html"):
        if (ROOT / name).exists():
            (ROOT / name).chmod(0o700 if (ROOT / name).is_dir() else 0o600)


if __name__ == "__main__":
    main()
