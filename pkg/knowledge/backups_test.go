package knowledge

import "testing"

func TestBackupProgram(t *testing.T) {
	for _, tt := range []struct {
		image string
		words []string
		want  string
	}{
		{"postgres:17", []string{"sh", "-c", "pg_dump db|gzip > /backup/db.gz"}, "pg_dump"},
		{"postgres:17", []string{"psql", "-c", "select 1"}, ""},
		{"restic/restic:0.17", []string{"backup", "/data"}, "restic"},
		{"restic/restic:0.17", []string{"forget", "--prune"}, ""},
		{"rancher/kubectl:1.32", []string{"/bin/sh", "-c", "ETCDCTL_API=3 /usr/bin/etcdctl snapshot save /backup/x"}, "etcdctl"},
		{"registry.k8s.io/etcd:3.5", []string{"etcdctl", "defrag"}, ""},
	} {
		if got := BackupProgram(tt.image, tt.words); got != tt.want {
			t.Errorf("%s %q: %q, want %q", tt.image, tt.words, got, tt.want)
		}
	}
	for name, want := range map[string]bool{"shop-backup": true, "backups": true, "backup-cleanup": false, "backupstore": false, "web": false} {
		if got := BackupName(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
