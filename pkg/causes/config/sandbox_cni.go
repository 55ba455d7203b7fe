package config

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// The words of runtimes about the network of a pod, and of network plugins about addresses. Sources:
// containerd and CRI-O (sandbox_run), containernetworking/plugins (host-local), amazon-vpc-cni-k8s,
// cilium, calico.
var (
	networkFails = knowledge.Regexp(`setup network for (sandbox|pod)|failed to (setup|set up) (pod )?network|plugin type="|cni plugin not initialized|network plugin is not ready|CNI request failed|error adding container to network|failed to create pod network sandbox|networkPlugin cni failed`)
	noAddress    = knowledge.Regexp(`(?i)no IP addresses available|failed to assign an IP address|failed to allocate .*\bIP\b|ipam.*(exhausted|no more|not enough)|range is full|no available IP|no more IPs`)
	notReady     = knowledge.Regexp(`cni plugin not initialized|network plugin is not ready|no networks found in|stat /var/lib/calico/nodename|cni config uninitialized`)
	annotation   = knowledge.Regexp(`reading pod bandwidth annotations`)
	pluginName   = knowledge.Regexp(`plugin type="([^"]+)"`)
)

// bandwidthKeys are the annotations that the network of a pod is shaped by.
// Source: kubelet's pkg/util/bandwidth.
var bandwidthKeys = []string{"kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth"}

// SandboxCNI finds pods that get no network, so that none of their containers can start.
var SandboxCNI = rule.Cause{
	ID: "sandbox-cni", Title: "the node cannot give the pod a network", Doc: rule.ReadDoc(docs, "sandbox_cni.md"),
	Stage: rule.StageVolume, On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if e := sandboxEvent(p); e == nil || !networkFails.MatchString(e.Message) {
			return nil
		}
		return []snapshot.Want{snapshot.WantList(snapshot.PodKind, p.Object.Namespace, "")}
	},
	Run: func(p *rule.Pass) {
		if e := sandboxEvent(p); e != nil && networkFails.MatchString(e.Message) {
			reportNetwork(p, e)
		}
	},
}

// sandboxEvent is the kubelet's word that it cannot make the pod's sandbox, of a pod that waits for it.
func sandboxEvent(p *rule.Pass) *corev1.Event {
	pod := p.Object.Pod()
	if pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodPending || !rule.NothingMade(p.Object) {
		return nil
	}
	e := p.Event(p.Object, "FailedCreatePodSandBox")
	if e == nil {
		return nil
	}
	for _, later := range []string{"Pulling", "Pulled", "Created"} { // the sandbox was made since
		if l := p.Event(p.Object, later); l != nil && !snapshot.EventTime(l).Before(snapshot.EventTime(e)) {
			return nil
		}
	}
	return e
}

func reportNetwork(p *rule.Pass, e *corev1.Event) {
	node := snapshot.NodeRef(p.Object.Pod().Spec.NodeName)
	evidence := rule.EventEvidence(e)
	evidence.Text = e.Reason + ": " + lastWords(e.Message)
	f := rule.Finding{
		Object: node, Seen: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		RuledOut: []string{"the image and the program: no container of the pod was created"},
	}
	if annotation.MatchString(e.Message) && bandwidth(p, &f) {
		p.Report(f)
		return
	}
	f.NoField = "nothing in the workload is to blame: the network of pods is the node's"
	who := "the network plugin"
	if m := pluginName.FindStringSubmatch(e.Message); m != nil {
		who = "the network plugin " + rule.Quote(m[1])
	}
	switch {
	case noAddress.MatchString(e.Message):
		f.Message = fmt.Sprintf("%s has no address left for pods: %s says so", node.String(), who)
		f.Fix = &rule.Fix{Title: "free addresses (fewer pods on the node, pods that have ended deleted), or give pods a larger range", Applicability: rule.NeedsThought, Object: node,
			Caution: "addresses that a crash has left taken stay so until the plugin clears them: compare the pods on the node with what its range holds"}
	case notReady.MatchString(e.Message):
		f.Message = fmt.Sprintf("the network of %s is not set up: its network plugin has not started there", node.String())
		f.Fix = &rule.Fix{Title: "look at the network plugin's own pod on this node: it runs as a DaemonSet, most often in kube-system", Applicability: rule.NeedsThought, Object: node}
	default:
		f.Message = fmt.Sprintf("%s on %s fails to give the pod a network", who, node.String())
		f.Fix = &rule.Fix{Title: "look at the network plugin's own pod on this node, and at its log: it runs as a DaemonSet, most often in kube-system", Applicability: rule.NeedsThought, Object: node}
	}
	f.Fix.Lines = []string{rule.Kubectl(p.Context, "", "get", "pods", "-A", "-o", "wide", "--field-selector=spec.nodeName="+node.Name)}
	stuck, well := sameNode(p)
	switch {
	case stuck > 0:
		f.Message += fmt.Sprintf("; %s of the namespace on it wait for the same", rule.Count(stuck, "other pod"))
	case well > 0:
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: node, Text: fmt.Sprintf("%s of the namespace on %s has a network: not all of them fail", rule.Count(well, "other pod"), node.String())})
	}
	p.Report(f)
}

// bandwidth handles an annotation of the pod that the runtime cannot read; ok is false where the pod has
// none.
func bandwidth(p *rule.Pass, f *rule.Finding) (ok bool) {
	for _, key := range bandwidthKeys {
		value, has := p.Object.Meta.GetAnnotations()[key]
		if !has {
			continue
		}
		spec := p.PodSpec()
		f.Object, f.Field, f.Value, f.AtKey = p.Object.Ref, rule.FieldPath("metadata.annotations").Key(key), value, false
		if top := p.TopOwner(p.Object); len(top.Templates) > 0 && top.Templates[0].Path != nil && top.Templates[0].Annotations[key] == value {
			f.Object, f.Field = spec.Object, top.Templates[0].Path.Child("metadata", "annotations").Key(key)
		}
		f.Message = fmt.Sprintf("the annotation %s is %s, which is no bandwidth: the pod gets no network", key, rule.Quote(value))
		f.Label = "not a quantity such as 10M"
		patch := rule.Setting{Object: f.Object, Path: f.Field}.ReplaceValue(value, "<BANDWIDTH>")
		f.Fix = &rule.Fix{Title: "write a quantity (bits a second, 1k to 1P), or take the annotation away", Applicability: rule.Placeholders, Object: f.Object,
			Caution: "the runtime may not be able to take this pod down either: if it stays Terminating once another is ready, delete it with --force", Patch: patch, Command: p.PatchCommand(f.Object, patch)}
		return true
	}
	return false
}

// sameNode counts the other pods of the namespace on the node that wait for their network too, and those
// that have one.
func sameNode(p *rule.Pass) (stuck, well int) {
	for _, o := range p.List(snapshot.PodKind, p.Object.Namespace) {
		pod := o.Pod()
		if o == p.Object || pod == nil || pod.Spec.NodeName != p.Object.Pod().Spec.NodeName || pod.Spec.HostNetwork {
			continue
		}
		switch {
		case sandboxEvent(rule.NewPass(p.Snapshot, o, nil, nil, rule.Sink{})) != nil:
			stuck++
		case pod.Status.PodIP != "":
			well++
		}
	}
	return stuck, well
}

// lastWords is the end of a runtime's message, where the plugin speaks.
func lastWords(message string) string {
	for _, from := range []string{"plugin type=", "get cni namespace options: ", "desc = "} {
		if at := strings.Index(message, from); at >= 0 {
			return rule.Quote(strings.TrimPrefix(message[at:], "desc = "))
		}
	}
	return rule.Quote(message)
}
