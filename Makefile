# Everything runs from here; `make help` lists what there is. Nothing leaves .local/.

SHELL := /bin/bash
PYTHON ?= python3
override LOCAL := .local
override VENV := $(LOCAL)/venv
override PY := $(VENV)/bin/python
export PYTHONPATH := $(CURDIR)/include
# bytecode is what makes the second start fast
unexport PYTHONDONTWRITEBYTECODE

override CLI := $(PY) -W ignore -m segmentation local

# What the command line of make sets reaches the program through the environment, as it was written: `value`
# leaves a $ alone, and no value becomes text of a shell. The program refuses names that it does not know.
override MINE := PYTHON SHELL MAKEFLAGS
override WORDS := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $v)),$(filter-out $(MINE),$v)))
$(foreach v,$(WORDS),$(eval override $v := $$(value $v))$(eval export $v))
ifneq ($(strip $(WORDS)),)
export SEGMENTATION_MAKE_WORDS := $(strip $(WORDS))
endif

# The targets that are no commands of the program know these, and refuse others; `bench` asks its benchmark.
override TAKES_test := ARGS
override TAKES_faults := ONLY
override PLAIN := $(filter help test faults lint exposure lock licences docs,$(or $(MAKECMDGOALS),help))
ifneq ($(PLAIN),)
override TAKEN := $(foreach t,$(PLAIN),$(TAKES_$t))
$(foreach v,$(filter-out $(TAKEN),$(WORDS)),$(error $v= is not known to `make $(PLAIN)`$(if $(TAKEN), (it takes $(TAKEN)=),, which takes none)))
endif

.DEFAULT_GOAL := help
.PHONY: help run inspect up backfill stale status release reject withdraw migrate erase audiences lists campaign psql test bench licences faults lint exposure lock docs clean

help: ## this list
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

##@ Nights

run: $(VENV)/run.stamp $(if $(filter ENGINE,$(WORDS)),$(if $(filter spark,$(ENGINE)),$(VENV)/spark.stamp)) ## one night: SHOP= SOURCE= DATA=file COLUMNS= AS_OF=2011-12-01 CUSTOMERS=5000 K=6 ALGORITHM=kmeans FORCE_REFIT=1 ENGINE=spark (default: the demo shop)
	@$(CLI) run

inspect: $(VENV)/run.stamp ## what a file would be read as, in seconds and without a warehouse: DATA=file COLUMNS= DATES= ARGS=--json
	@$(PY) -W ignore -m segmentation inspect

up: $(VENV)/run.stamp ## the scheduler and the Airflow UI on this machine, until Ctrl-C: SHOP= PORT=
	@$(CLI) up

backfill: $(VENV)/run.stamp ## dates in order, by the scheduler: FROM=2011-09-01 TO=2011-11-30 REPROCESS=none|failed|completed DRY_RUN=1
	@$(CLI) backfill

stale: $(VENV)/run.stamp ## run again, in order, the published dates that late or corrected facts have changed: SHOP=
	@$(CLI) backfill --stale=1

##@ How things stand, and decisions

status: $(VENV)/run.stamp ## the newest published date and its age, last runs, open incidents; not 0 when it is old: SHOP=
	@$(CLI) status

release reject withdraw: $(VENV)/run.stamp
	@$(CLI) $@

release: ## publish a held night exactly as it is: AS_OF=2011-12-01 SHOP= NOTE="why"
withdraw: ## take a published date back; readers see the date before it: AS_OF=2011-12-01 SHOP= NOTE="why"
reject: ## end a held night; nothing of it is published: AS_OF=2011-12-01 SHOP= NOTE="why"

##@ Data

migrate: $(VENV)/run.stamp ## bring a shop's warehouse to the newest version, in place (each night does it too): SHOP=
	@$(CLI) migrate

erase: $(VENV)/run.stamp ## forget a customer, whom the shop has erased: CUSTOMER=17850 SHOP=
	@$(CLI) erase

audiences: $(VENV)/run.stamp ## the hashed addresses of each segment as CSV and Parquet, with a manifest: SHOP=
	@$(CLI) audiences

lists: $(VENV)/run.stamp ## customers by id for a CRM, what changed since the last export, exclusions, seeds: SHOP=
	@$(CLI) lists

campaign: $(VENV)/run.stamp ## a campaign with a control group: NAME="Win back" SEGMENTS=4,7 (or AUDIENCE=id) FROM= TO= HELD_OUT=0.2 NOTE=, or ID= EXPORT=1 CANCEL=1; alone: all
	@$(CLI) campaign

psql: $(VENV)/run.stamp ## the warehouse of a shop: SHOP= ARGS="-Atc 'select 1'"
	@$(CLI) psql

##@ Development

test: export PYTEST_ADDOPTS := $(value ARGS)
test: override export SEGMENTATION_MAKE_WORDS :=
test: override export PYTHONDONTWRITEBYTECODE :=  # hundreds of processes would compile this project anew
test: $(VENV)/dev.stamp ## all tests, on an embedded Postgres: ARGS="-k publish"
	@$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder

bench: $(VENV)/dev.stamp ## one benchmark, its values by name: NAME=nights SCALE=1 YEARS=20, NAME=search CUSTOMERS=1000000; without NAME all names
	@$(PY) -W ignore -m benchmarks

faults: $(VENV)/dev.stamp ## damage the demo shop in many ways, each through the DAG; two at a time; writes docs/faults.md: ONLY=name
	@$(PY) -W ignore -m tests.faults $$ONLY

lint: $(VENV)/dev.stamp ## code, types, imports, SQL, shell, links, locks; the hooks of .pre-commit-config.yaml are the same
	@PYTHON=$(PY) scripts/lint

exposure: $(VENV)/dev.stamp ## what is open to others: addresses, ports, modes of files; fails on what scripts/exposure.txt has not
	@$(PY) -W ignore scripts/exposure

lock: $(VENV)/dev.stamp ## write requirements*.txt anew from requirements*.in
	@PYTHON=$(PY) scripts/lock

licences: $(VENV)/dev.stamp ## write docs/licences.md: the licence of every package that is installed for a night
	@$(PY) scripts/licences > docs/licences.md

docs: $(VENV)/dev.stamp ## generate what is generated: pages under docs/, statements for Spark
	@$(PY) scripts/data_dictionary.py > docs/data_dictionary.md
	@$(PY) scripts/settings_guide.py > docs/settings.md
	@$(PY) scripts/spark_sql.py

clean: ## stop the local servers and delete .local (environment, databases, reports)
	@if [ -x $(PY) ]; then $(CLI) clean; fi; rm -rf $(LOCAL)

# The environment: made once, and again when a lock changes.
$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "error: Python >= 3.11 is needed ($(PYTHON) is not; name another with PYTHON=python3.12)" >&2; exit 2; }
	@echo "making the environment in $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/run.stamp: requirements.txt | $(VENV)/bin/uv
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --require-hashes --python $(PY) -r requirements.txt
	@touch $@

$(VENV)/spark.stamp: requirements-spark.txt $(VENV)/run.stamp
	@env -u SEGMENTATION_MAKE_WORDS $(PY) -W ignore -m segmentation spark java
	@echo "installing pyspark (once, some 450 MB)"
	@$(VENV)/bin/uv pip install --quiet --require-hashes --python $(PY) -r requirements-spark.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt requirements-production.txt $(VENV)/run.stamp
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --require-hashes --python $(PY) \
		-r requirements.txt -r requirements-production.txt -r requirements-dev.txt
	@touch $@
