package main

import "github.com/chiasm/chiasm/tools/internal/fetch"

// What is fetched: words, programs that speak and play, and what they need to run.
var (
	emojibase = fetch.NPM("emojibase-data", "17.0.0", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a") // MIT
	wordnet   = fetch.Deb("wordnet-base", "1:3.0-37", "all", "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752")

	// Programs under the GPL and the LGPL, whose output is nobody's but the user's; flite and its voices are under Carnegie Mellon's
	// permissive licence, FluidR3 under MIT's. TimGM6mb, under the GPL, serves tests.
	programs = []fetch.Package{
		fetch.Deb("espeak-ng", "1.51+dfsg-10+deb12u2", "amd64", "a11396a690f85f55e6e6b2965505237ddf3dc95c51936aa61de936f1ccf8f4d0"),
		fetch.Deb("espeak-ng-data", "1.51+dfsg-10+deb12u2", "amd64", "573f5661c6a5adcf949018baad158c4c773bf5579390ee5235a890f1cd694106"),
		fetch.Deb("libespeak-ng1", "1.51+dfsg-10+deb12u2", "amd64", "2b127a95b50d92cbd7a615968d2ac1566e1cbc87e27bcda0c2894afb2407c6d2"),
		fetch.Deb("libpcaudio0", "1.2-2", "amd64", "5309759e4d129c7d9a601240cc6e62820ecfa86a1a98e207992ffa6a572dbcd2"),
		fetch.Deb("libsonic0", "0.2.0-12", "amd64", "9d60de6918ace0b10e3e4e95421befd08aaf03b5b2a3d71ceb799e0cf259916f"),
		fetch.Deb("flite", "2.2-5", "amd64", "f4ce03470bf9974c2cb9cacd981e6be29339ef4c97cf994dd6fa3f90e6544db9"),
		fetch.Deb("libflite1", "2.2-5", "amd64", "bfa8c591f1b47730b30b372ec38e02918a1c9795eada67684e1746390ad2f061"),
		fetch.Deb("fluidsynth", "2.3.1-2", "amd64", "3a5caae4bfe002c58947960f9f47d3b6dff07f63e9647cdfeb3d3df30bf9d85f"),
		fetch.Deb("libfluidsynth3", "2.3.1-2", "amd64", "e6fd48a7b2d61c0f9ceb8964f1d4039def209ae9c24b4f27bcc4f6a6f33885ed"),
		fetch.Deb("libinstpatch-1.0-2", "1.1.6-1", "amd64", "47741d5f3efd902515dcf2adfb006c74698d14a91691e16527632299e810208a"),
		fetch.Deb("fluid-soundfont-gm", "3.1-5.3", "all", "6f531493ac4e4d9772fd96b2488ea1790af81c196135fbdd25997da0781fc60e"),
		fetch.Deb("timgm6mb-soundfont", "1.3-5", "all", "034abdfb296d9353433513dad5dbdcab46425ee6008fc02fe7039b46e75edc54"),
	}
)
