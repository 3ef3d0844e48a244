// Package whisper is Whisper (Radford et al. 2022), which turns speech into text: an encoder hears windows of 30 seconds, and a decoder says,
// token by token, what it heard. It reads all published sizes, distilled ones included, in the layouts of transformers and of CTranslate2.
//
// A [Transcriber] makes text of sound: windows by themselves, or a sound of any length window after window, in segments with their times and, if
// asked for, those of the words. What it does follows openai/whisper's decoding, timing and transcription, with the additions and the defaults of
// faster-whisper: [Options] says where these differ. Against both, the features of a window are scaled by the loudest of its own sound, not of the
// whole, which need not be there yet.
package whisper
