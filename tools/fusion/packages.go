package main

import "github.com/chiasm/chiasm/tools/internal/fetch"

// What the sets are made of. Copyleft packages are fetched, never kept in the repository.
var (
	fashion = fetch.Deb("dataset-fashion-mnist", "0.0~git20200523.55506a9-1", "all", "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0") // MIT
	sklearn = fetch.Deb("python3-sklearn", "1.2.1+dfsg-1", "all", "ca0c6be401d14871c7e93cfdd8d1f561595dc65e6e2ad2501d568aee7f7efc58")                    // BSD-3-Clause: its digits
	stamps  = fetch.Deb("tuxpaint-stamps-default", "2022.06.04-1", "all", "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34")            // GPL-2

	allison = fetch.Deb("asterisk-core-sounds-en-wav", "1.6.1-1", "all", "2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d")                    // CC-BY-SA-3.0, as the four below
	mexico  = fetch.Deb("asterisk-core-sounds-es-wav", "1.6.1-1", "all", "9283a09a6d56fccdcc2bcfe86c48f0f844289cfbd46a3184d8785a6f7f569903")                    //
	june    = fetch.Deb("asterisk-core-sounds-fr-wav", "1.6.1-1", "all", "8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e")                    //
	carlo   = fetch.Deb("asterisk-core-sounds-it-wav", "1.6.1-1", "all", "5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb")                    //
	moscow  = fetch.Deb("asterisk-core-sounds-ru-wav", "1.6.1-1", "all", "ccbfaebfa450b7a9ddf644ae0f3d1e9017d5df7c0aebe816e946345589d38201")                    // CC-BY-3.0
	menardi = fetch.Deb("asterisk-prompt-it-menardi-wav", "1:1.4.22+mm20110907-3.1", "all", "3094530d98f8758ac275572d59624c41f60969fef883f34f4886d144f3dfeb21") // CC-BY-SA-3.0
	armelle = fetch.Deb("asterisk-prompt-fr-armelle", "20070613-2.2", "all", "162570b1a9b3512a98f06b89f60c7c17cf1b9b52297315adca9a4e5be728bea3")                // BSD-2-Clause
	bogota  = fetch.Deb("asterisk-prompt-es-co", "0.20070403-2.1", "all", "6702696e045514699e87dc8fb70f370717e5df91f821f7bec8dd0df1be008e83")                   // GPL-2
	captcha = fetch.Wheel("captcha", "0.7.1", "captcha-0.7.1-py3-none-any.whl", "8b73b5aba841ad1e5bdb856205bf5f09560b728ee890eb9dae42901219c8c599")             // BSD-3-Clause
)
