package maintenance_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/maintenance"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func itself(version string, unread ...string) *snapshot.Cluster {
	c := snapshot.NewCluster()
	c.Version = version
	for _, part := range unread {
		c.Unread = append(c.Unread, snapshot.UnreadPart{Part: part, Reason: snapshot.ReasonForbidden})
	}
	return c
}

func requested(version, removed string, unread ...string) *snapshot.Cluster {
	c := itself(version, unread...)
	c.Requested = []snapshot.RequestedAPI{{Group: "storage.k8s.io", Version: "v1beta1", Resource: "volumeattributesclasses", RemovedRelease: removed}}
	return c
}

func node(version string, labels map[string]string) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a" + version, Labels: labels}, Status: corev1.NodeStatus{NodeInfo: corev1.NodeSystemInfo{KubeletVersion: version}}}
}

func written(by, version string, at time.Time) *policyv1.PodDisruptionBudget {
	moment := metav1.NewTime(at)
	return &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", ManagedFields: []metav1.ManagedFieldsEntry{
		{Manager: by, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: version, Time: &moment, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{}}`)},
	}}}
}

func plan(content map[string]any) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "upgrade.cattle.io/v1", "kind": "Plan", "metadata": map[string]any{"name": "agents", "namespace": "system-upgrade"}}}
	for k, v := range content {
		u.Object[k] = v
	}
	return u
}

// TestClusterLive holds what is said of a cluster as a whole, where only some of it could be read, and by a clock that is
// not that of the fixtures.
func TestClusterLive(t *testing.T) {
	november := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	lately := now.Add(-24 * time.Hour)
	managed := map[string]string{"eks.amazonaws.com/nodegroup": "main"}
	for _, tt := range []struct {
		check   string
		at      time.Time
		blind   schema.GroupKind
		objects []runtime.Object
		want    string
	}{
		{"server-eol", now, schema.GroupKind{}, []runtime.Object{itself("v1.30.4")}, "fail"},
		{"server-eol", now, snapshot.NodeKind, []runtime.Object{itself("v1.34.4")}, "pass"},
		{"server-eol", now, snapshot.NodeKind, []runtime.Object{itself("v1.30.4")}, "fail"},
		{"server-eol", now, schema.GroupKind{}, []runtime.Object{itself("v1.30.4-tke.3")}, "fail"},
		{"server-eol", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.1+k0s.0")}, "pass"},
		{"server-eol", now, schema.GroupKind{}, []runtime.Object{itself("1.34")}, "pass"},
		{"server-eol", now, schema.GroupKind{}, []runtime.Object{itself("", snapshot.PartVersion)}, "unknown the version of the API server: forbidden"},
		{"server-eol", now, schema.GroupKind{}, []runtime.Object{itself("")}, "unknown the version of the API server: not read"},
		{"server-eol", now, schema.GroupKind{}, []runtime.Object{itself("v0.0.0-master+$Format:%H$")}, `unknown "v0.0.0-master+$Format:%H$" is no version of Kubernetes 1`},
		{"server-eol", now, schema.GroupKind{}, nil, "nothing"},
		{"server-eol", november.AddDate(2, 0, 0), schema.GroupKind{}, []runtime.Object{itself("v1.43.0")}, "unknown when 1.43 ends is not known here: the newest version that is known is 1.37"},
		{"kubelet-eol", now, schema.GroupKind{}, []runtime.Object{itself("v1.30.4"), node("v1.30.2", nil), node("v1.29.2", nil)}, "fail"},
		{"kubelet-eol", now, schema.GroupKind{}, []runtime.Object{itself("", snapshot.PartVersion), node("v1.30.2", nil)}, "fail"},

		{"server-old", november, schema.GroupKind{}, []runtime.Object{itself("v1.34.12")}, "fail"},
		{"server-old", november, schema.GroupKind{}, []runtime.Object{itself("v1.35.9")}, "pass"},
		{"server-old", november, schema.GroupKind{}, []runtime.Object{itself("v1.36.4")}, "fail"}, // came out 93 days before
		{"server-old", november, schema.GroupKind{}, []runtime.Object{itself("v1.36.5")}, "pass"},
		{"server-old", november, schema.GroupKind{}, []runtime.Object{itself("v1.35.3")}, "fail"}, // no later than 1.35.6
		{"server-old", november, schema.GroupKind{}, []runtime.Object{itself("v1.37.9")}, "pass"},
		{"server-old", november, schema.GroupKind{}, []runtime.Object{itself("v1.38.0")}, "unknown 1.38 is newer than the releases that are known here, up to 1.37"},
		{"server-old", november.AddDate(0, 4, 0), schema.GroupKind{}, []runtime.Object{itself("v1.37.2")}, "unknown whether there are fixes newer than v1.37.2 is not known here: its releases are known up to 2026-11-21"},
		{"server-old", november.AddDate(0, 4, 0), schema.GroupKind{}, []runtime.Object{itself("v1.37.9")}, "unknown when v1.37.9 came out is not known here: its releases are known up to 2026-11-21"},
		{"server-old", november.AddDate(0, 7, 0), schema.GroupKind{}, []runtime.Object{itself("v1.37.2")}, "unknown releases of Kubernetes are known here up to 2026-11-21, 212d ago: a newer version of this plugin knows more"},
		{"server-old", november.AddDate(0, 7, 0), schema.GroupKind{}, []runtime.Object{itself("v1.33.2")}, "fail"},
		{"server-old", november, schema.GroupKind{}, []runtime.Object{itself("", snapshot.PartVersion)}, "unknown the version of the API server: forbidden"},

		{"api-removed-next", now, schema.GroupKind{}, []runtime.Object{itself("v1.24.4"), written("helm", "policy/v1beta1", lately)}, "fail"},
		{"api-removed-next", now, schema.GroupKind{}, []runtime.Object{itself("v1.23.4"), written("helm", "policy/v1beta1", lately)}, "pass"},
		{"api-removed-next", now, schema.GroupKind{}, []runtime.Object{itself("v1.24.4"), written("helm", "policy/v1beta1", now.AddDate(0, 0, -91))}, "pass"},
		{"api-removed-next", now, schema.GroupKind{}, []runtime.Object{itself("", snapshot.PartVersion), written("helm", "policy/v1beta1", lately)}, "unknown poddisruptionbudget/web was written as policy/v1beta1, and the version of the API server is not known"},
		{"api-removed-next", now, schema.GroupKind{}, []runtime.Object{written("helm", "policy/v1", lately)}, "pass"},
		{"api-removed-next", now, schema.GroupKind{}, []runtime.Object{written("kube-apiserver", "policy/v1beta1", lately)}, "pass"},
		{"api-removed-next", now, schema.GroupKind{}, []runtime.Object{&policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}}, "nothing"},

		{"api-requested", now, schema.GroupKind{}, []runtime.Object{requested("v1.36.4", "1.37")}, "fail"},
		{"api-requested", now, schema.GroupKind{}, []runtime.Object{requested("v1.33.4", "1.37")}, "pass"},
		{"api-requested", now, schema.GroupKind{}, []runtime.Object{requested("v1.36.4", "")}, "pass"},
		{"api-requested", now, schema.GroupKind{}, []runtime.Object{requested("v1.36.4", "odd")}, "pass"},
		{"api-requested", now, schema.GroupKind{}, []runtime.Object{requested("v1.36.4", "1.37", snapshot.PartRequested)}, "unknown the server's own count of what it was asked for: forbidden"},
		{"api-requested", now, schema.GroupKind{}, []runtime.Object{requested("", "1.37", snapshot.PartVersion)}, "unknown the version of the API server: forbidden"},

		{"connection-certificate", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2")}, "nothing"},

		{"node-versions-many", now, snapshot.NodeKind, []runtime.Object{itself("v1.34.2")}, "unknown Node: forbidden"},
		{"node-versions-many", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2")}, "nothing"},
		{"node-versions-many", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2"), node("v1.34.2", nil), node("v1.33.2", nil), node("v1.32.2", nil)}, "fail"},

		{"auto-upgrade-missing", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2"), node("v1.34.2", nil)}, "fail"},
		{"auto-upgrade-missing", now, snapshot.DaemonSetKind, []runtime.Object{itself("v1.34.2"), node("v1.34.2", nil)}, "unknown DaemonSet: forbidden"},
		{"auto-upgrade-missing", now, snapshot.UpgradePlanKind, []runtime.Object{itself("v1.34.2"), node("v1.34.2", nil)}, "unknown Plan: forbidden"},
		{"auto-upgrade-missing", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2"), node("v1.34.2", managed)}, "unknown whether Amazon EKS upgrades its pools of nodes by itself stands in its own settings"},
		{"auto-upgrade-missing", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2"), node("v1.34.2", managed), &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "kured"},
			Spec:       appsv1.DaemonSetSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "kured", Image: "ghcr.io/kubereboot/kured:1.19.0@sha256:odd"}}}}},
		}}, "unknown whether Amazon EKS upgrades its pools of nodes by itself stands in its own settings"},
		{"auto-upgrade-missing", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2"), node("v1.34.2", nil), plan(map[string]any{"spec": "odd", "status": []any{"odd"}})}, "fail"},
		{"auto-upgrade-missing", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2"), node("v1.34.2", nil), plan(map[string]any{"spec": map[string]any{"nodeSelector": map[string]any{"matchLabels": "odd"}}, "status": map[string]any{"latestVersion": "v1.34.3"}})}, "fail"},
		{"auto-upgrade-missing", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2"), node("v1.34.2", nil), plan(map[string]any{"spec": map[string]any{"nodeSelector": map[string]any{}}, "status": map[string]any{"latestVersion": "v1.34.3"}})}, "pass"},
		{"auto-upgrade-missing", now, schema.GroupKind{}, []runtime.Object{itself("v1.34.2")}, "nothing"},
	} {
		t.Run(fmt.Sprint(tt.check, " ", tt.blind.Kind, " ", tt.want), func(t *testing.T) {
			live := ruletest.Live{Now: tt.at, Refused: tt.blind, Objects: tt.objects}
			if got := live.Verdict(t, maintenance.Checks, tt.check); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestServerEOLWithoutNodes holds that who may not see the nodes, by whose labels some providers are known, gets a question.
func TestServerEOLWithoutNodes(t *testing.T) {
	check := ruletest.Named(t, maintenance.Checks, "server-eol")
	for _, tt := range []struct {
		blind     schema.GroupKind
		severity  rule.Severity
		certainty rule.Certainty
	}{
		{schema.GroupKind{}, rule.High, rule.Certain},
		{snapshot.NodeKind, rule.Medium, rule.Possible},
	} {
		live := ruletest.Live{Now: now, Read: []schema.GroupKind{snapshot.NodeKind}, Refused: tt.blind, Objects: []runtime.Object{itself("v1.30.4")}}
		found := ruletest.Judge(t, live.Snapshot(t, check), check).Findings
		if len(found) != 1 || found[0].Severity != tt.severity || found[0].Certainty != tt.certainty {
			t.Errorf("%s refused: %+v", tt.blind.Kind, found)
		}
	}
}
