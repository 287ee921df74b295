"""JupyterHub on this machine with deploy/jupyterhub_config.py, and students who log in to it.

Students are system users that are made for the test. This module does what their browsers would
do: it uses the login form, the hub's API, and the kernels' websockets.
"""

import grp
import itertools
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests
import websocket

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv-hub" / "bin"
GROUP = "digitlab-test"
PATIENCE = 600  # seconds after which we take something to hang, even on a slow and busy machine

# deploy/jupyterhub_config.py with other ports, so as not to disturb a hub that runs here.
CONFIG = """
load_subconfig("{course}/deploy/jupyterhub_config.py")
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_port = {ports[1]}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.LocalAuthenticator.allowed_groups = {{"{group}"}}
{more}
"""


class Hub:
    """A hub that serves a copy of this checkout, which `deploy/prepare.py` has prepared."""

    def __init__(self, folder: Path):
        self.folder, self.course = folder, folder / "course"
        self.left: list[psutil.Process] = []
        with ExitStack() as stack:
            free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
            self.ports = [listener.getsockname()[1] for listener in free]
        self.address = f"http://127.0.0.1:{self.ports[0]}"
        listing = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in listing.stdout.splitlines():
            (self.course / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.course / name)
        (self.course / "deploy" / "node_modules").symlink_to(ROOT / "deploy" / "node_modules")
        subprocess.run([BIN / "python", self.course / "deploy" / "prepare.py"], check=True)

    def start(self, more: str = "") -> None:
        """Start it, with more lines of configuration, and wait until it answers."""
        config = self.folder / "config.py"
        config.write_text(
            CONFIG.format(course=self.course, ports=self.ports, group=GROUP, more=more)
        )
        state = self.folder / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        environment = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ
        }
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(
                [BIN / "jupyterhub", "-f", config],
                cwd=state,
                env=environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError):
                if requests.get(f"{self.address}/hub/api/", timeout=PATIENCE).ok:
                    return
            assert self.process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the hub and its proxy, and leave the students' servers as they are."""
        with suppress(psutil.NoSuchProcess):
            self.left += self.processes()[1:]  # after a crash of the hub, some of them go on
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def processes(self) -> list[psutil.Process]:
        """The hub, the proxy and the culler, without the students' servers."""
        own = psutil.Process(self.process.pid)
        return [own, *(p for p in own.children(recursive=True) if p.username() == "root")]

    def log(self) -> str:
        """The end of the hub's log."""
        return (self.folder / "log").read_text()[-5000:]


class Student:
    """A student with a system account, who uses the hub from a browser."""

    def __init__(self, name: str):
        self.name, self.password = name, secrets.token_urlsafe()
        # The worst case: a home that everybody can read.
        subprocess.run(
            ["useradd", "--create-home", "--key", "HOME_MODE=0755", "--groups", GROUP, name],
            check=True,
        )
        pair = f"{name}:{self.password}"
        subprocess.run(["chpasswd"], input=pair, text=True, check=True)
        self.home = Path(pwd.getpwnam(name).pw_dir)
        self.messages = itertools.count()

    def log_in(self, hub: Hub) -> None:
        """Fill in the login form, and ask for a token, as a script in the page would."""
        self.hub, self.browser = hub, requests.Session()
        form = f"{hub.address}/hub/login"
        self.browser.get(form, timeout=PATIENCE)
        data = {"username": self.name, "password": self.password}
        data["_xsrf"] = self.browser.cookies.get("_xsrf", path="/hub/")
        answer = self.browser.post(form, data, allow_redirects=False, timeout=PATIENCE)
        assert answer.status_code == 302, (self.name, answer.status_code, hub.log())
        xsrf = self.browser.cookies.get("_xsrf", path="/hub/")
        answer = self.browser.post(
            f"{hub.address}/hub/api/users/{self.name}/tokens",
            headers={"X-XSRFToken": xsrf},
            json={},
            timeout=PATIENCE,
        )
        assert answer.status_code == 201, (self.name, answer.status_code, answer.text)
        self.token = {"Authorization": f"token {answer.json()['token']}"}

    def ask(self, method: str, path: str, /, **json: Any) -> requests.Response:
        """Ask the hub, or a server behind it."""
        address = f"{self.hub.address}{path}"
        return requests.request(
            method, address, headers=self.token, json=json or None, timeout=PATIENCE
        )

    def start_server(self) -> None:
        """Have the hub start this student's server, and wait until it answers."""
        answer = self.ask("POST", f"/hub/api/users/{self.name}/server")
        assert answer.status_code in (201, 202), (self.name, answer.status_code, answer.text)
        deadline = time.monotonic() + PATIENCE
        while not self.ask("GET", f"/hub/api/users/{self.name}").json()["servers"][""]["ready"]:
            assert time.monotonic() < deadline, self.hub.log()
            time.sleep(0.2)

    def stop_server(self) -> None:
        """Have the hub stop this student's server, and wait until it has stopped."""
        self.ask("DELETE", f"/hub/api/users/{self.name}/server")
        deadline = time.monotonic() + PATIENCE
        while self.ask("GET", f"/hub/api/users/{self.name}").json()["servers"]:
            assert time.monotonic() < deadline, self.hub.log()
            time.sleep(0.2)

    def contents(self, method: str, path: str, /, **json: Any) -> requests.Response:
        """Read or write a file in the home, as JupyterLab does."""
        return self.ask(method, f"/user/{self.name}/api/contents/{path}", **json)

    def start_kernel(self) -> None:
        """Start a kernel beside the notebooks, and connect to it."""
        answer = self.ask(
            "POST", f"/user/{self.name}/api/kernels", name="python3", path="digitlab/notebooks"
        )
        assert answer.status_code == 201, (self.name, answer.status_code, answer.text)
        self.kernel = answer.json()["id"]
        self.connect()

    def connect(self) -> None:
        """Open the kernel's websocket, or open it again after the hub was away."""
        address = self.hub.address.replace("http", "ws", 1)
        self.socket = websocket.create_connection(
            f"{address}/user/{self.name}/api/kernels/{self.kernel}/channels",
            header=self.token,
            timeout=PATIENCE,
        )

    def run(self, code: str) -> str:
        """Run a cell; return what it prints and shows as text, an error as "Name: text"."""
        name = f"{self.name}-{next(self.messages)}"
        header = {"msg_id": name, "msg_type": "execute_request", "version": "5.3"}
        header |= {"username": self.name, "session": self.name}
        content = {"code": code, "silent": False, "allow_stdin": False, "stop_on_error": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self.socket.send(json.dumps(message | {"channel": "shell", "buffers": []}))
        said = ""
        while True:
            received = self.socket.recv()
            answer = json.loads(received) if isinstance(received, str) else {}
            if answer.get("parent_header", {}).get("msg_id") != name:
                continue  # a widget's message, a binary one, or one of an earlier cell
            content = answer["content"]
            kind = answer["msg_type"]
            if kind == "stream":
                said += content["text"]
            elif kind in ("execute_result", "display_data"):
                said += content["data"].get("text/plain", "")
            elif kind == "error":
                said += f"{content['ename']}: {content['evalue']}"
            elif kind == "status" and content["execution_state"] == "idle":
                return said

    def cells(self, notebook: str, last: str) -> list[str]:
        """The code of this student's copy of a notebook, up to the cell with this name."""
        answer = self.contents("GET", f"digitlab/notebooks/{notebook}")
        cells = answer.json()["content"]["cells"]
        end = [cell["id"] for cell in cells].index(last) + 1
        return ["".join(c["source"]) for c in cells[:end] if c["cell_type"] == "code"]

    def come(self, hub: Hub) -> tuple[list[float], list[str]]:
        """Log in, start the server and a kernel, and run the cells of notebook 06 that draw first.

        Returns the seconds until the login, the server and the last cell's output, and the outputs.
        """
        begun = time.monotonic()
        times, said = [], []
        self.log_in(hub)
        times.append(time.monotonic() - begun)
        self.start_server()
        times.append(time.monotonic() - begun)
        self.start_kernel()
        for code in self.cells("06_draw_and_predict.ipynb", "draw-by-python"):
            said.append(self.run(code))
        return [*times, time.monotonic() - begun], said

    def processes(self) -> list[psutil.Process]:
        """The processes that run under the account."""
        return [process for process in psutil.process_iter() if _owner(process) == self.name]


def _owner(process: psutil.Process) -> str | None:
    try:
        return process.username()
    except psutil.NoSuchProcess:
        return None


@contextmanager
def classroom(count: int) -> Iterator[tuple[Hub, list[Student]]]:
    """Yield a running hub, and this many students who have not logged in yet.

    Afterwards, remove their accounts, homes, processes and files.
    """
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("useradd"):
        raise PermissionError("this makes system users, so it has to run as root, and on Linux")
    with suppress(KeyError):
        grp.getgrnam(GROUP)
        raise FileExistsError(
            f"the group {GROUP} exists, so another test runs. If that was killed, remove its users "
            f"(userdel --remove {GROUP}-0 and so on), and then the group (groupdel {GROUP})"
        )
    names = [f"{GROUP}-{number}" for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="digitlab-hub-") as folder:
        yield from _classroom(Path(folder), names)


def _classroom(folder: Path, names: list[str]) -> Iterator[tuple[Hub, list[Student]]]:
    folder.chmod(0o755)  # students can read what is in it, except the log and the state
    (folder / "log").touch(0o600)
    hub = Hub(folder)
    subprocess.run(["groupadd", GROUP], check=True)
    students: list[Student] = []
    try:
        for name in names:
            students.append(Student(name))
        readable = ["su", names[0], "-s", "/bin/sh", "-c", f"{BIN}/python --version"]
        run = subprocess.run(readable, capture_output=True, text=True)
        assert run.returncode == 0, f"students cannot run {BIN}/python: {run.stderr}"
        try:
            hub.start()
            yield hub, students
        finally:
            hub.stop()
    finally:
        for process in [*hub.left, *(p for student in students for p in student.processes())]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
                process.wait(PATIENCE)
        for student in students:
            subprocess.run(["userdel", "--remove", student.name], capture_output=True)
        subprocess.run(["groupdel", GROUP], check=True)
