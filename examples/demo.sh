#!/usr/bin/env bash
# What chiasm is for, on files of this repository: how similar are these texts to these pictures, and a collection that is searched.
set -euo pipefail
bin=${1:?usage: demo.sh FOLDER, that of the programs chiasm and demo}
chiasm=$bin/chiasm
here=$(dirname "$0")
if [ -z "${CHIASM_MODEL:-}" ] && "$chiasm" list --json 2>/dev/null | grep -q '"shipped":true'; then
	echo "Note: this runs mini, the small model inside the program. A larger one: make demo CHIASM_MODEL=openai/clip-vit-base-patch32 (600 MB, downloaded once)."
elif [ -z "${CHIASM_MODEL:-}" ]; then
	export CHIASM_MODEL=$here/../model/clip/testdata/transformers
	echo "Note: this build has no model inside and runs a tiny random one, so its numbers mean nothing. For real ones: make demo CHIASM_MODEL=openai/clip-vit-base-patch32 (600 MB, downloaded once)."
fi
echo
echo '$ chiasm similarity --text "a beautiful sunset over the mountains" --text "a red apple" --text "the face of a cat" examples/pictures/*'
"$chiasm" similarity --text "a beautiful sunset over the mountains" --text "a red apple" --text "the face of a cat" "$here"/pictures/*
echo
echo '$ chiasm classify --labels sunset,apple,cat --template "a photo of a {}" examples/pictures/*'
"$chiasm" classify --labels sunset,apple,cat --template "a photo of a {}" "$here"/pictures/*
echo
echo "A library of pictures, sounds and a film, asked in English and Chinese, by a picture and by a sound; the names of files play no part:"
"$bin"/demo -out "$bin"/collection "$here"/collection
