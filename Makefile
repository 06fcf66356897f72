# The commands of Tatara. `make help` lists them.
PYTHON ?= python3
CONFIG ?= config/config.yaml
CORES ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
VENV ?= $(or $(TATARA_VENV),.venv)
TORCH_INDEX ?= $(TATARA_TORCH_INDEX)

# One job a GPU; without a GPU the rules that would use one share the cores.
GPUS ?= $(shell n=$$(nvidia-smi -L 2>/dev/null | grep -c ^GPU); [ "$$n" -gt 0 ] && echo $$n || echo $(CORES))
$(if $(word 2,$(CONFIG)),$(error CONFIG is "$(CONFIG)", with a space, which make takes for two files: rename it, or give a link to it))
STUDY := $(basename $(notdir $(CONFIG)))
# The default study lies in results/, every other one in runs/NAME/results/ (a folder that is of another file is refused).
DIRECTORY := $(if $(filter config/config.yaml ./config/config.yaml $(CURDIR)/config/config.yaml,$(CONFIG)),.,runs/$(STUDY))
BIN := $(abspath $(VENV))/bin
SNAKEMAKE := PATH="$(BIN):$$PATH" $(BIN)/snakemake --configfile $(CONFIG) --directory $(DIRECTORY) $(if $(PROFILE),--profile $(PROFILE))

SELECTED := results/scale/selected.json
DATA := subsets testset

.DEFAULT_GOAL := help
.PHONY: help setup run dry-run draft accept take-up bundle export-eval load-graph export-graph deploy test test-fast test-services test-models test-faults audit lint dag layers unlock lock clean

help: ## this list
	@echo 'make TARGET [CONFIG=config/NAME.yaml] [CORES=N] [GPUS=N]'; echo
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' Makefile
	@echo; echo 'Variables:'
	@echo '  CONFIG        the study; results of config/config.yaml lie in results/, of NAME.yaml in runs/NAME/results/'
	@echo '  PROFILE       settings of the machine, such as profiles/workstation (threads, memory of the GPU)'
	@echo '  CORES, GPUS   jobs at once (all cores; one job a GPU, or without a GPU as many as cores)'
	@echo '  PYTHON        the Python that makes the environment (python3; 3.11 or newer)'
	@echo '  TATARA_VENV   folder of the environment (.venv); clones may share one'
	@echo '  TATARA_TORCH_INDEX  a package index that has a CPU build of torch, instead of the 4.7 GB CUDA build'
	@echo '  DEVICE        lock to install: auto (GPU where nvidia-smi is found), cpu, gpu'

setup: ## environment from the lock and one build of llama.cpp; does nothing when it is done
	@$(PYTHON) tools/setup.py --venv "$(VENV)" --device "$(or $(DEVICE),auto)" --torch-index "$(TORCH_INDEX)"

run: setup unlock ## the whole study of CONFIG: models, answers, scores, tables, figures, report
	@$(BIN)/python tools/check_config.py "$(CONFIG)" --folder $(DIRECTORY)
	@$(BIN)/python tools/take_up.py $(DIRECTORY) --check
	@# The data first, and the size, where there were some before: only then is it known that what follows stays (docs/architecture.md).
	@if [ -d $(DIRECTORY)/results/subsets ]; then $(SNAKEMAKE) $(DATA) --cores $(CORES) --resources gpu=$(GPUS); fi
	@if [ -f $(DIRECTORY)/$(SELECTED) ]; then $(SNAKEMAKE) $(SELECTED) --cores $(CORES) --resources gpu=$(GPUS); fi
	$(SNAKEMAKE) all --cores $(CORES) --resources gpu=$(GPUS)

dry-run: setup ## what `make run` would do
	@$(BIN)/python tools/check_config.py "$(CONFIG)" --folder $(DIRECTORY)
	$(SNAKEMAKE) all --cores $(CORES) --dry-run

draft: setup ## draft a domain from documents: DOCS='manuals/*' OUT=domains/NAME (LANG=ja or en, RULES=FILE, MODEL=NAME, SERVER=URL, KEY_ENV=NAME; docs/new-domain.md)
	@$(if $(and $(DOCS),$(OUT)),,echo "make draft needs DOCS='folder/*' and OUT=domains/NAME" >&2; exit 1)
	@PYTHONUTF8=1 $(BIN)/python tools/draft.py "$(OUT)" $(DOCS) $(if $(filter command,$(origin LANG)),--language $(LANG)) $(if $(RULES),--rules "$(RULES)") \
	  $(if $(MODEL),--model "$(MODEL)") $(if $(SERVER),--server "$(SERVER)") $(if $(KEY_ENV),--key-env "$(KEY_ENV)") $(if $(PARALLEL),--parallel $(PARALLEL))

accept: setup ## copy the accepted rows of OUT/draft/*.csv into the domain's files (REVIEW=FILE: what draft/review.html saved; ALL=1: all that were not rejected)
	@$(if $(OUT),,echo "make accept needs OUT=domains/NAME" >&2; exit 1)
	@$(BIN)/python tools/accept.py "$(OUT)" $(if $(REVIEW),--review "$(REVIEW)") $(if $(ALL),--all)

take-up: setup ## take up results/ of CONFIG that were made on another machine (TARGET=FILE, RECORDS=1: docs/cluster.md)
	@PATH="$(BIN):$$PATH" $(BIN)/python tools/take_up.py $(DIRECTORY) $(CONFIG) $(if $(TARGET),--target $(TARGET)) $(if $(RECORDS),--records)

bundle: setup ## pack what is needed to check the study of CONFIG without its weights: bundle.tar.gz beside results/
	@$(BIN)/python tools/bundle.py $(DIRECTORY)/results $(DIRECTORY)/bundle.tar.gz

export-eval: setup unlock ## probe and test set of CONFIG as tasks for lm-evaluation-harness: lm_eval/ beside results/ (SYSTEM_IN=question: docs/probe.md)
	@$(BIN)/python tools/check_config.py "$(CONFIG)" --folder $(DIRECTORY)
	$(SNAKEMAKE) results/probe/items.jsonl results/testset/test_set_200.jsonl --cores $(CORES)
	@$(BIN)/python tools/export_eval.py "$(CONFIG)" $(DIRECTORY) $(if $(SYSTEM_IN),--system-in $(SYSTEM_IN))

load-graph: setup unlock ## load the CSV files of CONFIG into the Neo4j database that it names (password in NEO4J_PASSWORD)
	@$(BIN)/python tools/check_config.py "$(CONFIG)" --folder $(DIRECTORY)
	$(SNAKEMAKE) results/graph/loaded.json --cores 1 --forcerun load_graph

export-graph: setup unlock ## read the graph again from its source, after the database has changed
	@$(BIN)/python tools/check_config.py "$(CONFIG)" --folder $(DIRECTORY)
	$(SNAKEMAKE) results/graph/nodes.csv --cores 1 --forcerun graph

deploy: setup unlock ## make every GGUF model of CONFIG on the Ollama server, checked token by token
	@$(BIN)/python tools/check_config.py "$(CONFIG)" --folder $(DIRECTORY)
	$(SNAKEMAKE) deploy --cores $(CORES) --resources gpu=$(GPUS)

test: setup ## linters, unit tests, dry runs of every configuration and a real run of the smoke configuration
	$(MAKE) lint
	PATH="$(BIN):$$PATH" $(BIN)/python tests/side_by_side.py

test-fast: setup ## for daily work: no servers, no fetched weights, no run of the pipeline
	PATH="$(BIN):$$PATH" $(BIN)/python -m pytest -m "not (pipeline or services or models or gpu)"

test-services: setup ## the tests against real servers alone: Neo4j (Java, Maven), Ollama (Go), Slurm; `make test` runs them too
	PATH="$(BIN):$$PATH" $(BIN)/python -m pytest -m services

test-models: setup ## the tests with real weights and tokenizers, which are fetched once, and every model class; `make test` runs a few
	PATH="$(BIN):$$PATH" $(BIN)/python -m pytest -m models --all-classes

audit: setup ## known vulnerabilities of what the locks bring in (says so when no database answers) and its licences: docs/licences.md
	@$(BIN)/python tools/audit.py

FAULTS ?= faults
KILLS ?= 20
FUZZ_MINUTES ?= 60
test-faults: setup ## the campaign of faults (hours; root): disk, read-only, memory, damage, bad inputs, KILLS=20, FUZZ_MINUTES=60; tables in FAULTS=faults
	@mkdir -p $(FAULTS); status=0; export PATH="$(BIN):$$PATH"; \
	for fault in disk readonly memory damage; do \
	  $(BIN)/python tests/faults/$$fault.py --undisturbed $(FAULTS)/undisturbed --output $(FAULTS)/$$fault.csv || status=1; done; \
	$(BIN)/python tests/faults/inputs.py --output $(FAULTS)/inputs.csv || status=1; \
	$(BIN)/python tests/faults/kill.py --kills $(KILLS) --output $(FAULTS)/kills.csv || status=1; \
	$(BIN)/python tests/faults/fuzz.py --minutes $(FUZZ_MINUTES) --keep $(FAULTS)/fuzz || status=1; exit $$status

lint: setup ## ruff, snakefmt and snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	PATH="$(BIN):$$PATH" $(BIN)/python tools/lint_workflow.py

dag: setup ## draw the rules and what flows between them: docs/rulegraph.svg
	$(SNAKEMAKE) all --rulegraph 2>/dev/null | $(BIN)/python tools/draw_rulegraph.py docs/rulegraph.svg

layers: setup ## draw the package's sub-packages from their imports: docs/layers.svg
	@$(BIN)/python tools/draw_layers.py docs/layers.svg

unlock: setup ## remove the lock that a killed run of CONFIG left; END=1 ends the jobs that it left at work
	@$(BIN)/python tools/unlock.py $(DIRECTORY) $(if $(END),--end)

lock: ## resolve envs/*.in into the locks (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate -q \
	  --override envs/overrides.in envs/gpu.in -o envs/gpu.txt
	grep -v '^ ' envs/gpu.txt | sed 's/ \\$$//' > envs/.pins
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --no-annotate -q \
	  -c envs/.pins envs/requirements.in -o envs/cpu.txt
	rm envs/.pins

clean: ## remove the results of CONFIG (the environment stays)
	rm -rf $(DIRECTORY)/results $(DIRECTORY)/.snakemake
