"""Debian's nginx on this machine, with deploy/nginx.conf."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")
INSTALL = "apt install nginx libnginx-mod-http-brotli-static"
# What /etc/nginx/nginx.conf has around such a file, and a log of each answer's size.
MAIN = """
load_module {brotli};
worker_processes auto;
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    log_format bytes "$status $bytes_sent $request_uri";
    access_log {folder}/access.log bytes;
    include {folder}/site.conf;
}}
"""


class Nginx:
    """A running nginx: its address, and what it has answered."""

    def __init__(self, address: str, log: Path):
        self.address, self.log = address, log

    def answers(self) -> list[tuple[str, int, str]]:
        """Status, bytes with the headers, and path of each answer since the last call."""
        lines = self.log.read_text().splitlines()
        os.truncate(self.log, 0)
        return [(status, int(size), uri) for status, size, uri in map(str.split, lines)]


def visit(window: Any, address: str) -> None:
    """Open the page in Playwright's window; wait until it can read and the browser has kept it."""
    window.goto(address)
    window.locator("html[data-state=ready]").wait_for()
    window.evaluate("navigator.serviceWorker.ready.then(() => null)")


@contextmanager
def nginx(root: Path, brotli: bool = True) -> Iterator[Nginx]:
    """Serve a folder with deploy/nginx.conf, on a free port of 127.0.0.1."""
    program = shutil.which("nginx")
    if program is None or not BROTLI.exists():
        raise FileNotFoundError(f"expected nginx and its Brotli module: {INSTALL}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    conf = CONF.read_text("utf-8")
    changes = {"listen 80;": f"listen 127.0.0.1:{port};", "/var/www/digits": str(root)}
    if brotli:
        changes["# brotli_static on;"] = "brotli_static on;"
    for old, new in changes.items():
        assert conf.count(old) >= 1, f"nginx.conf lacks {old}"
        conf = conf.replace(old, new)
    with tempfile.TemporaryDirectory(prefix="digitlab-nginx-") as name:
        folder = Path(name)
        # nginx must read the test's folders, which belong to root where root runs this.
        user = "user root;" if os.getuid() == 0 else ""
        (folder / "site.conf").write_text(conf)
        main = folder / "nginx.conf"
        main.write_text(MAIN.format(brotli=BROTLI, folder=folder, user=user))
        process = subprocess.Popen([program, "-c", main, "-e", folder / "error.log"])
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    assert process.poll() is None, (folder / "error.log").read_text()
                    time.sleep(0.02)
            yield Nginx(f"http://127.0.0.1:{port}/", folder / "access.log")
        finally:
            process.terminate()
            process.wait()
