package network

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DNSConfig finds pods that look up a name and whose dnsConfig keeps it from being completed, or from being asked
// of the name server that knows it.
var DNSConfig = rule.Cause{
	ID: "dns-config", Title: "its dnsConfig keeps a name from being found", Doc: rule.ReadDoc(docs, "dns_config.md"),
	Stage: rule.StageExit, Beats: append([]string{"dependency-dns"}, passedOn...), On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		if !configured(p) {
			return nil
		}
		wants := []snapshot.Want{snapshot.WantEvents(p.Object.Ref)}
		for _, w := range troubled(p) {
			wants = append(wants, w)
		}
		for _, u := range notFoundNames(p) {
			if u.service != "" {
				wants = append(wants, snapshot.WantGet(snapshot.ServiceKind, u.namespace, u.service))
			}
			wants = append(wants, wantDNSService)
		}
		slices.SortFunc(wants, func(a, b snapshot.Want) int { return strings.Compare(a.String(), b.String()) })
		return wants
	},
	Run: func(p *rule.Pass) {
		if !configured(p) {
			return
		}
		for _, u := range notFoundNames(p) {
			judgeLookup(p, u)
		}
	},
}

// wantDNSService is the Service of the cluster's name server, whichever program it is.
var wantDNSService = snapshot.WantGet(snapshot.ServiceKind, dnsNamespace, "kube-dns")

// configured tells whether the pod asks for names in a way of its own, or its kubelet has left out a part of that.
func configured(p *rule.Pass) bool {
	pod := p.Object.Pod()
	return pod != nil && (pod.Spec.DNSConfig != nil || p.Event(p.Object, "DNSConfigForming") != nil)
}

// notFoundNames are the last names that the Pod's troubled containers could not look up; with the Service that each
// would mean.
func notFoundNames(p *rule.Pass) []unknownName {
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
			if noResolver.MatchString(lines[i]) {
				break // the name server did not answer at all
			}
			for _, pattern := range lookedUp {
				if m := pattern.FindStringSubmatch(lines[i]); m != nil && !isAddress(m[1]) {
					u := unknownName{question: question{c, lines[i]}, host: strings.TrimSuffix(m[1], ".")}
					u.namespace, u.service, _ = shortName(u.host, p.Object.Namespace)
					list = append(list, u)
					break search
				}
			}
		}
	}
	return list
}

// shortName is the Service that a name means which is still to be completed; ok is false for one that is complete.
func shortName(host, namespace string) (ns, name string, ok bool) {
	parts := strings.Split(host, ".")
	switch {
	case len(parts) == 1:
		return namespace, parts[0], true
	case len(parts) == 2, len(parts) == 3 && parts[2] == "svc":
		return parts[1], parts[0], true
	}
	return "", "", false
}

func judgeLookup(p *rule.Pass, u unknownName) {
	pod := p.Object.Pod()
	var svc *snapshot.Object
	if u.service != "" {
		svc, _ = p.Lookup(snapshot.ServiceKind, u.namespace, u.service)
	}
	switch {
	case svc != nil && pod.Spec.DNSPolicy == corev1.DNSNone:
		if asksCluster(p, pod) == yes && !completes(pod.Spec.DNSConfig.Searches, p.Object.Namespace, u.host) {
			reportSearches(p, u, svc)
		}
	case svc != nil && usesClusterDNS(pod):
		judgeNdots(p, u, svc)
	case svc == nil:
		reportLeftOut(p, u)
	}
}

// said is a yes, a no, or that it is not known.
type said int

const (
	unsaid said = iota
	yes
	no
)

// asksCluster tells whether a pod with name servers of its own asks the cluster's among them.
func asksCluster(p *rule.Pass, pod *corev1.Pod) said {
	o, _ := p.Lookup(snapshot.ServiceKind, dnsNamespace, "kube-dns")
	if o == nil || pod.Spec.DNSConfig == nil {
		return unsaid
	}
	svc, ok := o.Typed.(*corev1.Service)
	if !ok {
		return unsaid
	}
	ips := append(slices.Clone(svc.Spec.ClusterIPs), svc.Spec.ClusterIP)
	if slices.ContainsFunc(pod.Spec.DNSConfig.Nameservers, func(ip string) bool { return slices.Contains(ips, ip) }) {
		return yes
	}
	return no
}

// completes tells whether a search list makes the name of a Service complete.
func completes(searches []string, namespace, host string) bool {
	suffix := "svc."
	if !strings.Contains(host, ".") {
		suffix = namespace + ".svc."
	} else if strings.HasSuffix(host, ".svc") {
		return len(searches) > 0
	}
	return slices.ContainsFunc(searches, func(s string) bool { return strings.HasPrefix(s, suffix) })
}

func reportSearches(p *rule.Pass, u unknownName, svc *snapshot.Object) {
	config := p.Object.Pod().Spec.DNSConfig
	at := p.PodSpec().Child("dnsConfig", "searches")
	f := lookupFinding(p, u, at, rule.Likely)
	f.Value = strings.Join(config.Searches, " ")
	f.Message = fmt.Sprintf("cannot look up %s: with dnsPolicy None its dnsConfig has no search list that completes it, so the cluster's name server is asked for %s and knows only %s.%s.svc", u.host, u.host, svc.Name, svc.Namespace)
	f.Label = "nothing here makes it the full name of " + svc.String()
	f.Evidence = append(f.Evidence, serviceThere(svc))
	f.RuledOut = append(f.RuledOut, "another name server: the cluster's is among those it asks")
	want := []any{p.Object.Namespace + ".svc.cluster.local", "svc.cluster.local", "cluster.local"}
	f.Fix.Title = "give it the search list of the cluster, or dnsPolicy ClusterFirst, or call the full name"
	f.Fix.Caution = "cluster.local is the default: some clusters have another domain"
	if at.Object.GroupKind() != snapshot.PodKind {
		have := make([]any, 0, len(config.Searches))
		for _, s := range config.Searches {
			have = append(have, s)
		}
		f.Fix.Patch = p.Change(at, have, append(want, have...))
		f.Fix.Command = p.PatchCommand(at.Object, f.Fix.Patch)
	}
	p.Report(f)
}

// How C libraries say that a name is not there. The one of musl completes no name that has as many dots as ndots
// says; glibc and Go try it as it is first, and complete it then. Sources: musl, src/network/lookup_name.c; glibc, res_query.c;
// Go, net/dnsclient_unix.go.
var (
	muslWords = knowledge.Regexp(`Name does not resolve|bad address '`)
	anyLibc   = knowledge.Regexp(`ENOTFOUND|UnknownHostException: \S+$`)
)

func judgeNdots(p *rule.Pass, u unknownName, svc *snapshot.Object) {
	config := p.Object.Pod().Spec.DNSConfig
	if config == nil {
		return
	}
	i := slices.IndexFunc(config.Options, func(o corev1.PodDNSConfigOption) bool { return o.Name == "ndots" && o.Value != nil })
	if i < 0 {
		return
	}
	value := *config.Options[i].Value
	n, err := strconv.Atoi(value)
	dots := strings.Count(u.host, ".")
	certainty := rule.Likely
	switch {
	case err != nil || dots < n:
		return
	case muslWords.MatchString(u.line):
	case anyLibc.MatchString(u.line):
		certainty = rule.Possible
	default:
		return
	}
	at := p.PodSpec().Child("dnsConfig", "options").Index(i).Child("value")
	f := lookupFinding(p, u, at, certainty)
	f.Value = value
	f.Message = fmt.Sprintf("cannot look up %s, a short name of %s: with ndots %s a name of %s counts as complete, and musl, the C library of Alpine, then adds no search domain", u.host, svc.String(), value, rule.Count(dots, "dot"))
	if certainty == rule.Possible {
		f.Message += ": is the image one of those?"
	}
	f.Label = fmt.Sprintf("%s has %s", u.host, rule.Count(dots, "dot"))
	f.Evidence = append(f.Evidence, serviceThere(svc))
	f.RuledOut = append(f.RuledOut, fmt.Sprintf("a misspelled name: %s is there", svc.String()))
	f.Fix.Title = "set ndots to 5, the cluster's default; or call the full name"
	f.Fix.Caution = "names outside of the cluster then take several questions each, which a low ndots saves"
	if at.Object.GroupKind() != snapshot.PodKind {
		f.Fix.Patch = p.Change(at, value, "5")
		f.Fix.Command = p.PatchCommand(at.Object, f.Fix.Patch)
	}
	p.Report(f)
}

// appliedLine is what a kubelet says that it has kept of a list that was too long.
var appliedLine = knowledge.Regexp(`the applied (?:search|nameserver) line is: (.*)`)

// reportLeftOut tells of a name that is no Service's, where a part of the search list was left out, or where the
// name servers of dnsConfig come after the cluster's.
func reportLeftOut(p *rule.Pass, u unknownName) {
	config := p.Object.Pod().Spec.DNSConfig
	if u.service != "" {
		if _, out := p.Lookup(snapshot.ServiceKind, u.namespace, u.service); out.State != snapshot.Absent {
			return
		}
	}
	if e := p.Event(p.Object, "DNSConfigForming", "Search Line limits"); e != nil && strings.Count(u.host, ".") < 5 {
		var gone []string
		if m := appliedLine.FindStringSubmatch(e.Message); m != nil && config != nil {
			kept := strings.Fields(m[1])
			for _, s := range config.Searches {
				if !slices.Contains(kept, s) {
					gone = append(gone, s)
				}
			}
		}
		at := p.PodSpec().Child("dnsConfig", "searches")
		f := lookupFinding(p, u, at, rule.Possible)
		f.Evidence = append(f.Evidence, rule.EventEvidence(e))
		f.Message = fmt.Sprintf("cannot look up %s, and the kubelet has left out a part of the pod's search list, which was too long: is the domain of that name among it?", u.host)
		f.Fix.Title = "shorten the search list, or call the full name; at most 32 domains and 2048 letters are used"
		if len(gone) > 0 {
			f.Message = fmt.Sprintf("cannot look up %s, and the kubelet has left out %s of its dnsConfig, since the list was too long: is the name in one of those?", u.host, some(gone))
			f.Label = "left out: " + some(gone)
			f.Value = some(gone)
		} else {
			f.Field, f.Label, f.Value = nil, "", ""
			f.NoField = "the list of the node (resolv.conf) and the cluster's come before the pod's, and the API does not show them"
		}
		p.Report(f)
		return
	}
	if config == nil || len(config.Nameservers) == 0 || !usesClusterDNS(p.Object.Pod()) {
		return
	}
	at := p.PodSpec().Child("dnsConfig", "nameservers")
	f := lookupFinding(p, u, at, rule.Possible)
	f.Value = strings.Join(config.Nameservers, " ")
	f.Message = fmt.Sprintf("cannot look up %s; %s of its dnsConfig is asked only where the cluster's name server does not answer, and that it has no such name is an answer: is it the one that knows %s?", u.host, some(config.Nameservers), u.host)
	f.Label = "comes after the cluster's name server, whose \"no such name\" is final"
	f.Fix.Title = "have the cluster's DNS forward that domain to the server that knows it; or use dnsPolicy None, with name servers that know all names"
	p.Report(f)
}

// lookupFinding is what all findings of this cause have in common.
func lookupFinding(p *rule.Pass, u unknownName, at rule.Setting, certainty rule.Certainty) rule.Finding {
	return rule.Finding{
		Object: at.Object, Seen: p.Object.In(u.container.Name), Field: at.Path, Certainty: certainty,
		Evidence: []rule.Evidence{p.LogEvidence(u.container, u.line)},
		RuledOut: []string{"a name server that does not answer: it has, that there is no such name"},
		Fix:      &rule.Fix{Applicability: rule.NeedsThought},
	}
}

func serviceThere(svc *snapshot.Object) rule.Evidence {
	return rule.Evidence{Source: rule.FromSpec, Object: svc.Ref, Text: fmt.Sprintf("%s is there, in namespace %s", svc.String(), svc.Namespace)}
}
