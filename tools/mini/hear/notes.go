package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/chiasm/chiasm/media/audio"
	"github.com/chiasm/chiasm/model/mini"
)

// instruments is General MIDI's programs in their order, 81 to 104 of which are three kinds of synthetic sounds: 107 names.
var instruments = strings.Split(`acoustic grand piano,bright acoustic piano,electric grand piano,honky-tonk piano,electric piano,chorused electric piano,harpsichord,clavinet,
celesta,glockenspiel,music box,vibraphone,marimba,xylophone,tubular bells,dulcimer,drawbar organ,percussive organ,rock organ,church organ,reed organ,accordion,harmonica,
tango accordion,nylon string guitar,steel string guitar,jazz guitar,clean electric guitar,muted electric guitar,overdriven guitar,distortion guitar,guitar harmonics,
acoustic bass,fingered electric bass,picked electric bass,fretless bass,slap bass,popping bass,synth bass,deep synth bass,violin,viola,cello,contrabass,tremolo strings,
pizzicato strings,harp,timpani,string ensemble,slow string ensemble,synth strings,soft synth strings,choir,voice,synth voice,orchestra hit,trumpet,trombone,tuba,
muted trumpet,french horn,brass section,synth brass,soft synth brass,soprano saxophone,alto saxophone,tenor saxophone,baritone saxophone,oboe,english horn,bassoon,clarinet,
piccolo,flute,recorder,pan flute,blown bottle,shakuhachi,whistle,ocarina,
synth lead*8,synth pad*8,synth effect*8,
sitar,banjo,shamisen,koto,kalimba,bagpipe,fiddle,shanai,tinkle bell,agogo,steel drums,woodblock,taiko drum,melodic tom,synth drum,reverse cymbal,guitar fret noise,
breath noise,seashore,bird tweet,telephone ring,helicopter,applause,gunshot`, ",")

// programNames is the name of each of the 128 programs.
func programNames() (names []string) {
	for _, s := range instruments {
		name, times, many := strings.Cut(strings.TrimSpace(s), "*")
		n := 1
		if many {
			fmt.Sscan(times, &n)
		}
		for range n {
			names = append(names, name)
		}
	}
	return names
}

// instrumentNames is the 107 names.
func instrumentNames() []string { return slices.Compact(programNames()) }

const slot = 2.5 // seconds from note to note

// midi is a file of notes of one program.
func midi(program, count int, r *rand.Rand) []byte {
	var track []byte
	after := func(ticks int) { // a variable-length number
		if ticks >= 1<<14 {
			track = append(track, byte(ticks>>14)|0x80)
		}
		if ticks >= 1<<7 {
			track = append(track, byte(ticks>>7)|0x80)
		}
		track = append(track, byte(ticks&0x7f))
	}
	after(0)
	track = append(track, 0xc0, byte(program))
	rest := 0
	for range count {
		pitch, velocity := byte(38+r.IntN(46)), byte(50+r.IntN(77))
		ticks := 200 + r.IntN(1500) // of a millisecond
		after(rest)
		track = append(track, 0x90, pitch, velocity)
		after(ticks)
		track = append(track, 0x80, pitch, 0)
		rest = int(slot*1000) - ticks
	}
	after(rest)
	track = append(track, 0xff, 0x2f, 0)
	b := append([]byte("MThd"), 0, 0, 0, 6, 0, 0, 0, 1, 0x01, 0xf4) // 500 ticks a quarter, of half a second
	b = append(b, "MTrk"...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(track)))
	return append(b, track...)
}

// play gives count notes of a program in a sound font.
func (s *speaker) play(font string, program, count int, r *rand.Rand) ([][]float32, error) {
	score, wav := filepath.Join(s.temp, "notes.mid"), filepath.Join(s.temp, "notes.wav")
	if err := os.WriteFile(score, midi(program, count, r), 0o644); err != nil {
		return nil, err
	}
	_, err := s.run("fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", "0.8", "-r", "16000", "-F", wav, filepath.Join(s.root, "usr/share/sounds/sf2", font), score)
	if err != nil {
		return nil, err
	}
	x, err := audio.Load(context.Background(), wav, mini.SoundRate, mostSamples)
	if err != nil {
		return nil, err
	}
	const step = slot * mini.SoundRate
	var list [][]float32
	for i := range count {
		list = append(list, x[min(i*step, len(x)):min((i+1)*step, len(x))])
	}
	return list, nil
}
