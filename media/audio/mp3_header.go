package audio

// An mpegHeader is the head of a frame of MPEG audio (ISO 11172-3 and 13818-3, and the extension known as 2.5).
type mpegHeader struct {
	version  int // 0: MPEG-1, 1: MPEG-2, 2: MPEG-2.5
	layer    int // 1 to 3
	checked  bool
	rate     int // Hz
	band     int // index of the tables of scale factor bands: 3·version + code of the rate
	channels int
	ms       bool // middle and side instead of left and right
	intense  bool // intensity stereo
	size     int  // bytes of the frame; 0: free format
}

var mpegBitrates = [2][3][15]int{ // kbit/s, by version, layer and code
	{{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}},
	{{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}},
}

// parseMPEG reads the four bytes of a header.
func parseMPEG(b []byte) (h mpegHeader, ok bool) {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return h, false
	}
	version, layer, bitrate, rate := b[1]>>3&3, b[1]>>1&3, int(b[2]>>4), int(b[2]>>2&3)
	if version == 1 || layer == 0 || bitrate == 15 || rate == 3 || b[3]&3 == 2 {
		return h, false
	}
	h.version = [4]int{2, 0, 1, 0}[version]
	h.layer = int(4 - layer)
	h.checked = b[1]&1 == 0
	h.rate = [3]int{44100, 48000, 32000}[rate] >> h.version
	h.band = 3*h.version + rate
	mode := b[3] >> 6
	h.channels = 2
	switch mode {
	case 1:
		h.ms, h.intense = b[3]&0x20 != 0, b[3]&0x10 != 0
	case 3:
		h.channels = 1
	}
	kbits, padding := mpegBitrates[min(h.version, 1)][h.layer-1][bitrate], int(b[2]>>1&1)
	switch {
	case kbits == 0:
	case h.layer == 1:
		h.size = (12000*kbits/h.rate + padding) * 4
	case h.layer == 3 && h.version > 0:
		h.size = 72000*kbits/h.rate + padding
	default:
		h.size = 144000*kbits/h.rate + padding
	}
	return h, true
}

// follows reports whether two frames can be of one stream.
func (h *mpegHeader) follows(g *mpegHeader) bool {
	return h.layer == g.layer && h.band == g.band
}

// samples of each channel in a frame of layer III.
func (h *mpegHeader) samples() int {
	if h.version == 0 {
		return 2 * granule
	}
	return granule
}

// sideBytes is the length of a frame's side information.
func (h *mpegHeader) sideBytes() int {
	switch {
	case h.version == 0 && h.channels == 2:
		return 32
	case h.version == 0 || h.channels == 2:
		return 17
	}
	return 9
}

// findMPEG looks for the first frame that two others follow; at the very start one is enough, and none if b ends before.
func findMPEG(b []byte, anyLayer bool) (at int, ok bool) {
	for at = 0; at+4 <= min(len(b), 1<<14); at++ {
		first, ok := parseMPEG(b[at:])
		if !ok || first.size == 0 || first.layer != 3 && !anyLayer {
			continue
		}
		want := 2
		if at == 0 {
			want = 1
		}
		next := at + first.size
		for want > 0 {
			if next+4 > len(b) {
				break
			}
			h, ok := parseMPEG(b[next:])
			if !ok || h.size == 0 || !h.follows(&first) {
				break
			}
			next += h.size
			want--
		}
		if want == 0 || at == 0 && next+4 > len(b) {
			return at, true
		}
	}
	return 0, false
}

func isMP3(b []byte) bool {
	_, ok := findMPEG(b, false)
	return ok
}
