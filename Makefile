export PATH := $(CURDIR)/.venv/bin:$(PATH)
# molecule folds its output at this width where there is no terminal.
export COLUMNS ?= 150

.PHONY: help up try try-stop image test check lint version lock environment test-python test-molecule test-image test-images test-container test-conformance soak bench

help:            ## what there is
	@sed -n 's/^\([a-z-]*\):[^#]*##/make \1 /p' Makefile
up:              ## install or upgrade the appliance on this machine (asks for sudo's password if it has to)
	@scripts/up
try:             ## the whole appliance in a container on this machine, and a first search
	@scripts/try
try-stop:        ## remove what "make try" made
	@scripts/try stop
image: environment ## the all-in-one image: built, tested, exported to dist/ (OLLAMA_FLAVOR=embedded: without Ollama; MODEL: with a model)
	scripts/with-containers molecule test --scenario-name aio
# A machine of its own and the image do not wait for each other; both wait a lot.
test: lint test-python ## everything: sources, package, appliance, image
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-molecule test-images
check: environment ## the quick answer while one works: Python's sources, and the unit tests that are not marked slow
	@scripts/check
lint: environment ## check the sources
	@scripts/lint
test-python: environment ## unit and integration tests
	@scripts/test-python
test-molecule: environment ## the roles on a systemd machine in a container, with its failures
	scripts/with-containers molecule test --scenario-name default
test-image: environment ## the all-in-one image with the embedded embedding server, as "make image" tests it
	OLLAMA_FLAVOR=embedded MODEL=all-minilm $(MAKE) --no-print-directory image
test-images: test-image
	@$(MAKE) --no-print-directory test-container
test-container: environment ## the all-in-one image from outside, on podman and on Docker
	@scripts/test-container
test-conformance: environment ## the official MCP conformance suite against our server (from npm; not a part of "make test")
	@scripts/test-conformance
soak: environment ## use an appliance for MINUTES (120) while a fault a minute happens to it, and compare with a clean run
	@scripts/soak $(MINUTES)
bench: environment ## measure: BENCH=DIR CORPUS=DIR [WHOLE=DIR] [WITHOUT=NAMES] [PARTS=NAMES] (see benchmarks/README.md)
	@BENCH="$(BENCH)" CORPUS="$(CORPUS)" WHOLE="$(WHOLE)" WITHOUT="$(WITHOUT)" scripts/bench $(PARTS)
version: environment ## the project's version; fails where the changelog or the collection has another one
	@.venv/bin/pytest --quiet --no-header -k version tests/unit/repository/test_commands.py >&2
	@.venv/bin/uv version --short
lock: environment ## resolve the dependencies anew, and write the lists that the role installs from
	uv lock
	uv export --frozen --quiet --no-dev --no-emit-project --group=build --no-header --output-file=roles/cocosearch/files/requirements.lock
	uv export --frozen --quiet --no-dev --no-emit-project --group=build --no-header --extra=embedded --output-file=roles/cocosearch/files/requirements-embedded.lock
	uv export --frozen --quiet --only-group=image --no-header --output-file=image/requirements.lock
environment:     ## the Python environment in .venv
	@scripts/python-environment
