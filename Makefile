# Two commands on a fresh machine: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REQUIREMENTS := requirements-dev.txt
STAMP := $(VENV)/.installed
SAID := $(VENV)/.pip-said

# The tests start many processes of the same code, which is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo test test-long faults check release compiled web web-test node packages format requirements openapi reference course bench score manage clean install

# Development's set contains this one.
run demo: REQUIREMENTS := requirements-run.txt

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: install ## Run the whole platform in the foreground, on PORT (default 8000)
	@exec $(BIN)/python -m dev.local_stack.run --end-with-make

demo: install ## Stream a figure that does squats, and check the count; ARGS="--speed 1"
	@exec $(BIN)/python -m dev.tools.demo --end-with-make $(ARGS)

test: install ## Run the tests; ARGS="-k sessions" passes arguments to pytest
	@$(BIN)/python -m pytest -n 3 $(ARGS)

test-long: install ## Run every test, the long ones too, on other examples each time: before a release
	@$(BIN)/python -m pytest -n 3 -m "" --hypothesis-profile=long $(ARGS)

faults: install ## Kill, stop and restart all of production under load, and count; ARGS="--short"
	@exec $(BIN)/python -m tests.deploy.faults --end-with-make $(ARGS)

check: install ## Formatting, lint, types, imports, migrations, deployment, OpenAPI, audit
	@$(BIN)/python -m dev.tools.check

release: install ## Check that this tree can be released, and say what is left to do; tags nothing
	@[ -z "$$(git status --porcelain)" ] || { echo "Commit first what \`git status\` shows." >&2; exit 1; }
	@version=$$(sed -n 's/^__version__ = "\(.*\)"$$/\1/p' kynaplatform/__init__.py); \
	changes=$$(sed -n 's/^## //p' CHANGELOG.md | head -n 1); \
	[ "$$version" = "$$changes" ] || { echo "The version is $$version, and CHANGELOG.md begins with $$changes." >&2; exit 1; }; \
	[ -z "$$(git tag --list "v$$version")" ] || { echo "v$$version was released." >&2; exit 1; }; \
	printf '%s\n' "Each of these must succeed:" "  make check" "  make test-long" "  make faults" "  make web-test" \
	  "Then: git tag -a v$$version -m $$version"

compiled: install ## Compile the engine, which makes it four times as fast; needs gcc and Python's headers
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-mypyc.txt
	@$(BIN)/python -m dev.tools.compile_engine

web: packages ## Build the npm package and the script of /try, and bring its camera; needs Node 20
	@cd clients && npm run --silent build

web-test: web ## Lint and test them
	@cd clients && npm run --silent lint && npm run --silent test

node:
	@node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null && command -v npm >/dev/null || { echo "Node 20 or later is needed, with npm." >&2; exit 1; }

packages: node
	@cd clients && { cmp -s package-lock.json node_modules/.installed || \
	  { npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --silent && cp package-lock.json node_modules/.installed; }; }

format: install ## Format the code and fix what lint can fix
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

requirements: install ## Pin what requirements*.in name, with hashes; ARGS="--upgrade-package django"
	@for set in requirements requirements-run requirements-mypyc requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --generate-hashes --python-version 3.11 --python-platform linux \
	    --custom-compile-command "make requirements" $(ARGS) $$set.in -o $$set.txt >/dev/null || exit 1; \
	done

openapi: install ## Rewrite docs/openapi.yaml from the code
	@$(BIN)/python -m dev.tools.check --write-openapi

reference: install ## Rewrite docs/movespec/reference.md from the language
	@$(BIN)/python -m dev.tools.movespec_reference

course: install ## Count again what docs/movespec/ shows, and draw it and the first page
	@$(BIN)/python manage.py perform squat docs/squat.json.gz
	@$(BIN)/python manage.py replay docs/squat.json.gz --spec examples/movespecs/squat.yaml --plot docs/replay.svg --angles knee,hip
	@rm docs/squat.json.gz
	@$(BIN)/python -m dev.tools.course
	@$(BIN)/python -m dev.tools.drawings

bench: install ## Measure session creation and the stream; ARGS="--seconds 4 --throwaway"
	@$(BIN)/python -m dev.bench.create $(ARGS)
	@$(BIN)/python -m dev.bench.stream $(ARGS)

score: install ## Score the engine over RECORDINGS_DIR, PEOPLE_DIR and the figure; ARGS="--only views"
	@$(BIN)/python -m dev.bench.score $(ARGS)

manage: install ## Run a Django command: make manage CMD="createsuperuser"
	@$(BIN)/python -m dev.local_stack.manage $(CMD)

clean: ## Remove the virtual environment and caches; data in .data, and below /var/lib/kynaplatform-local, stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles
	rm -rf clients/node_modules clients/web/dist clients/web/build clients/try/build tryout/static/tryout/built
	rm -rf detection/built
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp holds the hash of what was installed, and is written only after all of it was. An
# environment made by another Python, or half made, is made anew. Of two at once one waits: the
# shell holds Python's lock of its descriptor 9, because not every machine has a `flock`.
install:
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
	  echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON): $$("$(PYTHON)" -V 2>&1). Another one: make PYTHON=python3.12 …" >&2; exit 1; }
	@version='import sys; print(sys.version)'; python=$$("$(PYTHON)" -c "$$version"); \
	stamp_of() { echo "$$python $$("$(PYTHON)" -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())' < $$1)"; }; \
	wanted=$$(stamp_of $(REQUIREMENTS)); \
	is_installed() { installed=$$(cat $(STAMP) 2>/dev/null); [ "$$installed" = "$$wanted" ] || [ "$$installed" = "$$(stamp_of requirements-dev.txt)" ]; }; \
	lock() { "$(PYTHON)" -c "import fcntl; fcntl.flock(9, fcntl.LOCK_EX | $$1)" 2>/dev/null; }; \
	is_installed || { exec 9>>requirements-dev.txt; lock fcntl.LOCK_NB || { echo "Waiting for another make, which installs the dependencies …"; lock 0; }; }; \
	if ! is_installed; then \
	  echo "Installing the dependencies into $(VENV), which takes a minute or more …"; \
	  rm -f $(STAMP); \
	  if [ "$$($(BIN)/python -c "$$version" 2>/dev/null)" != "$$python" ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	    "$(PYTHON)" -m venv --clear $(VENV) || exit 1; \
	  fi; \
	  { $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --retries 2 -r $(REQUIREMENTS) 2>$(SAID) && \
	    printf '%s\n' "$$wanted" > $(STAMP); } | { \
	    found=0; while read -r word _; do case "$$word" in \
	      Collecting|Processing) found=$$((found + 1)); [ $$((found % 25)) != 0 ] || echo "  $$found of $$(grep -c == $(REQUIREMENTS))";; \
	      Installing) echo "  unpacking …";; \
	    esac; done; }; \
	  if [ ! -f $(STAMP) ] && grep -q 'connection broken' $(SAID) && ! grep -q HASHES $(SAID); then \
	    echo "No package index answers, and the dependencies must be downloaded once: connect this machine to a network, or set PIP_INDEX_URL to an index that it can reach." >&2; \
	  else cat $(SAID) >&2; fi; \
	  [ -f $(STAMP) ]; \
	fi
