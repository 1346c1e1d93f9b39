# Two commands are all that is needed: `make run` and `make test`. `make help` lists the others.
PEER ?= $(error PEER is not set: a folder made by the peers' setup.sh)
.PHONY: run run-claim study-adapters study-restoration study-medical study-images study-transfer tournament test test-queue test-cluster test-portable bench bench-peer check-peft check-reports gallery build lint format clean help

run: build ## the main job, one seed: data, pretraining, adaptation, report
	@Scripts/quickstart.sh 0

run-claim: build ## the main job with three seeds
	@Scripts/quickstart.sh 0 1 2

study-adapters: build ## nine adaptation methods on the quickstart's MORPH, three seeds
	@Scripts/study-adapters.sh 0 1 2

study-restoration: build ## NAFNet: CoLoRA, LoRA and all parameters on four degradations; PEER=DIR too
	@Scripts/study.sh restoration $(PEER)

study-medical: build ## ViT: SALT and others on vessels and membranes, few pictures; PEER=DIR too
	@Scripts/study.sh medical $(PEER)

study-images: build ## ViT: masked pretraining, then few pictures of small images; PEER=DIR too
	@Scripts/study.sh images $(PEER)

study-transfer: build ## LoRA given to another backbone without labels, and self-training; small pictures
	@Scripts/study-transfer.sh

tournament: build ## every adapter method on two tasks, three seeds, as one batch
	@Scripts/tournament.sh

test: ## lint, build and all tests, with and without oneDNN
	@Scripts/setup.sh
	@Scripts/test.sh

test-queue: build ## a sweep whose workers are killed at random, beside an undisturbed one
	@Scripts/check-batch.sh

test-cluster: build ## Slurm and MPI: a sweep disturbed at random, a time limit, ranks, a rank that dies
	@Scripts/check-cluster.sh

test-portable: ## the whole package built without oneDNN, and all its tests on plain kernels
	@ATTUNE_NO_ONEDNN=1 swift build -c release --build-tests --scratch-path .build/no-onednn
	@ATTUNE_NO_ONEDNN=1 ATTUNE_ISA=default swift test -c release --skip-build --disable-xctest \
	  --scratch-path .build/no-onednn

bench: build ## time known work: ViT-S and ViT-B with LoRA, MORPH, LoLA-SpecViT
	@Scripts/bench.sh

bench-peer: build ## the same beside PyTorch, interleaved; PEER=DIR, see Scripts/bench-peer.sh
	@Scripts/bench-peer.sh "$(PEER)"

check-peft: build ## every portable adapter type trained, exported and opened in PEFT; PYTHON=python3
	@$(or $(PYTHON),python3) Scripts/check_peft_types.py .build/peft-types

check-reports: ## a report of each task and form in headless Chromium; REPORTS='FILE...' adds others
	@Scripts/check-reports.sh $(REPORTS)

gallery: build ## the reports of docs/gallery; EARTH=DIR adds two of a Landsat 8 scene
	@Scripts/gallery.sh

build: ## the tool, .build/release/attune
	@Scripts/setup.sh
	@swift build -c release --product attune

lint: ## style of every Swift file
	@swift format lint --strict --recursive --parallel Sources Tests Package.swift

format: ## rewrite every Swift file in the house's style
	@swift format format --in-place --recursive --parallel Sources Tests Package.swift

clean: ## remove what was built; runs in outputs/ stay
	@rm -rf .build

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12
