# `make` lists what there is. Needs only make, and Python 3.10 to 3.12 with pip.

# The first of these that runs and has the right version (TensorFlow.js' converter has no wheels for 3.13).
PYTHON ?= python3 python3.12 python3.11 python3.10
# Test processes. Each takes a core and, with TensorFlow in it, 2 GB.
WORKERS ?= 2
# Extra arguments: make lab ARGS=--port=9000, make test ARGS="-k ink", make lock ARGS=--upgrade
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
# uv sets up in seconds what takes pip minutes. The lock has its version and hashes, like those of all packages.
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)
UV := .tools/uv-$(UV_VERSION)/bin/uv
export UV_PYTHON_DOWNLOADS = never
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_ROOT_USER_ACTION = ignore

.PHONY: help lab check test test-oldest models bench tables notebooks format lock audit clean
help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

lab: $(READY) ## set up and open JupyterLab on the first notebook
	@set -- $(ARGS); \
	[ "$$(id -u)" -ne 0 ] || set -- --allow-root "$$@"; \
	if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		set -- --no-browser "$$@"; \
		echo "No screen here: open the address below in a browser (from outside a container: make lab ARGS=--ip=0.0.0.0)."; \
	fi; \
	PATH="$(CURDIR)/$(BIN):$$PATH" exec $(BIN)/jupyter-lab --LabApp.default_url=/lab/tree/notebooks/01_load_and_normalize.ipynb "$$@"

# In parallel, in the groups and the order of conftest.py.
PYTEST = bin/pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

check: $(READY) ## lint, format, types and the fast tests: a minute
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	.venv/$(PYTEST) -m "not slow" tests $(ARGS)

test: $(READY) ## all checks: lint, format, types, all tests, notebooks, TensorFlow.js
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	.venv/$(PYTEST) --nbval-lax --nbval-current-env --nbval-kernel-startup-timeout 600 notebooks tests $(ARGS)

# Lint and types are for the locked tools; browsers, notebooks and other environments were tested by `make test`.
test-oldest: .venv-oldest/.ready ## run the tests with the oldest packages that pyproject.toml allows, in .venv-oldest
	.venv-oldest/$(PYTEST) tests $(addprefix --ignore=tests/,test_setup.py test_typing.py test_pad_in_browser.py test_site_in_browser.py) $(ARGS)

models: $(READY) ## train the models in models/ again, and measure their accuracy
	$(BIN)/python models/train.py $(ARGS)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.bench reading

bench: $(READY) ## measure accuracy and speed, and write the tables
	PYTHONPATH=tests $(BIN)/python -m benchmarks.bench $(ARGS)

tables: $(READY) ## write the tables from benchmarks/results.json, without measuring
	$(BIN)/python -m benchmarks.tables

# Not on the sample: the committed outputs show MNIST.
notebooks: $(READY) ## run all notebooks again and keep their outputs
	$(BIN)/python -c "import digitlab; digitlab.load_digits(sample=False)"
	@for notebook in notebooks/*.ipynb; do \
		$(BIN)/jupyter-nbconvert --to notebook --execute --inplace --ExecutePreprocessor.store_widget_state=False $$notebook && \
		$(BIN)/nbstripout $$notebook --keep-output --keep-count --keep-id --drop-output-type stream:stderr || exit 1; \
	done

format: $(READY) ## format code and notebooks, and fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The oldest versions that pyproject.toml names, with the newest that those ask for. Only from wheels: old sources no longer build.
COMPILE = $(UV) pip compile pyproject.toml --all-extras --universal --python-version 3.10 --generate-hashes \
	--custom-compile-command "make lock" --quiet $(ARGS)
lock: $(UV) ## write both requirements locks from pyproject.toml (ARGS=--upgrade for the newest of everything)
	@$(find_python); $(find_index); set -x; \
	$(COMPILE) --output-file requirements.lock && \
	$(COMPILE) --output-file requirements-oldest.lock --resolution lowest-direct --only-binary :all:

audit: $(READY) ## report vulnerable, withdrawn and not freely licensed packages
	@$(find_python); $(find_index); $(BIN)/python scripts/audit.py

clean: ## remove .venv and everything else that make created
	rm -rf .venv .venv-oldest .tools dist .mypy_cache .pytest_cache .ruff_cache tests/tfjs/node_modules

# Each is tried, because a pyenv shim may be in PATH and not run. In an active virtual environment, take the Python that it was made from.
find_python = for p in $(PYTHON); do \
		py=$$("$$p" -c 'import sys; assert (3, 10) <= sys.version_info < (3, 13); print(getattr(sys, "_base_executable", sys.executable))' 2>/dev/null) && break; \
	done; \
	[ -n "$$py" ] || { echo "digitlab needs Python 3.10, 3.11 or 3.12, and none of these is: $(PYTHON). Install one, or say where it is: make lab PYTHON=/path/to/python3.12" >&2; exit 1; }

$(UV):
	@$(find_python); \
	"$$py" -c "import pip" 2>/dev/null || { echo "$$py has no pip. On Debian and Ubuntu: apt install python3-pip" >&2; exit 1; }; \
	mkdir -p .tools && sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .tools/uv.txt && \
	"$$py" -m pip install -qq --no-deps --require-hashes --target .tools/uv-$(UV_VERSION) -r .tools/uv.txt

# uv reads none of pip's settings, so pass on the index that pip uses.
find_index = index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$("$$py" -m pip config get global.index-url 2>/dev/null)}}; \
	[ -z "$$index" ] || export UV_DEFAULT_INDEX="$$index"

# An environment with the packages of a lock.
set_up = $(find_python); \
	echo "Setting up $(1) with $$py (once; one to three minutes)"; \
	$(find_index); \
	$(UV) venv --quiet --clear --python "$$py" $(1) && \
	$(UV) pip install --quiet --python $(1) --require-hashes -r $(2) && \
	$(UV) pip install --quiet --python $(1) --no-deps --editable .

# JupyterLab is told not to ask about news, for which it would go to the network.
$(READY): pyproject.toml requirements.lock | $(UV)
	@$(call set_up,.venv,requirements.lock)
	@mkdir -p .venv/share/jupyter/lab/settings
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
		> .venv/share/jupyter/lab/settings/overrides.json
	@touch $@

# The oldest Python first: for later ones, jax and others ask for newer packages than the oldest.
.venv-oldest/.ready: PYTHON = python3.10 python3.11 python3.12 python3
.venv-oldest/.ready: pyproject.toml requirements-oldest.lock | $(UV)
	@$(call set_up,.venv-oldest,requirements-oldest.lock)
	@touch $@
