package image

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

//go:embed heif.wasm.gz
var heifBlob []byte

//go:embed avif.wasm.gz
var avifBlob []byte

// The two codecs: see CODECS.md. Nothing happens before the first picture that needs one.
var (
	heifCodec = codec{blob: heifBlob}
	avifCodec = codec{blob: avifBlob}
)

const (
	codecPages    = 32768           // of 64 KiB: the most memory that a codec may take for a picture
	codecPatience = 2 * time.Minute // for one picture, against endless loops in damaged files
)

// A codec is a decoder compiled to WebAssembly. Each picture gets an instance with memory of its own.
type codec struct {
	blob   []byte
	once   sync.Once
	engine wazero.Runtime
	module wazero.CompiledModule
	err    error
}

func (c *codec) compile() {
	c.err = func() error {
		r, err := gzip.NewReader(bytes.NewReader(c.blob))
		if err != nil {
			return err
		}
		code, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		ctx := context.Background()
		config := wazero.NewRuntimeConfig().WithMemoryLimitPages(codecPages).WithCloseOnContextDone(true)
		c.engine = wazero.NewRuntimeWithConfig(ctx, config)
		if _, err = wasi_snapshot_preview1.Instantiate(ctx, c.engine); err != nil {
			return err
		}
		c.module, err = c.engine.CompileModule(ctx, code)
		return err
	}()
}

// An instance is a codec at work on one picture.
type instance struct {
	ctx    context.Context
	cancel func()
	module api.Module
	err    error // the first failure; everything after it does nothing
}

// start makes an instance; the caller closes it.
func (c *codec) start() (*instance, error) {
	if c.once.Do(c.compile); c.err != nil {
		return nil, fmt.Errorf("decoder: %w", c.err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), codecPatience)
	module, err := c.engine.InstantiateModule(ctx, c.module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("decoder: %w", err)
	}
	return &instance{ctx: ctx, cancel: cancel, module: module}, nil
}

func (i *instance) close() {
	i.module.Close(context.Background())
	i.cancel()
}

// call runs a function of the codec and returns its result.
func (i *instance) call(name string, args ...uint64) uint32 {
	if i.err != nil {
		return 0
	}
	result, err := i.module.ExportedFunction(name).Call(i.ctx, args...)
	if err != nil {
		i.err = errors.New("damaged file: the decoder gave up")
		return 0
	}
	return uint32(result[0])
}

// alloc takes n bytes of the instance's memory.
func (i *instance) alloc(n uint64) uint64 {
	if n >= codecPages<<16 {
		i.fail("%d bytes are more than the decoder may use", n)
		return 0
	}
	at := i.call("malloc", n)
	if at == 0 {
		i.fail("the decoder is out of memory")
	}
	return uint64(at)
}

// put copies data into the instance.
func (i *instance) put(data []byte) uint64 {
	at := i.alloc(uint64(len(data)))
	if i.err == nil && !i.module.Memory().Write(uint32(at), data) {
		i.fail("the decoder is out of memory")
	}
	return at
}

// bytes is a view of n bytes at an address, valid until the instance closes.
func (i *instance) bytes(at, n uint64) []byte {
	if i.err != nil {
		return nil
	}
	view, ok := i.module.Memory().Read(uint32(at), uint32(n))
	if !ok {
		i.fail("damaged file: the decoder gave up")
	}
	return view
}

// number reads the n-th of the 32-bit numbers at an address.
func (i *instance) number(at uint64, n int) int {
	if i.err != nil {
		return 0
	}
	v, ok := i.module.Memory().ReadUint32Le(uint32(at) + 4*uint32(n))
	if !ok {
		i.fail("damaged file: the decoder gave up")
	}
	return int(v)
}

func (i *instance) fail(format string, args ...any) {
	if i.err == nil {
		i.err = fmt.Errorf(format, args...)
	}
}
