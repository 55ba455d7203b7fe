package model_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// standardOf is what the documents of a text set up; what is blind could not be read.
func standardOf(t *testing.T, text string, blind ...schema.GroupKind) *model.Standard {
	t.Helper()
	s := snapshot.New(time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))
	for _, gk := range slices.Concat(model.StandardKinds(), []schema.GroupKind{{Group: snapshot.ConstraintGroup, Kind: "RequireLabels"}}) {
		out := snapshot.Outcome{State: snapshot.Present, Proven: true}
		if slices.Contains(blind, gk) {
			out = snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonForbidden}
		}
		s.SetOutcome(snapshot.WantList(gk, "", ""), out)
	}
	cluster := snapshot.NewCluster()
	cluster.Version = "v1.37.1"
	if _, err := s.Add(cluster.GroupVersionKind(), cluster, nil); err != nil {
		t.Fatal(err)
	}
	for _, doc := range strings.Split(text, "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &u.Object); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(blind, u.GroupVersionKind().GroupKind()) {
			continue
		}
		var obj runtime.Object = u
		if typed, err := clientscheme.Scheme.New(u.GroupVersionKind()); err == nil {
			if err := yaml.Unmarshal([]byte(doc), typed); err != nil {
				t.Fatal(err)
			}
			obj = typed
		}
		if _, err := s.Add(u.GroupVersionKind(), obj, nil); err != nil {
			t.Fatal(err)
		}
	}
	return model.NewStandard(s, "")
}

const clusterText = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: latest, team: a}}
---
apiVersion: v1
kind: Namespace
metadata: {name: kube-system, labels: {own: "1"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: preview-x7k2p, generateName: preview-}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: preview, namespace: preview-x7k2p}
spec: {hard: {pods: "3"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: cert-manager}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: compute, namespace: shop}
spec: {hard: {pods: "20", limits.memory: 4Gi, limits.cpu: 2000m}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: defaults, namespace: shop}
spec: {limits: [{type: Container, default: {memory: 256Mi}, max: {cpu: "2"}}]}
---
apiVersion: v1
kind: Node
metadata: {name: a}
status: {nodeInfo: {kubeletVersion: v1.37.1-eks-1a2b3c}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns, namespace: kube-system}
spec: {selector: {}, template: {spec: {containers: [{name: coredns, image: "registry.k8s.io/coredns/coredns:v1.12.0"}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cert-manager, namespace: cert-manager, labels: {helm.sh/chart: cert-manager-v1.18.2, app.kubernetes.io/instance: cm}}
spec: {selector: {}, template: {spec: {containers: [{name: a, image: "quay.io/jetstack/cert-manager-controller:v1.18.2"}]}}}
---
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: require-labels}
spec: {validationFailureAction: Enforce, background: true, rules: [{name: check, match: {any: [{resources: {kinds: [Pod]}}]}}]}
---
apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: requirelabels}
spec: {crd: {spec: {names: {kind: RequireLabels}}}}
status: {created: true}
---
apiVersion: constraints.gatekeeper.sh/v1beta1
kind: RequireLabels
metadata: {name: owner}
spec: {enforcementAction: deny, parameters: {labels: [owner]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: certs-view, labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}}
rules: [{apiGroups: [cert-manager.io], resources: [certificates], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:aggregate-to-view", labels: {rbac.authorization.k8s.io/aggregate-to-view: "true", kubernetes.io/bootstrapping: rbac-defaults}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.cert-manager.io, labels: {kube-aggregator.kubernetes.io/automanaged: "true"}}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.apps, labels: {kube-aggregator.kubernetes.io/automanaged: onstart}}`

// told are the rows that are not the same, in one line each.
func told(rows []model.Compared) []string {
	var list []string
	for _, r := range rows {
		if r.Verdict != model.Same {
			list = append(list, fmt.Sprintf("%s: %s %s %v%v%v", r.Verdict, r.Topic, r.Name, r.Values, r.Missing, r.Unknown))
		}
	}
	return list
}

func TestStandard(t *testing.T) {
	var got []string
	for _, f := range standardOf(t, clusterText).Facts {
		got = append(got, fmt.Sprintf("%s | %s | %s", f.Topic, f.Name, f.Value))
	}
	want := []string{
		"versions | API server | v1.37.1",
		"versions | kubelets | 1.37",
		"namespaces | cert-manager | present",
		"namespaces | shop | present",
		"pod security | cert-manager | no labels",
		"pod security | shop | enforce=baseline",
		"quotas | shop/compute | limits.cpu=2, limits.memory=4Gi, pods=20",
		"limits | shop/defaults | Container.default.memory=256Mi, Container.max.cpu=2",
		"policies | ClusterPolicy require-labels | rules=#",
		"policies | ConstraintTemplate requirelabels | crd=#",
		"policies | RequireLabels owner | parameters=#",
		"roles | certs-view | rules=#",
		"add-ons | cert-manager/cert-manager | v1.18.2",
		"add-ons | kube-system/coredns | v1.12.0",
		"releases | cert-manager/cm | cert-manager-v1.18.2",
		"APIs | cert-manager.io | v1",
	}
	if len(got) != len(want) {
		t.Fatalf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], strings.TrimSuffix(want[i], "#")) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

func TestCompare(t *testing.T) {
	replaced := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(clusterText, pairs[i]) {
				t.Fatalf("no %q in the cluster", pairs[i])
			}
		}
		return strings.NewReplacer(pairs...).Replace(clusterText)
	}
	const forbidden = "[]map[b:forbidden]"
	for _, tt := range []struct {
		name  string
		other string
		blind []schema.GroupKind
		want  []string
	}{
		{name: "the same", other: clusterText},
		{name: "one difference each", other: replaced("enforce: baseline", "enforce: restricted", `pods: "20"`, `pods: "50"`, "coredns:v1.12.0", "coredns:v1.12.1"), want: []string{
			"differs: pod security shop map[a:enforce=baseline b:enforce=restricted][]map[]",
			"differs: quotas shop/compute map[a:limits.cpu=2, limits.memory=4Gi, pods=20 b:limits.cpu=2, limits.memory=4Gi, pods=50][]map[]",
			"differs: add-ons kube-system/coredns map[a:v1.12.0 b:v1.12.1][]map[]",
		}},
		{name: "what means the same", other: replaced("limits.memory: 4Gi", "limits.memory: 4096Mi", "limits.cpu: 2000m", `limits.cpu: "2"`, "background: true, ", "", "enforcementAction: deny, ", "",
			"registry.k8s.io/coredns/coredns:v1.12.0", "mirror.example:5000/coredns:v1.12.0", `own: "1"`, `own: "2"`, "team: a", "team: b", "preview-x7k2p", "preview-aaaaa", "verbs: [get, list]", "verbs: [list, get]")},
		{name: "a namespace in one only", other: replaced("name: shop", "name: store", "namespace: shop", "namespace: store"), want: []string{
			"missing: namespaces shop map[a:present][b]map[]",
			"missing: namespaces store map[b:present][a]map[]",
		}},
		{name: "a quota in one only", other: replaced("kind: ResourceQuota\nmetadata: {name: compute", "kind: ResourceQuota\nmetadata: {name: other"), want: []string{
			"missing: quotas shop/compute map[a:limits.cpu=2, limits.memory=4Gi, pods=20][b]map[]",
			"missing: quotas shop/other map[b:limits.cpu=2, limits.memory=4Gi, pods=20][a]map[]",
		}},
		{name: "a policy that only tells", other: replaced("validationFailureAction: Enforce, ", ""), want: []string{"differs: policies ClusterPolicy require-labels"}},
		{name: "a right more", other: replaced("verbs: [get, list]", "verbs: [get, list, delete]"), want: []string{"differs: roles certs-view"}},
		{name: "quotas not read", other: clusterText, blind: []schema.GroupKind{snapshot.ResourceQuotaKind}, want: []string{
			"unknown: quotas shop/compute map[a:limits.cpu=2, limits.memory=4Gi, pods=20][]map[b:forbidden]",
		}},
		{name: "namespaces not read", other: replaced(`pods: "20"`, `pods: "50"`), blind: []schema.GroupKind{snapshot.NamespaceKind}, want: []string{
			"unknown: namespaces cert-manager map[a:present]" + forbidden,
			"unknown: namespaces shop map[a:present]" + forbidden,
			"unknown: pod security cert-manager map[a:no labels]" + forbidden,
			"unknown: pod security shop map[a:enforce=baseline]" + forbidden,
			"differs: quotas shop/compute",
		}},
		{name: "constraints not read", other: clusterText, blind: []schema.GroupKind{{Group: snapshot.ConstraintGroup, Kind: "RequireLabels"}}, want: []string{
			"unknown: policies RequireLabels owner",
		}},
		{name: "templates not read", other: clusterText, blind: []schema.GroupKind{{Group: snapshot.ConstraintGroup, Kind: "RequireLabels"}, snapshot.ConstraintTemplateKind}, want: []string{
			"unknown: policies ConstraintTemplate requirelabels", "unknown: policies RequireLabels owner",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			standards := map[string]*model.Standard{"a": standardOf(t, clusterText), "b": standardOf(t, tt.other, tt.blind...)}
			rows := model.Compare(standards)
			got := told(rows)
			if len(got) != len(tt.want) {
				t.Fatalf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			for _, want := range tt.want {
				if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, want) }) {
					t.Errorf("no %q in:\n%s", want, strings.Join(got, "\n"))
				}
			}
			if again := told(model.Compare(standards)); !slices.Equal(got, again) {
				t.Errorf("not the same twice: %q", again)
			}
		})
	}
}

// What nobody could read anywhere is a row, too; what differs between two of three is not hidden by the third.
func TestCompareSeveral(t *testing.T) {
	blind := standardOf(t, clusterText, snapshot.LimitRangeKind)
	rows := told(model.Compare(map[string]*model.Standard{"a": blind, "b": standardOf(t, clusterText, snapshot.LimitRangeKind)}))
	if want := []string{"unknown: limits LimitRange map[][]map[a:forbidden b:forbidden]"}; !slices.Equal(rows, want) {
		t.Errorf("got %q, want %q", rows, want)
	}
	rows = told(model.Compare(map[string]*model.Standard{
		"a": standardOf(t, clusterText),
		"b": standardOf(t, strings.ReplaceAll(clusterText, `pods: "20"`, `pods: "50"`)),
		"c": standardOf(t, strings.ReplaceAll(strings.ReplaceAll(clusterText, "name: shop", "name: store"), "namespace: shop", "namespace: store")),
	}))
	var short []string
	for _, r := range rows {
		short = append(short, strings.SplitN(r, " map", 2)[0])
	}
	if want := []string{"missing: namespaces shop", "missing: namespaces store", "differs: quotas shop/compute"}; !slices.Equal(short, want) {
		t.Errorf("got %q, want %q", short, want)
	}
	if rows := model.Compare(map[string]*model.Standard{"a": blind}); rows != nil {
		t.Errorf("one cluster compared with itself: %v", rows)
	}
}
