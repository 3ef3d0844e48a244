// Package audio reads sounds and turns them into the arrays that sound models expect, equal to what the reference
// front ends make.
//
// [Open] and [New] recognise a file by its content, not its name. WAV, AIFF, FLAC and MP3 are read here; Ogg, Opus, AAC,
// M4A, WebM and the sound of videos by the program ffmpeg if it is installed. A [Reader] gives the samples as they lie in
// the file, in pieces, so that memory stays flat however long the sound is. [Reader.Mono] averages the channels, then
// resamples, in the order of librosa.load; [Load] does both at once for a short sound, and [Mono.Windows] walks over a
// long one.
//
// [Reader.Reset] makes a Reader read one sound after the other in the memory that it has.
//
// A sound that was cut off gives all that there is, and then an error for which errors.Is(err, [ErrTruncated]) holds.
//
// [Whisper], [CLAP] and [Gemma] are the log-mel front ends of those models, within 1e-4 of transformers' extractors.
package audio
