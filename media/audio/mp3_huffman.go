package audio

import (
	"encoding/base64"
	"sync"
)

// huffmanTrees holds the trees of ISO 11172-3, table B.7: 1, 2, 3, 5 to 13, 15, 16, 24, and A and B of the quadruples.
// Each is written from its root down: a bit 1 and the two branches, or a bit 0 and the eight bits of a leaf. A leaf's high
// half is x and its low half y; of a quadruple, the low half has a bit for each of v, w, x and y.
const huffmanTrees = "4RAIQAH4iAQSiEQBGAQgAPxEAglEIgCARgEAf4zEYyGOEwHGAiwkIYCEARgEIAD+MwGI4yGEJjHEQCCWIRAAYRhAAf+VSLKhTjUiYlKQVyjAo0lCQxnx" +
	"IQgpIJA8CCOMgHCYxxgIgliGAhAEYBCAA/+VSoRSnjUiCXKQFCuUY0IeUBmJOQgoQcCECIxl4TGMBjARQEIISEIRwCEAB/yqRRrKcqAXIgllIK5RGkhy" +
	"gBOJCFGZAhQg8RjIJxjAYw4iAQSiEQYRAMIAD/53M87FfOpmI+dCtMo35zI2VSoY4nOXmQDnCYpFGuBpTIgX5xjYTcSlIKyjGhDwsYZggUofEhCjMCQo" +
	"QcgCOMgHhMYxgIuEhDAQgCMAhAAf+dzPOx1zMR50lcq8rGUbzmRvIpUjUpiecpkA+cYXOGNjHMEiCX5SAoVMWJgMFswyiNMoSGM4kIXwoQYEIERjKExj" +
	"wGMBEIcJQEIAjgEIAD/zuZztK51zMR50MuVhvnMqifnIjTIF84wOcI2MfkUqSJAwFiYxZhhYwY1KcSlLwqUY0IfKAEEkhBTGZBiMZfIADGATjERQkIfA" +
	"QgAARgEIf//38/H67X/d7f3cz7eX/fbOtyr3Tdjd99M1fXWn98uqvW36PfFmVcntHT+fnvtqrV5st7G/3QX6dbO9XPVi75PemynM84/o1seL3lm5OA/s" +
	"kvKvPrXJ3shrD6uabVUPvH3hXTl3IjJtce4ouB0POH3AXbVPmxybRa47UTVUmyxh7+0z2LbSDut5cYumT0w/U6XJbRwa0KKVHkxiTWto8Fmwi3rVEhz7" +
	"BpgGWBWhq6mPI7rOiC1xXUppqSeEPpSdzssuG1jgtYUsSuOlHLKVipRfDShwUaFB0MSUnjksUKZ+KUllc6jjQczEfOhWmU58MpHBKQkhCc5SMZBRQQY/" +
	"G4nC84yqB+cBtMZFyoJpiGugYIQGFjDAxg+UyIJZSAsKlHjQhygJMhDMKeQYEIGIxkE8YgOMBFhIQwEIMIgEIAD/+/3ffzfu6/Wf343rtX992c7O3Vff" +
	"S+3WzbcT/vl1V629HvizE93Sf73Vu2l5N9XA/2W9tHOiX07vU/XOrOyl3tlGk/eg/vNsfcwvvKbnhh9404yeXlXXTlz615OcnoxkR8bdrOOm1zxcqriD" +
	"24YOcEutX8+MeTUXalcJrqk2WMPbTaXi0Gh2e1vtGXGhYqK9UEyxDXramQZHjD56U9TWAC7Ciwt/rUOUSmNgkutDVx2eVnpdERWWusqlDdY1gaeliVUh" +
	"40OOlH5ZSsVKLDShwUoDR0MSaUHOk53BMsIX8UmedklSMMpDkhCSudccIOZiPxQgoYQPOgIoArZlG85kbxOcpkC+VTjgc4DbmMiyoJsxBbAxgGvzDKZE" +
	"iUpYVKOBSgNOQxJIQzkGFAJxGMsgAMJ4xGAi8JCGAhAEcAhAAf/d7+t9+7PflfvvV99J/fL4R/P73m97P/y+9Sfejz3hH/7Ouxut66bqbN3Xa69fM3bj" +
	"bV3ZlWtrPysZXZJ9Ly9eXi8Hh+8fp6vGXo50U65+u0bbBuuZOeq11crXk65EZsgfTbayb+uVU4bUrhU57rdoOPg5wS61c+MeTUX/TRssYe5cYoN6KVFM" +
	"kzWx6HnltEhywKYPNxRcHvaYttJo47pdEB3sQ12Gp4ssJa/YIMktaZqUyz5aUorrIN9YwWsM0paSlJzwh1Hjosir/SpoUOhjulOSSuZ1FhqClBjlJywh" +
	"eKUlnYEhnSNIEjQh1jhB/MwoQWRzoGNAoDBBWG/OcykaJzlzIVQOF/OM4DbMZFlQTZiC0wwMYOU41IkSlKUYVAv40IcoCTIQzCmQYEIERjLCYxwGMBFh" +
	"IQwEIMIgEIAD/d7+t9+7PflfvvfVXp++Xx6PP73m97ZfesnvTx+84veW8YfeHB+7m9drO7sbtfOvZrcq51evW3Zie3SrbaXnZaOuhO7ZP1zqx//9lLuj" +
	"Wxwc4Aa5ubk4yZeXXctVn213JoxkZOFw+82ta403rlVXEHu4S7ap82OTaLXH2omqpNmxh7aYt7SDs9rfaJcsVFeqEzJjEzWttoAwedhnqpxZsIt1qHP0" +
	"SmLBJfYALHesAUGtaTUps8pfUAJSHWaIxWWll1KG6xNNLKT5KPCHjpR5ZSsVKLqE0UMd8kpSOUn+WELFJnzskoZSPJCElc644QczCj0EGJHOmgYIQErG" +
	"XheBzgc8bic5eRjJKpxxsY5FKnExihYw8DGAaymRP4lKUKwKUJRjQh4kIUZhTkGBCBEYyhMY+AxgIglEMBCDCIBhAAfgsHwaDsDgUE4GAcFAzAQBgQEA" +
	"DweDoNBmCwVBII4HA0CgTAYCgEAA"

// A huffman decodes one code by steps of huffmanStep bits. An entry of the table is value<<8 | bits taken, or, where bits
// is 0xff, the place of the table for the steps that follow.
type huffman []uint32

const huffmanStep = 7

// huffmanTables gives the trees by the number that files name them with; quadA stands for the first of quadruples. Table
// B of quadruples is four plain bits and needs none.
var huffmanTables = sync.OnceValue(func() (tables [33]huffman) {
	data, err := base64.StdEncoding.DecodeString(huffmanTrees)
	if err != nil {
		panic(err)
	}
	b := &bits{data: data}
	for _, at := range []int{1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 24, quadA} {
		tables[at] = make(huffman, 1<<huffmanStep)
		tables[at].read(b, 0, 0, 0)
	}
	for at := 17; at < quadA; at++ { // these differ from 16 and 24 in the bits of large values alone
		tables[at] = tables[at&^7]
	}
	return tables
})

const quadA = 32

// read fills the table at place base with the branch that is reached by the n bits of code.
func (t *huffman) read(b *bits, base, code, n int) {
	if b.take(1) == 0 {
		leaf := uint32(b.take(8))<<8 | uint32(n)
		for i := range 1 << (huffmanStep - n) {
			(*t)[base+code<<(huffmanStep-n)+i] = leaf
		}
		return
	}
	if n == huffmanStep {
		(*t)[base+code] = uint32(len(*t))<<8 | 0xff
		base, code, n = len(*t), 0, 0
		*t = append(*t, make(huffman, 1<<huffmanStep)...)
	}
	t.read(b, base, 2*code, n+1)
	t.read(b, base, 2*code+1, n+1)
}

// decode is the value of the next code.
func (t huffman) decode(b *bits) int {
	base := 0
	for {
		e := t[base+int(b.peek()>>(32-huffmanStep))]
		if e&0xff != 0xff {
			b.pos += int(e & 0xff)
			return int(e >> 8)
		}
		b.pos += huffmanStep
		base = int(e >> 8)
	}
}
