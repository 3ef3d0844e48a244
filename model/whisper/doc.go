// Package whisper is Whisper (Radford et al. 2022), which turns speech into text: an encoder hears windows of 30 seconds, and a decoder says,
// token by token, what it heard. It reads all published sizes, distilled ones included, in the layouts of transformers and of CTranslate2.
package whisper
