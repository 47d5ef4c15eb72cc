# make run    everything from nothing: environment, compiler, spectra, model, results/tables/halo-1.parquet
# make test   the tests (make test MARKS="not slow" for the quick ones)
# make help   the other targets

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORES ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
CONFIG ?= config/quickstart.yaml
INSTALLED := $(VENV)/.installed
LOCKING := $(VENV)/lock

.DELETE_ON_ERROR:
.PHONY: help install gfortran run test test-slurm lint bench bench-model bench-faults config lock doctor clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1 /' | awk '{name = $$1; $$1 = ""; printf "make %-12s%s\n", name, $$0}'

install: $(INSTALLED) ## the Python environment in .venv, exact versions

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "make: $(PYTHON) is missing or older than 3.11: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Turbospectrum is compiled here.
gfortran:
	@command -v gfortran >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& echo "make: installing gfortran" && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq gfortran >/dev/null; } \
		|| { echo "make: gfortran is missing; install it: apt install gfortran (Debian, Ubuntu), dnf install gcc-gfortran (Fedora), brew install gcc (macOS), or conda install -c conda-forge gfortran" >&2; exit 1; }

run: $(INSTALLED) gfortran ## the quickstart: 40 000 emulated stars, from nothing to a table, figures and a report
	$(BIN)/snakemake --cores $(CORES) --configfile $(CONFIG) --rerun-incomplete --show-failed-logs
	@ls -l results/tables/*.parquet results/evaluation/summary.md results/report.html

MARKS ?=
test: $(INSTALLED) gfortran ## all tests that this machine can run
	$(BIN)/python -m pytest $(if $(MARKS),-m "$(MARKS)")

# The time limit from outside: the executor's plugin is known to hang.
test-slurm: $(INSTALLED) gfortran ## the Slurm profile on a real Slurm of this machine (root; installs Slurm where apt-get can)
	@command -v slurmctld >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& echo "make: installing slurm-wlm and munge" && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null; } \
		|| echo "make: Slurm is missing and could not be installed; its tests are skipped" >&2
	timeout -k 30 900 $(BIN)/python -m pytest -m slurm tests/workflow

lint: $(INSTALLED) ## ruff, snakefmt, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

BENCHES := native_build changes emulated_catalog catalogs ispec
bench: $(INSTALLED) gfortran ## the measurements of speed, side by side: tables in docs/benchmarks/
	@set -e; for name in $(BENCHES); do \
		echo "== benchmarks/synthesis/$$name.py"; $(BIN)/python benchmarks/synthesis/$$name.py; \
	done
	@echo "== benchmarks/model/throughput.py"; $(BIN)/python benchmarks/model/throughput.py
	@set -e; for name in planning hdf5 encode cost; do \
		echo "== benchmarks/scale/$$name.py"; $(BIN)/python benchmarks/scale/$$name.py; \
	done

# Ended and started again, it goes on; `make run` has made the catalog and model that the second needs.
bench-model: $(INSTALLED) ## some hours: what each part of the model does (three catalogs); calibration and bounds of `make run`'s
	$(BIN)/python benchmarks/model/ablation.py run
	$(BIN)/python benchmarks/model/ablation.py page
	$(BIN)/python benchmarks/model/calibration.py
	$(BIN)/python benchmarks/model/bound_w.py
	$(BIN)/python benchmarks/model/bound_l2.py --write

# Ended and started again, it goes on.
bench-faults: $(INSTALLED) gfortran ## half an hour: every fault at three moments; the table in docs/reliability.md
	$(BIN)/python benchmarks/reliability/faults.py

config: $(INSTALLED) ## rewrite what is generated from src/halochem/config.py and the published regions
	$(BIN)/python -m halochem.config_pages
	$(BIN)/python -m halochem.regions

doctor: $(INSTALLED) ## what is here, what is missing and how to get it
	$(BIN)/halochem doctor

# Without torch's local version and the CUDA packages that follow from it, so that the list fits every machine.
lock: ## renew requirements.lock: the newest versions that pyproject.toml admits
	$(PYTHON) -m venv --clear $(LOCKING)
	$(LOCKING)/bin/python -m pip install --quiet --upgrade setuptools
	$(LOCKING)/bin/python -m pip install --quiet --editable '.[dev]'
	{ sed -n '/^#/p' requirements.lock; $(LOCKING)/bin/python -m pip freeze --all --exclude pip --exclude-editable \
		| grep -viE '^(nvidia|cuda|triton)' | sed 's/+cpu//' | sort -f; } > $(LOCKING)/requirements.lock
	mv $(LOCKING)/requirements.lock requirements.lock && rm -rf $(LOCKING)

clean: ## remove what runs made, results included (what was downloaded stays, and .venv)
	rm -rf results .snakemake resources/turbospectrum resources/linelists/prepared resources/atmospheres
