PY ?= python3
TESSERA_HOME ?= $(CURDIR)/.tessera
# Without it uv does not trust a company's own certificate authority.
export UV_SYSTEM_CERTS ?= 1
export TESSERA_HOME
export DAGSTER_HOME := $(TESSERA_HOME)/dagster
export DO_NOT_TRACK := 1
export RUNTIME__DLTHUB_TELEMETRY := false
export GX_ANALYTICS_ENABLED := false

UV := .tools/bin/uv
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install demo dev metrics test test-duckdb2 test-spark lint format bench bench-identity bench-incremental bench-unmerge bench-scores bench-segments bench-volume bench-activation lock clean

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.tools/bin/uv:
	@$(PY) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { echo "Python 3.11 to 3.13 is needed; name one: make PY=python3.11 $(MAKECMDGOALS)"; exit 3; }
	@$(PY) -m venv .tools || { echo "'$(PY) -m venv' failed: install your Python's venv module (Debian: apt-get install python3-venv)"; exit 3; }
	@.tools/bin/python -m pip install -q --disable-pip-version-check uv==0.13.9

# One environment a lock file. PIP=1 installs the same locks with pip alone.
define environment
	@test -z "$(PIP)" || { $(PY) -m venv $(1) && $(1)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $(2) && $(1)/bin/python -m pip install -q --disable-pip-version-check --no-deps -e .; }
	@test -n "$(PIP)" || { test -d $(1) || $(UV) venv -q --python $(PY) $(1); }
	@test -n "$(PIP)" || { VIRTUAL_ENV=$(1) $(UV) pip sync -q --compile-bytecode --require-hashes $(2) && VIRTUAL_ENV=$(1) $(UV) pip install -q --no-deps -e .; }
endef

BOOTSTRAP := $(if $(PIP),,.tools/bin/uv)

.venv/.installed: $(BOOTSTRAP) pyproject.toml requirements.lock
	$(call environment,.venv,requirements.lock)
	@rm -f .venv/.dev && touch $@

.venv/.dev: $(BOOTSTRAP) pyproject.toml requirements-dev.lock
	$(call environment,.venv,requirements-dev.lock)
	@touch .venv/.installed $@

.venv-duckdb2/.installed: $(BOOTSTRAP) pyproject.toml requirements-duckdb2.lock
	$(call environment,.venv-duckdb2,requirements-duckdb2.lock)
	@touch $@

.venv-spark/.installed: $(BOOTSTRAP) pyproject.toml requirements-spark.lock
	$(call environment,.venv-spark,requirements-spark.lock)
	@touch $@

install: .venv/.installed ## Install only
	@echo "installed; try: make demo"

demo: .venv/.installed ## Generate 10,000 people, run the whole flow, say what came out
	@$(BIN)/tessera demo

dev: .venv/.installed ## Open the Dagster UI on what the demo left
	@$(BIN)/tessera dev

.venv-metrics/.installed: $(BOOTSTRAP) pyproject.toml requirements.lock
	$(call environment,.venv-metrics,requirements.lock)
	@$(if $(PIP),.venv-metrics/bin/python -m pip install -q --disable-pip-version-check,VIRTUAL_ENV=.venv-metrics $(UV) pip install -q) -e '.[semantic]'
	@touch $@

ASK ?= query --metrics customers,active_customers,orders,revenue,average_order_value,retention --group-by metric_time__month --order metric_time__month
# MetricFlow asks PyPI for a newer version of itself at every start: a proxy that is not there keeps it from doing so.
metrics: .venv-metrics/.installed ## Ask the published marts in metrics: ASK="query --metrics revenue --group-by store__state"
	@eval "$$(.venv-metrics/bin/tessera env)" && cd dbt_project && export TESSERA_DBT_TARGET=published HTTPS_PROXY=http://127.0.0.1:9 && ../.venv-metrics/bin/dbt -q parse && ../.venv-metrics/bin/mf $(ASK)

test: .venv/.dev ## Run the tests
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test-duckdb2: .venv-duckdb2/.installed ## Run the tests on the next DuckDB
	@.venv-duckdb2/bin/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m 'not spark and not one_engine' --ignore tests/architecture

test-spark: .venv-spark/.installed ## Build the same models on local Spark and compare
	@command -v java >/dev/null || { echo "Java 17 is needed (Debian: apt-get install openjdk-17-jre-headless)"; exit 3; }
	@.venv-spark/bin/python -m pytest -q -m spark tests/spark

lint: .venv/.dev ## Check style, SQL, YAML and generated files
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@eval "$$(TESSERA_HOME=$(CURDIR)/.tools/lint $(BIN)/tessera env)" && $(BIN)/sqlfluff lint -q dbt_project/models
	@$(BIN)/yamllint -s data_contracts dbt_project/models orchestration workspace.yaml
	@$(BIN)/tessera contracts check
	@$(BIN)/tessera masters --check

format: .venv/.dev ## Write the style that lint checks
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .
	@eval "$$(TESSERA_HOME=$(CURDIR)/.tools/lint $(BIN)/tessera env)" && $(BIN)/sqlfluff fix -q dbt_project/models

bench: .venv/.dev ## Measure the published figures
	@$(BIN)/python -m bench

# Only to compare with: not in our locks, and the measurement does without it.
.venv-rivals/.installed: $(BOOTSTRAP)
	@test -n "$(PIP)" || $(UV) venv -q --clear --python $(PY) .venv-rivals
	@test -z "$(PIP)" || $(PY) -m venv .venv-rivals
	-@$(if $(PIP),.venv-rivals/bin/python -m pip install -q --disable-pip-version-check,VIRTUAL_ENV=.venv-rivals $(UV) pip install -q) 'recordlinkage==0.16' 'pandas<3' && touch $@

bench-identity: .venv/.dev .venv-rivals/.installed ## Measure who is who on sets with known truth: SETS=folder
	@$(BIN)/python -m bench.identity $(SETS) $(if $(DEMO),--demo $(DEMO))

bench-incremental: .venv/.dev ## Measure runs on changed records, beside Splink: SIZES=10000,100000
	@$(BIN)/python -m bench.incremental $(if $(SIZES),--sizes $(SIZES))

bench-unmerge: .venv/.dev ## Measure taking one person of a million apart: DEMO=home of the demo
	@$(BIN)/python -m bench.unmerge $(or $(DEMO),.tessera)

bench-scores: .venv/.dev ## Measure forecasts of real shops by what came
	@$(BIN)/python -m bench.scores

bench-segments: .venv/.dev ## Measure a hundred segments over a million people, and previews
	@$(BIN)/python -m bench.segments $(if $(WAREHOUSE),--warehouse $(WAREHOUSE))

bench-volume: .venv/.dev ## Measure features and scores of a million people
	@$(BIN)/python -m bench.volume $(if $(WAREHOUSE),--warehouse $(WAREHOUSE))

bench-activation: .venv/.dev ## Measure a sync of a million rows: plan, PostgreSQL, webhook
	@$(BIN)/python -m bench.activation

# duckdb is pinned here: 1.5.5 is the engine of every environment, 2.0 the one that the tests also run on.
COMPILE = $(UV) pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --constraint .tools/constraints.txt
lock: .tools/bin/uv ## Recompute the lock files
	@echo 'duckdb==1.5.5' > .tools/constraints.txt
	$(COMPILE) --extra demo --extra postgres -o requirements.lock
	$(COMPILE) --extra demo --extra dev -o requirements-dev.lock
	$(COMPILE) --extra demo --extra dev --extra spark -o requirements-spark.lock
	@echo 'duckdb==2.0.0' > .tools/constraints.txt
	$(COMPILE) --extra demo --extra dev -o requirements-duckdb2.lock
	@! grep -nE 'https?://' requirements*.lock

clean: ## Remove environments, caches and the demo's home
	rm -rf .venv .venv-duckdb2 .venv-metrics .venv-spark .venv-rivals .tools .tessera .pytest_cache .ruff_cache dbt_project/target dbt_project/logs
