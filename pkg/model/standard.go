package model

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The topics of a standard, in the order in which they are told.
const (
	TopicVersions    = "versions"
	TopicNamespaces  = "namespaces"
	TopicPodSecurity = "pod security"
	TopicQuotas      = "quotas"
	TopicLimits      = "limits"
	TopicPolicies    = "policies"
	TopicRoles       = "roles"
	TopicAddOns      = "add-ons"
	TopicReleases    = "releases"
	TopicAPIs        = "APIs"
)

// Topics lists all topics in the order in which they are told.
func Topics() []string {
	return []string{TopicVersions, TopicNamespaces, TopicPodSecurity, TopicQuotas, TopicLimits, TopicPolicies, TopicRoles, TopicAddOns, TopicReleases, TopicAPIs}
}

// The verdicts of a comparison, besides Unknown.
const (
	Same    Verdict = "same"
	Differs Verdict = "differs"
	Missing Verdict = "missing" // some clusters have it and others do not
)

// Fact is one thing that is part of how a cluster is set up, for everybody who uses it. Values of several parts are
// "name=value" with a comma between, in the order of the names.
type Fact struct {
	Topic string
	Name  string
	Value string

	within string           // the namespace that it is about; without that it is about nothing
	from   schema.GroupKind // the list that it was read from
}

// Standard is what is set up in a cluster for everybody, and of what one could not look.
type Standard struct {
	Facts []Fact // by topic and name

	namespaces map[string]bool             // those that are there; nil where they could not be read
	unread     map[schema.GroupKind]string // why a list could not be read
}

// topicOf are the kinds that facts are read from.
var topicOf = map[schema.GroupKind]string{
	snapshot.ClusterKind: TopicVersions, snapshot.NodeKind: TopicVersions, snapshot.NamespaceKind: TopicNamespaces,
	snapshot.ResourceQuotaKind: TopicQuotas, snapshot.LimitRangeKind: TopicLimits, snapshot.ClusterRoleKind: TopicRoles, snapshot.APIServiceKind: TopicAPIs,
	snapshot.DeploymentKind: TopicAddOns, snapshot.DaemonSetKind: TopicAddOns, snapshot.StatefulSetKind: TopicAddOns,
}

// policyKinds are the kinds by which a cluster is held to rules.
func policyKinds() []schema.GroupKind {
	var list []schema.GroupKind
	for _, gk := range slices.Concat(rule.JudgingKinds, rule.ChangingKinds, rule.SigningKinds) {
		if !slices.Contains(list, gk) {
			list = append(list, gk)
		}
	}
	return list
}

// StandardKinds are the kinds that a standard is read from.
func StandardKinds() []schema.GroupKind {
	return append(slices.SortedFunc(maps.Keys(topicOf), func(a, b schema.GroupKind) int { return strings.Compare(a.String(), b.String()) }), policyKinds()...)
}

// StandardWants are what is to be read besides, once the kinds are: the constraints of Gatekeeper, whose kinds its
// templates define.
func StandardWants(s *snapshot.Snapshot) []snapshot.Want {
	var wants []snapshot.Want
	for _, gk := range constraintKinds(s) {
		if w := snapshot.WantList(gk, "", ""); !s.Answered(w) {
			wants = append(wants, w)
		}
	}
	return wants
}

func constraintKinds(s *snapshot.Snapshot) []schema.GroupKind {
	var kinds []schema.GroupKind
	for _, o := range s.List(snapshot.ConstraintTemplateKind, "") {
		created, _ := o.At("status", "created") // or the kind is not served
		name, _ := o.At("spec", "crd", "spec", "names", "kind")
		if kind, ok := name.(string); ok && created == true {
			kinds = append(kinds, schema.GroupKind{Group: snapshot.ConstraintGroup, Kind: kind})
		}
	}
	return kinds
}

// NewStandard reads what is set up in a cluster or, where it is not "", in a namespace. What names itself anew in every
// cluster, and what Kubernetes keeps for itself, is no part of it.
func NewStandard(s *snapshot.Snapshot, namespace string) *Standard {
	b := &standardBuilder{Standard: &Standard{unread: map[schema.GroupKind]string{}}, s: s, namespace: namespace, skipped: map[string]bool{}}
	for _, gk := range slices.Concat(StandardKinds(), constraintKinds(s)) {
		if !s.ListRead(gk, namespace) {
			b.unread[gk] = cmp.Or(s.ListOutcome(gk, namespace).Reason, snapshot.ReasonUnread)
		}
	}
	b.ofNamespaces()
	b.versions()
	b.bounds()
	b.policies()
	b.roles()
	b.addOns()
	b.apis()
	b.settle()
	return b.Standard
}

type standardBuilder struct {
	*Standard
	s         *snapshot.Snapshot
	namespace string
	skipped   map[string]bool // namespaces that are no part of a standard
}

func (b *standardBuilder) add(topic, name, value string, from schema.GroupKind, within string) {
	b.Facts = append(b.Facts, Fact{Topic: topic, Name: name, Value: value, from: from, within: within})
}

// list are the objects of a kind that are part of a standard.
func (b *standardBuilder) list(gk schema.GroupKind) []*snapshot.Object {
	var list []*snapshot.Object
	for _, o := range b.s.List(gk, "") {
		outside := b.namespace != "" && o.Namespace != "" && o.Namespace != b.namespace
		if o.Meta.GetDeletionTimestamp() == nil && !outside && !b.skipped[o.Namespace] {
			list = append(list, o)
		}
	}
	return list
}

// nameOf is the name of an object within its namespace, without what a server has made up of it.
func nameOf(o *snapshot.Object) string {
	name := o.Name
	if start := o.Meta.GetGenerateName(); start != "" {
		name = start + "*"
	}
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return name
}

// settle puts facts into their order. Several of one name are one.
func (b *standardBuilder) settle() {
	slices.SortStableFunc(b.Facts, func(x, y Fact) int {
		return cmp.Or(slices.Index(Topics(), x.Topic)-slices.Index(Topics(), y.Topic), strings.Compare(x.Name, y.Name), strings.Compare(x.Value, y.Value))
	})
	kept := b.Facts[:0]
	for _, f := range b.Facts {
		if n := len(kept); n > 0 && kept[n-1].Topic == f.Topic && kept[n-1].Name == f.Name {
			if last := &kept[n-1]; !slices.Contains(strings.Split(last.Value, "; "), f.Value) {
				last.Value += "; " + f.Value
			}
			continue
		}
		kept = append(kept, f)
	}
	b.Facts = kept
}

// ofNamespaces are the namespaces, and which pods they admit.
func (b *standardBuilder) ofNamespaces() {
	if b.unread[snapshot.NamespaceKind] == "" {
		b.namespaces = map[string]bool{}
	}
	for _, o := range b.s.List(snapshot.NamespaceKind, "") {
		if o.Meta.GetDeletionTimestamp() != nil || o.Meta.GetGenerateName() != "" {
			b.skipped[o.Name] = true
			continue
		}
		if b.namespaces != nil {
			b.namespaces[o.Name] = true
		}
		if knowledge.SystemNamespace(o.Name) || b.namespace != "" && o.Name != b.namespace {
			continue
		}
		b.add(TopicNamespaces, o.Name, "present", snapshot.NamespaceKind, "")
		b.add(TopicPodSecurity, o.Name, podSecurity(o.Meta.GetLabels()), snapshot.NamespaceKind, o.Name)
	}
}

// podSecurity is what the labels of a namespace say. Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/
func podSecurity(labels map[string]string) string {
	const prefix, latest = "pod-security.kubernetes.io/", "latest"
	var parts []string
	for _, mode := range []string{"audit", "enforce", "warn"} {
		level := labels[prefix+mode]
		if level == "" {
			continue
		}
		if v := labels[prefix+mode+"-version"]; v != "" && v != latest {
			level += ":" + v
		}
		parts = append(parts, mode+"="+level)
	}
	return cmp.Or(strings.Join(parts, ", "), "no labels")
}

func (b *standardBuilder) versions() {
	if c := b.s.Itself(); c != nil && c.Version != "" {
		b.add(TopicVersions, "API server", c.Version, snapshot.ClusterKind, "")
	} else if c != nil {
		b.unread[snapshot.ClusterKind] = cmp.Or(c.WhyUnread(snapshot.PartVersion), snapshot.ReasonUnread)
	}
	if b.unread[snapshot.NodeKind] != "" {
		return
	}
	var minors []string
	for _, o := range b.list(snapshot.NodeKind) {
		if node, ok := o.Typed.(*corev1.Node); ok {
			minors = append(minors, minorOf(node.Status.NodeInfo.KubeletVersion))
		}
	}
	slices.SortFunc(minors, func(x, y string) int { return cmp.Or(len(x)-len(y), strings.Compare(x, y)) })
	b.add(TopicVersions, "kubelets", cmp.Or(strings.Join(slices.Compact(minors), ", "), "no nodes"), snapshot.NodeKind, "")
}

// minorOf is "1.37" of v1.37.2-eks-1a2b3c.
func minorOf(version string) string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return cmp.Or(version, "unknown")
	}
	return parts[0] + "." + parts[1]
}

// bounds are the quotas and default limits of namespaces.
func (b *standardBuilder) bounds() {
	for _, o := range b.list(snapshot.ResourceQuotaKind) {
		q, ok := o.Typed.(*corev1.ResourceQuota)
		if !ok || knowledge.SystemNamespace(o.Namespace) || rule.Shipped(o) {
			continue
		}
		parts := amounts("", q.Spec.Hard)
		for _, scope := range q.Spec.Scopes {
			parts = append(parts, "scope="+string(scope))
		}
		if sel := q.Spec.ScopeSelector; sel != nil {
			for _, e := range sel.MatchExpressions {
				parts = append(parts, fmt.Sprintf("scope=%s %s %s", e.ScopeName, e.Operator, strings.Join(slices.Sorted(slices.Values(e.Values)), "|")))
			}
		}
		b.add(TopicQuotas, nameOf(o), joined(parts), snapshot.ResourceQuotaKind, o.Namespace)
	}
	for _, o := range b.list(snapshot.LimitRangeKind) {
		l, ok := o.Typed.(*corev1.LimitRange)
		if !ok || knowledge.SystemNamespace(o.Namespace) || rule.Shipped(o) {
			continue
		}
		var parts []string
		for _, item := range l.Spec.Limits {
			start := string(item.Type) + "."
			parts = append(parts, amounts(start+"default.", item.Default)...)
			parts = append(parts, amounts(start+"defaultRequest.", item.DefaultRequest)...)
			parts = append(parts, amounts(start+"max.", item.Max)...)
			parts = append(parts, amounts(start+"maxLimitRequestRatio.", item.MaxLimitRequestRatio)...)
			parts = append(parts, amounts(start+"min.", item.Min)...)
		}
		b.add(TopicLimits, nameOf(o), joined(parts), snapshot.LimitRangeKind, o.Namespace)
	}
}

// joined are the parts of a value in their order.
func joined(parts []string) string {
	slices.Sort(parts)
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}

// amounts are "prefix+name=amount", the same for the same amount however it was written.
func amounts(prefix string, list corev1.ResourceList) []string {
	parts := make([]string, 0, len(list))
	for name, q := range list {
		text := resource.NewMilliQuantity(q.MilliValue(), resource.DecimalSI).String()
		if n := q.Value(); n%1024 == 0 && inBytes(string(name)) {
			text = resource.NewQuantity(n, resource.BinarySI).String()
		} else if q.MilliValue()%1000 == 0 {
			text = resource.NewQuantity(n, resource.DecimalSI).String()
		}
		parts = append(parts, prefix+string(name)+"="+text)
	}
	return parts
}

// inBytes tells whether a resource is counted in bytes, which people write as powers of two.
func inBytes(name string) bool {
	return strings.Contains(name, "memory") || strings.Contains(name, "storage") || strings.Contains(name, "hugepages-")
}

// policies are the rules that a cluster holds to what people create. What came with the cluster is left out.
func (b *standardBuilder) policies() {
	for _, gk := range slices.Concat(policyKinds(), constraintKinds(b.s)) {
		for _, o := range b.list(gk) {
			if rule.Shipped(o) || knowledge.SystemNamespace(o.Namespace) {
				continue
			}
			spec, _ := o.Raw()["spec"].(map[string]any)
			b.add(TopicPolicies, gk.Kind+" "+nameOf(o), specText(spec), gk, o.Namespace)
		}
	}
}

// defaults are what servers and CRDs fill in. Source: the API reference of admissionregistration.k8s.io/v1, and the CRDs
// of Kyverno 1.15 and Gatekeeper 3.20.
var defaults = map[string]any{
	"failurePolicy": "Fail", "matchPolicy": "Equivalent", "scope": "*", "admission": true, "background": true, "emitWarning": false,
	"validationFailureAction": "Audit", "skipBackgroundRequests": true, "allowExistingViolations": true, "enforcementAction": "deny",
	"reinvocationPolicy": "Never",
}

// normal is a value without what says nothing: defaults, and what is empty. nil is what is left of nothing.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, item := range v {
			if d, ok := defaults[k]; ok && d == item {
				continue
			}
			if item = normal(item); item != nil {
				out[k] = item
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		var out []any
		for _, item := range v {
			if _, isMap := item.(map[string]any); isMap {
				if kept := normal(item); kept != nil {
					item = kept
				}
			}
			out = append(out, item)
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case string:
		if v = strings.TrimSpace(v); v == "" {
			return nil
		}
		return v
	}
	return v
}

// specText tells specs apart by their fields: short ones as they are, of others the hash.
func specText(spec map[string]any) string {
	fields, _ := normal(spec).(map[string]any)
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, k+"="+short(fields[k]))
	}
	return cmp.Or(strings.Join(parts, ", "), "all defaults")
}

// shortValue is how long a value may be that is told as it is.
const shortValue = 40

func short(v any) string {
	plain := func(v any) (string, bool) {
		switch v.(type) {
		case map[string]any, []any, nil:
			return "", false
		}
		text := fmt.Sprint(v)
		return text, len(text) <= shortValue && !strings.ContainsAny(text, ",;\n")
	}
	if text, ok := plain(v); ok {
		return text
	}
	if list, ok := v.([]any); ok {
		var words []string
		for _, item := range list {
			if text, ok := plain(item); ok {
				words = append(words, text)
			}
		}
		if text := strings.Join(words, "|"); len(words) == len(list) && len(text) <= shortValue {
			return text
		}
	}
	return "#" + digest(v)
}

// digest is the same for the same value.
func digest(v any) string {
	data, err := json.Marshal(v) // in the order of the keys
	if err != nil {
		data = []byte(fmt.Sprint(v))
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:4])
}

// Labels of roles that are part of others. Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
const (
	aggregateLabel = "rbac.authorization.k8s.io/aggregate-to-"
	bootstrapLabel = "kubernetes.io/bootstrapping"
)

// roles are what was added to the roles that everybody knows: view, edit and admin.
func (b *standardBuilder) roles() {
	for _, o := range b.list(snapshot.ClusterRoleKind) {
		role, ok := o.Typed.(*rbacv1.ClusterRole)
		labels := o.Meta.GetLabels()
		if !ok || labels[bootstrapLabel] != "" || role.AggregationRule != nil || rule.Shipped(o) {
			continue
		}
		var to []string
		for _, name := range []string{"admin", "edit", "view"} {
			if labels[aggregateLabel+name] == "true" {
				to = append(to, name)
			}
		}
		if len(to) == 0 {
			continue
		}
		rules := make([]any, 0, len(role.Rules))
		for _, r := range role.Rules {
			var words []any // in whatever order they were written
			for _, list := range [][]string{r.APIGroups, r.Resources, r.Verbs, r.ResourceNames, r.NonResourceURLs} {
				words = append(words, slices.Sorted(slices.Values(list)))
			}
			rules = append(rules, words)
		}
		b.add(TopicRoles, nameOf(o), fmt.Sprintf("rules=#%s, to=%s", digest(rules), strings.Join(to, "|")), snapshot.ClusterRoleKind, "")
	}
}

// addOnNamespaces are where add-ons live by default. Source: the manifests and charts of each project.
var addOnNamespaces = map[string]bool{
	"argo": true, "argo-rollouts": true, "argocd": true, "calico-apiserver": true, "calico-system": true, "cattle-system": true, "cert-manager": true, "cilium": true,
	"cilium-system": true, "cnpg-system": true, "crossplane-system": true, "envoy-gateway-system": true, "external-dns": true, "external-secrets": true,
	"falco": true, "flux-system": true, "gatekeeper-system": true, "gmp-system": true, "ingress-nginx": true, "istio-system": true, "k8up": true, "karpenter": true,
	"keda": true, "knative-serving": true, "kube-flannel": true, "kubescape": true, "kubewarden": true, "kyverno": true, "linkerd": true, "local-path-storage": true,
	"longhorn-system": true, "metallb-system": true, "metrics-server": true, "monitoring": true, "node-feature-discovery": true, "openebs": true,
	"opentelemetry-operator-system": true, "prometheus": true, "rook-ceph": true, "sealed-secrets": true, "tigera-operator": true, "traefik": true,
	"trivy-system": true, "velero": true, "vertical-pod-autoscaler": true,
}

// addOns are what runs for everybody, in the version of its images, and what charts were installed.
func (b *standardBuilder) addOns() {
	for _, gk := range []schema.GroupKind{snapshot.DeploymentKind, snapshot.DaemonSetKind, snapshot.StatefulSetKind} {
		for _, o := range b.list(gk) {
			if _, controlled := o.OwnerRef(); controlled {
				continue
			}
			if chart, release := chartOf(o); chart != "" {
				b.add(TopicReleases, release, chart, gk, o.Namespace)
			}
			if o.Namespace == "kube-system" || addOnNamespaces[o.Namespace] {
				b.add(TopicAddOns, nameOf(o), imagesOf(o), gk, o.Namespace)
			}
		}
	}
}

// chartOf is the chart that an object comes from, with its version, and the release that it is part of. Source:
// https://helm.sh/docs/chart_best_practices/labels/
func chartOf(o *snapshot.Object) (chart, release string) {
	labels := o.Meta.GetLabels()
	chart = labels["helm.sh/chart"]
	release = cmp.Or(o.Meta.GetAnnotations()["meta.helm.sh/release-name"], labels["app.kubernetes.io/instance"], labels["app.kubernetes.io/name"], o.Name)
	return chart, o.Namespace + "/" + release
}

// imagesOf are the versions of a workload's containers; where they come from is not told, since clusters have mirrors of
// their own.
func imagesOf(o *snapshot.Object) string {
	var parts []string
	version := ""
	for _, t := range o.Templates {
		for _, c := range t.Containers() {
			if !c.Init {
				version = imageVersion(c.Image)
				parts = append(parts, c.Name+"="+version)
			}
		}
	}
	if len(parts) == 1 {
		return version
	}
	return joined(parts)
}

func imageVersion(image string) string {
	ref, ok := knowledge.ParseImage(image)
	switch {
	case !ok:
		return image
	case ref.Tag != "":
		return ref.Tag
	case ref.Digest != "":
		return ref.Digest[:min(len(ref.Digest), len("sha256:")+8)]
	}
	return "latest"
}

// managedLabel says who registered a version of the API: "onstart" is what the server serves by itself. Source:
// k8s.io/kube-aggregator, pkg/controllers/autoregister.
const managedLabel = "kube-aggregator.kubernetes.io/automanaged"

// apis are the groups that others than Kubernetes brought, with their versions.
func (b *standardBuilder) apis() {
	versions := map[string][]string{}
	for _, o := range b.list(snapshot.APIServiceKind) {
		version, group, ok := strings.Cut(o.Name, ".")
		if ok && group != "" && o.Meta.GetLabels()[managedLabel] != "onstart" {
			versions[group] = append(versions[group], version)
		}
	}
	for group, list := range versions {
		slices.Sort(list)
		b.add(TopicAPIs, group, strings.Join(list, ", "), snapshot.APIServiceKind, "")
	}
}

// Compared is one fact in several clusters, by their names.
type Compared struct {
	Topic   string
	Name    string // where nothing is known at all, the kind that could not be read
	Verdict Verdict
	Values  map[string]string // what it is where it is there
	Missing []string          // where it is not there
	Unknown map[string]string // why nobody can tell, by cluster
}

// Compare puts standards side by side, by topic and name. What is about a namespace is compared where that is there.
func Compare(clusters map[string]*Standard) []Compared {
	names := slices.Sorted(maps.Keys(clusters))
	if len(names) < 2 {
		return nil
	}
	type key struct{ topic, name string }
	known := map[key]map[string]Fact{}
	var keys []key
	told := map[schema.GroupKind]bool{}
	for _, cluster := range names {
		for _, f := range clusters[cluster].Facts {
			k := key{f.Topic, f.Name}
			if known[k] == nil {
				known[k] = map[string]Fact{}
				keys = append(keys, k)
			}
			known[k][cluster] = f
			told[f.from] = true
		}
	}
	var rows []Compared
	for _, k := range keys {
		if row, ok := compare(names, clusters, known[k]); ok {
			rows = append(rows, row)
		}
	}
	for _, cluster := range names {
		for gk, reason := range clusters[cluster].unread {
			topic, always := topicOf[gk] // of a kind of somebody else's that nobody has there is nothing to tell
			if !always || told[gk] {
				continue
			}
			i := slices.IndexFunc(rows, func(r Compared) bool { return r.Topic == topic && r.Name == gk.Kind })
			if i < 0 {
				i = len(rows)
				rows = append(rows, Compared{Topic: topic, Name: gk.Kind, Verdict: Unknown, Values: map[string]string{}, Unknown: map[string]string{}})
			}
			rows[i].Unknown[cluster] = reason
		}
	}
	slices.SortStableFunc(rows, func(a, b Compared) int {
		return cmp.Or(slices.Index(Topics(), a.Topic)-slices.Index(Topics(), b.Topic), strings.Compare(a.Name, b.Name))
	})
	return rows
}

// compare is one fact; ok is false where there is nothing to compare it with.
func compare(names []string, clusters map[string]*Standard, facts map[string]Fact) (row Compared, ok bool) {
	var one Fact
	for _, n := range slices.Backward(names) {
		if f, ok := facts[n]; ok {
			one = f
		}
	}
	row = Compared{Topic: one.Topic, Name: one.Name, Values: map[string]string{}, Unknown: map[string]string{}}
	differ := false
	for _, n := range names {
		f, is := facts[n]
		switch {
		case is:
			row.Values[n] = f.Value
			differ = differ || f.Value != one.Value
		case clusters[n].lacks(one.within): // which is a row of its own
		case clusters[n].why(one.from) != "":
			row.Unknown[n] = clusters[n].why(one.from)
		default:
			row.Missing = append(row.Missing, n)
		}
	}
	switch {
	case differ:
		row.Verdict = Differs
	case len(row.Missing) > 0:
		row.Verdict = Missing
	case len(row.Unknown) > 0:
		row.Verdict = Unknown
	default:
		row.Verdict = Same
	}
	return row, len(row.Values)+len(row.Missing)+len(row.Unknown) > 1
}

// lacks tells whether a namespace is known not to be there.
func (s *Standard) lacks(namespace string) bool {
	return namespace != "" && s.namespaces != nil && !s.namespaces[namespace]
}

// why is the reason why the objects of a kind are not known; "" where they are.
func (s *Standard) why(gk schema.GroupKind) string {
	if reason := s.unread[gk]; reason != "" || gk.Group != snapshot.ConstraintGroup {
		return reason
	}
	return s.unread[snapshot.ConstraintTemplateKind]
}
