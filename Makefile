# The front door. Every target sets up what it needs first, and does nothing twice.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON := .venv/bin/python
# Several processes share the tests out by the groups that tests/conftest.py marks, in the order of the collection.
SHARED := -n
# Where this is set, every process of a run compiles anew all that has changed, and each of pytest's rewrites every test.
export PYTHONDONTWRITEBYTECODE :=
DUBLINE := .venv/bin/dubline
ARGS ?=
PROFILE ?= tuned
PROCESSES ?= 1
SEED ?= 1
RUNS ?= .dubline/data/trainer
T ?=
FAULTS ?= 20
JOBS ?= 6
SECONDS ?= 60
FUZZ_EXAMPLES ?= 100
FUZZ_SEED ?= 1
WHOLE ?= .dubline/whole
STUDENT ?= sf_tiny_gpu
MODELS ?= model_repo
TRAIN_tuned := sf_tiny_tuned --publish
TRAIN_fresh := sf_tiny --publish
TRAIN_gpu := sf_tiny_gpu --publish
TRAIN_smoke := sf_tiny --set steps=2 --set takes=2 --set latents=3 --set sync.plan.steps=2
WHOLE_smoke := --smoke
CHAIN_smoke := --settings '{"steps": 2, "takes": 2, "latents": 3, "sync.plan.steps": 2}'

.PHONY: help setup demo demo-natural test unit integration e2e model fuzz check fmt examples client docs up down status chaos bench-job bench-languages bench-eta bench-generation bench-speedup bench-camera train-tiny train-whole tensorboard images clean

help:  ## List everything
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup:  ## Make .venv with the pinned dependencies (about 3 minutes, once)
	@deploy/local/setup.sh

demo: setup  ## Dub a made sample, or your own files: make demo ARGS="--video X --audio Y"
	@$(DUBLINE) demo $(ARGS)

demo-natural: setup  ## Dub one natural clip with the demonstration model
	@$(DUBLINE) demo-natural $(ARGS)

test: setup  ## Run every test against real servers (at most 15 minutes)
	@$(PYTHON) -m pytest $(SHARED) 4 $(ARGS)

unit: setup  ## Tests without servers, or those that T names
	@$(PYTHON) -m pytest $(or $(T),$(SHARED) 2 tests/unit tests/repo) $(ARGS)

integration: setup  ## Tests of parts on real servers, or those that T names
	@$(PYTHON) -m pytest $(or $(T),$(SHARED) 2 tests/integration tests/contracts) $(ARGS)

e2e: setup  ## Tests of the whole system, or those that T names
	@$(PYTHON) -m pytest $(or $(T),tests/e2e) $(ARGS)

model: setup  ## Tests of the models and their benchmarks, or those that T names
	@$(PYTHON) -m pytest $(or $(T),$(SHARED) 2 tests/model) $(ARGS)

fuzz: setup  ## Draw many requests for every operation of the API (FUZZ_EXAMPLES, FUZZ_SEED)
	@FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) FUZZ_SEED=$(FUZZ_SEED) $(PYTHON) -m pytest -s tests/integration/core/test_api_fuzzed.py $(ARGS)

fmt: setup  ## Lay the code out, and mend what a linter can mend
	@.venv/bin/ruff check --fix-only --quiet . && .venv/bin/ruff format --quiet .

examples: setup  ## Write the examples of the API's description anew, as a real installation answers
	@EXAMPLES_WRITE=1 $(PYTHON) -m pytest -q tests/integration/core/test_api_examples.py $(ARGS)

client: setup  ## Write the clients of the API anew: shared/dubline_client, out/client/dubline.d.ts
	@deploy/client/generate.sh shared/dubline_client out/client/dubline.d.ts

docs: setup  ## Write the pages of settings and recipes anew
	@$(PYTHON) -m services.api settings >docs/reference/settings.md.new
	@mv docs/reference/settings.md.new docs/reference/settings.md
	@$(PYTHON) -m services.trainer.recipes.page >docs/reference/recipes.md.new
	@mv docs/reference/recipes.md.new docs/reference/recipes.md

check: setup  ## Lint, formatting, types, import contracts
	@echo '[check 1/4] ruff check';  .venv/bin/ruff check .
	@echo '[check 2/4] ruff format'; .venv/bin/ruff format --check .
	@echo '[check 3/4] mypy (about a minute)'; .venv/bin/mypy
	@echo '[check 4/4] import contracts'; .venv/bin/lint-imports

up: setup  ## Start the local stack
	@$(DUBLINE) up $(ARGS)

down:  ## Stop the local stack
	@if [[ -x $(DUBLINE) ]]; then $(DUBLINE) down $(ARGS); fi

status: setup  ## Show what runs
	@$(DUBLINE) status $(ARGS)

chaos: setup  ## Strike a working system with random faults (SEED, FAULTS, JOBS, SECONDS)
	@CHAOS_SEED=$(SEED) CHAOS_FAULTS=$(FAULTS) CHAOS_JOBS=$(JOBS) CHAOS_SECONDS=$(SECONDS) \
	  $(PYTHON) -m pytest tests/e2e/test_chaos.py -s --timeout 10800 $(ARGS)

bench-job: setup  ## Time the main job at 1080p by phase, against a plain transcode
	@$(PYTHON) benchmarks/bench_job.py $(ARGS)

bench-languages: setup  ## Time a title's languages after the first, and a revision of one
	@$(PYTHON) benchmarks/bench_languages.py $(ARGS)

bench-eta: setup  ## Compare the time left that jobs tell with the time that they take
	@$(PYTHON) benchmarks/bench_eta.py $(ARGS)

bench-generation: setup  ## Time the model: frames per second, first frame, memory, share of the machine
	@$(PYTHON) benchmarks/bench_generation.py $(ARGS)

bench-speedup: setup  ## Time the student against its 50-step teacher
	@$(PYTHON) benchmarks/bench_speedup.py $(ARGS)

bench-camera: setup  ## Measure how still a face stands in its crop while the camera moves
	@$(PYTHON) benchmarks/bench_camera.py $(ARGS)

train-tiny: setup  ## Distil a tiny student: teacher, Stage 1, Stage 2, gate (PROFILE=tuned from the committed one, fresh, gpu, smoke)
	$(if $(TRAIN_$(PROFILE)),,$(error PROFILE is tuned, fresh, gpu or smoke, not $(PROFILE)))
	@DUBLINE_TRAINER_ENABLED=true $(DUBLINE) up
	@$(DUBLINE) train make $(TRAIN_$(PROFILE)) --processes $(PROCESSES) $(ARGS)

train-whole: setup  ## Make every committed weight from nothing: encoders, student, its decoder (many hours, a GPU; PROFILE=smoke: minutes)
	@$(PYTHON) -m services.trainer $(WHOLE_$(PROFILE)) --encoders --repository $(WHOLE)/encoders
	@$(PYTHON) -m services.trainer.runtime.chain $(STUDENT) $(WHOLE)/runs --models $(WHOLE)/encoders --processes $(PROCESSES) $(CHAIN_$(PROFILE))
	@$(PYTHON) -m services.trainer $(WHOLE_$(PROFILE)) --decoder $(WHOLE)/runs/$(STUDENT)/candidate/lip_student_tiny/1 --repository $(MODELS)
	@$(PYTHON) -m services.trainer $(WHOLE_$(PROFILE)) --evaluate --repository $(MODELS) $(ARGS)

tensorboard: setup  ## Look at training runs: loss, rates, the gate's figures, sheets (RUNS=folder of "train alone")
	@.venv/bin/tensorboard --logdir $(RUNS)/tensorboard $(ARGS)

images: setup  ## Make the README's pictures again, with the weights that are there
	@$(DUBLINE) demo && $(DUBLINE) demo-natural
	@$(PYTHON) -c "from PIL import Image; \
	  sheet = Image.open('out/demo/speaker.contact-sheet.png').convert('RGB'); \
	  sheet.reduce(2).quantize(160, dither=0).save('docs/images/contact-sheet.png', optimize=True); \
	  Image.open('out/demo-natural/jwpIntro.contact-sheet.png').convert('RGB').save('docs/images/natural-face.jpg', quality=90)"

clean: down  ## Remove the virtual environment, the stack's data and all caches
	rm -rf .venv .dubline .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
