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

func date(t *testing.T, text string) time.Time {
	t.Helper()
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return day
}

// TestReleases holds that every version of the table came out after the one before it, and before the table was made.
func TestReleases(t *testing.T) {
	var before time.Time
	for minor := 30; minor <= knowledge.KubernetesMinor; minor++ {
		day, ok := knowledge.Released(minor)
		if !ok || !day.After(before) || day.After(knowledge.ReleasesAsOf()) {
			t.Errorf("1.%d came out on %s, after %s", minor, day, before)
		}
		before = day
		if end, ok := knowledge.EndOfLife(minor); ok && (end.Before(day.AddDate(0, 13, 0)) || end.After(day.AddDate(0, 16, 0))) {
			t.Errorf("1.%d came out on %s and ends on %s", minor, day, end)
		}
	}
	if got := knowledge.NewestRelease(knowledge.ReleasesAsOf()); got != knowledge.KubernetesMinor {
		t.Errorf("the newest release is 1.%d", got)
	}
	if got := knowledge.NewestRelease(date(t, "2026-01-15")); got != 35 {
		t.Errorf("the newest release in January was 1.%d", got)
	}
}

func TestSupported(t *testing.T) {
	for _, tt := range []struct {
		minor            int
		at               string
		supported, known bool
	}{
		{34, "2026-10-26", true, true},
		{34, "2026-10-27", false, true},
		{12, "2026-11-21", false, true},
		{37, "2026-11-21", true, true},
		{40, "2026-11-21", true, true},
		{37, "2027-10-25", true, true},
		{37, "2027-10-27", false, false},
		{40, "2028-11-21", false, false},
	} {
		if supported, known := knowledge.Supported(tt.minor, date(t, tt.at)); supported != tt.supported || known != tt.known {
			t.Errorf("1.%d at %s: supported %v, known %v", tt.minor, tt.at, supported, known)
		}
	}
}

func TestPatchReleased(t *testing.T) {
	for _, tt := range []struct {
		minor, patch int
		at           string
		day          string // "" for unknown
		newer        int
	}{
		{37, 1, "2026-11-21", "2026-09-23", 2},
		{37, 2, "2026-11-21", "2026-10-28", 2},
		{37, 3, "2026-11-21", "", 0},
		{35, 3, "2026-11-21", "2026-06-12", 10}, // no later than the next that is known
		{36, 2, "2026-08-01", "2026-06-12", 3},
		{34, 1, "2026-11-21", "", 0},
	} {
		day, newer, ok := knowledge.PatchReleased(tt.minor, tt.patch, date(t, tt.at))
		if got := day.Format(time.DateOnly); ok != (tt.day != "") || ok && (got != tt.day || newer != tt.newer) {
			t.Errorf("1.%d.%d at %s: %s, newest %d, %v", tt.minor, tt.patch, tt.at, got, newer, ok)
		}
	}
}
