package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// columns is the width of the terminal that w is, 0 if it is none.
func columns(w io.Writer) int {
	if !isTerminal(w) {
		return 0
	}
	width, _, err := term.GetSize(int(w.(*os.File).Fd()))
	if err != nil || width <= 0 {
		return 80
	}
	return width
}

// clean makes s safe for a line of a terminal: control characters and those that turn the direction of writing become escapes.
func clean(s string) string {
	bad := func(r rune) bool {
		return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == '\u2028' || r == '\u2029'
	}
	if strings.IndexFunc(s, bad) < 0 {
		return strings.ToValidUTF8(s, "\ufffd")
	}
	var out strings.Builder
	for _, r := range s {
		if bad(r) {
			q := strconv.QuoteRune(r)
			out.WriteString(q[1 : len(q)-1])
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// shorten cuts s to width columns, an ellipsis included. What people see as one character stays whole.
func shorten(s string, width int) string {
	if uniseg.StringWidth(s) <= width {
		return s
	}
	var out strings.Builder
	used := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if used += g.Width(); used > width-1 {
			break
		}
		out.WriteString(g.Str())
	}
	return out.String() + "…"
}

// shortenPath cuts at the front, where paths differ least.
func shortenPath(s string, width int) string {
	total := uniseg.StringWidth(s)
	if total <= width {
		return s
	}
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if total -= g.Width(); total <= width-1 {
			_, end := g.Positions()
			return "…" + s[end:]
		}
	}
	return "…"
}

// A column of a grid.
type column struct {
	title string
	right bool                         // numbers stand on the right
	cut   func(s string, w int) string // how a cell gives way; nil if it must not
}

// A grid is rows of cells, laid out by the widths that characters have on a terminal.
type grid struct {
	columns []column
	rows    [][]string
}

// add appends a row.
func (t *grid) add(cells ...string) {
	for i := range cells {
		cells[i] = clean(cells[i])
	}
	t.rows = append(t.rows, cells)
}

const gap = "  "

// widths measures the columns and narrows those that may be cut until the table fits in width (0: no limit).
func (t *grid) widths(width int) []int {
	out := make([]int, len(t.columns))
	total := len(gap) * (len(t.columns) - 1)
	for i, c := range t.columns {
		out[i] = uniseg.StringWidth(c.title)
		for _, row := range t.rows {
			out[i] = max(out[i], uniseg.StringWidth(row[i]))
		}
		total += out[i]
	}
	const narrowest = 8
	for width > 0 && total > width {
		widest := -1
		for i, c := range t.columns {
			if c.cut != nil && out[i] > narrowest && (widest < 0 || out[i] > out[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		out[widest]--
		total--
	}
	return out
}

// write lays the table out in width columns, 0 for no limit.
func (t *grid) write(w *bufio.Writer, width int) {
	widths := t.widths(width)
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	for _, row := range append([][]string{titles}, t.rows...) {
		var line strings.Builder
		for i, cell := range row {
			c := t.columns[i]
			if c.cut != nil {
				cell = c.cut(cell, widths[i])
			}
			if i > 0 {
				line.WriteString(gap)
			}
			pad := strings.Repeat(" ", max(0, widths[i]-uniseg.StringWidth(cell)))
			if c.right {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		w.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
