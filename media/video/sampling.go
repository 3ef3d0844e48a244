package video

// A Sampling says which frames of a video a model looks at.
type Sampling struct {
	Rate  float64 // frames per second; 0 for all
	Most  int     // at most so many
	First bool    // where there are more: the first ones, rather than some spread evenly
}

// Pick lists the numbers of the frames to look at, of a video with so many frames, at so many a second, that lasts so many seconds. A
// rate or a duration of 0 is unknown: then no frame is left out but for there being too many. It is what transformers'
// EmbeddingGemma2VideoProcessor picks.
func (s Sampling) Pick(frames int, rate, seconds float64) []int {
	if frames < 1 || s.Most < 1 {
		return nil
	}
	count, step := frames, 1.0
	if s.Rate > 0 && rate > 0 && seconds > 0 {
		count, step = int(max(1, min(seconds*s.Rate, 1<<30))), rate/s.Rate
	}
	picked := make([]int, min(count, s.Most))
	for i := range picked {
		at := i
		if count > s.Most && !s.First && s.Most > 1 {
			at = int(float64(i) * (float64(count-1) / float64(s.Most-1)))
			if i == s.Most-1 {
				at = count - 1
			}
		}
		picked[i] = int(min(float64(frames-1), float64(at)*step))
	}
	return picked
}
