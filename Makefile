# A thin front for CMake and the scripts: `make help` lists the targets.
.PHONY: all demo test test-consumers bench lint fuzz install clean help

all: ## build build/generator
	@scripts/setup build
	@cmake --preset release >build-release.log 2>&1 || { cat build-release.log; exit 1; }
	@rm -f build-release.log
	@cmake --build --preset release

demo: ## run the main job on the example with the embedded provider
	@scripts/demo

test: ## build with ASan and UBSan, run every test
	@scripts/test

test-consumers: ## load the exports with the code of those who read them (PyPI, 6 GB once)
	@test/consumers/run

bench: ## measure, and write bench/results.md
	@scripts/setup
	@bench/run

lint: ## clang-format, clang-tidy, cppcheck, layers, sizes
	@scripts/lint

fuzz: ## run each fuzz target for FUZZ_SECONDS (default 60)
	@scripts/fuzz

install: all ## install under PREFIX (default /usr/local), with DESTDIR
	@cmake --install build --prefix "$(or $(PREFIX),/usr/local)"

clean: ## remove the build folders
	rm -rf build build-dev build-clang build-tsan build-fuzz build-cov build-bench demo

help:
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'
