"""JupyterHub for a class on one Linux machine, run by root: README.md says how."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

c = get_config()  # type: ignore[name-defined]  # noqa: F821

# Behind https, which a web server in front of it adds.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.ConfigurableHTTPProxy.command = [str(HERE / "node_modules/.bin/configurable-http-proxy")]

# Who may log in: by their system passwords, those of this system group.
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.allowed_groups = {"students"}

c.Spawner.cmd = [str(HERE / "student_server.sh")]
# Kernels talk to their servers over files in the home: a port of this machine would show each
# student's outputs to all others.
c.Spawner.args = ["--KernelManager.transport=ipc"]
c.Spawner.environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
c.Spawner.default_url = "/lab/tree/digitlab/notebooks/01_load_and_normalize.ipynb"

# student_server.sh sets this limit for each process. Training in notebook 03 takes 2.1 GB of it.
c.Spawner.mem_limit = "3G"

# A class comes at once. A start takes some seconds of a core, so on few cores the last ones wait
# for minutes; but nobody is sent away.
c.JupyterHub.concurrent_spawn_limit = 0
c.Spawner.start_timeout = c.Spawner.http_timeout = 600

# Students' servers and kernels go on while the hub restarts.
c.JupyterHub.cleanup_servers = False

# A server without activity for an hour is stopped. Files stay.
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
