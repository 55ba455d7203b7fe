package collect

import (
	"context"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// gatewayGroup is the Gateway API, which many clusters do not have.
const gatewayGroup = "gateway.networking.k8s.io"

// routeKinds are its kinds that carry traffic.
var routeKinds = []string{"Gateway", "HTTPRoute", "GRPCRoute"}

// routes starts to ask whether the cluster has the Gateway API, beside other reads: one request, and no more
// where it has none. What it returns lists kinds of it, "" all that a namespace or the cluster has.
func (c *Cluster) routes(ctx context.Context, namespace string) func(s *snapshot.Snapshot, kinds []string) {
	asking, cancel := context.WithTimeout(ctx, c.timeout)
	type served struct {
		resources []metav1.APIResource
		version   schema.GroupVersion
		err       error
	}
	found := make(chan served, 1)
	go func() {
		var out served
		out.resources, out.version, out.err = c.servedBy(asking, gatewayGroup)
		found <- out
	}()
	return func(s *snapshot.Snapshot, kinds []string) {
		defer cancel()
		var g served
		select {
		case g = <-found:
		case <-asking.Done():
			g.err = asking.Err()
		}
		listed := func(kind, ns string, err error) {
			w := snapshot.WantList(schema.GroupKind{Group: gatewayGroup, Kind: kind}, ns, "")
			if out, asked := s.Outcome(w); !asked || out.State == snapshot.Blind {
				s.SetOutcome(w, outcomeOf(w, c.plain(err), c.timeout))
			}
		}
		if g.err != nil {
			for _, kind := range kinds {
				listed(kind, namespace, g.err)
			}
			return
		}
		client, err := dynamic.NewForConfigAndClient(c.config, c.http)
		if err != nil {
			return
		}
		var wait sync.WaitGroup
		var mu sync.Mutex
		for _, r := range g.resources {
			if !slices.Contains(r.Verbs, "list") || !slices.Contains(kinds, r.Kind) && !slices.Contains(kinds, "") {
				continue
			}
			ns := namespace
			if !r.Namespaced {
				ns = ""
			}
			wait.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, c.timeout)
				defer cancel()
				list, err := client.Resource(g.version.WithResource(r.Name)).Namespace(ns).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					for i := range list.Items {
						item := &list.Items[i]
						_, _ = s.Add(g.version.WithKind(r.Kind), item, nil) // what a server sends has metadata
					}
				}
				listed(r.Kind, ns, err)
			})
		}
		wait.Wait()
	}
}

// servedBy are the types of a group in the version that the server prefers; none where it does not have the
// group.
func (c *Cluster) servedBy(ctx context.Context, group string) ([]metav1.APIResource, schema.GroupVersion, error) {
	client, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http)
	if err != nil {
		return nil, schema.GroupVersion{}, err
	}
	var g metav1.APIGroup
	if err := client.RESTClient().Get().AbsPath("/apis", group).Do(ctx).Into(&g); err != nil || g.PreferredVersion.Version == "" {
		if apierrors.IsNotFound(err) {
			err = nil
		}
		return nil, schema.GroupVersion{}, err
	}
	var list metav1.APIResourceList
	version := schema.GroupVersion{Group: group, Version: g.PreferredVersion.Version}
	if err := client.RESTClient().Get().AbsPath("/apis", group, version.Version).Do(ctx).Into(&list); err != nil {
		return nil, version, err
	}
	return list.APIResources, version, nil
}

// leaving reads the namespace of an overview where something in it is being deleted: it may be going with it.
func (c *Cluster) leaving(ctx context.Context, s *snapshot.Snapshot, namespace string) error {
	if namespace == "" || !slices.ContainsFunc(s.All(), func(o *snapshot.Object) bool { return o.Namespace == namespace && o.Meta.GetDeletionTimestamp() != nil }) {
		return nil
	}
	return c.Fetch(ctx, s, []snapshot.Want{snapshot.WantGet(snapshot.NamespaceKind, "", namespace)})
}
