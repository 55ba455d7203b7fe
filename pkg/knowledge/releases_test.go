package knowledge_test

import (
	"testing"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
)

// TestEndOfLife holds that the days are in the order of the versions, without a gap, and that nobody guesses.
func TestEndOfLife(t *testing.T) {
	before, ok := knowledge.EndOfLife(23)
	if !ok {
		t.Fatal("versions before the table have ended")
	}
	for minor := 24; minor < knowledge.KubernetesMinor; minor++ {
		day, ok := knowledge.EndOfLife(minor)
		if !ok || day.Before(before) || minor > 24 && !day.After(before) || day.Sub(before) > 8*30*24*time.Hour {
			t.Errorf("1.%d: %s after %s", minor, day, before)
		}
		before = day
	}
	if day, ok := knowledge.EndOfLife(knowledge.KubernetesMinor + 1); ok {
		t.Errorf("a version that is not there yet ends on %s", day)
	}
}
