#!/bin/sh
# Starts a student's server, as that student. Both jupyterhub_config.py and values.yaml call this, so one machine and
# Kubernetes have the same limits.
set -eu
course=$(cd "$(dirname "$0")/.." && pwd)

umask 077
chmod go= "$HOME" || true # a volume of Kubernetes may be root's, but only this student has it

# The notebooks, once: what is there is the student's work. Renaming comes last, so that there is no half copy.
if [ ! -e "$HOME/digitlab" ]; then
  part="$HOME/.digitlab-part"
  rm -rf "$part"
  mkdir "$part"
  cp -R "$course/class" "$part/notebooks"
  ln -s "$course/models" "$course/benchmarks" "$course/README.md" "$part" # which notebooks load and link to
  mv "$part" "$HOME/digitlab"
fi

export JUPYTER_RUNTIME_DIR="$HOME/.jupyter-run" # short: the path of a socket has at most 107 characters
export DIGITLAB_DATA="$course/mnist"
# Not a thread for each core of a large machine, with memory of its own.
export OMP_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 TF_NUM_INTRAOP_THREADS=2 TF_NUM_INTEROP_THREADS=2
# For each process: too large an array is a MemoryError in the notebook, and neither a dead kernel nor a full machine.
[ -z "${MEM_LIMIT:-}" ] || ulimit -d $((MEM_LIMIT / 1024))

# A kernel that did nothing for half an hour is stopped, also when its tab is open: eleven notebooks are eleven kernels.
exec jupyterhub-singleuser \
  --MappingKernelManager.cull_idle_timeout=1800 \
  --MappingKernelManager.cull_connected=True \
  --TerminalManager.cull_inactive_timeout=1800 \
  "$@"
