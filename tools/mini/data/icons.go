package main

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/tools/internal/things"
)

// iconSets are the sets of icons that show things, people and what they do, in colours but for health icons.
var iconSets = []string{"streamline-color", "streamline-ultimate", "streamline-freehand", "streamline-kameleon", "streamline-stickies", "icon-park",
	"flat-color-icons", "healthicons"}

// icons adds the pictures of a set of icons whose names name something that can be seen.
func (c *collection) icons(source string, v *vocabulary) error {
	dir, err := c.open(source)
	if err != nil {
		return err
	}
	set, err := readJSON[iconSet](filepath.Join(dir, "package/icons.json"))
	if err != nil {
		return err
	}
	for _, icon := range sortedKeys(set.Icons) {
		names := v.iconNames(icon)
		if len(names) == 0 {
			continue
		}
		svg, _ := set.svg(icon)
		svg = bytes.ReplaceAll(svg, []byte("currentColor"), []byte(ink(source+"/"+icon)))
		c.vector(picture{ID: source + "/" + icon, Source: source, Domain: "icon", Names: map[string][]string{"en": names}, Concept: things.Concept(names[len(names)-1])}, svg)
	}
	return nil
}

// ink is the colour that an icon of one colour is drawn in: half of them black, the rest in any dark one.
func ink(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	sum := h.Sum32()
	if sum&1 == 0 {
		return "#000"
	}
	return fmt.Sprintf("#%02x%02x%02x", sum>>8&0xbf, sum>>16&0xbf, sum>>24&0xbf)
}

// iconStyles are words of an icon's name that say how it is drawn; of those that have one of iconCopies there is another one without.
var (
	iconStyles = things.Set("flat duo filled fill line solid bold light alt simple")
	iconCopies = things.Set("negative outline 24px")
)

// signs are words of icons that show what a computer does, or a sign, and name no thing.
var signs = things.Set(`arrow arrows add remove delete check checkmark cross minus plus sync synchronize upload download file files folder browser app apps web
webpage code coding programming database data server network wifi signal layout align alignment text font paragraph layer layers crop ai chart graph
button cursor window windows login logout user users account setting settings menu interface bookmark filter sort share link edit zoom search view hide show
unlock disable disabled off slash warning alert notification info information help question circle square rectangle list grid bitcoin crypto currency
cryptocurrency dollar euro yen logo brand social facebook google twitter youtube adobe microsoft amazon android 3d abstract rating graphics
modelling expand shrink maximize minimize rotate flip undo redo refresh reload move drag drop select selection touchscreen gesture tap swipe pinch scroll
save send reply forward inbox outbox spam attachment clip ui ux html css javascript php java python docker github gitlab hosting domain url
seo content product analytics statistics business marketing management project strategy team hierarchy workflow process agile scrum startup
cancel confirm accept reject block blocked denied disallow restricted error bug sms api console cpu processor gpu ram usb hdmi bluetooth nfc qr barcode
horizontal vertical left right top bottom up down center distribute justify columns rows row column indent spacing margin padding border
copy paste cut duplicate merge split join union intersect subtract exclude outline stroke brightness contrast saturation exposure opacity
play pause stop next previous forward backward rewind skip mute unmute volume shuffle repeat playlist equalizer channel
positive negative percent number numbers letter alphabet symbol symbols sign signs version update new beta one two three four five six seven eight nine zero
monitor screen desktop tablet mobile smartphone iphone ipad laptop cellular responsive sim payment pay cash accounting invoice bill finance investment
tax loan stock stocks exchange market discount sale price buy sell purchase deal nft blockchain token saving savings
male female gender homosexual lgbt religion zodiac astrology meeple`)

// iconNames are what an icon with a name like "musical-violin-2-flat" shows: all words of the name, and the last noun that can be seen or, of
// a single word, the person or the act. No names, if nothing in it can be seen or it is a sign.
func (v *vocabulary) iconNames(icon string) []string {
	words := strings.Split(icon, "-")
	if slices.ContainsFunc(words, func(w string) bool { return signs[w] || iconCopies[w] }) {
		return nil
	}
	words = slices.DeleteFunc(words, func(w string) bool {
		return w == "" || iconStyles[w] || strings.Trim(w, "0123456789") == ""
	})
	if len(words) == 0 || len(words) > 4 {
		return nil
	}
	whole := strings.Join(words, " ")
	head := v.longest(words, true)
	if len(words) == 1 {
		if head == "" && v.has(whole) {
			head = singularName(whole)
		}
		head = cmp.Or(head, v.act(whole))
	} else if head == "" && v.longest(words, false) != "" || head == "" && v.act(words[len(words)-1]) != "" {
		head = whole
	}
	switch {
	case head == "":
		return nil
	case head == whole, head == singularName(whole):
		return []string{head}
	}
	return []string{whole, head}
}
