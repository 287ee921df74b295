"""What a user installs: locks, make, wheel, environment.yml, and a notebook service.

The environments are new and outside the checkout, with packages from the package index. uv installs
into them, because its cache turns TensorFlow's minutes into seconds; pip installs the wheel, as a
user would.
"""

import gzip
import hashlib
import json
import os
import platform
import re
import runpy
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from itertools import product
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
HUB_LOCK = "deploy/requirements.lock"
OPTIONAL_LOCK = "tests/optional/requirements.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
CONVERTER = "tensorflowjs"  # the extra that the locks leave out
# Each platform by uv's name, with the values of the variables in a requirement's marker.
MARKERS = ("os_name", "sys_platform", "platform_machine")
PLATFORMS = {
    "x86_64-manylinux_2_28": dict(zip(MARKERS, ("posix", "linux", "x86_64"), strict=True)),
    "aarch64-manylinux_2_28": dict(zip(MARKERS, ("posix", "linux", "aarch64"), strict=True)),
    "aarch64-apple-darwin": dict(zip(MARKERS, ("posix", "darwin", "arm64"), strict=True)),
    "x86_64-pc-windows-msvc": dict(zip(MARKERS, ("nt", "win32", "AMD64"), strict=True)),
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


# As in a user's shell: without the variables of a virtual environment, a `make` or a screen.
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
    """The path of uv, if it reaches the package index."""
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


def empty_environment(uv, folder, python=sys.executable):
    """Make an empty environment outside the checkout; return its Python."""
    run(uv, "venv", "--python", python, "env", cwd=folder)
    return folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"


@pytest.fixture
def environment(uv, tmp_path):
    """The Python of an empty environment."""
    return empty_environment(uv, tmp_path)


def pythons(*versions):
    """Yield the Pythons of these versions on this machine, from pyenv and from PATH."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in versions:
        found = [*pyenv.glob(f"{version}.*/bin/python"), shutil.which(f"python{version}")]
        for path in filter(None, found):
            if not subprocess.run([path, "-c", ""], capture_output=True).returncode:
                yield str(path)


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
    """pyproject.toml's requirements on one Python and platform, without the article's converter."""
    extras = PROJECT["optional-dependencies"].items()
    named = [*PROJECT["dependencies"], *sum((e for name, e in extras if name != CONVERTER), [])]
    return [r for r in map(Requirement, named) if r.marker is None or r.marker.evaluate(target)]


@pytest.mark.parametrize("lock", [*LOCKS, HUB_LOCK, OPTIONAL_LOCK])
def test_lock_pins_and_hashes_everything(lock):
    assert len(entries(lock)) > (5 if lock == OPTIONAL_LOCK else 150)
    for package, hashes in entries(lock):
        assert re.fullmatch(r"==[\w.+!]+", str(package.specifier)), package
        assert hashes, package
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", value) for value in hashes), package


@pytest.mark.parametrize("lock", [*LOCKS, HUB_LOCK, OPTIONAL_LOCK])
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


@pytest.mark.parametrize("python", PYTHONS)
def test_students_on_a_hub_have_the_versions_that_are_tested(python):
    target = PLATFORMS["x86_64-manylinux_2_28"]
    target = target | {"python_version": python, "python_full_version": f"{python}.9"}
    tested, hub = locked(LOCKS[0], target), locked(HUB_LOCK, target)
    assert {"jupyterhub", "jupyterhub-idle-culler", "jupyterlab", "tensorflow"} <= hub.keys()
    for name in {canonicalize_name(requirement.name) for requirement in wanted(target)}:
        assert hub.get(name, tested[name]) == tested[name], name


def test_one_tensorflow_and_one_keras_for_all():
    """So a file that was saved on one Python can be read on all."""
    for name, version in {"tensorflow": "2.21", "keras": "3.12"}.items():
        (release,) = (r for r, _ in entries("requirements.lock") if r.name == name)
        assert str(release.specifier).startswith(f"=={version}.")


@pytest.mark.parametrize("name", ["tensorflowjs", "tf-keras", "ydf", "tensorflow-decision-forests"])
def test_only_one_extra_has_the_article_s_converter(name):
    extras = PROJECT["optional-dependencies"]
    others = [*PROJECT["dependencies"], *sum((extras[e] for e in extras if e != CONVERTER), [])]
    assert name not in {canonicalize_name(Requirement(line).name) for line in others}
    for lock in LOCKS:
        assert name not in {canonicalize_name(package.name) for package, _ in entries(lock)}


def test_what_keras_and_tensorflow_would_import_in_each_process_is_in_a_lock_of_its_own():
    optional = {"jax", "jaxlib", "scikit-learn"}
    assert optional <= {canonicalize_name(package.name) for package, _ in entries(OPTIONAL_LOCK)}
    for lock in (*LOCKS, HUB_LOCK):
        assert not optional & {canonicalize_name(package.name) for package, _ in entries(lock)}


def test_oldest_lock_has_the_lower_bounds_of_pyproject():
    """On the oldest Python. On later ones, TensorFlow's dependencies ask for newer packages."""
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


def not_installable(uv, folder, targets, *arguments):
    """uv's messages for the pairs of a Python and a platform on which it cannot install something
    from wheels, without which it would have to be compiled."""

    def resolve(target):
        python, platform = target
        command = [uv, "pip", "install", "--dry-run", "--target", folder / f"{python}{platform}"]
        command += ["--only-binary", ":all:", *arguments]
        command += ["--python-version", python, "--python-platform", platform]
        result = run(*command, cwd=folder, check=False)
        return f"{python} {platform}: {result.stderr}" if result.returncode else None

    with ThreadPoolExecutor(4) as pool:
        return [failure for failure in pool.map(resolve, targets) if failure]


@pytest.mark.parametrize("lock", [*LOCKS, OPTIONAL_LOCK])
def test_lock_installs_everywhere(lock, uv, tmp_path):
    arguments = ["--require-hashes", "-r", ROOT / lock, *["--no-deps"] * (lock == OPTIONAL_LOCK)]
    assert not_installable(uv, tmp_path, product(PYTHONS, PLATFORMS), *arguments) == []


# make.


# The system's programs that make uses, besides a Python.
TOOLS = "sh sed tail mkdir cat rm touch uname id make".split()
OUR_FILES = "Makefile pyproject.toml README.md LICENSE digitlab models".split()


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose lock has only uv and pip, so that it is set up in seconds."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in OUR_FILES:
        (folder / name).symlink_to(ROOT / name)
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text("utf-8"))
    small = [block for block in blocks if block.startswith(("uv==", "pip=="))]
    (folder / "requirements.lock").write_text("\n".join(small) + "\n")
    return folder


@pytest.fixture
def bare(tmp_path):
    """The environment of a shell on a system without any Python, uv or pipx."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name))
    return SHELL | {"PATH": str(folder)}


def make(checkout, target, *arguments, environment=SHELL):
    """Run make; return its result, and the lines on its error stream without make's own."""
    command = ["make", target, *arguments]
    result = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    lines = [line for line in result.stderr.splitlines() if not line.startswith("make: ***")]
    return result, lines


def unsuitable_python():
    """A Python for which TensorFlow has no wheels, with a pip that can install uv."""
    for path in pythons("3.9", "3.8", "3.14", "3.15"):
        if not subprocess.run([path, "-m", "pip", "--version"], capture_output=True).returncode:
            return path
    pytest.skip("needs a Python 3.8, 3.9 or 3.14 beside this one")


def says_what_to_install(checkout, result, lines):
    assert result.returncode
    (line,) = lines
    assert re.match("digitlab needs Python 3.10 to 3.13. Found none among ", line)
    assert "Install Python 3.13 with pip" in line
    assert not (checkout / ".venv").exists()
    return line


def test_without_any_python_make_says_so_in_one_line(checkout, bare):
    line = says_what_to_install(checkout, *make(checkout, "lab", environment=bare))
    assert "there is neither a pip of Python 3.8 or newer nor uv to fetch one" in line


@pytest.mark.parametrize("version", ["3.6", "3.7", "2.7"])
def test_a_python_too_old_for_uv_does_not_count(checkout, bare, version):
    old = next(pythons(version), None) or pytest.skip(f"needs a Python {version} beside this one")
    failed = make(checkout, "lab", f"PYTHON={old}", environment=bare)
    assert old in says_what_to_install(checkout, *failed)


def test_a_python_that_does_not_run_does_not_count(checkout, bare, tmp_path):
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho not installed >&2; exit 127\n")
    shim.chmod(0o755)
    failed = make(checkout, "lab", f"PYTHON={shim} no-such-python", environment=bare)
    assert f"{shim} no-such-python" in says_what_to_install(checkout, *failed)


NOWHERE = "http://localhost:9"  # the port "discard": nothing listens there


def test_where_no_python_can_be_fetched_make_says_so_in_one_line(uv, checkout):
    nowhere = SHELL | {"UV_PYTHON_INSTALL_MIRROR": NOWHERE, "UV_HTTP_RETRIES": "0"}
    other = unsuitable_python()
    failed = make(checkout, "lab", f"PYTHON={other}", environment=nowhere)
    assert "uv could fetch none: " in says_what_to_install(checkout, *failed)
    assert "Fetching Python 3.13" in failed[0].stdout


def test_where_uv_cannot_be_had_make_says_so_in_one_line(checkout):
    nowhere = {k: v for k, v in SHELL.items() if not k.startswith("PIP_")}
    nowhere |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "0"}
    failed = make(checkout, "lab", f"PYTHON={unsuitable_python()}", environment=nowhere)
    assert "pip could not get uv to fetch one: " in says_what_to_install(checkout, *failed)


def is_set_up(checkout, version):
    """Whether the environment imports the package, with a Python of this version."""
    script = "import sys, digitlab; print(*sys.version_info[:2], sep='.')"
    return run(checkout / ".venv/bin/python", "-c", script, cwd=checkout).stdout == f"{version}\n"


@pytest.mark.parametrize("version", PYTHONS)
def test_make_takes_each_python_from_3_10_to_3_13(uv, checkout, version):
    python = next(pythons(version), None) or pytest.skip(f"needs Python {version}")
    result, lines = make(checkout, ".venv/.ready", f"PYTHON=no-such-python {python}")
    assert (result.returncode, lines) == (0, [])
    assert is_set_up(checkout, version)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A list of downloads in uv's format, with this machine's Python 3.13 as the only one."""
    folder = tmp_path_factory.mktemp("published")
    python = next(pythons("3.13"), None) or pytest.skip("needs Python 3.13")
    ask = "import sys; print(sys.base_prefix, sys.version_info.micro, sep='\\n')"
    prefix, patch = run(python, "-c", ask, cwd=folder).stdout.split("\n")[:2]
    if Path(prefix) == Path("/usr"):
        pytest.skip("needs a Python 3.13 in a folder of its own, such as pyenv's")

    def needed(member):
        path = Path(member.name)
        left_out = {"test", "__pycache__", "site-packages"} & set(path.parts) or path.suffix == ".a"
        return None if left_out else member

    archive = folder / "python.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=0) as tar:
        for name in ("bin", "lib", "include"):
            tar.add(Path(prefix) / name, f"python/{name}", filter=needed)
    family = platform.machine()
    release = {"name": "cpython", "major": 3, "minor": 13, "patch": int(patch), "prerelease": ""}
    release |= {"os": "linux", "libc": "gnu", "arch": {"family": family, "variant": None}}
    release |= {"url": archive.as_uri(), "variant": None, "build": "1"}
    release["sha256"] = hashlib.sha256(archive.read_bytes()).hexdigest()
    releases = folder / "releases.json"
    releases.write_text(json.dumps({f"cpython-3.13.{patch}-linux-{family}-gnu": release}))
    return releases.as_uri()


@pytest.mark.skipif(sys.platform != "linux", reason="the list of releases is for Linux")
@pytest.mark.parametrize("way", ["the pip of an unsuitable Python", "uv alone"])
def test_make_fetches_a_python_where_there_is_none(uv, checkout, bare, published, way):
    system = bare | {"UV_PYTHON_DOWNLOADS_JSON_URL": published}
    if way == "uv alone":
        (Path(bare["PATH"]) / "uv").symlink_to(uv)
        arguments = []
    else:
        arguments = [f"PYTHON={unsuitable_python()}"]
    result, lines = make(checkout, ".venv/.ready", *arguments, environment=system)
    assert (result.returncode, lines) == (0, [])
    assert is_set_up(checkout, "3.13")
    assert (checkout / ".venv/bin/python").resolve().is_relative_to(checkout / ".tools")

    # The next time, nothing is fetched.
    (checkout / "requirements.lock").touch()
    result, _ = make(checkout, ".venv/.ready", *arguments, environment=bare)
    assert result.returncode == 0
    assert "Setting up" in result.stdout and "Fetching" not in result.stdout


def test_what_readme_says_for_windows_sets_up_the_same(uv, checkout):
    """Run the README's three lines, with the names that these commands have here."""
    readme = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```powershell\n(.*?)```", readme, flags=re.DOTALL)
    create, *install = block.splitlines()
    assert create == "py -m venv .venv" and len(install) == 2
    run(sys.executable, "-m", "venv", ".venv", cwd=checkout)
    for line in install:
        run(*line.replace(r".venv\Scripts\python", ".venv/bin/python").split(), cwd=checkout)
    assert is_set_up(checkout, f"{sys.version_info.major}.{sys.version_info.minor}")


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
        for _ in range(300):  # it prints its address just before it listens
            with suppress(ConnectionRefusedError), socket.create_connection(("localhost", port)):
                break
            time.sleep(0.2)
        contents = f"http://localhost:{port}/api/contents/{notebook}?content=0&{token}"
        with urllib.request.urlopen(contents, timeout=30) as answer:
            assert json.load(answer)["type"] == "notebook"
    finally:
        if lab.poll() is None:
            os.killpg(lab.pid, signal.SIGTERM)
        try:
            lab.wait(30)
        except subprocess.TimeoutExpired:
            # As in `support.browser.frontend`: Jupyter has stopped, a thread keeps Python running.
            os.killpg(lab.pid, signal.SIGKILL)
            lab.wait()


# make audit.


class Registry(BaseHTTPRequestHandler):
    """An index of all packages in the locks, npm's registry, and a database of vulnerabilities."""

    yanked: str  # the name and version of a release
    changed: str  # a file's hash
    flawed: dict[str, str]  # the flaw of each package, by its name
    knowing: bool  # whether it knows the packages that it is asked for

    def answer(self, status: int, content: object = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        name = self.path.removeprefix("/simple/").strip("/")
        # A wheel for each hash, because uv writes the hashes of all wheels to the lock.
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
        else:  # npm's registry
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


LOCKED: dict[str, dict[str, set[str]]] = {}  # the hashes of each version of a package
for package, digests in sum(map(entries, (*LOCKS, OPTIONAL_LOCK, HUB_LOCK)), []):
    versions = LOCKED.setdefault(canonicalize_name(package.name), {})
    of_version = versions.setdefault(str(package.specifier).removeprefix("=="), set())
    of_version.update(digest.strip().removeprefix("sha256:") for digest in digests)


@pytest.fixture
def audit(tmp_path, node):
    """Run the audit against an index, registry and database in the state of the arguments."""

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
    """So all licences of the lock are permissive, or a person has read and accepted them."""
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


def test_audit_asks_about_what_serves_a_class_too(audit):
    status, marked = audit(flawed={"jupyterhub": "TEST-2026-2", "configurable-http-proxy": ""})
    (version,) = locked(HUB_LOCK, default_environment())["jupyterhub"]
    assert status == 1
    assert marked == [
        f"FOUND jupyterhub {version}: TEST-2026-2 (fixed in no release yet)",
        "FOUND deploy: configurable-http-proxy, high: a flaw",
    ]


def test_audit_finds_a_release_that_was_withdrawn_and_a_file_that_was_changed(audit):
    package, digests = entries("requirements-oldest.lock")[0]
    digest = digests[0].strip()
    name, version = package.name, str(package.specifier).removeprefix("==")
    status, marked = audit(yanked=f"{name} {version}", changed=digest.removeprefix("sha256:"))
    assert status == 1
    for lock in (*LOCKS, HUB_LOCK):  # each of them has this release
        assert f'FOUND {lock}: `{name}=={version}` is yanked (reason: "broken")' in marked
        assert f"FOUND {lock}: the index has no file with {digest}" in marked
    assert len(marked) == 6


def test_audit_says_what_it_could_not_ask(audit):
    status, marked = audit(knowing=False)
    assert status == 2
    newest = ("requirements.lock", OPTIONAL_LOCK, HUB_LOCK)
    assert [re.match(r"NOT CHECKED ([\w./, -]+): \w", line)[1] for line in marked] == [
        ", ".join(newest),
        "digitlab/web/site",
        "tests/tfjs",
        "deploy",
        *newest,
        "requirements-oldest.lock",
    ]


def test_audit_says_what_the_database_does_not_know():
    known = {"name": "numpy", "version": "2.1.3", "vulns": []}
    unknown = {"name": "tqdm", "skip_reason": "not found: tqdm"}
    findings = runpy.run_path(str(ROOT / "scripts" / "audit.py"))["findings"]
    assert findings([known]) == ([], [])
    reason = "1 of 2 packages, the first: not found: tqdm"
    assert findings([known, unknown]) == ([], [reason])


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
    """The Python of an environment with the wheel and its core's requirements: no TensorFlow."""
    folder = tmp_path_factory.mktemp("core")
    python = empty_environment(uv, folder)
    # No test imports most modules, and compiling all would take longer than installing them.
    pip = [sys.executable, "-m", "pip", "--python", python]
    run(*pip, "install", "--no-compile", wheel, cwd=folder)
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
import digitlab, digitlab._io
assert "site-packages" in digitlab.__file__, digitlab.__file__
for digit in range(10):
    assert digitlab.load_recognizer().predict(digitlab.stored_drawing(digit)).digit == digit
pad = digitlab.DrawingPad()
pad.draw(digitlab.stored_drawing(5))
assert pad.prediction.digit == 5
assert (digitlab._io.shipped_path('tfjs') / "model.json").is_file()
assert importlib.util.find_spec("tensorflow") is None
"""
    run(core, "-c", script, cwd=tmp_path)


def test_the_core_is_small(core, tmp_path):
    """Less than 400 MB, without the bytecode that Python writes later.

    150 MB of it are scikit-image and SciPy, which find the ink on photos.
    """
    script = """
from importlib.metadata import distributions
files = {file.locate() for package in distributions() for file in package.files}
print(sum(f.stat().st_size for f in files if f.suffix != ".pyc" and f.is_file()))
"""
    assert int(run(core, "-c", script, cwd=tmp_path).stdout) < 400e6


def test_the_core_installs_everywhere(uv, wheel, tmp_path):
    targets = product([*PYTHONS, "3.14"], [*PLATFORMS, "x86_64-apple-darwin"])
    assert not_installable(uv, tmp_path, targets, wheel) == []


def test_without_litert_the_core_says_what_to_install(core, tmp_path):
    """As on a Mac with an Intel processor, for which there is no LiteRT."""
    blocked = "import sys; sys.modules['ai_edge_litert'] = None; import digitlab; "
    failed = run(core, "-c", blocked + "digitlab.load_recognizer()", cwd=tmp_path, check=False)
    last = failed.stderr.strip().splitlines()[-1]
    assert "pip install ai-edge-litert" in last and "pip install 'tensorflow<2.17'" in last


# A notebook service, which has packages of its own.

WIDGETS = {"ipywidgets", "widgetsnbextension", "jupyterlab-widgets"}  # upgraded to ipywidgets 8


@pytest.mark.parametrize("version", ["2.20", "2.21"])
def test_a_notebook_service_keeps_its_numpy_and_tensorflow(
    uv, wheel, environment, tmp_path, version
):
    """With the newest Keras, and the old ipywidgets that Colab had for years."""
    service = [f"tensorflow=={version}.*", "numpy>=2", "ipykernel", "ipywidgets==7.7.1", "pandas"]
    service += ["scikit-image", "scikit-learn", "matplotlib"]
    run(uv, "pip", "install", "--python", environment, *service, cwd=tmp_path)

    def installed():
        listed = run(uv, "pip", "list", "--python", environment, "--format=json", cwd=tmp_path)
        return {package["name"]: package["version"] for package in json.loads(listed.stdout)}

    before = installed()
    pip = [sys.executable, "-m", "pip", "--python", environment]
    run(*pip, "install", "--no-compile", wheel, cwd=tmp_path)
    after = installed()
    assert {name for name in before if after.get(name) != before[name]} <= WIDGETS
    assert {"digitlab", "ai-edge-litert", "ipycanvas", "anywidget"} <= after.keys() - before.keys()
    run(*pip, "check", cwd=tmp_path)
    code = "import digitlab as d; print(d.load_recognizer().predict(d.stored_drawing(5)).digit)"
    assert run(environment, "-c", code, cwd=tmp_path).stdout == "5\n"

    if version == "2.21":
        return  # all other tests train with it
    # The package tensorflowjs is not needed. It has no wheels for Windows or newer TensorFlows.
    script = f"""
import importlib.util
assert importlib.util.find_spec("tensorflowjs") is None
{EXPORT}
mnist = digitlab.load_digits()
digits = digitlab.Digits(mnist.x_train[:1000], mnist.y_train[:1000], None, None, "a few")
model = digitlab.digits_cnn()
digitlab.train(model, digits, digitlab.TrainConfig(epochs=1))
pad = digitlab.DrawingPad(model)
pad.draw(digitlab.stored_drawing(5))
np.testing.assert_allclose(pad.prediction.probabilities.sum(), 1, rtol=1e-5)
"""
    assert "exported" in run(environment, "-c", script, "tfjs", cwd=tmp_path).stdout


# What people and tools do with the package in an environment that cannot train. Each of these runs
# in a process of its own.
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


def test_environment_yml_imports_and_exports(uv, node, tmp_path):
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    (python,) = [d for d in dependencies if isinstance(d, str) and d.startswith("python=")]
    version = python.removeprefix("python=")
    found = next(pythons(version), None) or pytest.skip(f"needs Python {version}")
    environment = empty_environment(uv, tmp_path, found)

    # Conda has pip read these lines from a file in this folder. uv takes a tenth of the time.
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("\n".join(dependencies[-1]["pip"]))
    run(uv, "pip", "install", "--python", environment, "-r", requirements, cwd=ROOT)

    modules = "jupyterlab, ipywidgets, ipycanvas, tensorflow, tensorflowjs, matplotlib, nbval"
    code = f"import {modules}\n{EXPORT}"
    assert "exported" in run(environment, "-c", code, "tfjs", cwd=tmp_path).stdout

    # The package tensorflowjs is installed here: compare its exports with ours.
    judge = ROOT / "tests" / "support" / "second_exporter.py"
    said = run(environment, judge, tmp_path / "judged", cwd=tmp_path).stdout
    assert re.findall("equal (.*)", said) == ["article_cnn", "pen_cnn", "digits_cnn"]

    # Its export of a Keras 3 network fails as notebook 04 says.
    (notebook,) = (ROOT / "notebooks").glob("*_export_to_tensorflowjs.ipynb")
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    (lesson,) = [cell for cell in cells if cell["id"] == "article-difference"]
    no_shape, no_variable = re.findall("^    (.*)", "".join(lesson["source"]), flags=re.M)
    assert no_shape in load_in_node(node, tmp_path / "judged" / "direct").stderr
    assert no_variable in load_in_node(node, tmp_path / "judged" / "shape").stderr
    assert load_in_node(node, tmp_path / "judged" / "names").returncode == 0


def load_in_node(node, export):
    """Have TensorFlow.js load an export and predict with it."""
    image, jobs = export / "image.bin", export / "jobs.json"
    image.write_bytes(bytes(4 * 28 * 28))  # float32
    job = {
        "directory": str(export),
        "backend": "cpu",
        "inputs": [{"file": str(image), "shape": [1, 28, 28, 1]}],
        "outputs": [str(export / "output.bin")],
    }
    jobs.write_text(json.dumps([job]))
    predict = ROOT / "tests" / "tfjs" / "predict.mjs"
    return subprocess.run([node, predict, jobs], capture_output=True, text=True, timeout=300)
