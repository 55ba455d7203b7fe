package probes

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestAskInstead(t *testing.T) {
	for command, want := range map[string]string{
		"curl -f localhost:8080":                         "httpGet map[path:/ port:8080 scheme:HTTP]",
		"curl -fsS http://127.0.0.1:8080/healthz?full=1": "httpGet map[path:/healthz?full=1 port:8080 scheme:HTTP]",
		"sh -c wget -q -O- https://localhost/up":         "httpGet map[path:/up port:443 scheme:HTTPS]",
		"/bin/grpc_health_probe -addr=:9090":             "grpc map[port:9090]",
		"grpc_health_probe -addr=localhost:9090 -tls":    " map[]",
		"curl http://user:hunter22@localhost:8080/":      " map[]",
		"curl http://db.example.com:8080/":               " map[]",
		"cat /tmp/healthy":                               " map[]",
		"pg_isready -h localhost -p 5432":                " map[]",
		"curl":                                           " map[]",
	} {
		words := strings.Fields(command)
		if words[0] == "sh" {
			words = strings.SplitN(command, " ", 3)
		}
		handler, value := askInstead(words)
		if got := fmt.Sprintf("%s %v", handler, value); got != want {
			t.Errorf("%q: %s, want %s", command, got, want)
		}
	}
}

// What runtimes and shells say of a program that is not there, and what programs say of a file.
func TestNoProgram(t *testing.T) {
	for says, want := range map[string]string{
		`Liveness probe errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: exec: "curl": executable file not found in $PATH: unknown`: "curl false",
		`Liveness probe failed: OCI runtime exec failed: exec failed: unable to start container process: exec: "curl": executable file not found in $PATH: unknown`:                     "curl true",
		`Readiness probe errored: rpc error: code = Unknown desc = command error: exec failed: exec: "curl": stat curl: no such file or directory`:                                      "curl false",
		"Liveness probe failed: /bin/sh: 1: wget: not found":                  "wget true",
		"Liveness probe failed: bash: line 1: nc: command not found":          "nc true",
		"Liveness probe failed: cat: /tmp/healthy: No such file or directory": "",
		"Liveness probe failed: error: table users not found":                 "",
		"": "",
	} {
		a := asked{probe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"curl", "localhost"}}}}, event: &corev1.Event{Message: says}}
		program, counts := a.noProgram()
		if got := strings.TrimPrefix(fmt.Sprintf("%s %v", program, counts), " false"); strings.TrimPrefix(got, " true") != want {
			t.Errorf("%q: %s, want %s", says, got, want)
		}
	}
}

func TestSleeps(t *testing.T) {
	for command, want := range map[string]int64{"sleep 5": 5, "/bin/sleep 15s": 15, "/bin/sh -c sleep 20": 20, "/bin/sh -c sleep 5; nginx -s quit": 0, "nginx -s quit": 0} {
		words := strings.Fields(command)
		if strings.HasSuffix(words[0], "sh") {
			words = strings.SplitN(command, " ", 3)
		}
		if got := sleeps(&corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: words}}); got != want {
			t.Errorf("%q: %d, want %d", command, got, want)
		}
	}
}
