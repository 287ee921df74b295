# `make` lists all commands. All that is needed is make, and any Python with pip.

# Use the first of these that runs and is Python 3.10 to 3.13, for which TensorFlow has wheels. If there is none, uv fetches one.
PYTHON ?= python3 python3.13 python3.12 python3.11 python3.10
# The number of test processes, each of which takes up to 2 GB: one more than two cores, because the processes spend a third of the
# time waiting for browsers, kernels and pip.
WORKERS ?= 3
# Extra arguments: make lab ARGS=--port=9000, make test ARGS="-k ink", make lock ARGS=--upgrade
ARGS ?=

BIN := .venv/bin
HUB := .venv-hub/bin
READY := .venv/.ready
TESTABLE := .venv/optional/.ready
# uv sets up in seconds what takes pip minutes. The lock has its version and hashes, like those of all packages.
UV_VERSION := $(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)
UV := .tools/uv-$(UV_VERSION)/bin/uv
export UV_PYTHON_DOWNLOADS = never
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_ROOT_USER_ACTION = ignore
# Container images set this to stay small. Each Python process would then compile its imports again, TensorFlow's for ten seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help lab book check test test-oldest test-nginx test-hub hub models bench tables notebooks class format lock audit clean
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

# This keeps the folder itself: only the teacher may be allowed to read it, see deploy/prepare.py.
book: $(READY) ## build the course as a site, in _book
	@mkdir -p _book && find _book -mindepth 1 -delete && $(BIN)/python scripts/build_book.py _book

# Tests run in parallel, in the groups and the order of conftest.py.
PYTEST = bin/pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

check: $(TESTABLE) ## lint, format, types and the fast tests: a minute
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	.venv/$(PYTEST) -m "not slow" tests $(ARGS)

test: $(TESTABLE) ## all checks: lint, format, types, all tests, notebooks, TensorFlow.js
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	.venv/$(PYTEST) --nbval-lax --nbval-current-env --nbval-kernel-startup-timeout 600 notebooks tests $(ARGS)

# Lint, types, examples (which have NumPy 2's output) and the pages need the locked tools; `make test` covers browsers, notebooks and
# environments. Tests marked "once" take long, and would test the same lines of our own again.
test-oldest: .venv-oldest/optional/.ready ## run the tests with the oldest packages that pyproject.toml allows, in .venv-oldest
	.venv-oldest/$(PYTEST) -m "not once" tests $(addprefix --ignore=tests/,test_setup.py test_typing.py test_book.py test_class.py test_examples.py test_pad_in_browser.py test_site_in_browser.py) $(ARGS)

test-nginx: $(READY) ## test the web page behind Debian's nginx: apt install nginx libnginx-mod-http-brotli-static
	$(BIN)/pytest deploy/test_nginx.py $(ARGS)

hub: hub-bytecode ## set up JupyterHub for a class in .venv-hub, and the files it hands out: see deploy/README.md
	@$(HUB)/python deploy/prepare.py

.PHONY: hub-bytecode
hub-bytecode: .venv-hub/.ready
	@$(HUB)/python -m compileall -q digitlab

test-hub: $(READY) hub-bytecode ## test JupyterHub with ten students: needs root on Linux, creates and removes system users
	$(BIN)/pytest deploy/test_hub.py $(ARGS)

models: $(READY) ## train the models in models/ again, and measure their accuracy
	$(BIN)/python models/train.py $(ARGS)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.bench reading

bench: $(READY) ## measure accuracy and speed, and write the tables
	PYTHONPATH=tests $(BIN)/python -m benchmarks.bench $(ARGS)

tables: $(READY) ## write the tables from benchmarks/results.json, without measuring
	$(BIN)/python -m benchmarks.tables

# This stops without MNIST, because the committed outputs must not show the sample. It removes the journal of an earlier run, which has
# the figures of later notebooks.
notebooks: $(READY) ## run all notebooks again and keep their outputs
	$(BIN)/python -c "import digitlab; digitlab.load_digits(sample=False)"
	@rm -f notebooks/my_models/journal.json
	@for notebook in notebooks/*.ipynb; do \
		$(BIN)/jupyter-nbconvert --to notebook --execute --inplace --ExecutePreprocessor.store_widget_state=False $$notebook && \
		$(BIN)/nbstripout $$notebook --keep-output --keep-count --keep-id --drop-output-type stream:stderr && \
		$(BIN)/python scripts/shrink_pictures.py $$notebook || exit 1; \
	done

class: $(READY) ## for the teacher: a copy of the notebooks without answers in class/, and slides.html
	@$(BIN)/python scripts/make_class.py

format: $(READY) ## format code and notebooks, and fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# requirements-oldest.lock has the oldest versions that pyproject.toml allows, with the newest versions of what those require. It takes only
# wheels, because old source archives no longer build.
COMPILE = $(UV) pip compile --universal --python-version 3.10 --generate-hashes --custom-compile-command "make lock" --quiet $(ARGS)
LEARN = pyproject.toml --extra train --extra lab --constraints scripts/lock-constraints.txt
DEVELOP = $(LEARN) --extra scale --extra test --extra book --extra audit
# Packages that Keras and the extra "test" bring along are not repeated.
OPTIONAL = tests/optional/requirements.in --constraints requirements.lock $(addprefix --no-emit-package ,cloudpickle joblib ml-dtypes numpy opt-einsum scipy)
lock: $(UV) ## write the requirements locks from pyproject.toml (ARGS=--upgrade for the newest of everything)
	@$(find_python); $(find_index); set -x; \
	$(COMPILE) $(DEVELOP) --output-file requirements.lock && \
	$(COMPILE) $(DEVELOP) --output-file requirements-oldest.lock --resolution lowest-direct --only-binary :all: && \
	$(COMPILE) $(OPTIONAL) --output-file tests/optional/requirements.lock && \
	$(COMPILE) $(LEARN) deploy/requirements.in --output-file deploy/requirements.lock

audit: $(TESTABLE) ## report packages that are vulnerable, withdrawn or not freely licensed
	@$(find_python); $(find_index); $(BIN)/python scripts/audit.py

# This keeps class/, which may hold somebody's work.
clean: ## remove .venv and everything else that make created
	rm -rf .venv .venv-oldest .venv-hub .tools _book slides.html dist .mypy_cache .pytest_cache .ruff_cache tests/tfjs/node_modules deploy/node_modules mnist

# Try each one, because a pyenv shim may be in PATH but not run. In an active virtual environment, take the Python that it was made from.
find_python = for p in $(PYTHON) .tools/python/*/bin/python3; do \
		py=$$("$$p" -c 'import sys; assert (3, 10) <= sys.version_info < (3, 14); print(getattr(sys, "_base_executable", sys.executable))' 2>/dev/null) && break; \
	done

# Let the given uv fetch a Python if there is none. The last line of its message says why it could not.
need_python = $(find_python); \
	[ -n "$$py" ] || { \
		echo "None of these is Python 3.10 to 3.13: $(PYTHON). Fetching Python 3.13 for .tools (once)"; \
		UV_PYTHON_DOWNLOADS=manual UV_PYTHON_INSTALL_DIR="$(CURDIR)/.tools/python" UV_PYTHON_INSTALL_BIN=0 \
			$(1) python install --no-progress 3.13 2> .tools/log; \
		$(find_python); \
		[ -n "$$py" ] || { $(call no_python,uv could fetch none: $$(tail -n 1 .tools/log | sed 's/^[ a-zA-Z]*: //')); }; \
	}
no_python = echo "digitlab needs Python 3.10 to 3.13. Found none among $(PYTHON), and $(1). Install Python 3.13 with pip, or say where one is: make lab PYTHON=/path/to/python3.13" >&2; exit 1

# Find a Python with pip, to install uv. If none has pip, a new virtual environment may have it.
find_pip = for p in "$$py" $(PYTHON) "$$(pipx environment --value PIPX_DEFAULT_PYTHON)"; do \
		"$$p" -c 'import sys; assert sys.version_info >= (3, 8)' || continue; \
		pip=$$p; "$$p" -c 'import pip' && break; \
		pip=.tools/pip/bin/python; "$$p" -m venv --clear .tools/pip && break; \
		pip=; \
	done >/dev/null 2>&1

$(UV):
	@mkdir -p .tools && sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .tools/uv.txt; \
	set -- --no-deps --require-hashes --target .tools/uv-$(UV_VERSION) -r .tools/uv.txt; \
	$(find_python); $(find_pip); \
	if [ -n "$$pip" ]; then \
		"$$pip" -m pip install -qq "$$@" 2> .tools/log && exit; \
		[ -n "$$py" ] || { $(call no_python,pip could not get uv to fetch one: $$(tail -n 1 .tools/log)); }; \
		cat .tools/log >&2; exit 1; \
	elif uv --version >/dev/null 2>&1; then \
		$(call need_python,uv); $(find_index); uv pip install --quiet --python "$$py" "$$@"; \
	elif [ -n "$$py" ]; then \
		echo "$$py has no pip. On Debian and Ubuntu: apt install python3-pip" >&2; exit 1; \
	else \
		$(call no_python,there is neither a pip of Python 3.8 or newer nor uv to fetch one); \
	fi

# uv does not read pip's settings, so pass on the index that pip uses.
find_index = $(find_pip); index=$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$("$$pip" -m pip config get global.index-url 2>/dev/null)}}; \
	[ -z "$$index" ] || export UV_DEFAULT_INDEX="$$index"

# Create an environment with the packages of a lock.
set_up = $(call need_python,$(UV)); \
	echo "Setting up $(1) with $$py (once; one to three minutes)"; \
	$(find_index); \
	$(UV) venv --quiet --clear --python "$$py" $(1) && \
	$(UV) pip install --quiet --python $(1) --require-hashes -r $(2) && \
	$(UV) pip install --quiet --python $(1) --no-deps --editable .

# Keep JupyterLab from asking whether to fetch news, which would need the network.
no_news = mkdir -p $(1)/share/jupyter/lab/settings && \
	echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
		> $(1)/share/jupyter/lab/settings/overrides.json

$(READY): pyproject.toml requirements.lock | $(UV)
	@$(call set_up,.venv,requirements.lock)
	@$(call no_news,.venv)
	@touch $@

# Try the oldest Python first: the oldest packages have no wheels for later ones.
.venv-oldest/.ready: PYTHON = python3.10 python3.11 python3.12 python3.13 python3
.venv-oldest/.ready: pyproject.toml requirements-oldest.lock | $(UV)
	@$(call set_up,.venv-oldest,requirements-oldest.lock)
	@touch $@

# JAX and scikit-learn, for the tests that use them: see tests/optional.
%/optional/.ready: %/.ready tests/optional/requirements.lock
	@$(find_python); $(find_index); \
	$(UV) pip install --quiet --python $* --target $*/optional --no-deps --require-hashes -r tests/optional/requirements.lock
	@touch $@

# Try the system's Python first: students cannot run one in root's home directory.
.venv-hub/.ready: PYTHON = /usr/bin/python3 python3.13 python3.12 python3.11 python3.10
# Compile to bytecode: students may not write it there, so each server and kernel would compile its imports again.
.venv-hub/.ready: export UV_COMPILE_BYTECODE = 1
.venv-hub/.ready: pyproject.toml deploy/requirements.lock deploy/package-lock.json | $(UV)
	@$(call set_up,.venv-hub,deploy/requirements.lock)
	@$(call no_news,.venv-hub)
	@npm ci --prefix deploy --no-audit --no-fund --loglevel=error
	@touch $@
