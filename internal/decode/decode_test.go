package decode_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/chiasm/chiasm/internal/decode"
)

func ExampleReader() {
	r := decode.NewReader([]byte{1, 2, 0, 'h', 'i', '\n'})
	fmt.Println(r.U8(), r.U16(), r.Line(), r.Err())
	fmt.Println(r.U32(), r.Err())
	// Output:
	// 1 2 hi <nil>
	// 0 at byte 6: expected 4 more bytes, got 0: unexpected EOF
}

func TestFirstErrorStays(t *testing.T) {
	r := decode.NewReader([]byte{7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 3, 9, 9})
	if r.U64() != 7 || r.U64BE() != 1 || r.U16BE() != 2 || r.U32BE() != 3 || r.Len() != 2 || r.Pos() != 22 {
		t.Fatalf("got %d bytes left at %d", r.Len(), r.Pos())
	}
	if r.Bytes(3) != nil || r.U8() != 0 || r.U16BE() != 0 || r.U32BE() != 0 || r.Line() != "" {
		t.Error("reads after an error give values")
	}
	first := r.Err()
	r.Fail("another")
	if r.Err() != first || !errors.Is(first, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", r.Err())
	}
	if r := decode.NewReader(nil); r.Bytes(-1) != nil || r.Err() == nil {
		t.Error("a negative length was read")
	}
}
