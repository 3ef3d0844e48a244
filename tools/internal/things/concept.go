// Package things knows what things are called: the head of a name, by which data are split, and the texts of tuxpaint's stamps.
package things

import (
	"slices"
	"strings"
	"unicode"
)

// Concept is the key that a split goes by: the singular head noun of an English name. Articles and what follows "of", "with", "in" are
// left out, as are closing words that say only what kind of picture it is; a few synonyms are one.
func Concept(name string) string {
	words := nameWords(name)
	if len(words) == 0 {
		return ""
	}
	if i := slices.IndexFunc(words, func(w string) bool { return Tails[w] }); i > 0 {
		if i+1 < len(words) && words[i] == "of" && quantities[Singular(words[i-1])] {
			words = words[i+1:]
		} else {
			words = words[:i]
		}
	}
	for len(words) > 1 && fillers[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	head := Singular(words[len(words)-1])
	if whole, ok := synonyms[head]; ok {
		return whole
	}
	return head
}

// nameWords are the words of a name in lower case, without articles in front and what stands in brackets.
func nameWords(name string) []string {
	name = strings.ToLower(name)
	if i := strings.IndexAny(name, "(:"); i > 0 {
		name = name[:i]
	}
	words := strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	for len(words) > 1 && (words[0] == "a" || words[0] == "an" || words[0] == "the" || words[0] == "some") {
		words = words[1:]
	}
	return words
}

// Singular is the singular of an English noun by its ending.
func Singular(w string) string {
	if s, ok := irregular[w]; ok {
		return s
	}
	n := len(w)
	switch {
	case n < 4 || strings.HasSuffix(w, "ss") || strings.HasSuffix(w, "us") || strings.HasSuffix(w, "is"):
		return w
	case strings.HasSuffix(w, "ies") && n > 4:
		return w[:n-3] + "y"
	case strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"), strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "toes"):
		return w[:n-2]
	case strings.HasSuffix(w, "s"):
		return w[:n-1]
	}
	return w
}

// Set is the words of a text.
func Set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

var (
	// Tails are words after which a name has no head.
	Tails      = Set("of with in on at from for and without over under by to behind")
	fillers    = Set("face sign tree button symbol emoji picture icon drawing photo")
	quantities = Set("slice bunch piece pair group pile bowl glass bottle can cup ear clove head")
	irregular  = map[string]string{
		"men": "man", "women": "woman", "children": "child", "people": "person", "mice": "mouse", "geese": "goose", "feet": "foot",
		"teeth": "tooth", "leaves": "leaf", "knives": "knife", "wolves": "wolf", "loaves": "loaf", "shelves": "shelf", "scissors": "scissors",
		"glasses": "glasses", "eyeglasses": "glasses", "sunglasses": "sunglasses", "jeans": "jeans", "shorts": "shorts", "pants": "pants",
		"trousers": "trousers", "pliers": "pliers", "tweezers": "tweezers", "binoculars": "binoculars", "bus": "bus", "mars": "mars", "venus": "venus", "uranus": "uranus", "christmas": "christmas", "asparagus": "asparagus", "citrus": "citrus", "news": "news", "stairs": "stairs", "dominoes": "domino", "swiss": "swiss", "series": "series", "hibiscus": "hibiscus", "gas": "gas",
		"shoes": "shoe", "canoes": "canoe", "dice": "die", "oxen": "ox", "lens": "lens", "tennis": "tennis", "axes": "axe",
		"cookies": "cookie", "movies": "movie", "ties": "tie", "pies": "pie", "headphones": "headphone", "octopuses": "octopus",
	}
	synonyms = map[string]string{
		"television": "tv", "automobile": "car", "aeroplane": "airplane", "plane": "airplane", "bike": "bicycle", "motorbike": "motorcycle",
		"couch": "sofa", "settee": "sofa", "kitty": "cat", "kitten": "cat", "puppy": "dog", "doggy": "dog", "bunny": "rabbit", "hare": "rabbit",
		"chick": "chicken", "hen": "chicken", "rooster": "chicken", "cock": "chicken", "calf": "cow", "bull": "cow", "ox": "cow",
		"lamb": "sheep", "ram": "sheep", "ewe": "sheep", "piglet": "pig", "boar": "pig", "gosling": "goose", "duckling": "duck",
		"pony": "horse", "foal": "horse", "mobile": "phone", "telephone": "phone", "cellphone": "phone", "smartphone": "phone",
		"fridge": "refrigerator", "stove": "oven", "cooker": "oven", "cup": "mug", "teacup": "mug", "trousers": "pants", "jeans": "pants",
		"spectacles": "glasses", "eyeglasses": "glasses", "rhino": "rhinoceros", "hippo": "hippopotamus", "croc": "crocodile",
		"alligator": "crocodile", "ship": "boat", "lorry": "truck", "aubergine": "eggplant", "corn": "maize", "sweetcorn": "maize",
		"cob": "maize", "doughnut": "donut", "tomatoe": "tomato", "potatoe": "potato", "chamaeleon": "chameleon", "wristwatch": "watch",
		"spanner": "wrench", "bulb": "lightbulb", "lamp": "lamp", "notebook": "notebook", "pc": "computer", "laptop": "computer",
		"mum": "mother", "mom": "mother", "dad": "father", "kid": "child", "orchestra": "orchestra", "soccer": "football",
	}
)
