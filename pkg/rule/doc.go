package rule

import (
	"fmt"
	"io/fs"
	"strings"
)

// Doc is the document of a rule, from the .md file beside its code.
type Doc struct {
	Title      string
	Why        string // paragraphs in Markdown
	Before     string // YAML in which the rule fires
	After      string // the same, mended
	References []string
	err        error
}

// Err tells what is wrong with the document, or nil.
func (d Doc) Err() error { return d.err }

// Given is a document that somebody has at hand, as the Docs of a rule.
func (d Doc) Given() Doc { return d }

// Docs gives the document of a rule. Hundreds of rules have one each, and few commands want any.
type Docs func() Doc

// Read gives the document; an empty one where there is none.
func (d Docs) Read() Doc {
	if d == nil {
		return Doc{}
	}
	return d()
}

// ReadDoc is the document name of files: a title line, paragraphs, then the sections Before and After with
// one fenced YAML block each, and References as a list. What is missing or malformed is told by
// ValidateDocs, since rules are values and values cannot fail.
func ReadDoc(files fs.FS, name string) Docs {
	return func() Doc {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return Doc{err: err}
		}
		return parseDoc(name, string(data))
	}
}

func parseDoc(name, text string) Doc {
	var d Doc
	text = strings.ReplaceAll(text, "\r\n", "\n")
	head, rest, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(head, "# ") {
		return Doc{err: fmt.Errorf("%s: the first line must be a title, \"# ...\"", name)}
	}
	d.Title = strings.TrimSpace(strings.TrimPrefix(head, "# "))
	parts := strings.Split("\n"+rest, "\n## ")
	d.Why = strings.TrimSpace(parts[0])
	for _, part := range parts[1:] {
		section, body, _ := strings.Cut(part, "\n")
		switch strings.TrimSpace(section) {
		case "Before":
			d.Before = fenced(body)
		case "After":
			d.After = fenced(body)
		case "References":
			for line := range strings.SplitSeq(body, "\n") {
				if item, ok := strings.CutPrefix(strings.TrimSpace(line), "- "); ok {
					d.References = append(d.References, item)
				}
			}
		default:
			d.err = fmt.Errorf("%s: unknown section %q: use Before, After or References", name, section)
		}
	}
	if d.Why == "" && d.err == nil {
		d.err = fmt.Errorf("%s: no text under the title", name)
	}
	return d
}

// fenced returns the text inside the first ``` block.
func fenced(s string) string {
	_, s, ok := strings.Cut(s, "```")
	if !ok {
		return ""
	}
	_, s, _ = strings.Cut(s, "\n")
	s, _, _ = strings.Cut(s, "\n```")
	return s + "\n"
}
