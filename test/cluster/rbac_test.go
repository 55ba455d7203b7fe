package cluster_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// What nobody may ever read in an output: the value of a Secret, and one that somebody wrote into the
// environment of a container.
const (
	secretValue  = "planted-value-of-a-secret"
	secretBase64 = "cGxhbnRlZC12YWx1ZS1vZi1hLXNlY3JldA=="
	tokenInEnv   = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
)

// shop is a namespace in which everything that is named is there, but for what "lost" names.
const shop = `
apiVersion: v1
kind: Secret
metadata:
  name: db
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":{"password":"` + secretBase64 + `"}}'}
stringData: {password: ` + secretValue + `}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {mode: fast}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{hosts: [shop.example], secretName: db}]
  rules: [{host: shop.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
      - name: app
        image: localhost/misbehave:v1
        args: [serve, --token=` + tokenInEnv + `]
        env:
        - {name: API_TOKEN, value: ` + tokenInEnv + `}
        - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
        - {name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: mode}}}
        resources: {requests: {cpu: "64"}}
        volumeMounts: [{name: data, mountPath: /data}, {name: db, mountPath: /db}]
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: data}}
      - {name: db, secret: {secretName: db}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: lost}
spec:
  selector: {matchLabels: {app: lost}}
  template:
    metadata: {labels: {app: lost}}
    spec:
      containers:
      - name: app
        image: localhost/misbehave:v1
        env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: gone, key: password}}}]
        resources: {requests: {cpu: "64"}}
`

// rights lets each of these users see a part of the namespace.
func rights() []byte {
	text := `
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: viewer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: viewer}]
`
	for _, r := range [][3]string{
		{"lists-pods", "pods", "get, list"},
		{"gets-pods", "pods", "get"},
		{"no-endpoints", "pods, services, persistentvolumeclaims, events", "get, list"},
	} {
		text += fmt.Sprintf(`---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[1]s}
rules: [{apiGroups: [""], resources: [%[2]s], verbs: [%[3]s]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]s}]
`, r[0], r[1], r[2])
	}
	return []byte(text)
}

// rbacCluster is the shop with its users, and a pod of it that fits on no node.
func rbacCluster(t *testing.T) (c *testcluster.Cluster, ns, pod string) {
	t.Helper()
	c = testcluster.Control(t)
	ns = c.Namespace(t, "shop")
	c.MadeUpNode(t, "small", "4", "8Gi")
	c.MadeUpNode(t, "other", "4", "8Gi") // what cannot be read of nodes must not make the difference
	c.Apply(t, ns, []byte(shop))
	c.Apply(t, ns, rights())
	return c, ns, unscheduledPod(t, c, ns, "Insufficient cpu")
}

// forbidden are what -o json names as refused, and the rules that it names as not evaluated.
func forbidden(r *report.Report) (resources, rules []string) {
	for _, n := range r.NotEvaluated {
		if n.Reason == "forbidden" {
			resources = append(resources, n.Resource)
		}
		if n.Rule != "" {
			rules = append(rules, n.Rule)
		}
	}
	return resources, rules
}

// TestLessRights holds that who may read less is told less, and what he was not told: every finding
// of his is one of the administrator's, nothing that he may not see is called missing, and each
// refused read is named.
func TestLessRights(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	for _, tt := range []struct {
		user    string
		args    []string
		code    int
		refused []string // each is part of a resource that notEvaluated names as forbidden; none: none may
		strict  int      // the code with --strict
	}{
		{"viewer", []string{"explain", "pod/" + pod}, 0, []string{"node"}, 3},
		{"viewer", []string{"explain", "deploy/web"}, 0, []string{"storageclass list", "persistentvolume list"}, 3}, // its claim is not bound
		{"viewer", []string{"explain", "deploy"}, 0, []string{"node"}, 3},
		{"viewer", []string{"explain", "sa/default"}, 0, nil, 0},
		{"viewer", []string{"explain", "svc/web", "pvc/data", "ing/web", "hpa/web", "pdb/web"}, 0, []string{"storageclass list", "persistentvolume list", "ingressclass list"}, 3},
		{"viewer", []string{"explain"}, 0, []string{"node"}, 3},
		{"viewer", []string{"check", "--fail-on", "none"}, 0, []string{"secret list", "node list", "namespace list", "storageclass list", "persistentvolume list"}, 3},
		{"viewer", []string{"check"}, 1, []string{"secret list"}, 1}, // 1 comes before 3
		{"lists-pods", []string{"explain", "pod/" + pod}, 0, []string{"events of pod/" + pod, "replicaset/"}, 3},
		{"lists-pods", []string{"explain"}, 0, []string{"deployment list", "service list", "event list"}, 3},
		{"lists-pods", []string{"check", "--fail-on", "none"}, 0, []string{"deployment list", "configmap list", "secret list", "serviceaccount list"}, 3},
		{"gets-pods", []string{"explain", "pod/" + pod}, 0, []string{"events of pod/" + pod, "replicaset/"}, 3},
		{"no-endpoints", []string{"explain", "svc/web", "pvc/data"}, 0, []string{"endpointslice"}, 3},
		{"no-endpoints", []string{"explain"}, 0, []string{"endpointslice list", "deployment list"}, 3},
		{"no-endpoints", []string{"check", "--fail-on", "none"}, 0, []string{"endpointslice list", "secret list"}, 3},
	} {
		t.Run(tt.user+" "+strings.Join(tt.args, " "), func(t *testing.T) {
			kubeconfig := c.User(t, tt.user)
			args := append(slices.Clone(tt.args), "-n", ns)
			all := maturity(t, c.Kubeconfig, append(args, "-o", "json")...).report(t)
			r := maturity(t, kubeconfig, append(args, "-o", "json")...).exits(t, tt.code).report(t)
			text := maturity(t, kubeconfig, append(args, "-o", "wide")...).exits(t, tt.code)
			maturity(t, kubeconfig, append(args, "--strict")...).exits(t, tt.strict)

			for _, f := range r.Findings {
				if !slices.ContainsFunc(all.Findings, func(a report.Finding) bool { return sameFinding(a, f) }) {
					t.Errorf("the administrator is not told of this: %s %s: %s", f.Rule, f.Object, f.Message)
				}
			}
			for _, object := range []string{"db", "gone", "settings", "data", "web"} {
				if m := regexp.MustCompile(`(?i)(secret|configmap|serviceaccount|claim|deployment|service)\S* "?` + object + `"? (does not exist|is missing|not found)`).FindString(text.out); m != "" {
					t.Errorf("called missing: %s\n%s", m, text.out)
				}
			}
			resources, rules := forbidden(r)
			for _, want := range tt.refused {
				if !slices.ContainsFunc(resources, func(r string) bool { return strings.Contains(r, want) }) {
					t.Errorf("notEvaluated does not name %q as forbidden: %q", want, resources)
				}
				if !strings.Contains(text.out, want) {
					t.Errorf("the text does not name %q:\n%s", want, text.out)
				}
			}
			if len(tt.refused) == 0 && len(resources) > 0 {
				t.Errorf("refused, and not expected: %q", resources)
			}
			if tt.args[0] == "check" && !slices.Contains(rules, "env-ref-missing") {
				t.Errorf("env-ref-missing could not see the Secrets and is not among what was not evaluated: %q", rules)
			}
		})
	}
}

// sameFinding tells whether two users are told the same. Who sees only pods is told of the pod what
// another one is told of its Deployment, and who may not read a namespace of something in it.
func sameFinding(a, b report.Finding) bool {
	inside := a.Object.Kind == "Namespace" && b.Object.Namespace == a.Object.Name
	return a.Rule == b.Rule && (a.Object == b.Object || b.Object.Kind == "Pod" || inside)
}

// TestNoRights holds that a command that could read nothing says so in one line, and exits with 2.
func TestNoRights(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	for user, commands := range map[string][][]string{
		"nobody":     {{"explain", "pod/" + pod}, {"explain", "deploy/web"}, {"explain", "deploy"}, {"explain"}, {"check"}, {"snapshot", filepath.Join(t.TempDir(), "none")}},
		"gets-pods":  {{"explain", "deploy/web"}, {"explain"}, {"check"}},
		"lists-pods": {{"explain", "deploy/web"}, {"explain", "deploy"}},
	} {
		kubeconfig := c.User(t, user)
		for _, args := range commands {
			for _, more := range [][]string{nil, {"-o", "json"}} {
				if args[0] == "snapshot" && more != nil {
					continue
				}
				s := maturity(t, kubeconfig, slices.Concat(args, more, []string{"-n", ns})...).exits(t, 2)
				if s.out != "" || strings.Count(s.err, "\n") != 1 || !strings.Contains(s.err, "Error from server (Forbidden): ") || !strings.Contains(s.err, `User "`+user+`" cannot`) {
					t.Errorf("%s %v: want one line that says what is forbidden:\n%s%s", user, s.args, s.out, s.err)
				}
			}
		}
	}
	// Of a namespace that he may not see, nobody learns whether it is there.
	for _, other := range []string{"kube-system", "there-is-none"} {
		if s := maturity(t, c.User(t, "viewer"), "explain", "-n", other).exits(t, 2); !strings.Contains(s.err, "Forbidden") {
			t.Errorf("viewer in %s: %s", other, s.err)
		}
	}
}

// TestNothingSecret holds that no output has a value that nobody may read there, whoever asks.
func TestNothingSecret(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	holds := func(text string, words ...string) string {
		for _, w := range words {
			if strings.Contains(text, w) {
				return w
			}
		}
		return ""
	}
	for _, user := range []string{"admin", "viewer", "lists-pods"} {
		kubeconfig := c.Kubeconfig
		if user != "admin" {
			kubeconfig = c.User(t, user)
		}
		for _, args := range [][]string{{"explain", "pod/" + pod}, {"explain", "pods"}, {"explain", "deploy/web"}, {"explain"}, {"check"}} {
			for _, format := range []string{"text", "wide", "json", "yaml"} {
				s := maturity(t, kubeconfig, slices.Concat(args, []string{"-n", ns, "-o", format})...)
				if w := holds(s.out+s.err, secretValue, secretBase64, tokenInEnv); w != "" {
					t.Errorf("%s %v: %s is in the output", user, s.args, w)
				}
			}
		}
		dir := filepath.Join(t.TempDir(), "saved")
		maturity(t, kubeconfig, "snapshot", dir, "-n", ns).exits(t, 0)
		files := 0
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			data, err := os.ReadFile(path)
			// The help of snapshot says that literal values of the environment are saved as they are.
			if w := holds(string(data), secretValue, secretBase64); w != "" {
				t.Errorf("%s: %s is in %s of the snapshot", user, w, d.Name())
			}
			return err
		})
		if err != nil || files < 2 {
			t.Errorf("%s: snapshot of %d files: %v", user, files, err)
		}
	}
}
