package text

import (
	"slices"
	"testing"
)

func TestPooledToken(t *testing.T) {
	for _, c := range []struct {
		pool Pool
		ids  []int32
		want int
	}{
		{PoolEnd, []int32{5, 9, 7, 9, 7}, 2}, // an added token above the end token does not matter
		{PoolEnd, []int32{5, 6}, 0},
		{PoolHighest, []int32{5, 9, 7, 9}, 1},
		{PoolLast, []int32{5, 7, 0, 0}, 3},
	} {
		config := Config{Pool: c.pool, End: 7}
		if got := config.pooled(c.ids); got != c.want {
			t.Errorf("%s of %v is %d, want %d", c.pool, c.ids, got, c.want)
		}
	}
}

func TestPaddingFillsEitherSide(t *testing.T) {
	part := make([]int32, 5)
	if (&Config{Pad: 7}).fill(part, []int32{1, 2}); !slices.Equal(part, []int32{1, 2, 7, 7, 7}) {
		t.Errorf("after: %v", part)
	}
	if (&Config{Pad: 7, PadLeft: true}).fill(part, []int32{1, 2}); !slices.Equal(part, []int32{7, 7, 7, 1, 2}) {
		t.Errorf("before: %v", part)
	}
}
