# Two commands on a fresh machine with Python ≥ 3.11, git and make: `make certify` and `make test`.
# Everything lives in .venv at the root. On Windows use the commands of README.md instead.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
OUT ?= out
export UV_SYSTEM_CERTS ?= 1
export UV_PYTHON_DOWNLOADS ?= never
export PYTHONUTF8 := 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: certify test test-interop test-api crash load lint packs bench test-dask docs mutation lock clean

certify: $(READY)
	@$(BIN)/hocba certify --target=reference --programme=THCS --programme=THPT \
	  --report=$(OUT)/report.html --results=$(OUT)/results.json --junit=$(OUT)/junit.xml --evidence=$(OUT)/evidence

test: $(READY) lint
	$(BIN)/python -m pytest -n auto -q --ignore=tests/interop --ignore=tests/api

# Signers and verifiers of other platforms, built and run (tests/debian-packages.sh installs what they need).
test-interop: $(READY)
	$(BIN)/python -m pytest tests/interop -n 2 --dist loadfile -q

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs/build.py docs/skeleton/vendor.py
	$(BIN)/lint-imports
	$(BIN)/hocba pack lint
	$(BIN)/hocba pack lint tests/packs/other

# The second pack's manifest, texts and test interface follow the shipped pack's.
packs: $(READY)
	$(BIN)/python -m tests.packs.derive

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

# uv installs in seconds what pip installs in half a minute; without it, pip does.
$(READY): requirements.lock requirements-setup.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python >= 3.11, please" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-setup.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock || \
	  $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . || \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Dask is heavy and optional: an environment of its own, a lock of its own.
DASK := .venv-dask/bin
test-dask: .venv-dask/.ready
	$(DASK)/python -m pytest tests/checking/test_cluster.py -q

.venv-dask/.ready: requirements-dask.lock pyproject.toml $(READY)
	$(PYTHON) -m venv .venv-dask
	$(BIN)/uv pip install --quiet --python $(DASK)/python --require-hashes -r requirements-dask.lock
	$(BIN)/uv pip install --quiet --python $(DASK)/python --no-deps --no-build-isolation --editable .
	@touch $@

# The site has an environment and a lock of its own, so that the tests' one stays light.
docs: $(READY) .venv-docs/.ready
	$(BIN)/python docs/build.py $(OUT)/site-source
	$(DOCS)/mkdocs build --strict --quiet --config-file $(OUT)/site-source/mkdocs.yml --site-dir $(abspath $(OUT))/site
	@echo "→ $(OUT)/site/index.html"

DOCS := .venv-docs/bin
.venv-docs/.ready: requirements-docs.lock $(READY)
	$(PYTHON) -m venv .venv-docs
	$(BIN)/uv pip install --quiet --python $(DOCS)/python --require-hashes -r requirements-docs.lock
	@touch $@

# Does any test notice when a line of the judging code is wrong? Long: docs/mutation.md.
MUTATION := .venv-mutation/bin
mutation: .venv-mutation/.ready
	nice -n 19 $(MUTATION)/python -m tests.mutation $(ARGS)

.venv-mutation/.ready: requirements-mutation.lock pyproject.toml $(READY)
	$(PYTHON) -m venv .venv-mutation
	$(BIN)/uv pip install --quiet --python $(MUTATION)/python --require-hashes -r requirements-mutation.lock
	$(BIN)/uv pip install --quiet --python $(MUTATION)/python --no-deps --no-build-isolation --editable .
	@touch $@

# The service killed hundreds of times under load, on SQLite and PostgreSQL.
crash: $(READY)
	$(BIN)/python -m tests.mock_moet.crash --kills 200

# Throughput and latency of the service on this machine, compared with `hocba check`.
load: $(READY)
	$(BIN)/python -m tests.mock_moet.load

# schemathesis against the service: heavy, an environment of its own, a lock of its own.
API := .venv-api/bin
test-api: .venv-api/.ready
	$(API)/python -m pytest tests/api -q -p no:randomly

.venv-api/.ready: requirements-api.lock pyproject.toml $(READY)
	$(PYTHON) -m venv .venv-api
	$(BIN)/uv pip install --quiet --python $(API)/python --require-hashes -r requirements-api.lock
	$(BIN)/uv pip install --quiet --python $(API)/python --no-deps --no-build-isolation --editable .
	@touch $@

# Locks hold versions and hashes, no addresses.
lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  --group test pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  --group test --extra dask --constraint requirements.lock pyproject.toml --output-file requirements-dask.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  --group docs --output-file requirements-docs.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  --group test --group mutation --constraint requirements.lock pyproject.toml --output-file requirements-mutation.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  --group test --group api --constraint requirements.lock pyproject.toml --output-file requirements-api.lock
	echo uv | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  - --output-file requirements-setup.lock

clean:
	rm -rf .venv .venv-* $(OUT) .pytest_cache .mypy_cache .ruff_cache
