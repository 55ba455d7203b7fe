package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// shellWords splits a command line as a POSIX shell does. Whatever would make the shell do more than
// start one program is an error: a printed fix is one command.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		case '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("a quote is not closed: %s", line)
			}
			word.WriteString(line[i+1 : i+1+end])
			i += 1 + end
			inWord = true
		case '\\':
			if i++; i == len(line) {
				return nil, fmt.Errorf("nothing follows the backslash: %s", line)
			}
			word.WriteByte(line[i])
			inWord = true
		case '"', '$', '`', '|', '&', ';', '<', '>', '(', ')', '*', '?', '[', '#', '\n':
			return nil, fmt.Errorf("a shell would not take %q as it is: %s", c, line)
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

func TestShellWords(t *testing.T) {
	for line, want := range map[string][]string{
		`kubectl -n shop  set resources deploy/web`: {"kubectl", "-n", "shop", "set", "resources", "deploy/web"},
		`kubectl patch -p '[{"op":"test"}]' ''`:     {"kubectl", "patch", "-p", `[{"op":"test"}]`, ""},
		`echo 'it'\''s' a\ b`:                       {"echo", "it's", "a b"},
	} {
		if got, err := shellWords(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v", line, got, err)
		}
	}
	for _, line := range []string{"a; b", "a | b", "a > b", "$(a)", "'a", `a\`, "kubectl set image a=<IMAGE>"} {
		if got, err := shellWords(line); err == nil {
			t.Errorf("%s: taken for %q", line, got)
		}
	}
}
