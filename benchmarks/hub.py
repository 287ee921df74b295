"""A class on JupyterHub: ten students with system accounts log in at once, and each is read.

As in `deploy/test_hub.py`: the hub of `deploy/jupyterhub_config.py`, the login form, a server and a
kernel for each, and the first cells of notebook 06. PSS divides what processes share among them;
USS is what one process shares with no other. The need of three hundred students follows from
these: the shared part once, and three hundred times what each has for itself.
"""

import json
import os
import shutil
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor

from benchmarks.tables import Table, load_average
from support.hub import BIN, Hub, Student, classroom

COUNT, MANY, CORES = 10, 300, 32

# A kernel's greatest need, in MB: its memory, and the data segment, which the limit counts.
TRAIN = """
import os, resource
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import digitlab
digits = digitlab.load_digits()
model = digitlab.pen_cnn()
digitlab.train(model, digits, digitlab.TrainConfig(epochs=1), progress=False)
data = next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, int(data) / 1000)
"""


def can_measure() -> bool:
    """Whether this machine has all that is needed."""
    return bool(shutil.which("useradd")) and os.geteuid() == 0 and (BIN / "jupyterhub").exists()


def versions() -> str:
    """The versions of JupyterHub and its Python."""
    code = "import jupyterhub, sys; print(jupyterhub.__version__, *sys.version_info[:2])"
    run = subprocess.run([BIN / "python", "-c", code], check=True, capture_output=True, text=True)
    hub, *python = run.stdout.split()
    return f"JupyterHub {hub} on Python {'.'.join(python)}"


def memory(students: list[Student]) -> dict[str, tuple[float, float]]:
    """PSS and USS in MB of servers and of kernels, summed over the students."""
    sums = {"server": (0.0, 0.0), "kernel": (0.0, 0.0)}
    for student in students:
        for process in student.processes():
            kind = "kernel" if "ipykernel_launcher" in process.cmdline() else "server"
            info = process.memory_full_info()
            pss, uss = sums[kind]
            sums[kind] = pss + info.pss / 1e6, uss + info.uss / 1e6
    return sums


def processor_seconds(students: list[Student]) -> float:
    """The processor time of servers and kernels, in seconds."""
    return sum(sum(p.cpu_times()[:2]) for student in students for p in student.processes())


def hub_memory(hub: Hub) -> float:
    """PSS in MB of the hub, its proxy and its culler."""
    return sum(process.memory_full_info().pss for process in hub.processes()) / 1e6


def median_and_slowest(times: list[float]) -> str:
    """Return the median and the slowest, as text."""
    return f"{statistics.median(times):.1f} / {max(times):.1f}"


def content() -> list[Table | str]:
    """Measure one student, then all."""
    how = load_average()
    with classroom(1 + COUNT) as (hub, [first, *students]):
        alone, _ = first.come(hub)
        first.start_kernel()
        trained, limited = map(float, first.run(TRAIN).splitlines()[-1].split())
        first.stop_server()
        with ThreadPoolExecutor(COUNT) as pool:
            came = [times for times, _ in pool.map(lambda student: student.come(hub), students)]
        used, computed, hub_mb = memory(students), processor_seconds(students), hub_memory(hub)
    steps = "until logged in", "until the server runs", "until notebook 06 has read a digit"
    rows = [
        [f"s {step}", f"{one:.1f}", median_and_slowest(list(times))]
        for step, one, times in zip(steps, alone, zip(*came, strict=True), strict=True)
    ]
    rows.append(["core-seconds per student", "", f"{computed / COUNT:.1f}"])
    for kind, (pss, uss) in used.items():
        mean = f"{pss / COUNT:.0f} ({uss / COUNT:.0f})"
        rows.append([f"MB of each {kind}, PSS (USS)", "", mean])
    pss, uss = (sum(sizes) for sizes in zip(*used.values(), strict=True))
    rows += [
        ["MB of the hub, its proxy and its culler, PSS", "", f"{hub_mb:.0f}"],
        ["GB in total, PSS", "", f"{(pss + hub_mb) / 1000:.2f}"],
        ["MB of a kernel that trains pen_cnn, peak RSS", f"{trained:.0f}", ""],
        ["MB that `mem_limit` counts for it", f"{limited:.0f}", ""],
    ]
    many_gb = (hub_mb + pss - uss + MANY / COUNT * uss) / 1000
    many_seconds = MANY / COUNT * computed
    training_gb = (trained - used["kernel"][0] / COUNT) / 1000
    many = (
        f"{MANY} students who draw need {many_gb:.0f} GB. When all log in at once, that is "
        f"{many_seconds:,.0f} s of computing, or {many_seconds / CORES:.0f} s on {CORES} cores. "
        f"Each student who trains pen_cnn adds up to {training_gb:.1f} GB."
    )
    columns = ["", "one student", f"{COUNT} at once, median / slowest, or mean"]
    return [how, {"columns": columns, "rows": rows}, many]


if __name__ == "__main__":
    print(json.dumps(content(), indent=1))
