// Package vad finds speech in sounds: Silero's voice activity detection (Silero Team, version 6, 16 kHz, MIT), whose weights are part of
// the program.
//
// A [Stream] gives the probability of speech for each 32 ms, a [Detector] makes spans of them as Silero's get_speech_timestamps does, and
// [Windows] packs the speech of a sound of any length into windows for a recogniser. All three work on sounds as they come, in memory that
// does not grow, and what they give does not depend on the pieces in which a sound comes.
package vad
