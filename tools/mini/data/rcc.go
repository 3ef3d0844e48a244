package main

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
)

// Flags of a node in the tree of a Qt resource file.
const (
	rccZlib = 1 << iota
	rccFolder
	rccZstd
)

// rccNode is the size of a tree node by the version of the format: from version 2 on it ends with a time of change.
const (
	rccNode1 = 14
	rccNode2 = 22
)

// maxResource bounds one unpacked file of a Qt resource file.
const maxResource = 64 << 20

// A resources is a Qt resource file (.rcc), versions 1 to 3: a header with the places of a tree, of the names and of the contents, all
// big-endian.
type resources struct {
	data                  []byte
	tree, contents, names uint32
	node                  uint32 // bytes of a node
	left                  int    // nodes that may still be met: no more than fit in the file, so that a tree in a circle ends
}

var errShort = errors.New("it ends early")

// walkResources calls visit with the path and the unpacked content of every file that want accepts.
func walkResources(data []byte, want func(path string) bool, visit func(path string, content []byte) error) error {
	r := &resources{data: data, node: rccNode1}
	if len(data) < 20 || string(data[:4]) != "qres" {
		return errors.New("not a Qt resource file: it does not begin with qres")
	}
	version := binary.BigEndian.Uint32(data[4:])
	r.tree, r.contents, r.names = binary.BigEndian.Uint32(data[8:]), binary.BigEndian.Uint32(data[12:]), binary.BigEndian.Uint32(data[16:])
	if version < 1 || version > 3 {
		return fmt.Errorf("version %d of a Qt resource file, want 1 to 3", version)
	}
	if version > 1 {
		r.node = rccNode2
	}
	r.left = len(data) / int(r.node)
	root, err := r.bytes(r.tree, 0, r.node)
	if err != nil {
		return err
	}
	return r.folder("", root, want, visit)
}

// folder visits the children of a folder's node.
func (r *resources) folder(path string, node []byte, want func(string) bool, visit func(string, []byte) error) error {
	count, first := binary.BigEndian.Uint32(node[6:]), binary.BigEndian.Uint32(node[10:])
	if int64(count) > int64(r.left) {
		return fmt.Errorf("folder %q has %d entries, more than fit in the file", path, count)
	}
	r.left -= int(count)
	for i := range count {
		child, err := r.bytes(r.tree, uint64(first+i)*uint64(r.node), r.node)
		if err != nil {
			return err
		}
		name, err := r.name(binary.BigEndian.Uint32(child))
		if err != nil {
			return err
		}
		if err := r.entry(path+"/"+name, child, want, visit); err != nil {
			return err
		}
	}
	return nil
}

func (r *resources) entry(path string, node []byte, want func(string) bool, visit func(string, []byte) error) error {
	flags := binary.BigEndian.Uint16(node[4:])
	if flags&rccFolder != 0 {
		return r.folder(path, node, want, visit)
	}
	if !want(path) {
		return nil
	}
	content, err := r.content(binary.BigEndian.Uint32(node[10:]), flags)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return visit(path, content)
}

// name is the name at an offset: its length in UTF-16 units, a hash, the units.
func (r *resources) name(offset uint32) (string, error) {
	head, err := r.bytes(r.names, uint64(offset), 6)
	if err != nil {
		return "", err
	}
	raw, err := r.bytes(r.names, uint64(offset)+6, 2*uint32(binary.BigEndian.Uint16(head)))
	if err != nil {
		return "", err
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units)), nil
}

// content is the file at an offset: its length in the resource file, then its bytes, perhaps compressed after their own length.
func (r *resources) content(offset uint32, flags uint16) ([]byte, error) {
	head, err := r.bytes(r.contents, uint64(offset), 4)
	if err != nil {
		return nil, err
	}
	raw, err := r.bytes(r.contents, uint64(offset)+4, binary.BigEndian.Uint32(head))
	switch {
	case err != nil:
		return nil, err
	case flags&rccZstd != 0:
		return nil, errors.New("it is compressed by Zstandard, want zlib or none")
	case flags&rccZlib == 0:
		return raw, nil
	case len(raw) < 4:
		return nil, errShort
	}
	z, err := zlib.NewReader(bytes.NewReader(raw[4:]))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	content, err := io.ReadAll(io.LimitReader(z, maxResource+1))
	if err == nil && len(content) > maxResource {
		err = fmt.Errorf("it unpacks to more than %d MiB", maxResource>>20)
	}
	return content, err
}

// bytes is n bytes at an offset from a place in the file.
func (r *resources) bytes(place uint32, offset uint64, n uint32) ([]byte, error) {
	start := uint64(place) + offset
	if start > uint64(len(r.data)) || uint64(n) > uint64(len(r.data))-start {
		return nil, errShort
	}
	return r.data[start : start+uint64(n)], nil
}
