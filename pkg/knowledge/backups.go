package knowledge

import (
	"maps"
	"slices"
	"strings"
)

// backupPrograms copy data to somewhere else. Those with words do so only with one of them beside.
// Source: the documentation of each program.
var backupPrograms = map[string][]string{
	"pg_dump": nil, "pg_dumpall": nil, "pg_basebackup": nil, "pgbackrest": {"backup"}, "wal-g": {"backup-push", "backup"}, "barman": {"backup"}, "mysqldump": nil, "mariadb-dump": nil, "mariabackup": {"--backup"},
	"xtrabackup": {"--backup"}, "mysqlpump": nil, "mysqlsh": {"dump"}, "mongodump": nil, "restic": {"backup"}, "kopia": {"snapshot"}, "borg": {"create"}, "borgmatic": nil, "rclone": {"copy", "sync", "copyto"},
	"etcdctl": {"snapshot"}, "velero": {"backup"}, "resticprofile": {"backup"}, "duplicity": nil, "clickhouse-backup": {"create", "create_remote"},
}

// BackupProgram is the program with which a container of this image, command and arguments makes a backup, or "".
func BackupProgram(image string, words []string) string {
	seen := map[string]bool{ImageBase(image): true}
	for _, w := range words {
		for _, part := range strings.FieldsFunc(w, func(r rune) bool { return strings.ContainsRune(" \t\n;&|()$\"'`", r) }) {
			seen[part[strings.LastIndexByte(part, '/')+1:]] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		beside, ok := backupPrograms[name]
		if ok && (len(beside) == 0 || slices.ContainsFunc(beside, func(w string) bool { return seen[w] })) {
			return name
		}
	}
	return ""
}

// BackupName tells whether something is called a backup, and not what is done around backups.
func BackupName(name string) bool {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '.' || r == '_' })
	if !slices.Contains(words, "backup") && !slices.Contains(words, "backups") {
		return false
	}
	return !slices.ContainsFunc([]string{"cleanup", "clean", "prune", "check", "restore", "test", "exporter", "monitor", "report", "verify", "delete"}, func(w string) bool {
		return slices.Contains(words, w)
	})
}
