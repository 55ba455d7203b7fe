package network

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DNSPolicy finds pods that look up a Service and do not ask the name server that knows it.
var DNSPolicy = rule.Cause{
	ID: "dns-policy", Title: "its dnsPolicy leaves out the cluster's name server", Doc: rule.ReadDoc(docs, "dns_policy.md"),
	Stage: rule.StageExit, Beats: append([]string{"dependency-dns"}, passedOn...), On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if pod := p.Object.Pod(); pod == nil || usesClusterDNS(pod) {
			return nil
		}
		var wants []snapshot.Want
		for _, w := range troubled(p) {
			wants = append(wants, w)
		}
		for _, u := range unknownNames(p) {
			wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, u.namespace, u.service))
			if p.Object.Pod().Spec.DNSPolicy == corev1.DNSNone {
				wants = append(wants, wantDNSService)
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		pod := p.Object.Pod()
		if pod == nil || usesClusterDNS(pod) || pod.Spec.DNSPolicy == corev1.DNSNone && asksCluster(p, pod) == yes {
			return
		}
		for _, u := range unknownNames(p) {
			if o, _ := p.Lookup(snapshot.ServiceKind, u.namespace, u.service); o != nil {
				reportDNSPolicy(p, u, o)
			}
		}
	},
}

// unknownName is a name that a container could not look up, and the Service that it would mean.
type unknownName struct {
	question
	host, namespace, service string
}

// lookedUp are the words with which programs say that a name does not resolve.
var lookedUp = []*knowledge.Pattern{
	knowledge.Regexp(`\blookup ([A-Za-z0-9][A-Za-z0-9.-]{0,252}?)\.?(?: on \S{1,60})?: `),
	knowledge.Regexp(`\b(?:ENOTFOUND|EAI_AGAIN) ([A-Za-z0-9][A-Za-z0-9.-]{0,252})`),
	knowledge.Regexp(`(?i)(?:resolve|translate|unknown)(?: mysql server)?(?: host)?(?: name)?(?: address)?:? ['"‘“(]?([A-Za-z0-9][A-Za-z0-9.-]{0,252})`),
	knowledge.Regexp(`UnknownHostException: ([A-Za-z0-9][A-Za-z0-9.-]{0,252})`),
	knowledge.Regexp(`bad address '([A-Za-z0-9][A-Za-z0-9.-]{0,252})`),
}

// unknownNames are the last names of Services that the Pod's troubled containers could not look up.
func unknownNames(p *rule.Pass) []unknownName {
	logs := troubled(p)
	var list []unknownName
	for _, c := range p.Object.PodContainers() {
		w, ok := logs[c.Name]
		if !ok {
			continue
		}
		lines := lastLines(p, w, c)
	search:
		for i := len(lines) - 1; i >= 0; i-- {
			for _, pattern := range lookedUp {
				m := pattern.FindStringSubmatch(lines[i])
				if m == nil {
					continue
				}
				if ns, name, ok := serviceName(m[1], p.Object.Namespace); ok {
					list = append(list, unknownName{question{c, lines[i]}, m[1], ns, name})
					break search
				}
			}
		}
	}
	return list
}

func reportDNSPolicy(p *rule.Pass, u unknownName, svc *snapshot.Object) {
	pod := p.Object.Pod()
	setting := p.PodSpec().Child("dnsPolicy")
	seen, to := string(pod.Spec.DNSPolicy), string(corev1.DNSClusterFirst)
	if seen == "" {
		seen = string(corev1.DNSClusterFirst)
	}
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(u.container.Name), Field: setting.Path, Value: seen, Certainty: rule.Likely,
		Message: fmt.Sprintf("cannot look up %s: its dnsPolicy is %s, so it does not ask the cluster's name server, which alone knows %s", u.host, seen, svc.String()),
		Label:   "with this the pod does not ask the cluster's name server",
		Evidence: []rule.Evidence{
			p.LogEvidence(u.container, u.line),
			{Source: rule.FromSpec, Object: svc.Ref, Text: fmt.Sprintf("%s is there, in namespace %s", svc.String(), svc.Namespace)},
		},
		RuledOut: []string{fmt.Sprintf("a misspelled name: %s is there", svc.String())},
		Fix:      &rule.Fix{Applicability: rule.NeedsThought, Caution: "names that only its present name servers know will no longer resolve"},
	}
	if pod.Spec.DNSPolicy == corev1.DNSNone && pod.Spec.DNSConfig != nil && len(pod.Spec.DNSConfig.Nameservers) > 0 {
		servers := some(pod.Spec.DNSConfig.Nameservers)
		f.Message = fmt.Sprintf("cannot look up %s: its dnsPolicy is None, so it asks only %s, and the cluster's name server alone knows %s", u.host, servers, svc.String())
		f.Marks = append(f.Marks, rule.Mark{Field: p.PodSpec().Child("dnsConfig", "nameservers").Path, Label: "these are asked, and no others"})
		if asksCluster(p, pod) == unsaid {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.Ref, Field: "spec.dnsConfig.nameservers", Text: fmt.Sprintf("the address of the cluster's name server was not read; if %s is that, what it lacks is a search list", servers)})
		}
	}
	if pod.Spec.HostNetwork {
		to = string(corev1.DNSClusterFirstWithHostNet)
		f.Marks = []rule.Mark{{Field: p.PodSpec().Child("hostNetwork").Path, Label: "a pod of the host's network asks the node's name servers"}}
		if seen == string(corev1.DNSClusterFirst) {
			f.Message = fmt.Sprintf("cannot look up %s: a pod with hostNetwork and dnsPolicy ClusterFirst asks the node's name servers, and they do not know %s", u.host, svc.String())
			f.Label = "does not count for a pod of the host's network"
			f.Fix.Applicability, f.Fix.Caution = rule.Safe, ""
		}
	}
	f.Fix.Title = "set dnsPolicy to " + to
	if setting.Object.GroupKind() == snapshot.PodKind {
		f.Fix.Title = fmt.Sprintf("create the pod anew with dnsPolicy %s: it cannot be changed", to)
		f.Fix.Applicability, f.Fix.Caution = rule.NeedsThought, "nothing makes this pod again by itself"
		p.Report(f)
		return
	}
	f.Fix.Patch = p.Change(setting, seen, to)
	f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
	p.Report(f)
}
