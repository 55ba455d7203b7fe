package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/source"
)

// overviewKinds are what explain and check read when no target is named: workloads, what carries traffic
// and data to them, and what decides about them.
var overviewKinds = []schema.GroupKind{
	snapshot.PodKind, snapshot.DeploymentKind, snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind,
	snapshot.JobKind, snapshot.CronJobKind, snapshot.ServiceKind, snapshot.EndpointSliceKind, snapshot.PVCKind, snapshot.EventKind,
	snapshot.HPAKind, snapshot.PDBKind, snapshot.IngressKind, snapshot.NetworkPolicyKind,
}

// routeKinds are those of the Gateway API, which many clusters do not have, that carry traffic; gatewayKinds all that causes
// ask of it.
var (
	routeKinds   = []schema.GroupKind{snapshot.GatewayKind, snapshot.HTTPRouteKind, snapshot.GRPCRouteKind}
	gatewayKinds = slices.Concat(routeKinds, []schema.GroupKind{snapshot.TLSRouteKind, snapshot.TCPRouteKind, snapshot.UDPRouteKind, snapshot.GatewayClassKind, snapshot.ReferenceGrantKind})
)

// Namespace is the namespace that the flags and the kubeconfig mean.
func (c *Cluster) Namespace() (string, error) {
	namespace, _, err := c.getter.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}

// Targets resolves the arguments of a command with kubectl's own rules and reads what they name into
// s. An empty namespace means all. What does not exist is an error, the nearest names with it; the
// targets that exist come with the error.
func (c *Cluster) Targets(ctx context.Context, s *snapshot.Snapshot, namespace string, selector labels.Selector, args []string) ([]snapshot.Ref, error) {
	switch {
	case len(args) == 0:
		ofOthers := c.ofOthers(ctx, namespace, routeKinds)
		if err := c.readKinds(ctx, s, namespace, overviewKinds); err != nil {
			return nil, err
		}
		ofOthers(s)
		if err := c.leaving(ctx, s, namespace); err != nil {
			return nil, err
		}
		return c.orNoNamespace(ctx, s, namespace, tops(s, namespace, selector))
	case len(args) == 1 && !strings.Contains(args[0], "/"):
		refs, err := c.types(ctx, s, namespace, selector, args[0])
		return refs, c.plain(err)
	}
	refs, err := c.names(ctx, s, namespace, args)
	return refs, c.plain(err)
}

// listOf are the wants for all objects of some kinds.
func listOf(namespace string, kinds []schema.GroupKind) []snapshot.Want {
	wants := make([]snapshot.Want, 0, len(kinds))
	for _, gk := range kinds {
		ns := namespace
		if clusterScoped(gk) {
			ns = ""
		}
		wants = append(wants, snapshot.WantList(gk, ns, ""))
	}
	return wants
}

// readKinds lists kinds; it fails only when none of them could be read.
func (c *Cluster) readKinds(ctx context.Context, s *snapshot.Snapshot, namespace string, kinds []schema.GroupKind) error {
	wants := listOf(namespace, kinds)
	if err := c.Fetch(ctx, s, wants); err != nil {
		return err
	}
	return c.orFailed(s, wants)
}

// orFailed is the error of the reads, where not one of them came to anything. What a server tells of itself does not
// count: it names its own parts that could not be read.
func (c *Cluster) orFailed(s *snapshot.Snapshot, wants []snapshot.Want) error {
	wants = slices.DeleteFunc(slices.Clone(wants), func(w snapshot.Want) bool { return w.GroupKind() == snapshot.ClusterKind })
	for _, w := range wants {
		if out, _ := s.Outcome(w); out.State != snapshot.Blind {
			return nil
		}
	}
	// A connection that ends says less than what becomes of the next.
	i := slices.IndexFunc(wants, func(w snapshot.Want) bool {
		err := c.trouble.failure(w)
		return err != nil && !errors.Is(err, errSilent) && !isEnd(err)
	})
	return c.trouble.failure(wants[max(0, i)])
}

// types resolves TYPE or TYPE,TYPE: all objects of the kinds.
func (c *Cluster) types(ctx context.Context, s *snapshot.Snapshot, namespace string, selector labels.Selector, words string) ([]snapshot.Ref, error) {
	var refs []snapshot.Ref
	list := func(gk schema.GroupKind, ns string) error {
		w := snapshot.WantList(gk, ns, "")
		if selector != nil {
			w.Selector = selector.String()
		}
		if err := c.Fetch(ctx, s, []snapshot.Want{w}); err != nil {
			return err
		}
		if err := c.trouble.failure(w); err != nil {
			return err
		}
		for _, o := range s.List(gk, ns) {
			refs = append(refs, o.Ref)
		}
		return nil
	}
	for word := range strings.SplitSeq(words, ",") {
		if gk, ok := ownKind(word); ok {
			ns := namespace
			if clusterScoped(gk) {
				ns = ""
			}
			err := list(gk, ns)
			if err == nil {
				continue
			}
			if !notServed(err) { // in the version that we read: kubectl may know another
				return nil, err
			}
		}
		mapper, err := c.getter.ToRESTMapper()
		if err != nil {
			return nil, err
		}
		gvk, err := kindFor(mapper, word)
		if err != nil {
			return nil, c.orNotDiscovered(err)
		}
		ns := namespace
		if mapping, err := mapper.RESTMapping(gvk.GroupKind(), gvk.Version); err == nil && mapping.Scope.Name() != meta.RESTScopeNameNamespace {
			ns = ""
		}
		if err := list(gvk.GroupKind(), ns); err != nil {
			return nil, err
		}
	}
	return c.orNoNamespace(ctx, s, namespace, refs)
}

// ownKind is the kind of Kubernetes' own that a word means; kubectl means the same by it, since those
// come before all others. So it can be read where the server does not tell what kinds there are.
func ownKind(word string) (schema.GroupKind, bool) {
	gk, ok := kindOfWord(word, snapshot.New(time.Time{}))
	if !ok {
		return gk, false
	}
	gvk, _ := versionOf(gk)
	return gk, scheme.Scheme.Recognizes(gvk)
}

// orNotDiscovered adds to the error for an unknown type which groups of the API did not tell their types:
// it may be one of theirs.
func (c *Cluster) orNotDiscovered(err error) error {
	var unknown *unknownTypeError
	if !errors.As(err, &unknown) {
		return err
	}
	client, clientErr := discovery.NewDiscoveryClientForConfigAndClient(c.config, c.http) // the cached one leaves them out
	if clientErr != nil {
		return err
	}
	known, _, failed := client.ServerGroupsAndResources()
	if failed == nil && !slices.ContainsFunc(known, func(g *metav1.APIGroup) bool { return len(g.Versions) > 0 }) {
		return errNoObject
	}
	var groups *discovery.ErrGroupDiscoveryFailed
	if !errors.As(failed, &groups) {
		return err
	}
	names := make([]string, 0, len(groups.Groups))
	for gv := range groups.Groups {
		names = append(names, gv.String())
	}
	sort.Strings(names)
	return fmt.Errorf("the server doesn't say that it has a resource type %q, and could not tell which types %s has; name a type of another group, or try again later", unknown.word, strings.Join(names, ", "))
}

func kindFor(mapper meta.RESTMapper, word string) (schema.GroupVersionKind, error) {
	full, group := schema.ParseResourceArg(strings.ToLower(word))
	if full != nil {
		if gvk, err := mapper.KindFor(*full); err == nil {
			return gvk, nil
		}
	}
	gvk, err := mapper.KindFor(group.WithVersion(""))
	if meta.IsNoMatchError(err) || group.Resource == "" {
		return gvk, UnknownType(word, nil)
	}
	return gvk, err
}

// orNoNamespace tells an empty namespace from one that does not exist.
func (c *Cluster) orNoNamespace(ctx context.Context, s *snapshot.Snapshot, namespace string, refs []snapshot.Ref) ([]snapshot.Ref, error) {
	if len(refs) > 0 || namespace == "" {
		return refs, nil
	}
	w := snapshot.WantGet(snapshot.NamespaceKind, "", namespace)
	if err := c.Fetch(ctx, s, []snapshot.Want{w}); err != nil {
		return nil, err
	}
	if out, _ := s.Outcome(w); out.State == snapshot.Absent {
		list := snapshot.WantList(snapshot.NamespaceKind, "", "")
		if err := c.Fetch(ctx, s, []snapshot.Want{list}); err != nil {
			return nil, err
		}
		return nil, NotFound("namespaces", namespace, s.Names(snapshot.NamespaceKind, ""))
	}
	return nil, nil
}

// names resolves TYPE NAME... and TYPE/NAME... to objects, and reads them.
func (c *Cluster) names(ctx context.Context, s *snapshot.Snapshot, namespace string, args []string) ([]snapshot.Ref, error) {
	if wants, ok := ownNames(namespace, args); ok {
		refs, errs, served := c.own(ctx, s, namespace, wants)
		if served {
			return refs, utilerrors.NewAggregate(errs)
		}
	}
	return c.built(ctx, s, namespace, args)
}

// ownNames are the objects that arguments name, where all are of kinds of Kubernetes' own.
func ownNames(namespace string, args []string) ([]snapshot.Want, bool) {
	var wants []snapshot.Want
	add := func(word, name string) bool {
		gk, ok := ownKind(word)
		if !ok || name == "" || strings.Contains(name, "/") {
			return false
		}
		ns := namespace
		if clusterScoped(gk) {
			ns = ""
		} else if ns == "" {
			return false // which kubectl words
		}
		if w := snapshot.WantGet(gk, ns, name); !slices.Contains(wants, w) {
			wants = append(wants, w)
		}
		return true
	}
	if strings.Contains(args[0], "/") {
		for _, a := range args {
			if word, name, ok := strings.Cut(a, "/"); !ok || !add(word, name) {
				return nil, false
			}
		}
		return wants, true
	}
	for word := range strings.SplitSeq(args[0], ",") {
		for _, name := range args[1:] {
			if !add(word, name) {
				return nil, false
			}
		}
	}
	return wants, true
}

// own reads objects of kinds of Kubernetes' own. It asks nobody which kinds there are, so that it works
// where nobody answers that; served is false where the server has one of them in another version only.
func (c *Cluster) own(ctx context.Context, s *snapshot.Snapshot, namespace string, wants []snapshot.Want) (refs []snapshot.Ref, errs []error, served bool) {
	if err := c.Fetch(ctx, s, wants); err != nil {
		return nil, []error{err}, true
	}
	said := map[string]bool{}
	for _, w := range wants {
		err := c.trouble.failure(w)
		switch {
		case err == nil:
			if o, _ := s.Lookup(w.GroupKind(), w.Namespace, w.Name); o != nil {
				refs = append(refs, o.Ref)
			}
		case notServed(err):
			return nil, nil, false
		case isTrouble(err) || isLate(err): // a server that is down is so once
			if text := words(err, c.timeout); !said[text] {
				said[text] = true
				errs = append(errs, err)
			}
		default:
			errs = append(errs, c.withNearest(ctx, namespace, err))
		}
	}
	return refs, errs, true
}

// built resolves arguments through kubectl's resource builder, which asks the server what kinds there are.
func (c *Cluster) built(ctx context.Context, s *snapshot.Snapshot, namespace string, args []string) ([]snapshot.Ref, error) {
	result := resource.NewBuilder(c.getter).
		Unstructured().
		NamespaceParam(namespace).DefaultNamespace().
		ResourceTypeOrNameArgs(true, args...).
		ContinueOnError().
		Flatten().
		Do()
	if err := result.Err(); err != nil {
		return nil, c.orNotDiscovered(betterTypeError(err))
	}
	var refs []snapshot.Ref
	var errs []error
	err := result.Visit(func(info *resource.Info, err error) error {
		if err != nil {
			return err
		}
		u, ok := info.Object.(*unstructured.Unstructured)
		if !ok {
			return errNoObject
		}
		if u.GetName() != info.Name {
			return errNoObject
		}
		d, err := decode(u.Object, &source.Filler{})
		if err != nil {
			return err
		}
		o, err := s.Add(d.gvk, d.object, nil)
		if err != nil || o == nil {
			return err
		}
		s.SetOutcome(snapshot.WantGet(o.GroupKind(), o.Namespace, o.Name), snapshot.Outcome{State: snapshot.Present, Proven: true})
		refs = append(refs, o.Ref)
		return nil
	})
	if err != nil {
		for _, e := range flatten(err) {
			errs = append(errs, c.withNearest(ctx, namespace, e))
		}
	}
	s.Now = c.clock.now()
	return refs, utilerrors.NewAggregate(errs)
}

func flatten(err error) []error {
	var agg utilerrors.Aggregate
	if errors.As(err, &agg) {
		return utilerrors.Flatten(agg).Errors()
	}
	return []error{err}
}

// betterTypeError adds the nearest type to kubectl's words for one that does not exist.
func betterTypeError(err error) error {
	const words = `the server doesn't have a resource type "`
	if _, rest, ok := strings.Cut(err.Error(), words); ok {
		word, _, _ := strings.Cut(rest, `"`)
		return UnknownType(word, nil)
	}
	return err
}

// withNearest adds the nearest names to the error for an object that does not exist.
func (c *Cluster) withNearest(ctx context.Context, namespace string, err error) error {
	status, ok := err.(apierrors.APIStatus)
	if !ok || !apierrors.IsNotFound(err) || status.Status().Details == nil {
		return err
	}
	details := status.Status().Details
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	names, namesErr := c.Names(ctx, details.Kind, namespace)
	if namesErr != nil {
		return err
	}
	resource := details.Kind
	if details.Group != "" {
		resource += "." + details.Group
	}
	return NotFound(resource, details.Name, names)
}

// Moved reads the targets once more and tells whether any of them changed since; what changed is in
// s afterwards. One that cannot be read a second time counts as it was read the first time.
func (c *Cluster) Moved(ctx context.Context, s *snapshot.Snapshot, targets []snapshot.Ref) bool {
	var wants []snapshot.Want
	versions := map[snapshot.Ref]string{}
	for _, t := range targets {
		if old, _ := s.Lookup(t.GroupKind(), t.Namespace, t.Name); old != nil {
			versions[t] = old.Meta.GetResourceVersion()
			wants = append(wants, snapshot.WantGet(t.GroupKind(), t.Namespace, t.Name))
		}
	}
	if c.Fetch(ctx, s, wants) != nil {
		return false
	}
	for _, w := range wants {
		if out, _ := s.Outcome(w); out.State == snapshot.Blind {
			s.SetOutcome(w, snapshot.Outcome{State: snapshot.Present, Proven: true})
		}
	}
	for t, version := range versions {
		if now, _ := s.Lookup(t.GroupKind(), t.Namespace, t.Name); now == nil || now.Meta.GetResourceVersion() != version {
			return true
		}
	}
	return false
}

// checkKinds are what check reads besides the overview: what workloads name, what bounds them and
// what protects them. Secrets and ConfigMaps are read as metadata.
var checkKinds = []schema.GroupKind{
	snapshot.ConfigMapKind, snapshot.SecretKind, snapshot.ServiceAcctKind, snapshot.LimitRangeKind, snapshot.ResourceQuotaKind,
	snapshot.NodeKind, snapshot.NamespaceKind, snapshot.StorageClassKind, snapshot.PVKind,
}

// Overview lists everything that check looks at, once per kind. It fails only when nothing at all
// could be read, or when the namespace does not exist.
func (c *Cluster) Overview(ctx context.Context, s *snapshot.Snapshot, namespace string) error {
	if err := c.readKinds(ctx, s, namespace, slices.Concat(overviewKinds, checkKinds)); err != nil {
		return err
	}
	return c.orEmpty(ctx, s, namespace)
}

// chainKinds are what the causes of what is broken may ask for besides: what decides about a pod from
// outside of its namespace, and what admits it.
var chainKinds = []schema.GroupKind{
	snapshot.RCKind, snapshot.ControllerRevisionKind,
	snapshot.IngressClassKind, snapshot.PriorityClassKind, snapshot.RuntimeClassKind,
	snapshot.CSIDriverKind, snapshot.CSINodeKind, {Group: "storage.k8s.io", Kind: "VolumeAttachment"},
	snapshot.ValidatingWebhookKind, snapshot.MutatingWebhookKind, snapshot.AdmissionPolicyKind, snapshot.AdmissionBindingKind, snapshot.APIServiceKind,
}

// leaving reads the namespace of an overview where something in it is being deleted: it may be going with it.
func (c *Cluster) leaving(ctx context.Context, s *snapshot.Snapshot, namespace string) error {
	if namespace == "" || !slices.ContainsFunc(s.All(), func(o *snapshot.Object) bool { return o.Namespace == namespace && o.Meta.GetDeletionTimestamp() != nil }) {
		return nil
	}
	return c.Fetch(ctx, s, []snapshot.Want{snapshot.WantGet(snapshot.NamespaceKind, "", namespace)})
}

// fewOwners is how many owners of kinds of others are read one by one.
const fewOwners = 100

// Everything reads what explain may ask for of a namespace or, with "", of all, and kinds besides, so that a
// folder of it gives the verdicts that the cluster would. What it may not read of what only some rules ask for
// is as if it had not been asked for.
func (c *Cluster) Everything(ctx context.Context, s *snapshot.Snapshot, namespace string, kinds []schema.GroupKind) error {
	c.placing.Store(&namespace)
	defer c.placing.Store(nil)
	ours, others := besides(slices.Concat(kinds, gatewayKinds), slices.Concat(overviewKinds, checkKinds, chainKinds))
	ofOthers := c.ofOthers(ctx, namespace, others)
	if err := c.Overview(ctx, s, namespace); err != nil {
		return err
	}
	more := listOf(namespace, slices.Concat(chainKinds, ours))
	if err := c.Fetch(ctx, s, more); err != nil {
		return err
	}
	ofOthers(s)
	for _, w := range more {
		if out, _ := s.Outcome(w); out.State == snapshot.Blind && out.Reason != snapshot.ReasonTimeout && out.Reason != snapshot.ReasonFailed {
			s.SetOutcome(w, snapshot.Outcome{State: snapshot.Blind, Reason: snapshot.ReasonUnread, Message: out.Message})
		}
	}
	for range 5 { // an operator's object may belong to another one
		var owners []snapshot.Want
		for _, o := range s.All() {
			ref, ok := o.OwnerRef()
			w := snapshot.WantGet(ref.GroupKind(), ref.Namespace, ref.Name)
			if ok && !s.Answered(w) && !slices.Contains(owners, w) && len(owners) < fewOwners {
				owners = append(owners, w)
			}
		}
		if len(owners) == 0 {
			break
		}
		if err := c.Fetch(ctx, s, owners); err != nil {
			return err
		}
	}
	return nil
}

// Values reads whole the ConfigMaps that pods name which are not well: of the others the names of the
// entries are enough, and what somebody else wrote stays where it is.
func (c *Cluster) Values(ctx context.Context, s *snapshot.Snapshot, pods []*snapshot.Object) error {
	var wants []snapshot.Want
	for _, o := range pods {
		if o.Pod() == nil {
			continue
		}
		for _, name := range configMapsOf(&o.Pod().Spec) {
			if w := snapshot.WantGet(snapshot.ConfigMapKind, o.Namespace, name); !slices.Contains(wants, w) && len(wants) < fewOwners {
				wants = append(wants, w)
			}
		}
	}
	return c.Fetch(ctx, s, wants)
}

// configMapsOf are the names of the ConfigMaps that a pod takes its environment or its files from.
func configMapsOf(spec *corev1.PodSpec) []string {
	var names []string
	add := func(name string) {
		if name != "" && name != "kube-root-ca.crt" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				add(e.ConfigMapRef.Name)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
				add(e.ValueFrom.ConfigMapKeyRef.Name)
			}
		}
	}
	for _, v := range spec.Volumes {
		if v.ConfigMap != nil {
			add(v.ConfigMap.Name)
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if source.ConfigMap != nil {
				add(source.ConfigMap.Name)
			}
		}
	}
	return names
}

// controllers are the kinds that make pods.
var controllers = []schema.GroupKind{snapshot.ReplicaSetKind, snapshot.StatefulSetKind, snapshot.DaemonSetKind, snapshot.JobKind}

// Brief is Overview for whoever judges controllers by their templates: of pods, revisions and Jobs that are
// well, only what others ask of them is kept. What makes pods comes first, since pods are kept whole where
// their controller was not read. It reads kinds besides, those that are not Kubernetes' own where the cluster
// has them.
func (c *Cluster) Brief(ctx context.Context, s *snapshot.Snapshot, namespace string, kinds []schema.GroupKind) error {
	defer c.brief.Store(nil)
	listed := slices.Concat(overviewKinds, checkKinds)
	ours, others := besides(kinds, listed)
	rest := slices.DeleteFunc(append(listed, ours...), func(gk schema.GroupKind) bool { return slices.Contains(controllers, gk) })
	first, last := listOf(namespace, controllers), listOf(namespace, rest)
	ofOthers := c.ofOthers(ctx, namespace, others)
	b := newBrief()
	c.brief.Store(b)
	if err := c.Fetch(ctx, s, first); err != nil {
		return err
	}
	b.know(s)
	if err := c.Fetch(ctx, s, last); err != nil {
		return err
	}
	ofOthers(s)
	if err := c.orFailed(s, append(first, last...)); err != nil {
		return err
	}
	return c.orEmpty(ctx, s, namespace)
}

// besides are the kinds that are not among those that are listed anyway: Kubernetes' own, and those that only
// some clusters have.
func besides(kinds, listed []schema.GroupKind) (ours, others []schema.GroupKind) {
	for _, gk := range kinds {
		gvk, known := versionOf(gk)
		switch {
		case slices.Contains(listed, gk), slices.Contains(others, gk):
		case known && scheme.Scheme.Recognizes(gvk), ofCluster(gk):
			ours = append(ours, gk)
		default:
			others = append(others, gk)
		}
	}
	return ours, others
}

// orEmpty tells a namespace without pods from one that does not exist.
func (c *Cluster) orEmpty(ctx context.Context, s *snapshot.Snapshot, namespace string) error {
	if len(s.List(snapshot.PodKind, namespace)) > 0 || namespace == "" {
		return nil
	}
	_, err := c.orNoNamespace(ctx, s, namespace, nil)
	return err
}

// Names lists the names of the objects of a type, from metadata alone.
func (c *Cluster) Names(ctx context.Context, word, namespace string) ([]string, error) {
	gk, ok := kindOfWord(word, snapshot.New(c.clock.now()))
	if !ok {
		return nil, UnknownType(word, nil)
	}
	gvk, ok := versionOf(gk)
	if !ok {
		return nil, UnknownType(word, nil)
	}
	if clusterScoped(gk) {
		namespace = ""
	}
	client, err := c.metadataClient()
	if err != nil {
		return nil, err
	}
	list, err := client.Resource(resourceOf(gvk)).Namespace(namespace).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names, nil
}
