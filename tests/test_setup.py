"""What a user installs: locks, wheel, environment.yml; the export without tensorflowjs.

The environments are new, outside the checkout, from the package index. uv installs into them,
because its cache turns TensorFlow's minutes into seconds. Where a user has pip choose the versions,
pip chooses them here.
"""

import gzip
import json
import os
import re
import runpy
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from support.server import serving

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-oldest.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = ("3.10", "3.11", "3.12")
# What a marker asks for, and uv's name of it.
PLATFORMS = {
    "x86_64-manylinux_2_28": {"sys_platform": "linux", "platform_machine": "x86_64"},
    "aarch64-manylinux_2_28": {"sys_platform": "linux", "platform_machine": "aarch64"},
    "aarch64-apple-darwin": {"sys_platform": "darwin", "platform_machine": "arm64"},
    "x86_64-pc-windows-msvc": {"sys_platform": "win32", "platform_machine": "AMD64"},
}

# Build a small model, export it, and read its weights back from the files with NumPy alone.
EXPORT = """
import json, sys
from pathlib import Path
import digitlab, keras, numpy as np

keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(2, 3, activation="relu")])
model.add(keras.layers.Flatten())
model.add(keras.layers.Dense(10, activation="softmax"))
folder = Path(sys.argv[1])
digitlab.export_tfjs(model, folder)
manifest = json.loads((folder / "model.json").read_text())["weightsManifest"]
data = b"".join((folder / path).read_bytes() for group in manifest for path in group["paths"])
expected = np.concatenate([weights.ravel() for weights in model.get_weights()])
np.testing.assert_array_equal(np.frombuffer(data, np.float32), expected)
print("exported")
"""


# As a user's shell: without what this process has from an environment, a `make` or a screen.
NOT_INHERITED = ("PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS", "ARGS", "DISPLAY", "WAYLAND_DISPLAY")
SHELL = {k: v for k, v in os.environ.items() if not k.startswith(NOT_INHERITED)}
SHELL |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_PYTHON_DOWNLOADS": "never"}


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does, and show its output if it fails."""
    result = subprocess.run(command, cwd=cwd, env=SHELL, capture_output=True, text=True)
    if check and result.returncode:
        tail = "\n".join((result.stdout + result.stderr).splitlines()[-30:])
        pytest.fail(f"{shlex.join(map(str, command))}\n{tail}", pytrace=False)
    return result


@pytest.fixture(scope="module")
def uv(tmp_path_factory):
    """uv's path, where it finds the package index."""
    find = pytest.importorskip("uv", reason="needs uv: pip install uv")
    path = find.find_uv_bin()
    command = [path, "pip", "install", "--dry-run", "--no-cache", "--target", "."]
    probe = run(*command, "tqdm", cwd=tmp_path_factory.mktemp("probe"), check=False)
    if probe.returncode:
        how = "needs the package index: go online, or name a mirror in UV_DEFAULT_INDEX"
        if "index" in os.environ.get("DIGITLAB_REQUIRE", "").split():
            pytest.fail(f"{how}\n{probe.stderr}", pytrace=False)
        pytest.skip(how)
    return path


def empty_environment(uv, folder):
    """Make an empty environment outside the checkout; return its Python."""
    run(uv, "venv", "--python", sys.executable, "env", cwd=folder)
    return folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"


@pytest.fixture
def environment(uv, tmp_path):
    """The Python of an empty environment."""
    return empty_environment(uv, tmp_path)


# The locks.


def entries(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Every package of a lock, with its hashes."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text("utf-8"), flags=re.M)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    parts = [line.split(" --hash=") for line in lines]
    return [(Requirement(part[0].strip()), part[1:]) for part in parts]


def locked(lock: str, target: dict[str, str]) -> dict[str, list[str]]:
    """The versions that a lock has of each package on one Python and platform."""
    versions: dict[str, list[str]] = {}
    for package, _ in entries(lock):
        if package.marker is None or package.marker.evaluate(target):
            version = str(package.specifier).removeprefix("==")
            versions.setdefault(canonicalize_name(package.name), []).append(version)
    return versions


def wanted(target: dict[str, str]) -> list[Requirement]:
    """What pyproject.toml asks for on one Python and platform."""
    named = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    return [r for r in map(Requirement, named) if r.marker is None or r.marker.evaluate(target)]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_and_hashes_everything(lock):
    assert len(entries(lock)) > 150
    for package, hashes in entries(lock):
        assert re.fullmatch(r"==[\w.+!]+", str(package.specifier)), package
        assert hashes, package
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", value) for value in hashes), package


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_no_address(lock):
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--\S*index\S*|--find-links)\b", text, flags=re.M)


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_one_version_of_all_that_pyproject_asks_for(lock, python, platform):
    target = PLATFORMS[platform] | {"python_version": python, "python_full_version": f"{python}.9"}
    versions = locked(lock, target)
    assert [name for name, several in versions.items() if len(several) > 1] == []
    for requirement in wanted(target):
        (version,) = versions.get(canonicalize_name(requirement.name), ["missing"])
        assert version != "missing", requirement
        assert version in requirement.specifier, requirement


def test_oldest_lock_has_the_lower_bounds_of_pyproject():
    """On the oldest Python; for later ones TensorFlow's companions ask for newer packages."""
    target = PLATFORMS["x86_64-manylinux_2_28"]
    target = target | {"python_version": "3.10", "python_full_version": "3.10.9"}
    versions = locked("requirements-oldest.lock", target)
    checked = 0
    for requirement in wanted(target):
        for bound in requirement.specifier:
            if bound.operator == ">=":
                (version,) = versions[canonicalize_name(requirement.name)]
                assert Version(version) == Version(bound.version), requirement
                checked += 1
    assert checked > 25


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_installs_everywhere(lock, uv, tmp_path):
    """From wheels alone, on every Python and platform: nothing has to be compiled."""

    def resolve(target):
        python, platform = target
        command = [uv, "pip", "install", "--dry-run", "--target", tmp_path / f"{python}{platform}"]
        command += ["--only-binary", ":all:", "--require-hashes", "-r", ROOT / lock]
        command += ["--python-version", python, "--python-platform", platform]
        result = run(*command, cwd=tmp_path, check=False)
        return f"{python} {platform}: {result.stderr}" if result.returncode else None

    with ThreadPoolExecutor(4) as pool:
        failures = pool.map(resolve, [(python, name) for name in PLATFORMS for python in PYTHONS])
    assert [failure for failure in failures if failure] == []


# make.


def test_without_a_usable_python_make_says_so_in_one_line(tmp_path):
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).symlink_to(ROOT / name)
    too_old = tmp_path / "python3"
    too_old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "raise AssertionError"\n')
    too_old.chmod(0o755)
    result = run("make", "lab", f"PYTHON={too_old} no-such-python", cwd=tmp_path, check=False)
    assert result.returncode
    said = [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(said) == 1
    assert re.match("digitlab needs Python 3.10, 3.11 or 3.12, and none of these is: ", said[0])
    assert not (tmp_path / ".venv").exists()


def test_make_lab_prints_the_address_of_the_first_notebook(tmp_path):
    if run("make", "--question", ".venv/.ready", cwd=ROOT, check=False).returncode:
        pytest.skip("needs an environment that make set up: make test, or make lab")
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    environment = SHELL | {"JUPYTER_RUNTIME_DIR": str(tmp_path)}
    log = tmp_path / "log"
    with log.open("w") as output:
        lab = subprocess.Popen(
            ["make", "lab", f"ARGS=--port={port}"],
            cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    address = None
    try:
        for _ in range(300):
            time.sleep(0.2)
            said = log.read_text()
            address = re.search(rf"http://localhost:{port}/lab/tree/(\S+)\?(token=\w+)", said)
            if address or lab.poll() is not None:
                break
        assert address, said
        notebook, token = address.groups()
        assert (ROOT / notebook).is_file()
        contents = f"http://localhost:{port}/api/contents/{notebook}?content=0&{token}"
        with urllib.request.urlopen(contents, timeout=30) as answer:
            assert json.load(answer)["type"] == "notebook"
    finally:
        if lab.poll() is None:
            os.killpg(lab.pid, signal.SIGTERM)
        lab.wait(30)


# make audit.


class Registry(BaseHTTPRequestHandler):
    """An index of all that stands in the locks, npm's, and a database of vulnerabilities."""

    yanked: str  # the name and version of a release
    changed: str  # a file's hash
    flawed: dict[str, str]  # names of packages, and their flaws
    knowing: bool  # or else it has nothing that it is asked for

    def answer(self, status: int, content: object = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        name = self.path.removeprefix("/simple/").strip("/")
        # A wheel for each hash: uv keeps the hashes of all.
        files = [
            {
                "filename": f"{name.replace('-', '_')}-{version}-{number}-py3-none-any.whl",
                "url": f"/files/{name}-{version}-{number}.whl",
                "hashes": {"sha256": self.changed[::-1] if digest == self.changed else digest},
                "yanked": "broken" if f"{name} {version}" == self.yanked else False,
            }
            for version, digests in LOCKED.get(name, {}).items()
            for number, digest in enumerate(sorted(digests))
        ]
        versions = list(LOCKED.get(name, {}))
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": files, "versions": versions}
        self.answer(200 if files and self.knowing else 404, page)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.knowing:
            self.answer(404)
        elif self.path == "/osv":
            name = json.loads(body)["package"]["name"]
            flaws = [{"id": self.flawed.get(name), "summary": "", "affected": []}]
            self.answer(200, {"vulns": flaws} if name in self.flawed else {})
        else:  # npm's
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            flaw = {
                "id": 1,
                "url": "",
                "title": "a flaw",
                "severity": "high",
                "vulnerable_versions": "*",
            }
            found = self.flawed.keys() & json.loads(body).keys()
            self.answer(200, {name: [flaw] for name in found})

    def log_message(self, *_):
        """Say nothing."""


LOCKED: dict[str, dict[str, set[str]]] = {}  # the hashes of each package's versions
for package, digests in [*entries(LOCKS[0]), *entries(LOCKS[1])]:
    versions = LOCKED.setdefault(canonicalize_name(package.name), {})
    of_version = versions.setdefault(str(package.specifier).removeprefix("=="), set())
    of_version.update(digest.strip().removeprefix("sha256:") for digest in digests)


@pytest.fixture
def audit(tmp_path, node):
    """Run the audit where the index, npm's and the database are what the arguments say."""

    def audit(yanked="", changed="", flawed=None, knowing=True):
        state = {"yanked": yanked, "changed": changed, "flawed": flawed or {}, "knowing": knowing}
        handler = type("Handler", (Registry,), state)
        with serving(handler) as address:
            places = {"UV_DEFAULT_INDEX": f"{address}/simple", "UV_CACHE_DIR": str(tmp_path)}
            places |= {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv"}
            places |= {"PIP_AUDIT_OSV_URL": f"{address}/osv"}
            places |= {"npm_config_registry": address, "npm_config_cache": str(tmp_path / "npm")}
            result = subprocess.run(
                [sys.executable, ROOT / "scripts" / "audit.py"],
                env=SHELL | places, capture_output=True, text=True,
            )  # fmt: skip
        marked = re.findall(r"^  ((?:FOUND|NOT CHECKED) .*)", result.stdout, flags=re.M)
        return result.returncode, marked

    if run("make", "--question", ".venv/.ready", cwd=ROOT, check=False).returncode:
        pytest.skip("needs an environment that make set up: make test, or make lab")
    return audit


def test_audit_finds_nothing_where_there_is_nothing(audit):
    """So all licences of the lock are permissive, or read and accepted."""
    assert audit() == (0, [])


def test_audit_finds_what_is_known_to_be_vulnerable(audit):
    status, marked = audit(flawed={"tornado": "TEST-2026-1", "long": ""})
    (version,) = locked("requirements.lock", default_environment())["tornado"]
    assert status == 1
    assert marked == [
        f"FOUND tornado {version}: TEST-2026-1 (fixed in no release yet)",
        "FOUND digitlab/web/site: long, high: a flaw",
        "FOUND tests/tfjs: long, high: a flaw",
    ]


def test_audit_finds_a_release_that_was_withdrawn_and_a_file_that_was_changed(audit):
    package, digests = entries("requirements-oldest.lock")[0]
    digest = digests[0].strip()
    name, version = package.name, str(package.specifier).removeprefix("==")
    status, marked = audit(yanked=f"{name} {version}", changed=digest.removeprefix("sha256:"))
    assert status == 1
    for lock in LOCKS:  # both have this release
        assert f'FOUND {lock}: `{name}=={version}` is yanked (reason: "broken")' in marked
        assert f"FOUND {lock}: the index has no file with {digest}" in marked
    assert len(marked) == 4


def test_audit_says_what_it_could_not_ask(audit):
    status, marked = audit(knowing=False)
    assert status == 2
    assert [re.match(r"NOT CHECKED ([\w./-]+): \w", line)[1] for line in marked] == [
        "requirements.lock",
        "digitlab/web/site",
        "tests/tfjs",
        "requirements.lock",
        "requirements-oldest.lock",
    ]


def test_audit_says_what_the_database_does_not_know():
    known = {"name": "numpy", "version": "2.1.3", "vulns": []}
    unknown = {"name": "tqdm", "skip_reason": "not found: tqdm"}
    read = runpy.run_path(str(ROOT / "scripts" / "audit.py"))["read"]
    assert read([known]) == ([], [])
    reason = "requirements.lock: 1 of 2 packages, the first: not found: tqdm"
    assert read([known, unknown]) == ([], [reason])


@pytest.mark.parametrize(
    "name",
    ["GPL-3.0-or-later", "GNU Affero General Public License v3", "MIT AND LGPL-2.1", "unknown", ""],
)
def test_audit_takes_no_licence_for_permissive_that_is_not(name):
    permissive = runpy.run_path(str(ROOT / "scripts" / "audit.py"))["permissive"]
    assert not permissive(name)
    assert permissive(f"{name} OR MIT")


# The wheel.


@pytest.fixture(scope="module")
def wheel(uv, tmp_path_factory):
    """The wheel, built from the source archive."""
    folder = tmp_path_factory.mktemp("dist")
    run(uv, "build", "--quiet", "--out-dir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def core(uv, wheel, tmp_path_factory):
    """The Python of an environment with the wheel and what its core needs: no TensorFlow."""
    folder = tmp_path_factory.mktemp("core")
    python = empty_environment(uv, folder)
    run(sys.executable, "-m", "pip", "--python", python, "install", wheel, cwd=folder)
    return python


def test_the_wheel_holds_the_whole_package(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    files = (path for path in (ROOT / "digitlab").rglob("*") if path.is_file())
    inside = {path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc"}
    assert {"digitlab/py.typed", "digitlab/__init__.pyi", "digitlab/web/pointer.js"} <= inside
    tfjs = (ROOT / "models" / "tfjs").iterdir()
    inside |= {"digitlab/models/digits.tflite", *(f"digitlab/models/tfjs/{p.name}" for p in tfjs)}
    assert {name for name in names if ".dist-info/" not in name} == inside


def test_the_core_draws_and_predicts(core, tmp_path):
    script = """
import importlib.util, sys
import digitlab, digitlab.export.site
assert "site-packages" in digitlab.__file__, digitlab.__file__
for digit in range(10):
    assert digitlab.load_recognizer().predict(digitlab.stored_drawing(digit)).digit == digit
pad = digitlab.DrawingPad()
pad.draw(digitlab.stored_drawing(5))
assert pad.prediction.digit == 5
assert (digitlab.export.site.shipped_model() / "model.json").is_file()
assert importlib.util.find_spec("tensorflow") is None
"""
    run(core, "-c", script, cwd=tmp_path)


# What people and tools ask of the package in an environment that cannot train: each runs in a
# Python of its own.
QUESTIONS = {
    "star import": "from digitlab import *; load_recognizer, DrawingPad, normalize_image",
    "hasattr": "import digitlab; print(hasattr(digitlab, 'train'), hasattr(digitlab, 'embed'))",
    "getattr": "import digitlab; assert getattr(digitlab, 'export_tfjs', None) is None",
    "dir": "import digitlab; [getattr(digitlab, name) for name in dir(digitlab)]",
    "all": "import digitlab; [getattr(digitlab, name) for name in digitlab.__all__]",
    "members": "import digitlab, inspect; inspect.getmembers(digitlab)",
    "autospec": "import digitlab; from unittest import mock; mock.create_autospec(digitlab)",
    "doctest": "import digitlab, doctest; doctest.DocTestFinder().find(digitlab)",
    "help": "import digitlab; help(digitlab)",
    "plots": "import digitlab; digitlab.plot_digits, digitlab.plot_history, digitlab.plot_saliency",
    "copy": "import digitlab, types; types.SimpleNamespace(**vars(digitlab))",
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_the_core_answers(core, tmp_path, question):
    answer = run(core, "-W", "error", "-c", question, cwd=tmp_path)
    assert answer.stderr == ""


def test_the_core_has_a_manual(core, tmp_path):
    text = run(core, "-m", "pydoc", "digitlab", cwd=tmp_path).stdout
    assert "load_recognizer" in text and "No module named" not in text


@pytest.mark.parametrize("name", ["train", "digits_cnn", "export_tfjs", "export_tflite", "embed"])
@pytest.mark.parametrize("code", ["import digitlab; digitlab.{}", "from digitlab import {}"])
def test_the_core_says_what_training_needs(core, tmp_path, code, name):
    failed = run(core, "-c", code.format(name), cwd=tmp_path, check=False)
    last = failed.stderr.strip().splitlines()[-1]
    assert failed.returncode == 1
    assert f"digitlab.{name}" in last and "pip install 'digitlab[train]'" in last


# environment.yml, and TensorFlow.js.


def test_environment_yml_names_what_it_needs_with_a_reason_each():
    lines = (ROOT / "environment.yml").read_text("utf-8").splitlines()
    listed = [line for line in lines if re.match(r"\s*- [^ ]+", line) and "pip:" not in line]
    assert [line for line in listed if not re.search(r" # \S+ \S+", line)] == []
    named = {re.match(r"\s*- ([\w-]+)", line)[1] for line in listed if "-e ." not in line}
    assert named >= {"jupyterlab", "ipywidgets", "ipycanvas", "matplotlib", "nbval"}
    assert named >= {"tensorflow", "tensorflowjs"}


def test_environment_yml_imports_and_exports(uv, environment, tmp_path):
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    (python,) = [d for d in dependencies if isinstance(d, str) and d.startswith("python=")]
    assert python.removeprefix("python=") in PYTHONS

    # As conda does: pip, in this folder, reads the lines from a file. Which versions, pip chooses;
    # uv puts them in place, from its cache: pip takes minutes to unpack TensorFlow.
    requirements, report = tmp_path / "requirements.txt", tmp_path / "report.json"
    requirements.write_text("\n".join(dependencies[-1]["pip"]))
    pip = [sys.executable, "-m", "pip", "--python", environment, "install", "--dry-run", "--quiet"]
    run(*pip, "-U", "--report", report, "-r", requirements, cwd=ROOT)
    chosen = [package["metadata"] for package in json.loads(report.read_text())["install"]]
    pins = [f"{p['name']}=={p['version']}" for p in chosen if p["name"] != "digitlab"]
    install = [uv, "pip", "install", "--python", environment, "--no-deps"]
    run(*install, *pins, "-e", ROOT, cwd=tmp_path)

    modules = "jupyterlab, ipywidgets, ipycanvas, tensorflow, tensorflowjs, matplotlib, nbval"
    run(environment, "-c", f"import {modules}", cwd=tmp_path)
    assert "exported" in run(environment, "-c", EXPORT, "tfjs", cwd=tmp_path).stdout


def test_the_export_needs_no_package_tensorflowjs(uv, environment, tmp_path):
    """It has no wheels for Windows, nor for newer TensorFlows."""
    install = [uv, "pip", "install", "--python", environment, "-e", ROOT]
    run(*install, "tensorflow>=2.20", cwd=tmp_path)
    code = "import importlib.util; assert importlib.util.find_spec('tensorflowjs') is None\n"
    assert "exported" in run(environment, "-c", code + EXPORT, "tfjs", cwd=tmp_path).stdout
