package collect

import (
	"context"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
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
		wait.Go(func() {
			found, err := c.served(ctx, served[group], kinds)
			if err != nil {
				without(kinds, err)
				return
			}
			for _, gk := range kinds {
				r, ok := found[gk.Kind]
				if !ok {
					without([]schema.GroupKind{gk}, nil)
					continue
				}
				wait.Go(func() { keep(c.listOther(ctx, namespace, gk, r)) })
			}
		})
	}
	wait.Wait()
	return answers
}

// groups are the API groups that a cluster serves, with their versions, the preferred one first.
func (c *Cluster) groups(ctx context.Context) (map[string][]schema.GroupVersion, error) {
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
	served := map[string][]schema.GroupVersion{}
	for _, g := range list.Groups {
		versions := []schema.GroupVersion{{Group: g.Name, Version: g.PreferredVersion.Version}}
		for _, v := range g.Versions {
			if v.Version != g.PreferredVersion.Version {
				versions = append(versions, schema.GroupVersion{Group: g.Name, Version: v.Version})
			}
		}
		served[g.Name] = versions
	}
	return served, nil
}

// servedAs is how a kind is served.
type servedAs struct {
	metav1.APIResource
	version schema.GroupVersion
}

// served looks for kinds in the versions of their group, by kind: the preferred version of a group need not have
// all of them. Another one is asked for only while a kind is missing.
func (c *Cluster) served(ctx context.Context, versions []schema.GroupVersion, kinds []schema.GroupKind) (map[string]servedAs, error) {
	found := map[string]servedAs{}
	for _, version := range versions {
		resources, err := c.resources(ctx, version)
		if err != nil {
			return nil, err
		}
		for _, r := range resources {
			if _, ok := found[r.Kind]; !ok && slices.Contains(r.Verbs, "list") {
				found[r.Kind] = servedAs{r, version}
			}
		}
		if !slices.ContainsFunc(kinds, func(gk schema.GroupKind) bool { _, ok := found[gk.Kind]; return !ok }) {
			break
		}
	}
	return found, nil
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

func (c *Cluster) listOther(ctx context.Context, namespace string, gk schema.GroupKind, r servedAs) answer {
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
		list, err := client.Resource(r.version.WithResource(r.Name)).Namespace(namespace).List(ctx, options)
		if err != nil {
			return "", err
		}
		for i := range list.Items {
			withoutDetails(gk, list.Items[i].Object)
			a.object(r.version.WithKind(gk.Kind), &list.Items[i])
		}
		return list.GetContinue(), nil
	}))
	return a
}

// details are parts of reports that are the most of their bytes, and that no rule reads: each vulnerability of an
// image, each result of a policy. What is counted stands beside them.
var details = map[schema.GroupKind][]string{
	snapshot.VulnerabilityReportKind: {"report", "vulnerabilities"},
}

// withoutDetails drops such a part.
func withoutDetails(gk schema.GroupKind, content map[string]any) {
	if path := details[gk]; path != nil {
		unstructured.RemoveNestedField(content, path...)
	}
}
