"""Report vulnerable, withdrawn and not freely licensed packages.

`make audit` runs this. It checks four things, as far as each source can be reached:

1. known vulnerabilities in the newest versions on this platform, JupyterHub's too, by pip-audit
   (the variables PIP_AUDIT_VULNERABILITY_SERVICE and PIP_AUDIT_OSV_URL name another database) and
   npm audit;
2. releases in the locks of all platforms that their authors withdrew ("yanked"), from the index;
3. files in the locks that the index no longer has, or has with other bytes, from the index;
4. licences of the installed packages and of those in npm's locks.

Exit status: 0 if everything was checked and nothing found, 1 if something was found, 2 if
nothing was found but not everything could be checked.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NEWEST = ("requirements.lock", "tests/optional/requirements.lock", "deploy/requirements.lock")
LOCKS = (*NEWEST, "requirements-oldest.lock")
NPM_FOLDERS = ("digitlab/web/site", "tests/tfjs", "deploy")

# Licences that require at most a notice, and the other words in their names.
PERMISSIVE = set("mit bsd apache isc iscl psf psfl python unlicense zlib".split())
FILLER = set("cmu clause version the software foundation license".split())
# A person has read and accepted these. The licence is named, so that a change is noticed.
ACCEPTED = {
    "certifi": "Mozilla Public License 2.0 (MPL 2.0)",  # changes to its files must be shared
    # The GPL is an Emacs mode's, which the wheel leaves out; most is in the public domain.
    "docutils": "BSD License AND GNU General Public License (GPL)",
    "fqdn": "MPL-2.0",  # as certifi
    "hypothesis": "MPL-2.0",  # likewise
    "pathspec": "Mozilla Public License 2.0 (MPL 2.0)",  # likewise
    "tqdm": "MPL-2.0 AND MIT",  # likewise
    "numpy": "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",  # CC0: in the public domain
    "namex": "unknown",  # names no licence, but includes the text of Apache 2.0
}

Answer = tuple[list[str], list[str]]  # what was found, what could not be checked


def ask(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command and capture its output."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def reason(text: str) -> str:
    """Return the last line with a colon, where most tools say what went wrong."""
    return next((line for line in reversed(text.splitlines()) if ": " in line), text).strip()


def vulnerable() -> Answer:
    """Ask for known vulnerabilities of the newest versions."""
    pip_audit = [sys.executable, "-m", "pip_audit", "--progress-spinner=off", "--format=json"]
    locks = [f"--requirement={lock}" for lock in NEWEST]
    result = ask(*pip_audit, "--desc=off", "--disable-pip", *locks)
    try:
        packages = json.loads(result.stdout)["dependencies"]
    except ValueError:
        return [], [f"{', '.join(NEWEST)}: {reason(result.stderr)}"]
    return findings(packages)


def findings(packages: list[dict]) -> Answer:
    """Read pip-audit's report, which treats packages that its database does not know as sound."""
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}"
        f" (fixed in {', '.join(flaw['fix_versions']) or 'no release yet'})"
        for package in packages
        for flaw in package.get("vulns", [])
    ]
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    many = f"{len(skipped)} of {len(packages)} packages, the first: "
    return found, [many + skipped[0]] if skipped else []


def vulnerable_npm() -> Answer:
    """Ask for known vulnerabilities of the packages that npm installs."""
    if shutil.which("npm") is None:
        return [], [f"{folder}: npm is not installed" for folder in NPM_FOLDERS]
    found, unasked = [], []
    for folder in NPM_FOLDERS:
        result = ask("npm", "audit", "--json", "--package-lock-only", "--prefix", folder)
        answer = json.loads(result.stdout or "{}")
        if "vulnerabilities" in answer:
            # npm also names packages that depend on a vulnerable one. Their `via` has no flaw.
            found += [
                f"{folder}: {name}, {via['severity']}: {via['title']}"
                for name, flaw in answer["vulnerabilities"].items()
                for via in flaw["via"]
                if isinstance(via, dict)
            ]
        else:
            unasked.append(f"{folder}: {answer.get('message') or reason(result.stderr)}")
    return found, unasked


def withdrawn(lock: str) -> Answer:
    """Ask the index for each release of a lock, and compare its files' hashes."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "fresh.txt"
        # Leave out the hashes: with them, a single missing file would end the command.
        pins = Path(folder) / "pins.txt"
        locked = (ROOT / lock).read_text("utf-8")
        pins.write_text("\n".join(re.findall(r"^[\w.-]+==.*?(?= \\$)", locked, flags=re.M)))
        command: list[str | Path] = [sys.executable, "-m", "uv", "pip", "compile", pins]
        command += ["--universal", "--no-deps"]
        command += ["--refresh", "--python-version", "3.10", "--generate-hashes", "-o", fresh]
        result = ask(*command)
        if result.returncode:
            return [], [f"{lock}: {reason(result.stderr)}"]
        offered = fresh.read_text("utf-8")
    found = [f"{lock}: {line}" for line in re.findall(r"`.* is yanked.*", result.stderr)]
    gone = set(re.findall(r"sha256:\w+", locked)) - set(re.findall(r"sha256:\w+", offered))
    return found + [f"{lock}: the index has no file with {digest}" for digest in sorted(gone)], []


def licence(package: Distribution) -> str:
    """Return the licence that a package names, or "unknown"."""
    metadata: Any = package.metadata  # in fact an email.message.Message
    named = metadata.get("License-Expression")
    classes = [
        value.rsplit(" :: ", 1)[1]
        for value in metadata.get_all("Classifier", [])
        if value.startswith("License :: ") and value.count(" :: ") > 1
    ]
    free_text = metadata.get("License", "").strip().split("\n")[0]
    return named or " AND ".join(sorted(classes)) or free_text or "unknown"


def permissive(name: str) -> bool:
    """Say whether a licence, or one of several to choose from, is permissive in all its parts."""
    choices = [set(re.findall("[a-z]+", choice.lower())) for choice in name.split(" OR ")]
    return any(w & PERMISSIVE and w <= PERMISSIVE | FILLER | {"and"} for w in choices)


def licences() -> Answer:
    """Print the packages of each licence, and return those that are not permissive."""
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for package in distributions(path=[*sys.path, str(Path(sys.prefix) / "optional")]):
        holders[licence(package)].add(package.name)
    for folder in NPM_FOLDERS:
        lock = json.loads((ROOT / folder / "package-lock.json").read_text("utf-8"))
        for path, package in lock["packages"].items():
            if path:  # the entry without a path is ours
                name = path.rpartition("node_modules/")[2]
                holders[package.get("license", "unknown")].add(f"{name} (npm)")
    for name, packages in sorted(holders.items()):
        print(f"  {name}: {', '.join(sorted(packages, key=str.lower))}")
    return [
        f"{package}: {name}"
        for name, packages in sorted(holders.items())
        for package in sorted(packages)
        if not permissive(name) and ACCEPTED.get(package) != name
    ], []


def main() -> int:
    """Check all, print the results, and return the exit status."""
    questions: dict[str, Callable[[], Answer]] = {
        "Known vulnerabilities, Python": vulnerable,
        "Known vulnerabilities, npm": vulnerable_npm,
        **{f"Withdrawn or changed releases, {lock}": partial(withdrawn, lock) for lock in LOCKS},
        "Licences that are not permissive": licences,
    }
    any_found = any_unasked = False
    for title, question in questions.items():
        print(f"{title}:", flush=True)
        found, unasked = question()
        for line in found:
            print(f"  FOUND {line}")
        for line in unasked:
            print(f"  NOT CHECKED {line}")
        if not found and not unasked:
            print("  none")
        any_found |= bool(found)
        any_unasked |= bool(unasked)
    if any_unasked:
        print("Not everything could be checked. The rest may be vulnerable, withdrawn or changed.")
    return 1 if any_found else 2 if any_unasked else 0


if __name__ == "__main__":
    sys.exit(main())
