#!/usr/bin/env bash
# The main job on files of this repository: how similar are these texts to these pictures?
set -euo pipefail
chiasm=${1:?usage: demo.sh CHIASM}
here=$(dirname "$0")
if [ -z "${CHIASM_MODEL:-}" ] && "$chiasm" list --json 2>/dev/null | grep -q '"shipped":true'; then
	echo "Note: this runs mini, the small model inside the program. A larger one: make demo CHIASM_MODEL=openai/clip-vit-base-patch32 (600 MB, downloaded once)."
elif [ -z "${CHIASM_MODEL:-}" ]; then
	export CHIASM_MODEL=$here/../model/clip/testdata/transformers
	echo "Note: this build has no model inside and runs a tiny random one, so its numbers mean nothing. For real ones: make demo CHIASM_MODEL=openai/clip-vit-base-patch32 (600 MB, downloaded once)."
fi
set -x
"$chiasm" similarity --text "a beautiful sunset over the mountains" --text "a red apple" --text "the face of a cat" "$here"/pictures/*
"$chiasm" classify --labels sunset,apple,cat --template "a photo of a {}" "$here"/pictures/*
"$chiasm" tokenize "a beautiful sunset over the mountains"
