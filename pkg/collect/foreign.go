package collect

import (
	"context"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// ofOthers starts to list kinds that are not Kubernetes' own, beside other reads: a group that the cluster does
// not have costs nothing but the one request that says so. What it returns puts them into a snapshot. A kind
// that is not served has no objects, and that is proven.
func (c *Cluster) ofOthers(ctx context.Context, namespace string, kinds []schema.GroupKind) func(*snapshot.Snapshot) {
	byGroup := map[string][]schema.GroupKind{}
	for _, gk := range kinds {
		byGroup[gk.Group] = append(byGroup[gk.Group], gk)
	}
	read := make(chan []answer, 1)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		read <- c.listOthers(ctx, namespace, byGroup)
	}()
	return func(s *snapshot.Snapshot) {
		for _, a := range <-read {
			c.take(s, a)
		}
	}
}

func (c *Cluster) listOthers(ctx context.Context, namespace string, byGroup map[string][]schema.GroupKind) []answer {
	var mu sync.Mutex
	var answers []answer
	keep := func(a answer) {
		mu.Lock()
		defer mu.Unlock()
		answers = append(answers, a)
	}
	without := func(kinds []schema.GroupKind, err error) {
		for _, gk := range kinds {
			keep(answer{want: snapshot.WantList(gk, namespace, ""), err: c.plain(err)})
		}
	}
	served, err := c.groups(ctx)
	if err != nil {
		// That nobody knows what is installed is one thing, and not one for each kind that might be.
		keep(answer{want: snapshot.WantList(snapshot.APIGroupKind, "", ""), err: c.plain(err)})
		for _, kinds := range byGroup {
			for _, gk := range kinds {
				keep(answer{want: snapshot.WantList(gk, namespace, ""), unread: true})
			}
		}
		return answers
	}
	var wait sync.WaitGroup
	for group, kinds := range byGroup {
		version, ok := served[group]
		if !ok {
			without(kinds, nil)
			continue
		}
		wait.Go(func() {
			resources, err := c.resources(ctx, version)
			if err != nil {
				without(kinds, err)
				return
			}
			for _, gk := range kinds {
				i := slices.IndexFunc(resources, func(r metav1.APIResource) bool { return r.Kind == gk.Kind && slices.Contains(r.Verbs, "list") })
				if i < 0 {
					without([]schema.GroupKind{gk}, nil)
					continue
				}
				wait.Go(func() { keep(c.listOther(ctx, namespace, gk, version, resources[i])) })
			}
		})
	}
	wait.Wait()
	return answers
}

// groups are the API groups that a cluster serves, in the version that it prefers.
func (c *Cluster) groups(ctx context.Context) (map[string]schema.GroupVersion, error) {
	client, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http)
	if err != nil {
		return nil, err
	}
	var list metav1.APIGroupList
	if err := client.RESTClient().Get().AbsPath("/apis").Do(ctx).Into(&list); err != nil {
		return nil, err
	}
	if len(list.Groups) == 0 {
		return nil, errNoObject // every API server has groups of its own
	}
	served := map[string]schema.GroupVersion{}
	for _, g := range list.Groups {
		served[g.Name] = schema.GroupVersion{Group: g.Name, Version: g.PreferredVersion.Version}
	}
	return served, nil
}

func (c *Cluster) resources(ctx context.Context, version schema.GroupVersion) ([]metav1.APIResource, error) {
	client, err := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http)
	if err != nil {
		return nil, err
	}
	var list metav1.APIResourceList
	err = client.RESTClient().Get().AbsPath("/apis", version.Group, version.Version).Do(ctx).Into(&list)
	return list.APIResources, err
}

func (c *Cluster) listOther(ctx context.Context, namespace string, gk schema.GroupKind, version schema.GroupVersion, r metav1.APIResource) answer {
	if !r.Namespaced {
		namespace = ""
	}
	a := answer{want: snapshot.WantList(gk, namespace, "")}
	client, err := dynamic.NewForConfigAndClient(c.config, c.http)
	if err != nil {
		a.err = c.plain(err)
		return a
	}
	a.err = c.plain(c.pages(metav1.ListOptions{ResourceVersion: "0"}, func(options metav1.ListOptions) (string, error) {
		list, err := client.Resource(version.WithResource(r.Name)).Namespace(namespace).List(ctx, options)
		if err != nil {
			return "", err
		}
		for i := range list.Items {
			a.object(version.WithKind(gk.Kind), &list.Items[i])
		}
		return list.GetContinue(), nil
	}))
	return a
}
