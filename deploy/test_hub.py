"""JupyterHub for a class, with jupyterhub_config.py: ten students log in at once."""

import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from support.hub import BIN, GROUP, PATIENCE, ROOT, classroom

COUNT = 10
NOTEBOOK = "digitlab/notebooks/06_draw_and_predict.ipynb"


@pytest.fixture(scope="module")
def lesson():
    """The hub, the students, and what the first cells of notebook 06 have shown to each."""
    with classroom(COUNT) as (hub, students):
        with ThreadPoolExecutor(COUNT) as pool:
            came = list(pool.map(lambda student: student.come(hub), students))
        yield hub, students, [said for _, said in came]


@pytest.fixture
def hub(lesson):
    return lesson[0]


@pytest.fixture
def students(lesson):
    return lesson[1]


@pytest.fixture
def a(students):
    return students[0]


@pytest.fixture
def b(students):
    return students[1]


def test_each_is_read(lesson):
    for said in lesson[2]:
        assert not any("Error" in text for text in said), said
        assert any("a stored 5 was drawn" in text for text in said), said
        assert any(text.startswith("I read a 5 (") for text in said), said


def test_students_find_all_bytecode():
    """Students cannot write bytecode, so each would compile JupyterLab and TensorFlow again."""
    code = """import importlib.util as finder, os, sys
for name in sys.argv[1:]:
    assert os.path.exists(finder.cache_from_source(finder.find_spec(name).origin)), name"""
    names = "jupyter_server jupyterlab ipykernel numpy tensorflow digitlab.pad".split()
    subprocess.run([BIN / "python", "-c", code, *names], check=True)


def test_each_has_all_notebooks_without_the_solutions(students):
    notebooks = {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
    for student in students:
        listing = student.contents("GET", "digitlab/notebooks").json()["content"]
        names = {entry["name"] for entry in listing}
        assert notebooks < names and "teacher.md" not in names
        cells = student.contents("GET", NOTEBOOK).json()["content"]["cells"]
        assert not any("solution" in cell["metadata"].get("tags", []) for cell in cells)


def test_what_notebooks_load_is_beside_them(a):
    assert a.run("from pathlib import Path; Path('../models/digits.keras').is_file()") == "True"


def test_mnist_and_the_course_are_there_once_and_read_only(hub, students):
    for student in students[:3]:
        assert student.run("digitlab.load_digits().name") == "'MNIST'"
        for path in ("mnist/mnist.npz", "mnist/other", "class/x", "models/x", "deploy/x"):
            said = student.run(f"open('{hub.course}/{path}', 'ab')")
            assert said.startswith("PermissionError"), (path, said)


def test_students_cannot_read_the_solutions_the_passwords_and_the_hub_s_state(hub, a):
    answers = "course/notebooks/teacher.md", "course/slides.html", "course/_book"
    for path in (*answers, "state/jupyterhub.sqlite", "log"):
        assert a.run(f"open('{hub.folder}/{path}')").startswith("PermissionError"), path


def test_a_student_can_neither_read_nor_change_another_s_files(a, b):
    assert b.contents("PUT", "mine.txt", type="file", format="text", content="b's").ok
    (b.home / "mine.txt").chmod(0o666)  # as careless as possible
    for code in (
        f"open('{b.home}/mine.txt')",
        f"open('{b.home}/mine.txt', 'r+')",
        f"open('{b.home}/{NOTEBOOK}')",
        f"open('{b.home}/new', 'x')",
        f"import os; os.listdir('{b.home}')",
        f"os.remove('{b.home}/mine.txt')",
    ):
        assert a.run(code).startswith("PermissionError"), code
    (server, *_) = [p for p in b.processes() if "singleuser" in " ".join(p.cmdline())]
    said = a.run(f"os.kill({server.pid}, 9)")
    assert said.startswith("PermissionError"), said
    said = a.run(f"open('/proc/{server.pid}/environ').read()")  # it has the server's token
    assert said.startswith("PermissionError"), said
    # The same holds through the hub, with a's own token.
    for method, path in [
        ("GET", f"/user/{b.name}/api/contents/mine.txt"),
        ("DELETE", f"/user/{b.name}/api/contents/mine.txt"),
        ("GET", f"/user/{b.name}/api/kernels"),
        ("POST", f"/user/{b.name}/api/kernels"),
        ("DELETE", f"/hub/api/users/{b.name}/server"),
        ("POST", f"/hub/api/users/{b.name}/tokens"),
    ]:
        assert a.ask(method, path).status_code in (403, 404), (method, path)
    assert b.contents("GET", "mine.txt").json()["content"] == "b's"


def test_no_port_tells_others_what_a_kernel_says(a, b):
    """ZeroMQ lets everybody on the machine listen. The remaining port only receives."""
    kernels = [p for p in b.processes() if "ipykernel_launcher" in p.cmdline()]
    ports = [end.laddr.port for kernel in kernels for end in kernel.net_connections("tcp")]
    a.run("import time, zmq; ear = zmq.Context().socket(zmq.SUB); ear.subscribe(b'')")
    a.run(f"for port in {ports}: ear.connect(f'tcp://127.0.0.1:{{port}}')")
    a.run("time.sleep(1)")  # time to connect
    assert b.run("print('secret')") == "secret\n"
    assert a.run("ear.poll(1000)") == "0"


def test_only_the_class_may_log_in(hub, a, b):
    """Others are rejected even with the right password."""
    subprocess.run(["gpasswd", "--delete", b.name, GROUP], check=True, capture_output=True)
    try:
        with pytest.raises(AssertionError, match=f"'{b.name}', 403"):
            b.log_in(hub)
    finally:
        subprocess.run(["gpasswd", "--add", b.name, GROUP], check=True, capture_output=True)
    password, a.password = a.password, "wrong"
    with pytest.raises(AssertionError, match=f"'{a.name}', 403"):
        a.log_in(hub)
    a.password = password


def test_too_much_memory_is_an_error_in_one_notebook(a, b):
    said = a.run("import numpy as np; huge = np.ones(450_000_000)")  # 3.6 GB
    assert "MemoryError" in said, said
    assert a.run("str(digitlab.DrawingPad().prediction)") == "'Draw a digit'"


def test_the_limits_on_kubernetes_are_the_same(a):
    values = yaml.safe_load((ROOT / "deploy" / "values.yaml").read_text())
    limit = values["singleuser"]["memory"]["limit"]
    assert a.run("__import__('os').environ['MEM_LIMIT']") == repr(str(int(limit[:-1]) << 30))
    culler = " ".join((ROOT / "deploy" / "jupyterhub_config.py").read_text().split())
    assert f"--timeout={values['cull']['timeout']}" in culler


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_of_the_hub_loses_nothing(hub, students, how):
    """Neither files nor the memory of kernels are lost, even after a crash."""
    for student in students:
        page = student.contents("GET", NOTEBOOK).json()
        page["content"]["cells"][0]["source"] = f"{student.name} was here, {how}"
        body = {"type": "notebook", "content": page["content"]}
        assert student.contents("PUT", NOTEBOOK, **body).ok
        student.run(f"kept = '{how}'")
    hub.stop(how)
    hub.start()
    for student in students:
        student.log_in(hub)
        page = student.contents("GET", NOTEBOOK).json()
        assert page["content"]["cells"][0]["source"] == f"{student.name} was here, {how}"
        student.connect()
        assert student.run("kept") == f"'{how}'"


def test_a_new_server_leaves_the_work_as_it_is(a):
    page = a.contents("GET", NOTEBOOK).json()
    page["content"]["cells"][0]["source"] = "mine"
    assert a.contents("PUT", NOTEBOOK, type="notebook", content=page["content"]).ok
    assert a.contents("DELETE", "digitlab/notebooks/08_where_it_errs.ipynb").ok
    a.stop_server()
    a.start_server()
    assert a.contents("GET", NOTEBOOK).json()["content"]["cells"][0]["source"] == "mine"
    assert a.contents("GET", "digitlab/notebooks/08_where_it_errs.ipynb").status_code == 404
    a.start_kernel()
    assert a.run("1 + 1") == "2"


def test_idle_kernels_and_servers_are_stopped_and_files_stay(hub, a, b):
    """The configuration's times are shortened for this test."""
    assert b.contents("PUT", "kept.txt", type="file", format="text", content="b's").ok
    script = hub.course / "deploy" / "student_server.sh"
    short = "cull_idle_timeout=1 --MappingKernelManager.cull_interval=1"
    script.write_text(script.read_text().replace("cull_idle_timeout=1800", short))
    a.stop_server()
    a.start_server()
    a.start_kernel()
    wait(lambda: a.ask("GET", f"/user/{a.name}/api/kernels").json() == [])
    assert b.ask("GET", f"/user/{b.name}/api/kernels").json()  # it started before the change

    hub.stop()
    hub.start("c.JupyterHub.services[0]['command'][-1] = '--timeout=5'")
    b.log_in(hub)
    wait(lambda: not b.processes())
    assert (b.home / "kept.txt").read_text() == "b's"


def wait(until):
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.5)
