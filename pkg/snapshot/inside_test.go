package snapshot_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What is of another type than is asked for, or in something that holds no keys, is nothing, and no panic.
func TestInside(t *testing.T) {
	content := map[string]any{
		"a":    map[string]any{"text": "x", "yes": true, "whole": int64(3), "half": 2.0, "at": "2026-01-02T03:04:05Z"},
		"list": []any{"x", int64(1), map[string]any{"b": "y"}, nil},
		"none": nil,
	}
	whole := func(keys ...string) string { return fmt.Sprint(snapshot.WholeIn(content, keys...)) }
	for name, got := range map[string]bool{
		"text":            snapshot.TextIn(content, "a", "text") == "x" && snapshot.TextIn("x") == "x",
		"no text":         snapshot.TextIn(content, "a", "whole") == "" && snapshot.TextIn(content, "a", "text", "x") == "" && snapshot.TextIn(nil, "a") == "",
		"true":            snapshot.TrueIn(content, "a", "yes") && !snapshot.TrueIn(content, "a", "text"),
		"map":             len(snapshot.MapIn(content, "a")) == 5 && snapshot.MapIn(content, "list") == nil && snapshot.MapIn(content, "none") == nil,
		"list":            len(snapshot.ListIn(content, "list")) == 4 && snapshot.ListIn(content, "a") == nil,
		"texts and maps":  len(snapshot.TextsIn(content, "list")) == 1 && len(snapshot.MapsIn(content, "list")) == 1,
		"whole":           whole("a", "whole") == "3 true" && whole("a", "half") == "2 true" && whole("a", "text") == "0 false" && whole("b") == "0 false",
		"time":            snapshot.TimeIn(content, "a", "at").Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		"no time":         snapshot.TimeIn(content, "a", "text").IsZero() && snapshot.TimeIn(content, "b").IsZero(),
		"nothing in none": snapshot.Inside(nil) == nil && snapshot.Inside(content, "none", "x") == nil,
	} {
		if !got {
			t.Error(name)
		}
	}
}
