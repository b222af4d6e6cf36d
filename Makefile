# PYTHON is used once, to create .venv: `make up PYTHON=python3.12`.
PYTHON ?= python3
# How long `make soak` watches.
MINUTES ?= 60
# Which of its tests that are alike `make test-slow` runs: all (full) or some (sampled).
SLOW ?= full
# Which kills `make crash` tries: all (full) or some of each flow (sampled).
CRASH ?= full
# Which days `make days` lives through: all (full) or some (sampled).
DAYS ?= full
# How many match days `make match-days` lives through.
MATCH_DAYS ?= 200
# How many minute runs each of the three days of `make housekeeping` has.
HOUSEKEEPING_RUNS ?= 1440
# How many minutes of its day `make dagster-day` lives through, the last ones.
DAY_MINUTES ?= 1440
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --no-input --disable-pip-version-check

# Every minute of live sport is a fresh process: without cached bytecode each one would compile
# the whole project again before it could fetch.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up test test-stack test-slow properties soak signals hostile prices schedules
.PHONY: replays crash detect days
.PHONY: real-times match-days dagster-day housekeeping bench-storage bench-starts lines mutants
.PHONY: screenshots lint lock install clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

up: $(STAMP) ## install what is missing, then start Touchline (ARGS="--port 3055 --detach")
	@$(BIN)/touchline up $(ARGS)

test: $(STAMP) ## run the tests that need nothing but Python: under 4 minutes on 2 cores (ARGS="-k day" to choose)
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not stack" $(ARGS)

test-stack: $(STAMP) ## run those that need a real S3 server, PostgreSQL, other processes or a browser
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "stack and not daemon and not crash and not days and not soak and not signals" $(ARGS)

test-slow: $(STAMP) ## run those that start the whole stack and live through its minutes (SLOW=sampled: some of them)
	@TOUCHLINE_SLOW=$(SLOW) $(BIN)/pytest -q -m daemon $(ARGS)

properties: $(STAMP) ## run what `make test` runs, each property with eight times as many examples
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not stack" --hypothesis-profile=thorough $(ARGS)

soak: $(STAMP) ## an hour of the real stack: every minute once, nothing grows (MINUTES=10: without its memory)
	@TOUCHLINE_SOAK_MINUTES=$(MINUTES) $(BIN)/pytest -q -m soak $(ARGS)

signals: $(STAMP) ## make every cause of an alarm happen on the real stack: named within 30 s, healed (45 minutes)
	@$(BIN)/pytest -v -m signals $(ARGS)

hostile: $(STAMP) ## 10,000 hostile fetches through every stage, and every field of one by itself (minutes to hours)
	@TOUCHLINE_HYPOTHESIS_EXAMPLES=10000 TOUCHLINE_ODD_FIELDS=full $(BIN)/pytest -q tests/pipeline_assets/*/test_hostile_content.py tests/pipeline_assets/*/test_odd_fields.py $(ARGS)

prices: $(STAMP) ## every minute of a recorded hour and 10,000 invented odds histories against oracles (minutes)
	@TOUCHLINE_HYPOTHESIS_EXAMPLES=10000 TOUCHLINE_RECORDED_CUTS=60 $(BIN)/pytest -q --timeout=3600 tests/pipeline_assets/football/test_goal_moments.py tests/pipeline_assets/football/test_odds_before_goals.py tests/pipeline_assets/football/test_recorded_prices.py $(ARGS)

schedules: $(STAMP) ## 50 ways for processes to overlap, of each kind of day (10 minutes)
	@TOUCHLINE_HYPOTHESIS_EXAMPLES=50 $(BIN)/pytest -q tests/schedules $(ARGS)

replays: $(STAMP) ## an hour of minutes across midnight and both clock changes
	@TOUCHLINE_REPLAY_MINUTES=60 $(BIN)/pytest -q --timeout=1800 tests/operations/test_replay.py $(ARGS)

crash: $(STAMP) ## kill every flow before and after each of its side effects, and minutes of alerts at random (CRASH=sampled: some of them)
	@TOUCHLINE_CRASH=$(CRASH) $(BIN)/pytest -q -m crash tests/crash $(ARGS)

days: $(STAMP) ## thirty clean days minute by minute: no alarm (DAYS=sampled)
	@TOUCHLINE_DAYS=$(DAYS) $(BIN)/pytest -q -n 2 tests/days/test_clean_days.py $(ARGS)

match-days: $(STAMP) ## every alert of 200 match days against an oracle (5 to 10 minutes; MATCH_DAYS=20: fewer)
	@TOUCHLINE_MATCH_DAYS=$(MATCH_DAYS) $(BIN)/pytest -q -s tests/days/test_match_days.py $(ARGS)

real-times: $(STAMP) ## the 954 fetches of a real day and a half, when they were made
	@$(BIN)/pytest -q tests/days/test_real_times.py $(ARGS)

dagster-day: $(STAMP) ## every minute of one day as a run of Dagster, and its seal (1.5 hours; DAY_MINUTES=60: fewer)
	@TOUCHLINE_DAGSTER_MINUTES=$(DAY_MINUTES) $(BIN)/pytest -q tests/days/test_dagster_day.py $(ARGS)

housekeeping: $(STAMP) ## three days of minute runs in Dagster before and after a housekeeping (needs 6 GB; HOUSEKEEPING_RUNS=100: fewer)
	@TOUCHLINE_HOUSEKEEPING_RUNS=$(HOUSEKEEPING_RUNS) $(BIN)/pytest -q tests/days/test_housekeeping.py $(ARGS)

detect: $(STAMP) ## inject every fault of docs/faults.md and see what names it (ARGS="--seed 7", --json)
	@$(BIN)/python -m tests.detect $(ARGS)

bench-storage: $(STAMP) ## what storing costs, beside its limits, from real recordings (ARGS=--small, --hours 24)
	@$(BIN)/python -m benchmarks.storage $(ARGS)

bench-starts: $(STAMP) ## what starting costs: definitions, --help, status, in CPU against `import dagster`
	@$(BIN)/python -m benchmarks.starts $(ARGS)

lines: $(STAMP) ## count the lines of code and of docstrings (ARGS="--against PATH": beside another checkout's)
	@$(BIN)/python -m benchmarks.lines $(ARGS)

mutants: $(STAMP) ## break code that has not changed since another checkout: do its tests and ours notice? (hours; ARGS="--against PATH --count 20")
	@$(BIN)/python -m benchmarks.mutants $(ARGS)

screenshots: $(STAMP) ## take the pictures of README and docs again (needs Chromium)
	@$(BIN)/python -m tests.stack.report_pictures docs
	@$(BIN)/python -m tests.stack.board_pictures docs
	@$(BIN)/python -m tests.stack.screenshots docs

lint: $(STAMP) ## check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

lock: $(STAMP) ## pin every dependency again (ARGS=--upgrade for newer versions)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" $(ARGS) \
		--extra postgres --group dev --output-file requirements.lock pyproject.toml

install: $(STAMP) ## create .venv from requirements.lock

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Touchline needs Python 3.11 or newer, '$(PYTHON)' is not: name one with make PYTHON=..." >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@echo "Installing the $$(grep -c '^[^ #].*==' $<) packages of $< (a minute or two, and only when it changes)"
	@$(PIP) install --require-hashes --no-deps --requirement $<
	@$(PIP) check
	@echo "Installing Touchline"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

clean: ## remove .venv, caches and builds (never the state in .touchline)
	@rm -rf $(VENV) dist build .pytest_cache .ruff_cache .hypothesis .import_linter_cache .mutants_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
