package collect

import (
	"cmp"
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The most that is read one by one of a kind: more names are a list of their namespace, more namespaces one list of
// all. Of what a list lacks so many are asked for by name, since only that proves that they are missing.
const (
	fewNames      = 20
	fewNamespaces = 20
	fewProofs     = 20
)

// Beside answers from a cluster what manifests do not contain. What they contain stays as they say.
type Beside struct {
	cluster *Cluster
	in      []string // the namespaces of the manifests
	asked   map[snapshot.Want]bool
}

// NewBeside makes a Beside; s is told that it is asked, and by which name the cluster goes.
func NewBeside(c *Cluster, s *snapshot.Snapshot) *Beside {
	s.Beside, s.Context = true, c.NewSnapshot().Context
	return &Beside{c, s.Namespaces(), map[snapshot.Want]bool{}}
}

// listed are the kinds of which all in a namespace, or in the cluster, may matter to one object of the manifests:
// what bounds and protects it, what selects it, what it selects, and what was meant by a name that does not exist.
var listed = map[schema.GroupKind]bool{
	snapshot.LimitRangeKind: true, snapshot.ResourceQuotaKind: true, snapshot.ServiceKind: true, snapshot.PDBKind: true, snapshot.HPAKind: true,
	snapshot.DeploymentKind: true, snapshot.StatefulSetKind: true, snapshot.DaemonSetKind: true, snapshot.NetworkPolicyKind: true,
	snapshot.StorageClassKind: true, snapshot.PriorityClassKind: true, snapshot.IngressClassKind: true,
	snapshot.RoleKind: true, snapshot.ClusterRoleKind: true, snapshot.RoleBindingKind: true, snapshot.ClusterRoleBindingKind: true,
	snapshot.ClusterKind: true,
}

// hints are the kinds that are only listed for the nearest name of one that does not exist: who may not list them
// lacks nothing else.
var hints = map[schema.GroupKind]bool{
	snapshot.ConfigMapKind: true, snapshot.SecretKind: true, snapshot.ServiceAcctKind: true, snapshot.PVCKind: true,
}

// unasked are the kinds that no manifest names.
var unasked = map[schema.GroupKind]bool{
	snapshot.PodKind: true, snapshot.EventKind: true, snapshot.ReplicaSetKind: true, snapshot.EndpointSliceKind: true, snapshot.ControllerRevisionKind: true,
}

// Worth are the questions that a cluster is asked. What concerns all namespaces is asked of those of the manifests.
func (b *Beside) Worth(questions []snapshot.Want) []snapshot.Want {
	known := map[snapshot.Want]bool{}
	var all []snapshot.Want
	for _, w := range questions {
		known[w] = true
	}
	for _, w := range questions {
		_, own := versionOf(w.GroupKind())
		if w.Verb != snapshot.List || w.Namespace != "" || !own || clusterScoped(w.GroupKind()) {
			all = append(all, w)
			continue
		}
		for _, in := range b.in {
			if one := snapshot.WantList(w.GroupKind(), in, ""); !known[one] {
				known[one] = true
				all = append(all, one)
			}
		}
	}
	return slices.DeleteFunc(all, func(w snapshot.Want) bool {
		gk := w.GroupKind()
		_, own := versionOf(gk)
		namespaced := own && !clusterScoped(gk)
		switch {
		case b.asked[w], unasked[gk], own && namespaced == (w.Namespace == ""):
			return true
		case w.Verb == snapshot.List:
			return !listed[gk] && !hints[gk]
		}
		return w.Verb != snapshot.Get || w.Name == "" || len(content.IsPathSegmentName(w.Name)) > 0 || len(content.IsPathSegmentName(w.Namespace)) > 0
	})
}

// Fetch implements Fetcher.
func (b *Beside) Fetch(ctx context.Context, s *snapshot.Snapshot, wants []snapshot.Want) error {
	names := map[snapshot.Want][]snapshot.Want{} // by the list that holds them
	namespaces := map[schema.GroupKind]map[string]bool{}
	var reads []snapshot.Want
	for _, w := range wants {
		if namespaces[w.GroupKind()] == nil {
			namespaces[w.GroupKind()] = map[string]bool{}
		}
		namespaces[w.GroupKind()][w.Namespace] = true
	}
	lists := map[snapshot.Want]bool{}
	for _, w := range wants {
		b.asked[w] = true
		list := snapshot.WantList(w.GroupKind(), w.Namespace, "")
		if len(namespaces[w.GroupKind()]) > fewNamespaces {
			list.Namespace = ""
		}
		if w.Verb == snapshot.List {
			lists[list] = true
			continue
		}
		names[list] = append(names[list], w)
	}
	for list, gets := range names {
		if _, own := versionOf(list.GroupKind()); own && (len(gets) > fewNames || lists[list]) {
			lists[list] = true
			continue
		}
		reads = append(reads, gets...)
		delete(names, list)
	}
	for list := range lists {
		reads = append(reads, list)
	}
	found, err := b.read(ctx, s, reads)
	if err != nil {
		return err
	}
	var proofs []snapshot.Want
	for list := range lists {
		out, _ := found.Outcome(list)
		blind := out.State == snapshot.Blind
		if !blind || !hints[list.GroupKind()] {
			s.SetOutcome(list, out)
		}
		for i, w := range names[list] {
			o, _ := s.Lookup(w.GroupKind(), w.Namespace, w.Name)
			switch {
			case o != nil:
			case blind || i < fewProofs:
				proofs = append(proofs, w)
			default:
				s.SetOutcome(w, snapshot.Outcome{State: snapshot.Absent})
			}
		}
	}
	for _, w := range wants { // a list of all namespaces answers those of each
		if out, ok := found.Outcome(snapshot.WantList(w.GroupKind(), "", "")); ok && w.Verb == snapshot.List && w.Namespace != "" && out.State == snapshot.Blind {
			s.SetOutcome(w, out)
		}
	}
	slices.SortFunc(proofs, func(a, b snapshot.Want) int { return cmp.Compare(a.String()+a.Namespace, b.String()+b.Namespace) })
	_, err = b.read(ctx, s, proofs)
	return err
}

// read asks the cluster, and takes in what it answers. The outcomes of lists are left to the caller.
func (b *Beside) read(ctx context.Context, s *snapshot.Snapshot, wants []snapshot.Want) (*snapshot.Snapshot, error) {
	found := snapshot.New(s.Now)
	if len(wants) == 0 {
		return found, nil
	}
	err := b.cluster.Fetch(ctx, found, wants)
	for _, o := range found.All() {
		s.Adopt(o)
	}
	for _, w := range wants {
		if out, ok := found.Outcome(w); ok && w.Verb == snapshot.Get {
			s.SetOutcome(w, out)
		}
	}
	return found, err
}
