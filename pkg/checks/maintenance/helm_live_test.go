package maintenance_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/maintenance"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func release(change func(*snapshot.Release)) *snapshot.Release {
	r := snapshot.NewRelease("shop", "web")
	r.Revision, r.Status, r.Chart = 3, snapshot.ReleaseDeployed, snapshot.ReleaseChart{Name: "shop", Version: "1.4.0"}
	change(r)
	return r
}

// TestHelmLive holds what is said of releases of which, or of whose cluster, only some could be read.
func TestHelmLive(t *testing.T) {
	unread := func(r *snapshot.Release) {
		r.Chart, r.Unread = snapshot.ReleaseChart{}, "its Secret sh.helm.release.v1.web.v3 cannot be unpacked"
	}
	pdb := snapshot.ManifestObject{APIVersion: "policy/v1beta1", Kind: "PodDisruptionBudget", Name: "web"}
	wants := func(constraint string) func(*snapshot.Release) {
		return func(r *snapshot.Release) { r.Chart.KubeVersion = constraint }
	}
	blind := itself("", snapshot.PartVersion)
	for name, tt := range map[string]struct {
		check   string
		cluster *snapshot.Cluster
		change  func(*snapshot.Release)
		want    string
	}{
		"unread manifest":   {"helm-api-removed", itself("v1.27.4"), unread, "unknown its Secret sh.helm.release.v1.web.v3 cannot be unpacked"},
		"unread chart":      {"helm-kubeversion", itself("v1.27.4"), unread, "unknown its Secret sh.helm.release.v1.web.v3 cannot be unpacked"},
		"unread mark":       {"helm-chart-deprecated", itself("v1.27.4"), unread, "unknown its Secret sh.helm.release.v1.web.v3 cannot be unpacked"},
		"unread state":      {"helm-stuck", itself("v1.27.4"), unread, "pass"}, // which its labels tell
		"unread and gone":   {"helm-kubeversion", itself("v1.27.4"), func(r *snapshot.Release) { unread(r); r.Status = snapshot.ReleaseUninstalled }, "nothing"},
		"partly parsed":     {"helm-api-removed", itself("v1.27.4"), func(r *snapshot.Release) { r.Unparsed = 2 }, "unknown 2 documents of its manifest cannot be read"},
		"version unknown":   {"helm-api-removed", blind, func(r *snapshot.Release) { r.Manifest = append(r.Manifest, pdb) }, "unknown its manifest has policy/v1beta1 of PodDisruptionBudget, and the version of the API server is not known"},
		"version no matter": {"helm-api-removed", blind, func(*snapshot.Release) {}, "pass"},
		"bound unknown":     {"helm-kubeversion", blind, wants(">=1.25"), "unknown the version of the API server is not known"},
		"bound odd":         {"helm-kubeversion", itself("v1.27.4"), wants("a new one"), `unknown the chart shop-1.4.0 wants Kubernetes "a new one", which cannot be read`},
		"no bound":          {"helm-kubeversion", itself("v1.27.4"), wants(""), "nothing"},
		"timeless":          {"helm-stuck", itself("v1.27.4"), func(r *snapshot.Release) { r.Status = snapshot.ReleasePendingUpgrade }, "unknown since when it is pending-upgrade is not known"},
		"in the future": {"helm-stuck", itself("v1.27.4"), func(r *snapshot.Release) {
			r.Status, r.Updated = snapshot.ReleasePendingUpgrade, metav1.NewTime(now.Add(time.Hour))
		}, "pass"},
		"uninstalled": {"helm-stuck", itself("v1.27.4"), func(r *snapshot.Release) { r.Status = snapshot.ReleaseUninstalled }, "nothing"},
		"odd state":   {"helm-stuck", itself("v1.27.4"), func(r *snapshot.Release) { r.Status = "unknown" }, "pass"},
	} {
		t.Run(name, func(t *testing.T) {
			live := ruletest.Live{Now: now, Objects: []runtime.Object{tt.cluster, release(tt.change)}}
			if got := live.Verdict(t, maintenance.Checks, tt.check); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestHelmCertainty holds that of a revision that is not deployed nobody knows whether Helm compares with it.
func TestHelmCertainty(t *testing.T) {
	check := ruletest.Named(t, maintenance.Checks, "helm-api-removed")
	for status, want := range map[string]rule.Certainty{snapshot.ReleaseDeployed: rule.Certain, snapshot.ReleaseFailed: rule.Likely} {
		live := ruletest.Live{Now: now, Objects: []runtime.Object{itself("v1.27.4"), release(func(r *snapshot.Release) {
			r.Status = status
			for range 30 {
				r.Manifest = append(r.Manifest, snapshot.ManifestObject{APIVersion: "policy/v1beta1", Kind: "PodDisruptionBudget"})
			}
		})}}
		found := ruletest.Judge(t, live.Snapshot(t, check), check).Findings
		if len(found) != 1 || found[0].Certainty != want {
			t.Fatalf("%s: %+v", status, found)
		}
		if n := len(found[0].Evidence); n != 10 || found[0].Evidence[9].Text != "it has policy/v1beta1 PodDisruptionBudget, and 20 more" {
			t.Errorf("%d pieces of evidence: %+v", n, found[0].Evidence)
		}
	}
}

// TestHelmUnread holds that releases that nobody may read, or has asked for, are no releases without faults.
func TestHelmUnread(t *testing.T) {
	for _, check := range []string{"helm-api-removed", "helm-chart-deprecated", "helm-kubeversion", "helm-stuck"} {
		c := ruletest.Named(t, maintenance.Checks, check)
		e, err := engine.New([]*rule.Check{c}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for want, live := range map[string]ruletest.Live{
			"":                   {Now: now},
			"Release: forbidden": {Now: now, Refused: snapshot.ReleaseKind},
		} {
			if got := e.Unread(live.Snapshot(t, c), check, "", nil); got != want {
				t.Errorf("%s: got %q, want %q", check, got, want)
			}
		}
		s := snapshot.New(now)
		s.SetOutcome(snapshot.WantList(snapshot.ReleaseKind, "", ""), snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonUnread})
		if got := e.Unread(s, check, "shop", nil); got != "Release: not read" {
			t.Errorf("%s: %q", check, got)
		}
		if !slices.Contains(e.Kinds(), snapshot.ReleaseKind) {
			t.Errorf("%s: releases are not read for it", check)
		}
	}
}
