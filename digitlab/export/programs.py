"""Node, and running programs such as npm and esbuild."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

_NODE = 18  # the oldest version that runs esbuild and the page's syntax
INSTALL = f"install Node.js {_NODE} or newer with npm (nodejs.org; conda install nodejs)"


def find_node() -> str:
    """Return the path of Node.

    Raises:
        FileNotFoundError: It is missing or too old; the message says what to install.
    """
    path = shutil.which("node")
    if path is None:
        raise FileNotFoundError(f"build_site needs Node.js, and there is none: {INSTALL}")
    version = output_of(run_program([path, "--version"])).strip()
    if int(re.sub(r"\D.*", "", version.removeprefix("v")) or 0) < _NODE:
        raise FileNotFoundError(f"build_site got Node.js {version}, too old: {INSTALL}")
    return path


def run_program(
    command: Sequence[str], folder: str | None = None, seconds: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program; if it takes too long, or on Ctrl-C, end it and all that it started.

    Raises:
        TimeoutError: It took longer than `seconds`.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # a process group of its own, which is ended as a whole
    ) as process:
        try:
            out, err = process.communicate(timeout=seconds)
        except BaseException as error:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            if isinstance(error, subprocess.TimeoutExpired):
                raise TimeoutError(f"{command[0]} took longer than {seconds:.0f} s") from error
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def output_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a program printed.

    Raises:
        RuntimeError: It failed; the message has the last lines that it printed.
    """
    if done.returncode != 0:
        program, what, *_ = done.args
        failed = f"{Path(program).stem} {what} failed ({done.returncode})"
        raise RuntimeError(f"{failed}:\n{last_lines(done)}")
    return done.stdout


def last_lines(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last lines that a program printed."""
    return "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
