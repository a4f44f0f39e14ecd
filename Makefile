# Two commands on a fresh machine with Python ≥ 3.11, git and make: `make certify` and `make test`.
# Everything lives in .venv at the root. On Windows use the commands of README.md instead.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
OUT ?= out
export UV_SYSTEM_CERTS ?= 1
export UV_PYTHON_DOWNLOADS ?= never
export PYTHONUTF8 := 1
# Compiled modules are kept: hundreds of short processes would compile the same sources otherwise.
export PYTHONDONTWRITEBYTECODE :=
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
$(READY): requirements.lock requirements/setup.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python >= 3.11, please" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/setup.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock || \
	  $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . || \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Heavy and optional things have an environment and a lock of their own, so that the tests' one stays light.
.venv-%/.ready: requirements/%.lock pyproject.toml $(READY)
	$(PYTHON) -m venv .venv-$*
	$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --require-hashes -r $<
	$(if $(filter docs,$*),,$(BIN)/uv pip install --quiet --python .venv-$*/bin/python --no-deps --no-build-isolation --editable .)
	@touch $@
.PRECIOUS: .venv-%/.ready

test-dask: .venv-dask/.ready
	.venv-dask/bin/python -m pytest tests/checking/test_cluster.py -q

docs: $(READY) .venv-docs/.ready
	$(BIN)/python docs/build.py $(OUT)/site-source
	.venv-docs/bin/mkdocs build --strict --quiet --config-file $(OUT)/site-source/mkdocs.yml --site-dir $(abspath $(OUT))/site
	@echo "→ $(OUT)/site/index.html"

# Does any test notice when a line of the judging code is wrong? Long: docs/mutation.md.
mutation: .venv-mutation/.ready
	nice -n 19 .venv-mutation/bin/python -m tests.mutation $(ARGS)

# The service killed hundreds of times under load, on SQLite and PostgreSQL.
crash: $(READY)
	$(BIN)/python -m tests.mock_moet.crash --kills 200

# Throughput and latency of the service on this machine, compared with `hocba check`.
load: $(READY)
	$(BIN)/python -m tests.mock_moet.load $(ARGS)

# schemathesis against the service.
test-api: .venv-api/.ready
	.venv-api/bin/python -m pytest tests/api -q -p no:randomly

# Locks hold versions and hashes, no addresses.
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11
lock:
	$(COMPILE) --group test pyproject.toml --output-file requirements.lock
	$(COMPILE) --group test --extra dask --constraint requirements.lock pyproject.toml --output-file requirements/dask.lock
	$(COMPILE) --group docs --output-file requirements/docs.lock
	$(COMPILE) --group test --group mutation --constraint requirements.lock pyproject.toml --output-file requirements/mutation.lock
	$(COMPILE) --group test --group api --constraint requirements.lock pyproject.toml --output-file requirements/api.lock
	echo uv | $(COMPILE) - --output-file requirements/setup.lock

clean:
	rm -rf .venv .venv-* $(OUT) .pytest_cache .mypy_cache .ruff_cache
