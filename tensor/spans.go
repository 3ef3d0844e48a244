package tensor

// Spans says where the sequences of a batch lie among its rows: sequence s has rows Spans[s] to Spans[s+1].
type Spans []int32

// Len is the number of sequences.
func (s Spans) Len() int { return max(len(s)-1, 0) }

// Rows is the number of rows of all sequences.
func (s Spans) Rows() int {
	if len(s) == 0 {
		return 0
	}
	return int(s[len(s)-1])
}

// Longest is the length of the longest sequence.
func (s Spans) Longest() int {
	n := 0
	for i := range s.Len() {
		n = max(n, int(s[i+1]-s[i]))
	}
	return n
}

// Append adds a sequence of n rows.
func (s Spans) Append(n int) Spans {
	if len(s) == 0 {
		s = append(s, 0)
	}
	return append(s, s[len(s)-1]+int32(n))
}
