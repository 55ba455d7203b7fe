package knowledge

import "testing"

func TestImageBase(t *testing.T) {
	for image, want := range map[string]string{
		"postgres": "postgres", "postgres:17": "postgres", "registry.example:5000/library/postgres:17@sha256:ab": "postgres", "registry.example:5000/mysql": "mysql",
	} {
		if got := ImageBase(image); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}

func TestDatabaseOf(t *testing.T) {
	for _, tt := range []struct {
		image         string
		command, args []string
		want          string
	}{
		{"postgres:17", nil, nil, "PostgreSQL"},
		{"postgres:17", nil, []string{"-c", "max_connections=200"}, "PostgreSQL"},
		{"postgres:17", nil, []string{"postgres", "-c", "fsync=on"}, "PostgreSQL"},
		{"postgres:17", []string{"psql"}, []string{"-h", "db"}, ""},
		{"postgres:17", []string{"sh", "-c", "pg_dump db | gzip > /backup/db.gz"}, nil, ""},
		{"postgres:17", nil, []string{"pg_dump", "db"}, ""},
		{"postgres:17", []string{"sleep"}, []string{"infinity"}, ""},
		{"docker.io/bitnami/postgresql:16", []string{"/opt/bitnami/scripts/postgresql/entrypoint.sh"}, []string{"/opt/bitnami/scripts/postgresql/run.sh"}, "PostgreSQL"},
		{"quay.io/prometheuscommunity/postgres-exporter:v0.15.0", nil, nil, ""},
		{"mongo:7", []string{"mongos"}, nil, ""},
		{"mongo:7", []string{"mongod", "--replSet", "rs0"}, nil, "MongoDB"},
		{"minio/minio:latest", nil, []string{"server", "/data"}, "MinIO"},
		{"redis:7", []string{"sh", "-c", "exec redis-server --appendonly yes"}, nil, "Redis"},
		{"redis:7", []string{"redis-sentinel", "/etc/sentinel.conf"}, nil, ""},
		{"registry.k8s.io/etcd:3.5.15-0", []string{"etcd", "--data-dir=/var/lib/etcd"}, nil, "etcd"},
	} {
		got := ""
		if db := DatabaseOf(tt.image, tt.command, tt.args); db != nil {
			got = db.Name
		}
		if got != tt.want {
			t.Errorf("%s %q %q: %q, want %q", tt.image, tt.command, tt.args, got, tt.want)
		}
	}
}
