package cluster_test

import (
	"encoding/json"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// fleetMember is what both clusters have: nothing runs a pod, and an add-on is what its Deployment says.
const fleetMember = `
apiVersion: v1
kind: Namespace
metadata: {name: fleet-shop, labels: {pod-security.kubernetes.io/enforce: PSA, pod-security.kubernetes.io/warn: restricted}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: compute, namespace: fleet-shop}
spec: {hard: {limits.memory: MEMORY, pods: PODS}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: defaults, namespace: fleet-shop}
spec: {limits: [{type: Container, default: {memory: 256Mi}}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: fleet-replicas}
spec:
  matchConstraints: {resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]}
  validations: [{expression: object.spec.replicas <= 50}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: fleet-replicas}
spec: {policyName: fleet-replicas, validationActions: [Warn]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: fleet-view, labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}}
rules: [{apiGroups: [example.com], resources: [widgets], verbs: [get, list, watch]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: fleet-dns, namespace: kube-system}
spec:
  selector: {matchLabels: {app: fleet-dns}}
  template:
    metadata: {labels: {app: fleet-dns}}
    spec: {containers: [{name: dns, image: "registry.k8s.io/coredns/coredns:TAG"}]}
`

// TestFleet compares two control planes that are alike but for three things, and a third one that nobody serves.
func TestFleet(t *testing.T) {
	east, west := testcluster.Another(t, testcluster.ControlKind), testcluster.Another(t, testcluster.ControlKind)
	east.Apply(t, "", []byte(strings.NewReplacer("PSA", "baseline", "MEMORY", "4Gi", "PODS", `"20"`, "TAG", "v1.12.0").Replace(fleetMember)))
	west.Apply(t, "", []byte(strings.NewReplacer("PSA", "restricted", "MEMORY", "4096Mi", "PODS", `"50"`, "TAG", "v1.12.1").Replace(fleetMember)))

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "https://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	merged := clientcmdapi.NewConfig()
	for name, c := range map[string]*testcluster.Cluster{"east": east, "west": west} {
		config, err := clientcmd.LoadFromFile(c.Kubeconfig)
		if err != nil {
			t.Fatal(err)
		}
		current := config.Contexts[config.CurrentContext]
		merged.Clusters[name], merged.AuthInfos[name] = config.Clusters[current.Cluster], config.AuthInfos[current.AuthInfo]
		merged.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	merged.Clusters["gone"], merged.AuthInfos["gone"] = &clientcmdapi.Cluster{Server: nobody}, &clientcmdapi.AuthInfo{}
	merged.Contexts["gone"] = &clientcmdapi.Context{Cluster: "gone", AuthInfo: "gone"}
	merged.CurrentContext = "gone" // is not what counts
	kubeconfig := filepath.Join(t.TempDir(), "config")
	if err := clientcmd.WriteToFile(*merged, kubeconfig); err != nil {
		t.Fatal(err)
	}

	fleetOf := func(s said) *report.Fleet {
		f := &report.Fleet{}
		if err := json.Unmarshal([]byte(s.out), f); err != nil {
			t.Fatalf("%v: not JSON: %v\n%s%s", s.args, err, s.out, s.err)
		}
		return f
	}
	rows := func(f *report.Fleet) []string {
		var list []string
		for _, r := range f.Standard {
			if r.Verdict != report.VerdictSame {
				list = append(list, r.Verdict+": "+r.Topic+" "+r.Name+": "+r.Values["east"]+" | "+r.Values["west"])
			}
		}
		return list
	}
	differing := []string{
		"differs: pod security fleet-shop: enforce=baseline, warn=restricted | enforce=restricted, warn=restricted",
		"differs: quotas fleet-shop/compute: limits.memory=4Gi, pods=20 | limits.memory=4Gi, pods=50",
		"differs: add-ons kube-system/fleet-dns: v1.12.0 | v1.12.1",
	}

	f := fleetOf(maturity(t, kubeconfig, "level", "--contexts", "east,west", "-o", "json").exits(t, 0))
	if got := rows(f); !slices.Equal(got, differing) {
		t.Errorf("differs:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(differing, "\n"))
	}
	for _, name := range []string{"limits fleet-shop/defaults", "policies ValidatingAdmissionPolicy fleet-replicas", "policies ValidatingAdmissionPolicyBinding fleet-replicas", "roles fleet-view", "versions API server"} {
		if !slices.ContainsFunc(f.Of(report.VerdictSame), func(r report.FleetRow) bool { return r.Topic+" "+r.Name == name }) {
			t.Errorf("%s is not among what is the same", name)
		}
	}
	for _, c := range f.Contexts {
		if c.Level == nil || c.Level.Context != c.Context || c.Level.Namespace != "" || len(c.Level.Dimensions) == 0 {
			t.Errorf("context %s is not placed as a whole: %+v", c.Context, c)
		}
	}
	if f.Contexts[0].Level.ClusterUID == f.Contexts[1].Level.ClusterUID {
		t.Error("both contexts led to the same cluster")
	}

	// Who nobody serves is named, and stops nobody.
	three := fleetOf(maturity(t, kubeconfig, "level", "--contexts", "west,gone,east", "-o", "json").exits(t, 3))
	if got := rows(three); !slices.Equal(got, differing) {
		t.Errorf("with a third: %q", got)
	}
	if gone := three.Contexts[1]; gone.Context != "gone" || gone.Level != nil || !strings.Contains(gone.Error, "was refused") {
		t.Errorf("context gone: %+v", gone)
	}
	all := maturity(t, kubeconfig, "level", "--all-contexts").exits(t, 3)
	for _, want := range []string{"3 clusters, 1 not read", "gone  not read: The connection to the server", "differs: 3", "missing: 0", "pods=50"} {
		if !strings.Contains(all.out, want) {
			t.Errorf("no %q in:\n%s%s", want, all.out, all.err)
		}
	}
	for _, hidden := range []string{"fleet-view", "limits.memory=4Gi", "unknown: "} {
		if strings.Contains(all.out, hidden) {
			t.Errorf("%q is in:\n%s", hidden, all.out)
		}
	}

	// A namespace of each, a user with few rights, and what is no context.
	one := fleetOf(maturity(t, kubeconfig, "level", "--contexts", "east,west", "-n", "fleet-shop", "-o", "json").exits(t, 0))
	if got := rows(one); !slices.Equal(got, differing[:2]) {
		t.Errorf("in a namespace: %q", got)
	}
	s := maturity(t, kubeconfig, "level", "--contexts", "gone").exits(t, 2)
	if s.out != "" || !strings.Contains(s.err, `context "gone": The connection to the server`) {
		t.Errorf("nothing read: %s%s", s.out, s.err)
	}
	s = maturity(t, kubeconfig, "level", "--contexts", "east,nope").exits(t, 2)
	if s.out != "" || s.err != "error: context \"nope\" does not exist\n" {
		t.Errorf("no context: %s%s", s.out, s.err)
	}
	limited, err := clientcmd.LoadFromFile(west.User(t, "fleet-few"))
	if err != nil {
		t.Fatal(err)
	}
	west.Apply(t, "", []byte(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: fleet-few}
rules: [{apiGroups: ["", apps], resources: [namespaces, deployments, daemonsets, statefulsets, pods], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: fleet-few}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: fleet-few}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: fleet-few}]
`))
	merged.AuthInfos["west"] = limited.AuthInfos[limited.Contexts[limited.CurrentContext].AuthInfo]
	if err := clientcmd.WriteToFile(*merged, kubeconfig); err != nil {
		t.Fatal(err)
	}
	few := fleetOf(maturity(t, kubeconfig, "level", "--contexts", "east,west", "-o", "json").exits(t, 0))
	for _, r := range few.Standard {
		switch r.Verdict {
		case report.VerdictMissing:
			t.Errorf("called missing, and was not read: %+v", r)
		case report.VerdictUnknown:
			if r.Unknown["west"] != "forbidden" {
				t.Errorf("unknown without the reason: %+v", r)
			}
		}
	}
	if !slices.ContainsFunc(few.Of(report.VerdictUnknown), func(r report.FleetRow) bool { return r.Name == "fleet-shop/compute" }) {
		t.Error("a quota that could not be read is not unknown")
	}
}
