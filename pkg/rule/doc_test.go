package rule

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestValidateDocs(t *testing.T) {
	const whole = "# title\n\nwhy\n\n## Before\n\n```yaml\na: 1\n```\n\n## After\n\n```yaml\na: 2\n```\n\n## References\n\n- one\n- two\n"
	files := fstest.MapFS{
		"whole.md":    {Data: []byte(whole)},
		"windows.md":  {Data: []byte(strings.ReplaceAll(whole, "\n", "\r\n"))},
		"untitled.md": {Data: []byte("why\n")},
		"empty.md":    {Data: []byte("# title\n\n## Before\n")},
		"odd.md":      {Data: []byte("# title\n\nwhy\n\n## Afterwards\n")},
		"text.md":     {Data: []byte("# title\n\nwhy\n")},
	}
	for name, want := range map[string]string{
		"whole.md":    "",
		"windows.md":  "",
		"untitled.md": `the first line must be a title`,
		"empty.md":    "no text under the title",
		"odd.md":      `unknown section "Afterwards"`,
		"text.md":     "its document needs Before and After",
		"missing.md":  "file does not exist",
	} {
		err := ValidateDocs([]*Check{{ID: "a-check", Doc: ReadDoc(files, name)}}, nil)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	d := ReadDoc(files, "windows.md").Read()
	if d.Title != "title" || d.Why != "why" || d.Before != "a: 1\n" || d.After != "a: 2\n" || len(d.References) != 2 {
		t.Errorf("%+v", d)
	}
	if err := ValidateDocs(nil, []*Cause{{ID: "a-cause", Doc: ReadDoc(files, "text.md")}}); err != nil {
		t.Error(err) // a cause needs no examples
	}
	if err := ValidateDocs([]*Check{{ID: "bare"}}, nil); err == nil {
		t.Error("a check without a document is documented")
	}
}
