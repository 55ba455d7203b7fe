package knowledge

// Tools are programs that scripts call most: those of POSIX and coreutils, and what people install. A
// word that a shell does not find is often one of them, misspelled.
// Source: https://pubs.opengroup.org/onlinepubs/9799919799/idx/utilities.html, and the packages' names.
func Tools() []string {
	return []string{
		"awk", "base64", "basename", "bash", "cat", "chmod", "chown", "cp", "curl", "cut", "date", "df", "diff", "dirname", "du", "echo", "env", "envsubst",
		"expr", "find", "getent", "git", "gosu", "grep", "gunicorn", "gunzip", "gzip", "head", "hostname", "id", "java", "jq", "kill", "kubectl", "ln", "ls",
		"mkdir", "mktemp", "mount", "mv", "mysql", "nc", "netstat", "nginx", "node", "npm", "npx", "nslookup", "openssl", "perl", "php", "pip", "ping", "pnpm",
		"printf", "ps", "psql", "python", "python3", "redis-cli", "rm", "rsync", "ruby", "sed", "seq", "sh", "sleep", "sort", "ssh", "stat", "sudo", "tail", "tar",
		"tee", "test", "timeout", "touch", "tr", "uname", "uniq", "unzip", "uvicorn", "wc", "wget", "which", "xargs", "yarn",
	}
}

// CommonWritable are folders into which programs write by custom, and in which images keep nothing that
// they need to run: an empty volume may be mounted there.
// Source: Filesystem Hierarchy Standard 3.0, and the images of nginx, httpd and PHP.
func CommonWritable(dir string) bool { return commonWritable[dir] }

var commonWritable = map[string]bool{
	"/tmp": true, "/var/tmp": true, "/run": true, "/var/run": true, "/var/cache": true, "/var/cache/nginx": true, "/var/log": true, "/var/log/nginx": true,
	"/var/lib/nginx": true, "/var/lib/nginx/tmp": true, "/run/nginx": true, "/var/run/nginx": true, "/run/httpd": true, "/usr/local/apache2/logs": true,
	"/run/php": true, "/var/lib/php/sessions": true, "/run/mysqld": true, "/var/run/mysqld": true, "/run/postgresql": true, "/var/run/postgresql": true,
	"/.cache": true, "/dev/shm": true,
}
