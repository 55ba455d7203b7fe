# `make help` lists the targets.
SHELL := bash
.DEFAULT_GOAL := help

include hack/versions.env

# What is built and tested is what a release holds, and needs no C compiler.
export CGO_ENABLED ?= 0

# Tools that take minutes to build stay here, outside of the repository.
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kubectl-maturity
golangci_lint := $(cache)/golangci-lint-$(GOLANGCI_LINT_VERSION)
goreleaser := $(cache)/goreleaser-$(GORELEASER_VERSION)

go_files = $(shell find . -name '*.go' -not -path '*/testdata/*' -not -path './dist/*')

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build bin/kubectl-maturity
	go build -o bin/ ./cmd/kubectl-maturity

.PHONY: demo
demo: build ## Build the plugin and see it work, without a cluster
	bin/kubectl-maturity demo

.PHONY: test
test: ## Vet and test all that needs no cluster; make test-cluster tests the rest
	go vet ./...
	TESTCLUSTER=$${TESTCLUSTER-off} go test ./...

.PHONY: cluster-build
cluster-build: ## Build a real Kubernetes for tests into the cache folder (minutes the first time)
	go run ./test/cluster/cmd/cluster build

KIND ?= node

.PHONY: cluster-up
cluster-up: ## Run a real Kubernetes, KIND=control, node (as root) or "scale 100 5000", until make cluster-down
	@go run ./test/cluster/cmd/cluster up $(KIND) --background

.PHONY: cluster-down
cluster-down: ## Stop what make cluster-up started, and remove what killed clusters left
	@go run ./test/cluster/cmd/cluster down

.PHONY: test-cluster
test-cluster: cluster-build ## Test against a real Kubernetes; what this machine cannot run is skipped and counted
	@mkdir -p bin && go build -o bin/e2e ./test/cluster/cmd/e2e
	bin/e2e -all

.PHONY: e2e
e2e: cluster-build ## Run all scenarios, or SCENARIO=name, on a real node; needs Linux and root; ends with a table
	@mkdir -p bin && go build -o bin/e2e ./test/cluster/cmd/e2e
	bin/e2e $(SCENARIO)

# A capture that is there stays, unless OVERWRITE=1 says otherwise.
.PHONY: capture
capture: cluster-build ## Save scenarios, or SCENARIO=name, as captures in CAPTURES=folder (test/captures)
	@mkdir -p bin && go build -o bin/e2e ./test/cluster/cmd/e2e
	bin/e2e -captures $(or $(CAPTURES),test/captures) $(if $(OVERWRITE),-overwrite) $(SCENARIO)

.PHONY: lint
lint: fmt-check ## Lint with golangci-lint; where that is not at hand, with go vet
	@lint=$$(command -v golangci-lint || command -v $(golangci_lint)/golangci-lint || true); \
	if [ -n "$$lint" ]; then \
		echo "$$lint run"; "$$lint" run ./...; \
	else \
		echo "*** LINTED LITTLE: golangci-lint is neither on PATH nor in $(golangci_lint),"; \
		echo "*** so only gofmt and go vet looked. 'make lint-tool' builds it, which takes minutes."; \
		go vet ./...; \
	fi

.PHONY: lint-tool
lint-tool: ## Build golangci-lint into the cache folder (minutes)
	GOBIN=$(golangci_lint) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)

.PHONY: fmt
fmt: ## Format the Go files
	@gofmt -w $(go_files)

.PHONY: fmt-check
fmt-check: ## Fail where gofmt would change something
	@files=$$(gofmt -l $(go_files)); \
	if [ -n "$$files" ]; then printf 'gofmt would change these; run make fmt:\n%s\n' "$$files"; exit 1; fi

.PHONY: krew-test
krew-test: ## Install the plugin with real krew into a temporary folder, run it, uninstall it
	hack/krew-test.sh

.PHONY: snapshot
snapshot: ## Build the release archives and the krew manifest into dist/, with goreleaser
	@release=$$(command -v goreleaser || command -v $(goreleaser)/goreleaser || true); \
	if [ -z "$$release" ]; then \
		echo "goreleaser is neither on PATH nor in $(goreleaser). To build it, which takes minutes:"; \
		echo "  GOBIN=$(goreleaser) GOFLAGS= go install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)"; \
		exit 1; \
	fi; \
	set -ex; \
	"$$release" release --snapshot --clean; \
	archive=$$(basename dist/kubectl-maturity_v*_linux_amd64.tar.gz _linux_amd64.tar.gz); \
	go run ./internal/tools/krewmanifest -tag "$${archive#kubectl-maturity_}"

.PHONY: docs
docs: ## Write docs/ from the rules and the commands
	go run ./internal/tools/docs

.PHONY: generate
generate: docs ## Write all that is generated

.PHONY: new-check
new-check: ## Start a check: make new-check ID=emptydir-no-limit IN=efficiency
	@[ -n "$(ID)" ] && [ -n "$(IN)" ] || { echo "usage: make new-check ID=emptydir-no-limit IN=efficiency"; exit 2; }
	go run ./internal/tools/newrule check "$(ID)" "$(IN)"

.PHONY: new-cause
new-cause: ## Start a cause: make new-cause ID=oom-node IN=memory
	@[ -n "$(ID)" ] && [ -n "$(IN)" ] || { echo "usage: make new-cause ID=oom-node IN=memory"; exit 2; }
	go run ./internal/tools/newrule cause "$(ID)" "$(IN)"

.PHONY: verify
verify: generate ## Fail where something generated, or go.mod, is not up to date
	git diff --exit-code
	@new=$$(git ls-files --others --exclude-standard docs); \
	if [ -n "$$new" ]; then printf 'generated, and not committed:\n%s\n' "$$new"; exit 1; fi
	go mod tidy -diff
	go -C tools mod tidy -diff

.PHONY: update-golden
update-golden: ## Write the expected outputs anew; read the diff before you commit it
	UPDATE_GOLDEN=1 go test ./...

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: clean
clean: ## Remove what was built; the tools in the cache folder stay
	rm -rf bin dist
