// Package image reads pictures and turns them into the arrays that vision models expect, equal to what the reference
// processors make: files as transformers' load_image reads them, resizing as Pillow does on every byte, then crop,
// rescale and normalise in the reference's order and precision.
//
// [Open] and [Read] recognise JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC and AVIF by their content. They turn the picture
// upright by its EXIF orientation and drop alpha, as load_image does. [From] takes a picture that a program has decoded
// already, as it is, and lays it on white where it is transparent, as the processors do. [Options] bound what is accepted,
// tell of damage, and trade exactness of large JPEG files for time. A [Decoder] reads one picture after the other in memory
// that it keeps.
//
// A [Processor] is a value with public fields; [ParseProcessor] reads one from a preprocessor_config.json or a nested
// processor_config.json, [ParseOpenCLIP] from open_clip's preprocess_cfg.
package image
