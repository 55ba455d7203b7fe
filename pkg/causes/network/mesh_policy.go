package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

const istioGroup = "security.istio.io"

var (
	peerAuthKind  = schema.GroupKind{Group: istioGroup, Kind: "PeerAuthentication"}
	authorizeKind = schema.GroupKind{Group: istioGroup, Kind: "AuthorizationPolicy"}
)

// meshRoot is the namespace whose policies are for the whole mesh, by default. Source: Istio, meshConfig.rootNamespace.
const meshRoot = "istio-system"

// MeshPolicy finds programs whose calls the policies of an Istio mesh turn down at the other side.
var MeshPolicy = rule.Cause{
	ID: "mesh-policy", Title: "a policy of the mesh turns its call down", Doc: rule.ReadDoc(docs, "mesh_policy.md"),
	Stage: rule.StageRoute, Beats: passedOn, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, w := range troubled(p) {
			wants = append(wants, w)
		}
		for _, c := range turnedDown(p) {
			if ns, name, ok := calledService(c.host, p.Object.Namespace); ok {
				wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, ns, name))
			}
			if c.to(p) == nil {
				continue
			}
			wants = append(wants, snapshot.WantList(snapshot.PodKind, c.service.Namespace, labels.SelectorFromSet(c.svc.Spec.Selector).String()))
			if c.inMesh(p) == nil {
				continue // where no pod of the other side is in a mesh, nobody is asked for kinds that no server may have
			}
			kind := peerAuthKind
			if c.denied {
				kind = authorizeKind
			}
			wants = append(wants, snapshot.WantList(kind, c.service.Namespace, ""), snapshot.WantList(kind, meshRoot, ""))
		}
		slices.SortFunc(wants, func(a, b snapshot.Want) int { return strings.Compare(a.String(), b.String()) })
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range turnedDown(p) {
			port := c.to(p)
			if port == nil {
				continue
			}
			pod := c.inMesh(p)
			switch {
			case pod == nil:
			case c.denied:
				judgeAuthorization(p, c, pod)
			case !meshed(p.Object):
				judgePeerAuth(p, c, pod, targetOn(*port, pod))
			}
		}
	},
}

// meshCall is a call that was answered and turned down.
type meshCall struct {
	call
	denied bool // in the words of a policy about who may; else it was broken off
}

var (
	deniedWords = knowledge.Regexp(`RBAC: access denied`)
	brokenWords = knowledge.Regexp(`: EOF$|(?i)disconnect/reset before headers|empty reply from server|server closed the connection unexpectedly|recv failure`)
)

// turnedDown are the last calls of the Pod's troubled containers that were answered and turned down, one for each.
func turnedDown(p *rule.Pass) []meshCall {
	logs := troubled(p)
	var list []meshCall
	for _, c := range p.Object.PodContainers() {
		w, ok := logs[c.Name]
		if !ok {
			continue
		}
		lines := lastLines(p, w, c)
		for i := len(lines) - 1; i >= 0; i-- {
			one := meshCall{call: call{container: c, line: lines[i]}, denied: deniedWords.MatchString(lines[i])}
			found, silent := knowledge.Unanswered(lines[i])
			if !one.denied && !brokenWords.MatchString(lines[i]) && (!silent || found.How != knowledge.CutOff) {
				continue
			}
			host, port, ok := knowledge.CallAddress(lines[i])
			if n, err := strconv.ParseInt(port, 10, 32); ok && err == nil {
				one.host, one.port = host, int32(n)
				list = append(list, one)
				break
			}
		}
	}
	return list
}

// inMesh is a ready pod behind the called Service that is in a mesh; nil for none.
func (c *meshCall) inMesh(p *rule.Pass) *snapshot.Object {
	for _, o := range running(p, c.call) {
		if meshed(o) {
			return o
		}
	}
	return nil
}

// meshed tells whether a pod's connections go through Istio: it has the proxy, or the node's proxy takes them.
func meshed(o *snapshot.Object) bool {
	if o.Meta.GetAnnotations()["ambient.istio.io/redirection"] == "enabled" {
		return true
	}
	return slices.ContainsFunc(o.PodContainers(), func(c snapshot.Container) bool { return c.Name == "istio-proxy" })
}

// specOf is the spec of an object without a Go type.
func specOf(o *snapshot.Object) map[string]any {
	spec, _ := o.Content["spec"].(map[string]any)
	return spec
}

// meshSelects tells whether a policy of the mesh is for a pod: its selector finds it, or it has none.
func meshSelects(policy, pod *snapshot.Object) (selects, own bool) {
	selector, _ := specOf(policy)["selector"].(map[string]any)
	want, _ := selector["matchLabels"].(map[string]any)
	if policy.Namespace != pod.Namespace && policy.Namespace != meshRoot {
		return false, false
	}
	for k, v := range want {
		if pod.Meta.GetLabels()[k] != v {
			return false, false
		}
	}
	return true, len(want) > 0
}

// policiesOfMesh are the policies of a kind for a pod, the most specific first; ok is false where they were not read.
func policiesOfMesh(p *rule.Pass, kind schema.GroupKind, pod *snapshot.Object) (list []*snapshot.Object, ok bool) {
	if !p.ListRead(kind, pod.Namespace) || !p.ListRead(kind, meshRoot) {
		return nil, false
	}
	var own, wide, root []*snapshot.Object
	for _, o := range p.List(kind, "") {
		selects, byLabel := meshSelects(o, pod)
		switch {
		case !selects || o.Meta.GetDeletionTimestamp() != nil:
		case byLabel:
			own = append(own, o)
		case o.Namespace == pod.Namespace:
			wide = append(wide, o)
		default:
			root = append(root, o)
		}
	}
	return slices.Concat(own, wide, root), true
}

// judgePeerAuth looks whether the called pods take nothing but the mesh's own encryption, which a caller outside of the
// mesh does not speak.
func judgePeerAuth(p *rule.Pass, c meshCall, pod *snapshot.Object, port int32) {
	list, ok := policiesOfMesh(p, peerAuthKind, pod)
	if !ok {
		return
	}
	for _, o := range list {
		spec := specOf(o)
		at := field.NewPath("spec", "mtls", "mode")
		mode, number := snapshot.TextIn(spec, "mtls", "mode"), strconv.Itoa(int(port))
		if own := snapshot.TextIn(spec, "portLevelMtls", number, "mode"); own != "" {
			mode, at = own, field.NewPath("spec", "portLevelMtls").Key(number).Child("mode")
		}
		switch mode {
		case "", "UNSET":
			continue // it leaves the decision to the next wider one
		case "STRICT":
		default:
			return
		}
		p.Report(rule.Finding{
			Object: o.Ref, Seen: p.Object.In(c.container.Name), Field: at, Value: mode, Certainty: rule.Likely,
			Message: fmt.Sprintf("calls %s in plain text, and %s there takes mTLS of the mesh only: the pod has no proxy of the mesh", c.service.String(), o.String()),
			Label:   "plain text is turned down",
			Evidence: []rule.Evidence{
				p.LogEvidence(c.container, c.line),
				{Source: rule.FromSpec, Object: o.Ref, Field: "spec", Text: fmt.Sprintf("%s is for %s: mode STRICT", o.String(), pod.String())},
				{Source: rule.FromSpec, Object: p.Object.Ref, Text: p.Object.String() + " has no container istio-proxy"},
			},
			RuledOut: []string{fmt.Sprintf("a Service without pods: %s is ready", pod.String())},
			Fix: &rule.Fix{
				Title:         "take the caller into the mesh (label its namespace or pod for injection, and make its pods anew), or let this port take both (portLevelMtls PERMISSIVE)",
				Caution:       "PERMISSIVE lets everybody in without encryption and without being known: let whoever wrote the policy decide",
				Applicability: rule.NeedsThought,
			},
		})
		return
	}
}

// judgeAuthorization looks which policy about callers turns the call down.
func judgeAuthorization(p *rule.Pass, c meshCall, pod *snapshot.Object) {
	list, ok := policiesOfMesh(p, authorizeKind, pod)
	if !ok || len(list) == 0 {
		return
	}
	var denying, allowing []*snapshot.Object
	lets := false
	for _, o := range list {
		action := word(specOf(o), "action", "ALLOW")
		names := from(o, p.Object)
		switch {
		case action == "DENY" && names:
			denying = append(denying, o)
		case action == "ALLOW":
			allowing = append(allowing, o)
			lets = lets || names
		}
	}
	f := rule.Finding{
		Seen: p.Object.In(c.container.Name), Certainty: rule.Likely,
		Evidence: []rule.Evidence{p.LogEvidence(c.container, c.line)},
		RuledOut: []string{fmt.Sprintf("a Service without pods: %s is ready, and its proxy answered", pod.String())},
		Fix: &rule.Fix{
			Title:         fmt.Sprintf("name the caller in it: %s", principal(p.Object)),
			Caution:       "it opens the way to those pods: let whoever wrote the policy decide",
			Applicability: rule.NeedsThought,
		},
	}
	blame := func(o *snapshot.Object, at *field.Path, label, message string) {
		f.Object, f.Field, f.Label, f.Message = o.Ref, at, label, message
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "spec", Text: fmt.Sprintf("%s is for %s", o.String(), pod.String())})
	}
	switch {
	case len(denying) > 0:
		blame(denying[0], field.NewPath("spec", "action"), "what its rules name is turned down",
			fmt.Sprintf("%s turns its calls to %s down: a rule with action DENY is for it", refNames(denying), c.service.String()))
		f.Value = "DENY"
		f.Fix.Title = "leave the caller out of its rules (notPrincipals, notNamespaces), where that is meant"
		if len(allowing)+len(denying) > 1 {
			f.Certainty = rule.Possible
			f.Message += "; is it that one?"
		}
	case len(allowing) > 0 && !lets:
		blame(allowing[0], field.NewPath("spec", "rules"), "no rule names "+principal(p.Object),
			fmt.Sprintf("%s lets some call %s, and %s is not among them", refNames(allowing), c.service.String(), principal(p.Object)))
		if !meshed(p.Object) {
			f.Message += ": without a proxy of the mesh it is nobody"
			f.Fix.Title = "take the caller into the mesh, so that it is known, and name it in a rule"
		}
	case len(allowing) > 0:
		blame(allowing[0], field.NewPath("spec", "rules"), "names the caller, for other paths, methods or ports",
			fmt.Sprintf("%s names it among those that may call %s, and not for this: the rules leave out the path, the method or the port", refNames(allowing), c.service.String()))
		f.Fix.Title = "compare the operations of its rules to what the caller asks for"
	default:
		return
	}
	p.Report(f)
}

// principal is how a mesh knows a pod: by its ServiceAccount.
func principal(o *snapshot.Object) string {
	account := "default"
	if pod := o.Pod(); pod != nil && pod.Spec.ServiceAccountName != "" {
		account = pod.Spec.ServiceAccountName
	}
	return fmt.Sprintf("cluster.local/ns/%s/sa/%s", o.Namespace, account)
}

// from tells whether a rule of the policy is for calls of the pod, as far as it says from whom. A policy without
// rules is for nobody, and one that allows nobody turns all down.
func from(policy, caller *snapshot.Object) bool {
	for _, item := range snapshot.ListIn(specOf(policy), "rules") {
		r, _ := item.(map[string]any)
		sources := snapshot.ListIn(r, "from")
		if len(sources) == 0 {
			return true
		}
		for _, item := range sources {
			f, _ := item.(map[string]any)
			source, _ := f["source"].(map[string]any)
			if sourceIs(source, caller) {
				return true
			}
		}
	}
	return false
}

// sourceIs tells whether a source of a rule may be the pod. All that it says must fit; what is said of addresses and
// request principals may.
func sourceIs(source map[string]any, caller *snapshot.Object) bool {
	known := meshed(caller)
	id := strings.TrimPrefix(principal(caller), "cluster.local/")
	fits := func(key, value string) bool {
		list := snapshot.ListIn(source, key)
		return len(list) == 0 || known && slices.ContainsFunc(list, func(item any) bool {
			want, _ := item.(string)
			return globs(want, value) || globs(strings.TrimPrefix(want, "cluster.local/"), value)
		})
	}
	leaves := func(key, value string) bool {
		list := snapshot.ListIn(source, key)
		return len(list) > 0 && known && slices.ContainsFunc(list, func(item any) bool {
			want, _ := item.(string)
			return globs(want, value) || globs(strings.TrimPrefix(want, "cluster.local/"), value)
		})
	}
	return fits("principals", id) && fits("namespaces", caller.Namespace) && !leaves("notPrincipals", id) && !leaves("notNamespaces", caller.Namespace)
}

// globs tells whether a value fits one with a star at its start, its end, or alone.
func globs(want, value string) bool {
	switch {
	case want == "*":
		return true
	case strings.HasPrefix(want, "*"):
		return strings.HasSuffix(value, want[1:])
	case strings.HasSuffix(want, "*"):
		return strings.HasPrefix(value, want[:len(want)-1])
	}
	return want == value
}

func refNames(list []*snapshot.Object) string {
	var names []string
	for _, o := range list {
		names = append(names, o.String())
	}
	return some(names)
}
