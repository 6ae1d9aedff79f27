# The habits of the house. Each makes .venv when it is missing; nothing but Python 3.11+ is needed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo run test check bench format readme clean

demo: .venv/.run
	$(BIN)/python -m bot demo

run: .venv/.run
	$(BIN)/python -m bot run

# Compiled once, not by each of the many processes that the tests start.
test: .venv/.test
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 4 --dist loadfile

check: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.test
	$(BIN)/python -m pytest tests/benchmarks -s -o python_files='bench_*.py'

format: .venv/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

readme: .venv/.run
	$(BIN)/python -m bot commands --readme

clean:
	rm -rf .venv

.venv/.run: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Easel needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.test: .venv/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@
