package causes_test

import (
	"context"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// none is a command that must not be there at all: what cannot work is not printed.
const none = "-"

// What a fix says beside its applicability, and which commands it does not print.
func TestFixesSay(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		state, without           string
		target, rule             string
		title, caution, evidence string // parts of them
		command                  string // a part; none for no command
		never                    string // what no part of the fix holds
	}{
		{state: "limit-cannot-grow", target: "deploy/some", rule: "oom-own-limit", title: "raise the limit to 48Mi, as far as it may go", caution: "limitrange/caps allows a container no more than 48Mi of memory", evidence: "max memory for a Container: 48Mi", command: "--limits=memory=48Mi"},
		{state: "limit-cannot-grow", target: "deploy/full", rule: "oom-own-limit", title: "a limit of 96Mi must wait for limitrange/caps", command: none},
		{state: "limit-cannot-grow", target: "deploy/heap", rule: "oom-heap-gt-limit", title: "lower the heap to -Xmx30m", caution: "limitrange/caps", command: `"value":"-Xmx30m -Dfile.encoding=UTF-8"`},
		{state: "limit-cannot-grow", target: "deploy/slow", rule: "cpu-starved-start", title: "a CPU limit of 900m must wait for limitrange/caps", command: "startupProbe"},
		{state: "limit-quota-full", target: "deploy/quota", rule: "oom-own-limit", title: "must wait for resourcequota/team", caution: "78Mi of limits.memory left for 2 pods", command: none, never: "maxSurge"},
		{state: "limit-quota-full", target: "deploy/pod", rule: "oom-own-limit", title: "must wait for resourcequota/team", caution: "maxSurge 0, maxUnavailable 1", command: none},
		{state: "limit-quota-full", target: "deploy/room", rule: "oom-own-limit", title: "raise the limit, then measure", command: "--limits=memory=48Mi"},
		{state: "options-from-configmap", target: "deploy/node-from", rule: "heap-exhausted-inside", caution: "all that take configmap/runtime get the same", evidence: "comes from key NODE_OPTIONS of configmap/runtime", command: `"path":"/data/NODE_OPTIONS","value":"--enable-source-maps --max-old-space-size=384"`},
		{state: "options-from-configmap", target: "deploy/java-from", rule: "heap-exhausted-inside", command: `patch configmap/runtime --type=json -p [{"op":"test","path":"/data/JAVA_TOOL_OPTIONS","value":"-XX:+UseG1GC -Dfile.encoding=UTF-8"},{"op":"replace","path":"/data/JAVA_TOOL_OPTIONS","value":"-XX:+UseG1GC -Dfile.encoding=UTF-8 -XX:MaxRAMPercentage=75"}]`},
		{state: "options-from-configmap", target: "deploy/java-key", rule: "heap-exhausted-inside", command: `"value":"-Xms16m -Xmx192m -XX:+UseSerialGC"`},
		{state: "options-from-configmap", target: "deploy/java-literal", rule: "heap-exhausted-inside", command: `"value":"-XX:+UseG1GC -XX:MaxRAMPercentage=75"`},
		{state: "options-from-configmap", target: "deploy/node-secret", rule: "heap-exhausted-inside", title: "NODE_OPTIONS says in key NODE_OPTIONS of secret/options", command: none},
		{state: "options-from-configmap", without: "configmaps.yaml", target: "deploy/node-from", rule: "heap-exhausted-inside", caution: "if configmap/runtime, which envFrom takes whole and which was not read, has NODE_OPTIONS, this hides it"},
		{state: "options-from-configmap", without: "configmaps.yaml", target: "deploy/java-key", rule: "heap-exhausted-inside", title: "JDK_JAVA_OPTIONS says in key options of configmap/jvm", command: none},
		{state: "heap-exhausted", target: "deploy/node-option", rule: "heap-exhausted-inside", command: `--max-old-space-size=<MIB>`},
		{state: "workers-share-limit", target: "deploy/gunicorn", rule: "oom-own-limit", title: "or have fewer workers, 4 instead of 9", evidence: "--workers 9: 9 workers share the 32Mi limit, 3Mi for each", command: "--limits=memory=64Mi"},
		{state: "workers-share-limit", target: "deploy/concurrency", rule: "oom-own-limit", title: "3 instead of 6", evidence: "WEB_CONCURRENCY=6"},
		{state: "workers-share-limit", target: "deploy/from", rule: "oom-own-limit", title: "4 instead of 8", caution: "all that take configmap/web"},
		{state: "workers-share-limit", without: "configmaps.yaml", target: "deploy/from", rule: "oom-own-limit", title: "raise the limit, then measure", never: "workers"},
		{state: "workers-share-limit", target: "deploy/one", rule: "oom-own-limit", title: "raise the limit, then measure", never: "workers"},
		{state: "workers-share-limit", target: "deploy/heap-from", rule: "oom-heap-gt-limit", evidence: "comes from key JAVA_TOOL_OPTIONS of configmap/web", command: "--limits=memory=342Mi"},
		{state: "workers-share-limit", target: "deploy/heap-argument", rule: "oom-heap-gt-limit", title: "a limit of 267Mi, or lower it to -Xmx24m"},
		{state: "liveness-dependency-down", target: "deploy/cart", rule: "probe-dependency-down", title: "bring up what service/cart-db selects", evidence: "service/cart-db: 0 ready endpoints"},
		{state: "liveness-dependency-down", target: "deploy/command", rule: "probe-dependency-down", title: "10.99.0.1:6379", evidence: "the command wrote "},
		{state: "liveness-dependency-down", target: "deploy/names", rule: "probe-dependency-down", title: "nowhere.invalid"},
		{state: "liveness-dependency-down", target: "deploy/own", rule: "probe-fails-from-start", evidence: "template home.html is missing"},
		{state: "liveness-dependency-down", target: "deploy/command", rule: "liveness-checks-dependency", command: `"port":<PORT>`},
		{state: "probe-fails-from-start", target: "deploy/startup-500", rule: "probe-fails-from-start", title: "no time is known to help"},
		{state: "probe-fails-from-start", target: "deploy/answers-long", rule: "probe-fails-from-start", title: "no time is known to help", command: none, never: "startupProbe"},
		{state: "probe-fails-from-start", target: "deploy/command", rule: "probe-fails-from-start", title: "run the command in the container", command: none, never: "startupProbe"},
		{state: "probe-fails-from-start", target: "deploy/command-starts", rule: "liveness-slow-start", title: "give it time to start", command: "startupProbe"},
		{state: "image-slow-pull", target: "deploy/authority", rule: "image-slow-pull", title: "see to the image of pod/plain-http-"},
		{state: "image-invalid-part", target: "deploy/local", rule: "image-invalid-name", title: "localhost/misbehave:v1", command: "app=localhost/misbehave:v1"},
		{state: "image-invalid-part", target: "deploy/host", rule: "image-invalid-name", command: "app=<IMAGE>", never: "shop/web"},
		{state: "env-from-configmap", target: "deploy/lacks", rule: "missing-env-var", title: "here or in configmap/lacks", command: "DATABASE_URL=<VALUE>"},
		{state: "env-from-configmap", target: "deploy/typo", rule: "missing-env-var", command: `"value":[{"name":"DATABASE_URL","valueFrom":{"configMapKeyRef":{"key":"DATABSE_URL","name":"typo"}}}]`},
		{state: "env-from-configmap", target: "deploy/bare", rule: "missing-env-var", command: `{"key":"URL","name":"bare"}`},
		{state: "env-from-configmap", target: "deploy/empty", rule: "missing-env-var", title: "key DATABASE_URL of configmap/empty", command: none},
		{state: "env-from-configmap", target: "deploy/secret", rule: "missing-env-var", command: `"secretKeyRef":{"key":"<KEY>","name":"<SECRET>"}`},
		{state: "fixes-odd", target: "deploy/migrates", rule: "missing-env-var", command: `"value":[{"name":"API_TOKEN","valueFrom":{"secretKeyRef":{"key":"<KEY>","name":"<SECRET>"}}}]`},
		{state: "fixes-odd", target: "deploy/token-file", rule: "missing-env-var", command: "TOKEN_FILE=<VALUE>"},
		{state: "fixes-odd", target: "deploy/writes-root", rule: "readonly-rootfs", title: "a folder of its own", caution: "not at /, where", command: `"mountPath":"<DIRECTORY>"`, never: "volume at /"},
		{state: "fixes-odd", target: "deploy/writes-conf", rule: "readonly-rootfs", title: "a folder of its own", caution: "not at /etc/nginx/conf.d, where", command: `"mountPath":"<DIRECTORY>"`},
		{state: "fixes-odd", target: "deploy/writes-home", rule: "readonly-rootfs", title: "a folder of its own", caution: "hide its working directory", command: `"mountPath":"<DIRECTORY>"`},
		{state: "fixes-odd", target: "pod/image-volume", rule: "image-not-found", command: `"path":"/spec/volumes/0/image/reference","value":"registry.local:5000/models/llm:<TAG>"`, never: "set image"},
	} {
		t.Run(c.state+" "+c.target, func(t *testing.T) {
			s, fetcher := partOf(t, c.state, strings.Fields(c.without), 0)
			targets, err := collect.TargetsIn(s, "", nil, []string{c.target})
			if err != nil {
				t.Fatal(err)
			}
			if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
				t.Fatal(err)
			}
			diagnoses, _ := eng.Explain(s, targets)
			for _, f := range diagnoses[0].Findings {
				if f.Rule != c.rule {
					continue
				}
				if f.Fix == nil {
					t.Fatal("no fix")
				}
				command, evidence := strings.Join(f.Fix.Command, " "), ""
				for _, e := range f.Evidence {
					evidence += e.Text + "\n"
				}
				if c.command == none {
					if command != "" || f.Fix.Patch != nil {
						t.Errorf("command %q and patch %v, want none", command, f.Fix.Patch)
					}
					c.command = ""
				}
				for _, part := range []struct{ name, got, want string }{
					{"title", f.Fix.Title, c.title}, {"caution", f.Fix.Caution, c.caution}, {"evidence", evidence, c.evidence}, {"command", command, c.command},
				} {
					if !strings.Contains(part.got, part.want) {
						t.Errorf("%s: %q, want %q in it", part.name, part.got, part.want)
					}
				}
				all := f.Fix.Title + f.Fix.Caution + command + strings.Join(f.Fix.Lines, "\n") + f.Fix.YAML
				if c.never != "" && strings.Contains(all, c.never) {
					t.Errorf("the fix says %q: %s", c.never, all)
				}
				return
			}
			t.Errorf("it is not found at all: %v", diagnoses[0].Findings)
		})
	}
}
