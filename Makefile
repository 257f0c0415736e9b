# hostfit: what can be made here. `make help` lists the targets.
#
# demo, test and test-engines install what they need from Debian's and Python's packages, so they need root.
# Engines run in a private room of their own (packaging/dev/room) and leave nothing on the machine.

SHELL := /bin/bash
.DEFAULT_GOAL := help
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/hostfit-tests
ROOT = @[ "$$(id -u)" = 0 ] || { echo "make $@: needs root" >&2; exit 1; }
PYTEST_FLAGS ?=
BENCH_FLAGS ?=

.PHONY: help demo test lint fuzz soak bench dist man build install deb rpm test-engines clean

help:
	@echo 'make demo          two images through Podman and containerd: one starts, one is refused and why (root)'
	@echo 'make test          linters and all tests but those of test-engines (root)'
	@echo 'make lint          ruff, mypy and the rooms of the code'
	@echo 'make soak          tests of chance, many more times (root, minutes)'
	@echo 'make bench         what hostfit costs a start here: a table, build/bench.json and build/bench.svg (root, minutes)'
	@echo 'make test-engines  tests on booted Debian releases and on tools built from source (root, minutes)'
	@echo 'make fuzz          the launcher against a million mutations of each of its inputs (minutes)'
	@echo 'make deb           Debian package in dist/ (root, for what it needs)'
	@echo 'make rpm           RPM package in dist/ (root, for what it needs)'
	@echo 'make dist          source archive and wheel in dist/'
	@echo 'make man           man pages in build/man (needs go-md2man)'
	@echo 'make build         what packages install beside the Python code: launcher, man pages, completions, in build/'
	@echo 'make install       lays all of it below DESTDIR, as packages do'
	@echo 'make clean         removes what these made, the cache outside the tree too'

demo:
	$(ROOT)
	@packaging/dev/set-up demo
	@packaging/demo/demo

test:
	$(ROOT)
	@set -euo pipefail; \
	environment=$$(packaging/dev/set-up test); \
	echo "== all tests, with today's versions of the Python packages"; \
	"$$environment/bin/python" -m pytest tests -m 'not engines and not soak' $(PYTEST_FLAGS); \
	echo "== the product's own tests, with the Python packages of Debian"; \
	HOSTFIT_REQUIRE_ALL= PYTHONNOUSERSITE=1 /usr/bin/python3 -m pytest tests -m 'not engines and not system and not soak' --ignore=tests/lint $(PYTEST_FLAGS)

lint:
	@set -euo pipefail; \
	environment=$$(packaging/dev/set-up test); \
	"$$environment/bin/python" -m pytest tests/lint $(PYTEST_FLAGS)

# Measures on any Linux what is there; only on Debian it installs what is missing.
bench:
	$(ROOT)
	@! command -v apt-get >/dev/null || packaging/dev/set-up bench
	@mkdir -p build
	@packaging/bench/bench --json build/bench.json --chart build/bench.svg $(BENCH_FLAGS)

soak:
	$(ROOT)
	@set -euo pipefail; \
	environment=$$(packaging/dev/set-up test); \
	"$$environment/bin/python" -m pytest tests -m soak $(PYTEST_FLAGS)

test-engines:
	$(ROOT)
	@set -euo pipefail; \
	environment=$$(packaging/dev/set-up engines); \
	go=$$(packaging/dev/go); \
	PATH="$$go:$$PATH" "$$environment/bin/python" -m pytest tests -m engines $(PYTEST_FLAGS)

fuzz:
	@set -euo pipefail; \
	environment=$$(packaging/dev/set-up test); \
	HOSTFIT_FUZZ=1000000 "$$environment/bin/python" -m pytest tests/launcher/test_parts.py -k mutation $(PYTEST_FLAGS)

dist:
	@set -euo pipefail; \
	environment=$$(packaging/dev/set-up dist); \
	copy=$$(mktemp -d); \
	trap 'rm -rf "$$copy"' EXIT; \
	packaging/dev/stage "$$copy"; \
	"$$environment/bin/python" -m build --quiet --outdir dist "$$copy"; \
	ls -l dist

man:
	@/usr/bin/python3 -B packaging/man/build.py build/man
	@ls build/man

build:
	mkdir -p build
	$(MAKE) -C src/launcher OUT=../../build/launcher-static FALLBACK=/usr/share/hostfit/bin/hostfit-fallback
	/usr/bin/python3 -B packaging/man/build.py build/man
	/usr/bin/python3 -B packaging/completions/build.py build/completions

install: build
	packaging/install "$(DESTDIR)"

# Only on Debian what is missing is installed; rpmbuild says itself what it lacks.
deb rpm:
	@! command -v apt-get >/dev/null || packaging/dev/set-up $@
	@packaging/build-$@ dist
	@ls -l dist

clean:
	rm -rf dist build "$(CACHE)"
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf .mypy_cache .ruff_cache .hypothesis .import_linter_cache
