# The commands of this project; `make help` lists them. What they do stands in scripts/ and xtask/.

# The configuration that `make run` starts with.
CONFIG ?= yeoul.example.yaml

.DEFAULT_GOAL := help
.PHONY: help run test audit bench fmt

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

run: ## build, start a demo camera and Yeoul, print the page's address (CONFIG=file for another configuration)
	@scripts/run.sh "$(CONFIG)"

test: ## check everything: format, lints, tests, docs, end-to-end tests with ffmpeg, GStreamer and Chromium
	@scripts/setup.sh test
	@cargo --quiet xtask ci

audit: ## check licences, advisories and duplicates of the dependencies
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny@0.20.2
	@cargo deny --all-features check

bench: ## measure every goal of docs/performance.md: ours, the floor, the ratio
	@cargo --quiet xtask bench

fmt: ## format all code
	@cargo fmt --all
	@cd web && npm run --silent format
