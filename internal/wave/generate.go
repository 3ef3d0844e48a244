package wave

// The assembly and its declarations are made by the module in _asm.
//
//go:generate sh -c "cd _asm && GOFLAGS=-mod=mod GOOS= GOARCH= go run ."
