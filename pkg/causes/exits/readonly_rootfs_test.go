package exits

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// An empty volume takes away what was in its folder: it is never offered where the program itself is.
func TestHiddenBy(t *testing.T) {
	for _, c := range []struct {
		dir, workingDir string
		command         []string
		hides           bool
	}{
		{"/", "", nil, true},
		{"/etc", "", nil, true},
		{"/etc/nginx/conf.d", "", nil, true},
		{"/usr/local/bin", "", nil, true},
		{"/lib64", "", nil, true},
		{"/app", "", []string{"/app/server"}, true},
		{"/app", "", []string{"python", "/app/src/main.py"}, true},
		{"/srv/shop", "/srv/shop", nil, true},
		{"/srv/shop", "/srv", []string{"./shop/run"}, true},
		{"/app/data", "", []string{"/app/server"}, false},
		{"/app", "", []string{"/bin/server"}, false},
		{"/srv/shop/cache", "/srv/shop", nil, false},
		{"/var/lib/app", "", nil, false},
		{"/usr/local/apache2/logs", "", nil, false},
		{"/tmp", "/tmp", nil, false},
		{"", "", nil, false},
	} {
		container := snapshot.Container{Container: &corev1.Container{Command: c.command, WorkingDir: c.workingDir}}
		if got := hiddenBy(container, c.dir); (got != "") != c.hides {
			t.Errorf("%s with %q in %q: %q", c.dir, c.command, c.workingDir, got)
		}
	}
}
