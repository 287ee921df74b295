"""Type checkers see the public names: README's examples pass, and mistakes are reported."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYRIGHT = ROOT / "tests" / "tfjs" / "node_modules" / "pyright" / "index.js"

README = "\n".join(
    re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
)
# Each line has one mistake.
MISTAKES = """\
digitlab.load_recogniser()
digitlab.DrawingPad(sizes=3)
digitlab.DrawingPad(size="large")
digitlab.load_digits(sampel=False)
digitlab.TrainConfig(epoch=3)
digitlab.TrainConfig(epochs="3")
digitlab.load_recognizer().predict()
digitlab.load_recognizer().predikt([])
digitlab.stored_drawing(5).digit
digitlab.load_digits().x_tests
prediction.digits
digitlab.plot_history()
"""
# Arguments that docstrings allow.
ALLOWED = """\
from pathlib import Path
digitlab.Digits([prediction.image], range(1), None, None, "mine")
digitlab.Digits(prediction.image[None], digitlab.load_digits().y_test[:1], None, None, "mine")
digitlab.load_recognizer(Path("mine.tflite"))
"""
REVEALED = """\
reveal_type(digitlab.load_recognizer())
reveal_type(digitlab.load_digits())
reveal_type(prediction)
"""
USERS_FILE = README + ALLOWED + REVEALED + MISTAKES


def by_mypy(folder):
    """Run mypy; return the lines with errors, and the revealed types."""
    command = [sys.executable, "-m", "mypy", "--config-file=", f"--cache-dir={os.devnull}"]
    run = subprocess.run([*command, "user.py"], cwd=folder, capture_output=True, text=True)
    found = re.findall(r"^user\.py:(\d+): (error|note): (.*)$", run.stdout, re.M)
    assert found, run.stdout + run.stderr
    errors = {int(line) for line, kind, _ in found if kind == "error"}
    return errors, [text for _, _, text in found if text.startswith("Revealed")]


def by_pyright(folder):
    """Run pyright; return the same."""
    command = [shutil.which("node"), PYRIGHT, "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run([*command, "user.py"], cwd=folder, capture_output=True, text=True)
    found = json.loads(run.stdout)["generalDiagnostics"]
    errors = {it["range"]["start"]["line"] + 1 for it in found if it["severity"] == "error"}
    return errors, [it["message"] for it in found if it["severity"] == "information"]


@pytest.mark.slow
@pytest.mark.parametrize("check", [by_mypy, by_pyright])
def test_examples_pass_and_each_mistake_is_reported(check, tmp_path, request):
    if check is by_pyright:
        request.getfixturevalue("node")
    (tmp_path / "user.py").write_text(USERS_FILE)
    errors, revealed = check(tmp_path)
    lines = USERS_FILE.splitlines()
    assert [lines[line - 1] for line in sorted(errors)] == MISTAKES.splitlines()
    for text, name in zip(revealed, ("Recognizer", "Digits", "Prediction"), strict=True):
        assert name in text
