"""JupyterHub for a class on one Linux machine, run by root. README.md says how."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

c = get_config()  # type: ignore[name-defined]  # noqa: F821

# A web server in front of the hub adds https.
c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.ConfigurableHTTPProxy.command = [str(HERE / "node_modules/.bin/configurable-http-proxy")]

# Members of this system group may log in, with their system passwords.
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.allowed_groups = {"students"}

c.Spawner.cmd = [str(HERE / "student_server.sh")]
# Kernels talk to their servers over sockets in the home. Ports of this machine would show each
# student's outputs to all others.
c.Spawner.args = ["--KernelManager.transport=ipc"]
c.Spawner.environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
c.Spawner.default_url = "/lab/tree/digitlab/notebooks/01_load_and_normalize.ipynb"

# student_server.sh sets this limit for each process. Training in notebook 03 needs 2.1 GB of it.
c.Spawner.mem_limit = "3G"

# A class logs in at once. Starting a server takes some seconds of a core, so with few cores the
# last students wait for minutes, but nobody is turned away.
c.JupyterHub.concurrent_spawn_limit = 0
c.Spawner.start_timeout = c.Spawner.http_timeout = 600

# Students' servers and kernels keep running while the hub restarts.
c.JupyterHub.cleanup_servers = False

# A server that is idle for an hour is stopped. Files stay.
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
