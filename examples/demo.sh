#!/usr/bin/env bash
# The main job on files of this repository: how similar are these texts to these pictures?
set -euo pipefail
chiasm=${1:?usage: demo.sh CHIASM}
here=$(dirname "$0")
model=${CHIASM_MODEL:-$here/../model/clip/testdata/transformers}
if [ -z "${CHIASM_MODEL:-}" ]; then
	echo "Note: this runs a tiny random model, so its numbers mean nothing yet. For real ones: make demo CHIASM_MODEL=openai/clip-vit-base-patch32 (600 MB, downloaded once)."
fi
set -x
"$chiasm" similarity --model "$model" --text "a beautiful sunset over the mountains" --text "a red apple" --text "the face of a cat" "$here"/pictures/*
"$chiasm" classify --model "$model" --labels sunset,apple,cat --template "a photo of a {}" "$here"/pictures/*
"$chiasm" tokenize --model "$model" "a beautiful sunset over the mountains"
