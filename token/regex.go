package token

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// A regex matches a pattern written for Oniguruma, the reference's engine, by way of regexp2. Its time is
// bounded: where a search takes over a second, or all of a text's searches over ten, the rest counts as unmatched.
type regex struct{ re *regexp2.Regexp }

const (
	searchTime = time.Second
	totalTime  = 10 * time.Second
)

// compilePattern returns the matcher of a pattern.
func compilePattern(pattern string) (matcher, error) {
	if m := knownPattern(pattern); m != nil {
		return m, nil
	}
	if len(pattern) > 1<<16 {
		return nil, fmt.Errorf("expected a pattern of at most %d bytes, got %d", 1<<16, len(pattern))
	}
	tr := translator{src: pattern}
	out, err := tr.all()
	if err != nil {
		return nil, err
	}
	re, err := regexp2.Compile("(?m)"+out, regexp2.OptionMaxBacktrackingStackSize(1<<22))
	if err != nil {
		return nil, fmt.Errorf("expected a regular expression, got %.200q: %w", pattern, err)
	}
	re.MatchTimeout = searchTime
	return regex{re}, nil
}

func (m regex) match(t *text, dst []hit, b []byte) []hit {
	t.runes, t.offs = t.runes[:0], t.offs[:0]
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		t.runes = append(t.runes, r)
		t.offs = append(t.offs, i)
		i += n
	}
	t.offs = append(t.offs, len(b))
	last := -1
	if t.spent > totalTime {
		return dst
	}
	start := time.Now()
	count := 0
	// An error means that the time or the stack ran out: what was found so far stands.
	_ = m.re.FindRunesMatches(t.runes, 0, func(v regexp2.MatchView) bool {
		lo, n, _ := v.GroupRange(0)
		if n == 0 && lo == last {
			return true // no empty match right behind another
		}
		last = lo + n
		dst = append(dst, hit{t.offs[lo], t.offs[lo+n]})
		count++
		return count%1024 != 0 || t.spent+time.Since(start) < totalTime
	})
	t.spent += time.Since(start)
	return dst
}

// A translator rewrites Oniguruma's syntax as .NET's.
type translator struct {
	src   string
	pos   int
	depth int
	size  int // of what was written
}

var errPattern = errors.New("unfinished pattern")

// all translates the whole pattern.
func (tr *translator) all() (string, error) {
	s, err := tr.alternatives()
	if err == nil && tr.pos < len(tr.src) {
		err = fmt.Errorf("expected the end of the pattern at byte %d, got %q", tr.pos, tr.src[tr.pos:])
	}
	return s, err
}

// alternatives translates up to the end or to a closing parenthesis.
func (tr *translator) alternatives() (string, error) {
	if tr.depth++; tr.depth > 200 {
		return "", errors.New("expected groups at most 200 deep")
	}
	defer func() { tr.depth-- }()
	var out strings.Builder
	for tr.pos < len(tr.src) && tr.src[tr.pos] != ')' {
		atom, err := tr.atom()
		if err != nil {
			return "", err
		}
		atom = tr.quantified(atom)
		if tr.size += len(atom); tr.size > 1<<22 {
			return "", errors.New("expected a simpler pattern: this one grows beyond bounds")
		}
		out.WriteString(atom)
	}
	return out.String(), nil
}

// quantified translates the quantifiers behind an atom. The possessive ones become atomic groups.
func (tr *translator) quantified(atom string) string {
	for range 8 {
		if tr.pos == len(tr.src) {
			break
		}
		c := tr.src[tr.pos]
		switch c {
		case '*', '+', '?':
			tr.pos++
			q := string(c)
			if tr.pos < len(tr.src) && tr.src[tr.pos] == '?' {
				tr.pos++
				q += "?"
			} else if tr.pos < len(tr.src) && tr.src[tr.pos] == '+' {
				tr.pos++
				atom = "(?>" + atom + q + ")"
				continue
			}
			atom += q
		case '{':
			end := strings.IndexByte(tr.src[tr.pos:], '}')
			if end < 0 {
				return atom
			}
			q := tr.src[tr.pos+1 : tr.pos+end]
			if q == "" || strings.Trim(q, "0123456789,") != "" || q == "," {
				return atom // a literal brace
			}
			if q[0] == ',' {
				q = "0" + q
			}
			tr.pos += end + 1
			q = "{" + q + "}"
			if tr.pos < len(tr.src) && tr.src[tr.pos] == '?' {
				tr.pos++
				q += "?"
			}
			atom += q
		default:
			return atom
		}
		if tr.pos < len(tr.src) && strings.IndexByte("*+?{", tr.src[tr.pos]) >= 0 {
			atom = "(?:" + atom + ")"
		}
	}
	return atom
}

// atom translates one element.
func (tr *translator) atom() (string, error) {
	c := tr.src[tr.pos]
	switch c {
	case '(':
		return tr.group()
	case '[':
		return tr.set()
	case '\\':
		return tr.escape(false)
	case '{':
		tr.pos++
		return `\{`, nil
	}
	_, n := utf8.DecodeRuneInString(tr.src[tr.pos:])
	tr.pos += n
	return tr.src[tr.pos-n : tr.pos], nil
}

// group translates a parenthesis.
func (tr *translator) group() (string, error) {
	open := "("
	tr.pos++
	if strings.HasPrefix(tr.src[tr.pos:], "?") {
		rest := tr.src[tr.pos:]
		switch {
		case strings.HasPrefix(rest, "?#"):
			end := strings.IndexByte(rest, ')')
			if end < 0 {
				return "", errPattern
			}
			tr.pos += end + 1
			return "", nil
		case strings.HasPrefix(rest, "?<=") || strings.HasPrefix(rest, "?<!"):
			open, tr.pos = open+rest[:3], tr.pos+3
		case len(rest) > 1 && strings.IndexByte(":=!>", rest[1]) >= 0:
			open, tr.pos = open+rest[:2], tr.pos+2
		case strings.HasPrefix(rest, "?<"):
			end := strings.IndexByte(rest, '>')
			if end < 0 {
				return "", errPattern
			}
			open, tr.pos = open+rest[:end+1], tr.pos+end+1
		default: // options: m means that the dot matches line breaks
			end := strings.IndexAny(rest, ":)")
			if end < 0 {
				return "", errPattern
			}
			opts := rest[1:end]
			if strings.Trim(opts, "imx-") != "" {
				return "", fmt.Errorf("expected options of i, m, x in a group, got %.20q", opts)
			}
			open += "?" + strings.ReplaceAll(opts, "m", "s")
			tr.pos += end
			if rest[end] == ')' { // to the end of the group around
				tr.pos++
				return open + ")", nil
			}
			open, tr.pos = open+":", tr.pos+1
		}
	}
	inner, err := tr.alternatives()
	if err != nil {
		return "", err
	}
	if tr.pos >= len(tr.src) {
		return "", errors.New("expected a closing parenthesis, got the end of the pattern")
	}
	tr.pos++
	return open + inner + ")", nil
}

// escape translates what follows a backslash; inside a set it yields the members.
func (tr *translator) escape(inSet bool) (string, error) {
	if tr.pos+1 >= len(tr.src) {
		return "", errPattern
	}
	c := tr.src[tr.pos+1]
	wrap := func(neg bool, members string) string {
		if inSet && !neg {
			return members
		}
		if neg {
			return "[^" + members + "]"
		}
		return "[" + members + "]"
	}
	switch c {
	case 'h', 'w':
		tr.pos += 2
		return wrap(false, map[byte]string{'h': "0-9a-fA-F", 'w': wordSet()}[c]), nil
	case 'H', 'W':
		if inSet {
			return "", fmt.Errorf(`expected no \%c inside brackets`, c)
		}
		tr.pos += 2
		return wrap(true, map[byte]string{'H': "0-9a-fA-F", 'W': wordSet()}[c]), nil
	case 'b', 'B':
		if inSet {
			break
		}
		tr.pos += 2
		in := "[" + wordSet() + "]"
		if c == 'b' {
			return "(?:(?<=" + in + ")(?!" + in + ")|(?=" + in + ")(?<!" + in + "))", nil
		}
		return "(?:(?<=" + in + ")(?=" + in + ")|(?<!" + in + ")(?!" + in + "))", nil
	case 'd':
		tr.pos += 2
		return wrap(false, properties()["digit"]), nil
	case 'R':
		tr.pos += 2
		return `(?>\r\n|[\n-\r\u0085\u2028\u2029])`, nil
	case 'x':
		if strings.HasPrefix(tr.src[tr.pos+2:], "{") {
			end := strings.IndexByte(tr.src[tr.pos:], '}')
			if end < 0 {
				return "", errPattern
			}
			n, err := strconv.ParseUint(tr.src[tr.pos+3:tr.pos+end], 16, 21)
			if err != nil || !utf8.ValidRune(rune(n)) {
				return "", fmt.Errorf("expected a code point in \\x{…}, got %.20q", tr.src[tr.pos:tr.pos+end])
			}
			tr.pos += end + 1
			return quoteRune(rune(n)), nil
		}
	case 'p', 'P':
		return tr.property(c == 'P', inSet)
	case 'X', 'K', 'G', 'y', 'Y', 'g', 'k', 'O', 'N':
		return "", fmt.Errorf(`expected a pattern without \%c, which is not supported`, c)
	}
	r, n := utf8.DecodeRuneInString(tr.src[tr.pos+1:])
	tr.pos += 1 + n
	if r == '_' || unicode.IsLetter(r) && !strings.ContainsRune("bAzZdDsStnrfvaeuxc", r) {
		return tr.src[tr.pos-n : tr.pos], nil // nothing special
	}
	return tr.src[tr.pos-1-n : tr.pos], nil
}

func quoteRune(r rune) string {
	if r < utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
		return fmt.Sprintf(`\u%04x`, r)
	}
	return string(r)
}

// property translates \p{Name} and \p{^Name}.
func (tr *translator) property(neg, inSet bool) (string, error) {
	rest := tr.src[tr.pos+2:]
	end := strings.IndexByte(rest, '}')
	if !strings.HasPrefix(rest, "{") || end < 0 {
		return "", fmt.Errorf(`expected \p{…}, got %.20q`, tr.src[tr.pos:])
	}
	name := rest[1:end]
	tr.pos += 2 + end + 1
	if strings.HasPrefix(name, "^") {
		name, neg = name[1:], !neg
	}
	key := strings.ToLower(strings.NewReplacer("_", "", " ", "", "-", "").Replace(name))
	p := "p"
	if neg {
		p = "P"
	}
	category := strings.ToUpper(key[:min(1, len(key))]) + key[min(1, len(key)):]
	if _, ok := unicode.Categories[category]; ok {
		members := `\p{` + category + `}` + newerMembers(category)
		switch {
		case neg && inSet:
			return `\P{` + category + `}`, nil // but for the newer ones
		case neg:
			return "[^" + members + "]", nil
		case inSet:
			return members, nil
		}
		return "[" + members + "]", nil
	}
	for script := range unicode.Scripts {
		if strings.ToLower(strings.ReplaceAll(script, "_", "")) == key {
			if script == "Han" && !neg {
				const more = "\\p{Han}\U0002EBF0-\U0002EE5D"
				if inSet {
					return more, nil
				}
				return "[" + more + "]", nil
			}
			return `\` + p + "{" + script + "}", nil
		}
	}
	members, ok := properties()[key]
	if !ok || neg && inSet {
		return "", fmt.Errorf(`expected a known property in \p{…}, got %.40q`, name)
	}
	switch {
	case neg:
		return "[^" + members + "]", nil
	case inSet:
		return members, nil
	}
	return "[" + members + "]", nil
}

// set translates brackets. A set inside another joins it; && becomes a subtraction of the complement.
func (tr *translator) set() (string, error) {
	members, neg, tail, err := tr.members()
	if err != nil {
		return "", err
	}
	if neg {
		if tail != "" {
			return "", errors.New("expected no ^ in brackets with &&")
		}
		return "[^" + members + "]", nil
	}
	return "[" + members + tail + "]", nil
}

// members reads brackets; tail is what a subtraction adds.
func (tr *translator) members() (members string, neg bool, tail string, err error) {
	if tr.depth++; tr.depth > 200 {
		return "", false, "", errors.New("expected brackets at most 200 deep")
	}
	defer func() { tr.depth-- }()
	var out strings.Builder
	tr.pos++
	if strings.HasPrefix(tr.src[tr.pos:], "^") {
		neg = true
		tr.pos++
	}
	for first := true; ; first = false {
		if tr.pos >= len(tr.src) {
			return "", false, "", errors.New("expected ], got the end of the pattern")
		}
		rest := tr.src[tr.pos:]
		switch {
		case rest[0] == ']' && !first:
			tr.pos++
			return out.String(), neg, tail, nil
		case strings.HasPrefix(rest, "[:"):
			end := strings.Index(rest, ":]")
			if end < 0 {
				return "", false, "", errPattern
			}
			m, ok := properties()[rest[2:end]]
			if !ok {
				return "", false, "", fmt.Errorf("expected a known class in [:…:], got %.40q", rest[2:end])
			}
			if rest[2:end] == "punct" {
				m += properties()["symbol"] // here symbols count
			}
			out.WriteString(m)
			tr.pos += end + 2
		case rest[0] == '[':
			m, n, t, err := tr.members()
			if err != nil {
				return "", false, "", err
			}
			if n || t != "" {
				return "", false, "", errors.New("expected no ^ or && in brackets within brackets")
			}
			out.WriteString(m)
		case strings.HasPrefix(rest, "&&"):
			tr.pos += 2
			var right strings.Builder
			not := "^"
			if strings.HasPrefix(tr.src[tr.pos:], "[") {
				m, n, t, err := tr.members()
				if err != nil {
					return "", false, "", err
				}
				if t != "" || !strings.HasPrefix(tr.src[tr.pos:], "]") {
					return "", false, "", errors.New("expected one set after &&")
				}
				if n {
					not = ""
				}
				right.WriteString(m)
			} else {
				return "", false, "", errors.New("expected brackets after &&")
			}
			tail = "-[" + not + right.String() + "]"
		case rest[0] == '\\':
			m, err := tr.escape(true)
			if err != nil {
				return "", false, "", err
			}
			out.WriteString(m)
		case rest[0] == ']':
			out.WriteString(`\]`)
			tr.pos++
		default:
			_, n := utf8.DecodeRuneInString(rest)
			out.WriteString(rest[:n])
			tr.pos += n
		}
	}
}
