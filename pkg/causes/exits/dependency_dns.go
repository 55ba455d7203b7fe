package exits

import (
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DependencyDNS finds programs that end because the name of what they connect to does not resolve.
var DependencyDNS = logCause("dependency-dns", "the name of what it connects to does not resolve", "dependency_dns.md", wantsOfDNS, reportDNS)

// noAnswer is what the more of a reason says where the name server did not answer at all: then the
// name is not at fault.
const noAnswer = "no answer"

const hostName = `([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)\.?`

var (
	dnsPatterns = []*knowledge.Pattern{
		knowledge.Regexp(`\blookup ` + hostName + `(?: on \S+)?: `),
		knowledge.Regexp(`\b(?:ENOTFOUND|EAI_AGAIN) ` + hostName),
		knowledge.Regexp(`could not translate host name "` + hostName + `" to address`),
		knowledge.Regexp(`(?i)could not resolve host:? '?` + hostName),
		knowledge.Regexp(`UnknownHostException: ` + hostName),
		knowledge.Regexp(`bad address '` + hostName + `'`),
		knowledge.Regexp(`Failed to resolve '` + hostName + `'`),
		knowledge.Regexp(`(?i)unable to resolve host(?: address)? [‘'"“]?` + hostName),
		knowledge.Regexp(`(?i)unknown (?:mysql server )?host '` + hostName + `'`),
		knowledge.Regexp(`(?i)(?:getaddrinfo|resolve|gethostbyname|connect(?:ing)?)[^\n]{0,40}?[ '"(]([A-Za-z0-9_][A-Za-z0-9_.-]*[A-Za-z0-9_])['")]?(?::\d+)?[^\n]{0,30}?(?:Name or service not known|Temporary failure in name resolution|Name does not resolve)`),
	}
	dnsSilent  = knowledge.Regexp(`(?i)temporary failure in name resolution|EAI_AGAIN|try again|i/o timeout|server misbehaving|connection refused|network is unreachable`)
	dnsNoRoute = knowledge.Regexp(`\bdial (?:udp|tcp) ([0-9a-fA-F.:\[\]]{3,50}): .{0,40}(network is unreachable|no route to host)`)
)

var dnsReading = reading{
	words: knowledge.Regexp(`(?i)no such host|ENOTFOUND|EAI_AGAIN|resolve|name or service not known|nodename nor servname|name resolution|translate host name|UnknownHost|unknown (?:mysql server )?host|bad address|\blookup \S+.*(?:timeout|misbehaving|refused|try again|unreachable)`),
	read: func(lines []string, at int, _ int32) *reason {
		line := lines[at]
		r := &reason{cause: "dependency-dns"}
		for _, pattern := range dnsPatterns {
			if m := pattern.FindStringSubmatch(line); m != nil {
				r.what = strings.TrimSuffix(m[1], ".")
				break
			}
		}
		if dnsSilent.MatchString(line) {
			r.more = noAnswer
		}
		if call, silent := knowledge.Unanswered(line); r.what == "" && silent && call.Host != "" {
			return nil // the address was found out, and did not answer
		}
		if r.what == "" && r.more == "" && !strings.Contains(line, "Name or service not known") || strings.Trim(r.what, "0123456789.") == "" && r.what != "" {
			return nil
		}
		return r
	},
}

// host is the name as an address without a port: what it means in a cluster is the same.
func (e *ended) host() *refusal { return &refusal{host: e.what, port: e.port} }

func wantsOfDNS(p *rule.Pass, _ snapshot.Container, e *ended) []snapshot.Want {
	if e.more == noAnswer {
		return []snapshot.Want{snapshot.WantList(snapshot.NetworkPolicyKind, p.Object.Namespace, "")}
	}
	ns, name, ok := e.host().service(p.Object.Namespace)
	if !ok {
		return nil
	}
	wants := []snapshot.Want{snapshot.WantGet(snapshot.ServiceKind, ns, name)}
	if svc, out := p.Lookup(snapshot.ServiceKind, ns, name); svc == nil && out.State == snapshot.Absent {
		wants = append(wants, snapshot.WantList(snapshot.ServiceKind, ns, ""))
	}
	return wants
}

func reportDNS(p *rule.Pass, c snapshot.Container, e *ended) {
	if e.what != "" && reportUnsetHost(p, c, e) {
		return
	}
	f := e.finding(p, c)
	f.NoField = "no literal env value or argument of the container holds the name"
	f.RuledOut = []string{"a dependency that is down: its address was never found out"}
	setting, value, named := wordSetting(p, c, e.what, e.line)
	if named {
		point(&f, setting, e.what, "this name does not resolve")
	}
	switch {
	case e.more == noAnswer:
		reportNoResolver(p, e, &f)
	case e.what == "":
		f.Certainty = rule.Possible
		f.Message = "the name of something that it connects to does not resolve" + e.exit() + ": which name is it?"
		f.Fix = readLog(p, c, "find the name in the whole log, and see whether a Service has it")
	default:
		reportUnknownName(p, e, &f, setting, value)
	}
	p.Report(f)
}

// reportNoResolver tells of names that could not be asked for: the fault lies with the name server or
// on the way to it.
func reportNoResolver(p *rule.Pass, e *ended, f *rule.Finding) {
	name := "names"
	if e.what != "" {
		name = e.what
	}
	f.Field, f.Value, f.Label = nil, "", ""
	f.NoField = "the name server does not answer, and no field of this pod is known to keep it from that"
	f.Message = fmt.Sprintf("cannot look up %s: the cluster's name server does not answer%s", name, e.ends())
	f.RuledOut = []string{"a misspelled name: the answer to that would be that there is none"}
	f.Fix = &rule.Fix{
		Title:         "see whether the cluster's DNS runs",
		Applicability: rule.NeedsThought,
		Lines:         []string{rule.Kubectl(p.Context, "kube-system", "get", "pods", "-l", "k8s-app=kube-dns")},
	}
	pod := p.Object.Pod()
	if m := dnsNoRoute.FindStringSubmatch(e.line); m != nil { // nothing was sent
		f.NoField = "nothing was sent: the network that the pod was given has no route to the name server, and no field of the pod is known to keep it from that"
		f.Message = fmt.Sprintf("cannot look up %s: there is no way from it to the name server %s (%s)%s", name, m[1], m[2], e.ends())
		f.RuledOut = append(f.RuledOut, "a name server that is down: it was not reached")
		f.Fix.Title = fmt.Sprintf("mend the network of the pods on node/%s: its network plugin, its routes", pod.Spec.NodeName)
		f.Fix.Lines = []string{rule.Kubectl(p.Context, "kube-system", "get", "pods", "-o", "wide", "--field-selector", "spec.nodeName="+pod.Spec.NodeName)}
	}
	if policy := string(pod.Spec.DNSPolicy); policy == "None" || policy == "Default" {
		s := p.PodSpec().Child("dnsPolicy")
		point(f, s, policy, "with this the pod does not ask the cluster's DNS")
		f.Message = fmt.Sprintf("cannot look up %s: its dnsPolicy is %s, and the name servers of that do not answer%s", name, policy, e.ends())
		f.Fix.Title = "ask the cluster's DNS (dnsPolicy: ClusterFirst), or name servers that answer"
		f.Fix.Lines = nil
		return
	}
	for _, o := range p.List(snapshot.NetworkPolicyKind, p.Object.Namespace) {
		policy, ok := o.Typed.(*networkingv1.NetworkPolicy)
		if !ok || !slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) {
			continue
		}
		selector, err := snapshot.SelectorOf(&policy.Spec.PodSelector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: o.Ref, Field: "spec.egress", Text: fmt.Sprintf("networkpolicy/%s limits where the pod may connect to", o.Name)})
			f.Fix.Title = fmt.Sprintf("see whether networkpolicy/%s lets the pod reach DNS (port 53, UDP and TCP), and whether DNS runs", o.Name)
		}
	}
}

// reportUnknownName tells of a name that the name server does not have.
func reportUnknownName(p *rule.Pass, e *ended, f *rule.Finding, setting rule.Setting, value string) {
	f.Message = fmt.Sprintf("cannot connect to %s: the name does not resolve%s", e.what, e.ends())
	f.Fix = &rule.Fix{Title: "name a host that exists", Applicability: rule.NeedsThought}
	ns, name, ok := e.host().service(p.Object.Namespace)
	if !ok {
		f.Fix.Title = "see whether the name is right, and whether names outside of the cluster resolve in a pod at all"
		return
	}
	where := "service/" + name
	if ns != p.Object.Namespace {
		where += " in namespace " + ns
	}
	svc, out := p.Lookup(snapshot.ServiceKind, ns, name)
	switch {
	case svc != nil:
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a misspelled name: %s is there", where))
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: svc.Ref, Field: "metadata.creationTimestamp", Time: svc.Meta.GetCreationTimestamp().Time, Text: where + " was made"})
		if f.Field != nil {
			f.Label = "the name is right: there is " + where
		} else {
			f.NoField = "the name is right, and why it did not resolve then is not written down in the API"
		}
		if made := svc.Meta.GetCreationTimestamp(); made.After(e.StartedAt.Time) {
			f.Message = fmt.Sprintf("cannot connect to %s: the name did not resolve, and %s was only made after the program had started%s", e.what, where, e.ends())
			f.Fix = &rule.Fix{Title: "nothing, if it has started since: a program that tries again for a while needs no order", Applicability: rule.NeedsThought}
			return
		}
		f.Message = fmt.Sprintf("cannot connect to %s: the name did not resolve, although %s had been there for %s%s", e.what, where, rule.Human(e.FinishedAt.Sub(svc.Meta.GetCreationTimestamp().Time)), e.ends())
		f.Fix = &rule.Fix{Title: "see whether the cluster's DNS runs and answers for this name, and whether the pod asks it", Applicability: rule.NeedsThought,
			Lines: []string{rule.Kubectl(p.Context, "kube-system", "get", "pods", "-l", "k8s-app=kube-dns")}}
		return
	case out.State != snapshot.Absent:
		f.Fix.Title = fmt.Sprintf("see whether there is a %s", where)
		return
	}
	f.Message = fmt.Sprintf("cannot connect to %s: there is no %s%s", e.what, where, e.ends())
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: ns, Name: name}, Text: where + ": not found"})
	f.Fix.Title = "name the Service that is meant, or create it"
	change := func(to, title string) {
		f.Fix.Title = title
		if at := wordIn(value, e.what); at >= 0 && strings.Count(value, e.what) == 1 && knowledge.Mask(value) == value {
			f.Fix.Patch = setting.ReplaceValue(value, value[:at]+to+value[at+len(e.what):])
			f.Fix.Command = p.PatchCommand(setting.Object, f.Fix.Patch)
			f.Fix.Caution = "that this Service is the one that is meant, only you know"
		}
	}
	if near := knowledge.Slip(name, p.Names(snapshot.ServiceKind, ns)); near != "" {
		f.Message = fmt.Sprintf("cannot connect to %s: there is no %s, and there is service/%s%s", e.what, where, near, e.ends())
		change(strings.Replace(e.what, name, near, 1), fmt.Sprintf("use %s, the Service with the nearest name", near))
		return
	}
	for _, o := range p.List(snapshot.ServiceKind, "") {
		if o.Name == name && o.Namespace != ns {
			f.Message = fmt.Sprintf("cannot connect to %s: there is no %s, and there is one in namespace %s%s", e.what, where, o.Namespace, e.ends())
			change(name+"."+o.Namespace, fmt.Sprintf("name its namespace too: %s.%s", name, o.Namespace))
			return
		}
	}
}
