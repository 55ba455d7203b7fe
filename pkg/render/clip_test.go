package render

import (
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// TestClip holds that a clipped line fits, that its mark still points at the same text, and that
// what fits is left as it is.
func TestClip(t *testing.T) {
	long := strings.Repeat("a", 50) + "FAULT" + strings.Repeat("b", 50)
	for _, tt := range []struct {
		name, text, want string
		column, width    int
	}{
		{"fits", "key: FAULT", "key: FAULT", 6, 30},
		{"the mark is early", "x: FAULT" + strings.Repeat("b", 50), "x: FAULT" + strings.Repeat("b", 19) + "...", 4, 30},
		{"in the middle", long, "..." + strings.Repeat("a", 12) + "FAULT" + strings.Repeat("b", 7) + "...", 51, 30},
		{"at the end", strings.Repeat("a", 50) + "FAULT", "..." + strings.Repeat("a", 22) + "FAULT", 51, 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			marks := []source.LineMark{{Column: tt.column, Length: 5, Primary: true}}
			got, moved := clip(tt.text, marks, tt.width)
			if got != tt.want || len([]rune(got)) > tt.width {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if at := moved[0].Column - 1; at+5 > len(got) || got[at:at+5] != "FAULT" {
				t.Errorf("the mark is at column %d of %q", moved[0].Column, got)
			}
			if marks[0].Column != tt.column {
				t.Error("the report was changed")
			}
		})
	}
}
