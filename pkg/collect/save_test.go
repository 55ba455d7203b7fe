package collect

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What is saved is read back: objects, events, logs, the clock, and what was read and what was not.
func TestSaveRoundTrip(t *testing.T) {
	s, _, _, err := Archive(os.DirFS("../../test/captures/oomkilled"))
	if err != nil {
		t.Fatal(err)
	}
	s.Context = "prod"
	dir := filepath.Join(t.TempDir(), "saved")
	if err := Save(s, dir); err != nil {
		t.Fatal(err)
	}
	if err := Save(s, dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("saved twice into one folder: %v", err)
	}
	back, _, problems, err := Archive(os.DirFS(dir))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if !back.Now.Equal(s.Now) || back.Context != "prod" {
		t.Errorf("clock %s, context %q", back.Now, back.Context)
	}
	if got, want := len(back.All()), len(s.All()); got != want || want == 0 {
		t.Errorf("%d objects, want %d", got, want)
	}
	if got, want := len(back.AllEvents()), len(s.AllEvents()); got != want || want == 0 {
		t.Errorf("%d events, want %d", got, want)
	}
	if got, want := len(back.Logs()), len(s.Logs()); got != want || want == 0 {
		t.Errorf("%d logs, want %d", got, want)
	}
	if _, out := back.Lookup(snapshot.PodKind, "s-oomkilled", "nope"); out.State != snapshot.Absent {
		t.Errorf("a pod that is not in the list of pods: %+v", out)
	}
	if _, out := back.Lookup(snapshot.SecretKind, "s-oomkilled", "nope"); out.State != snapshot.Blind {
		t.Errorf("a Secret, of which none were read: %+v", out)
	}
}

// Credentials in env values and arguments do not leave with the folder.
func TestBlank(t *testing.T) {
	content := map[string]any{"spec": map[string]any{"containers": []any{map[string]any{
		"env": []any{
			map[string]any{"name": "DB_PASSWORD", "value": "hunter2"},
			map[string]any{"name": "DB_URL", "value": "postgres://app:hunter2@db:5432/shop"},
			map[string]any{"name": "LOG_LEVEL", "value": "debug"},
		},
		"args": []any{"--token=hunter2", "--listen=:8080"},
	}}}}
	blank(content)
	got := fmt.Sprint(content)
	if strings.Contains(got, "hunter2") {
		t.Errorf("still there: %s", got)
	}
	for _, keep := range []string{"debug", "db:5432/shop", "--listen=:8080"} {
		if !strings.Contains(got, keep) {
			t.Errorf("%q is gone: %s", keep, got)
		}
	}
}
