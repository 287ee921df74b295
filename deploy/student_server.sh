#!/bin/sh
# Starts a student's server, as that student. Both jupyterhub_config.py and values.yaml call this, so a single machine
# and Kubernetes have the same limits.
set -eu
course=$(cd "$(dirname "$0")/.." && pwd)

umask 077
chmod go= "$HOME" || true # on Kubernetes the volume may belong to root, but only this student has it

# Copy the notebooks only once: later, the folder holds the student's work. Rename last, so that no copy is partial.
if [ ! -e "$HOME/digitlab" ]; then
  part="$HOME/.digitlab-part"
  rm -rf "$part"
  mkdir "$part"
  cp -R "$course/class" "$part/notebooks"
  ln -s "$course/models" "$course/benchmarks" "$course/README.md" "$part" # notebooks load and link to these
  mv "$part" "$HOME/digitlab"
fi

export JUPYTER_RUNTIME_DIR="$HOME/.jupyter-run" # short, because the path of a socket has at most 107 characters
export DIGITLAB_DATA="$course/mnist"
# By default there would be a thread, with memory of its own, for each core of a large machine.
export OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 TF_NUM_INTRAOP_THREADS=2 TF_NUM_INTEROP_THREADS=2
# A limit for each process: too large an array gives a MemoryError, not a dead kernel or a full machine.
[ -z "${MEM_LIMIT:-}" ] || ulimit -d $((MEM_LIMIT / 1024))

# Stop a kernel after half an hour without work, even if its tab is open: each open notebook has a kernel.
exec jupyterhub-singleuser \
  --MappingKernelManager.cull_idle_timeout=1800 \
  --MappingKernelManager.cull_connected=True \
  --TerminalManager.cull_inactive_timeout=1800 \
  "$@"
