package exits

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

// DependencyRefused finds programs that end because what they connect to refuses the connection.
var DependencyRefused = logCause("dependency-refused", "what it connects to refuses the connection", "dependency_refused.md",
	func(p *rule.Pass, c snapshot.Container, e *ended) []snapshot.Want {
		return slices.Concat(serviceWants(p, e.host()), wantPlaces(p, c), wantNeighbour(p, c, e.host()))
	}, reportRefused)

// refusal is a refused connection as a program words it.
type refusal struct{ host, port string }

func (r *refusal) address() string {
	if r.port == "" {
		return r.host
	}
	if strings.Contains(r.host, ":") {
		return "[" + r.host + "]:" + r.port
	}
	return r.host + ":" + r.port
}

// local tells whether the program calls its own pod.
func (r *refusal) local() bool {
	return r.host == "localhost" || r.host == "::1" || strings.HasPrefix(r.host, "127.")
}

var (
	refusedWords = knowledge.Regexp(`(?i)connection refused|econnrefused|actively refused|connection to \S+ refused|errno 111\b| \(111\)`)
	hostPort     = knowledge.Regexp(`([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?):([0-9]{1,5})\b`)
	loopback6    = knowledge.Regexp(`\[?::1\]?:([0-9]{1,5})\b`)
	hostThenPort = knowledge.Regexp(`(?i)\b(?:server at|host)[ =:'"]+([A-Za-z0-9_.-]+)['"]?[^\n]{0,80}?\bport[ =:'"]+([0-9]{1,5})\b`)
	sourceFile   = knowledge.Regexp(`\.(?:go|py|js|mjs|cjs|ts|java|kt|scala|rb|php|rs|c|cc|cpp|h|cs|ex|lua)$`)
)

var refusedReading = reading{
	words: refusedWords,
	read: func(lines []string, at int, _ int32) *reason {
		if r := refusalOn(lines[at]); r != nil {
			return &reason{cause: "dependency-refused", what: r.host, port: r.port}
		}
		if m := hostless.FindStringSubmatch(lines[at]); m != nil {
			return &reason{cause: "dependency-refused", port: m[1]}
		}
		return nil
	},
}

// refusalOn reads one line: the address next to the refusal, before it or else after it.
func refusalOn(line string) *refusal {
	at := refusedWords.FindStringIndex(line)
	if at == nil {
		return nil
	}
	if m := loopback6.FindStringSubmatch(line); m != nil {
		return &refusal{host: "::1", port: m[1]}
	}
	var before, after *refusal
	for _, m := range hostPort.FindAllStringSubmatchIndex(line, -1) {
		r := &refusal{host: line[m[2]:m[3]], port: line[m[4]:m[5]]}
		if n, err := strconv.Atoi(r.port); err != nil || n < 1 || n > 65535 || !isHost(r.host) {
			continue
		}
		if m[0] < at[1] {
			before = r
		} else if after == nil {
			after = r
		}
	}
	if before != nil {
		return before
	}
	if m := hostThenPort.FindStringSubmatch(line); m != nil {
		return &refusal{host: m[1], port: m[2]}
	}
	return after
}

// isHost tells names and addresses from what else stands before a colon and a number: a clock time, a
// source file.
func isHost(s string) bool {
	return strings.Trim(s, "0123456789") != "" && !sourceFile.MatchString(s) && (strings.Count(s, ".") == 3 || strings.Trim(s, "0123456789.-T") != "")
}

// ordinal is how the names of a StatefulSet's pods end.
var ordinal = knowledge.Regexp(`-[0-9]{1,5}$`)

// service is the Service that a host name inside of a cluster means; ok is false for other names.
func (r *refusal) service(namespace string) (ns, name string, ok bool) {
	parts := strings.Split(strings.TrimSuffix(r.host, "."), ".")
	switch {
	case r.local() || strings.Trim(r.host, "0123456789.") == "" || strings.Contains(r.host, ":") || parts[0] == "":
		return "", "", false
	case len(parts) == 1:
		return namespace, parts[0], true
	case len(parts) == 2 && ordinal.MatchString(parts[0]): // a pod of a StatefulSet, by its headless Service
		return namespace, parts[1], true
	case len(parts) > 3 && parts[3] == "svc":
		return parts[2], parts[1], true
	case len(parts) == 2 && !slices.Contains([]string{"com", "org", "net", "io", "dev", "local", "internal"}, parts[1]):
		return parts[1], parts[0], true
	case len(parts) > 2 && parts[2] == "svc":
		return parts[1], parts[0], true
	}
	return "", "", false
}

func serviceWants(p *rule.Pass, r *refusal) []snapshot.Want {
	ns, name, ok := r.service(p.Object.Namespace)
	if !ok {
		return nil
	}
	wants := []snapshot.Want{snapshot.WantGet(snapshot.ServiceKind, ns, name)}
	if svc, _ := p.Lookup(snapshot.ServiceKind, ns, name); svc != nil {
		wants = append(wants, snapshot.WantEndpoints(ns, name))
	}
	return wants
}

func reportRefused(p *rule.Pass, c snapshot.Container, e *ended) {
	if reportUnsetHost(p, c, e) {
		return
	}
	r := e.host()
	f := e.finding(p, c)
	f.Message = fmt.Sprintf("%s refuses the connection, and the program ends%s", r.address(), e.exit())
	f.RuledOut = []string{"a name that does not resolve, and a network that drops packets: something answered, with a refusal"}
	f.NoField = unnamed(p, c, r.address())
	at, named := placeOf(p, c, r, e.line)
	if named {
		at.pointAt(&f, r)
	}
	f.Fix = &rule.Fix{Title: "find out why nothing listens there; if a start may come before its dependency's, have the program try again", Applicability: rule.NeedsThought}
	describe(p, c, r, &f, at, named)
	p.Report(f)
}

// names tells whether text holds the address as a whole: not "mydb:5432" where "db:5432" is meant.
func names(text, address string) bool {
	for from := 0; ; {
		at := strings.Index(text[from:], address)
		if at < 0 {
			return false
		}
		at += from
		end := at + len(address)
		inName := func(b byte) bool {
			return b == '-' || b == '.' || b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
		}
		if (at == 0 || !inName(text[at-1])) && (end == len(text) || text[end] < '0' || text[end] > '9') {
			return true
		}
		from = at + 1
	}
}

// describe adds what is known of the other side.
func describe(p *rule.Pass, c snapshot.Container, r *refusal, f *rule.Finding, at place, named bool) {
	if r.local() {
		describeLocal(p, c, r, f, at)
		return
	}
	ns, name, ok := r.service(p.Object.Namespace)
	if !ok {
		return
	}
	where := "service/" + name
	if ns != p.Object.Namespace {
		where += " in namespace " + ns
	}
	svc, out := p.Lookup(snapshot.ServiceKind, ns, name)
	if svc == nil && out.State == snapshot.Absent && out.Proven {
		f.Message += fmt.Sprintf("; there is no %s", where)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: snapshot.Ref{APIVersion: "v1", Kind: "Service", Namespace: ns, Name: name}, Text: where + ": not found"})
		f.Fix.Title = "name the Service that is meant, or create it"
		return
	}
	if svc == nil && out.State == snapshot.Absent {
		f.Message += fmt.Sprintf("; no %s was listed", where)
		return
	}
	if svc == nil {
		f.Fix.Title = fmt.Sprintf("see whether %s (%s) has ready pods and port %s; or have the program try again", where, out.Reason, r.port)
		if named {
			f.Fix.Lines = []string{rule.Kubectl(p.Context, ns, "get", "service", name)}
		}
		return
	}
	typed, ok := svc.Typed.(*corev1.Service)
	if !ok {
		return
	}
	f.Fix.Lines = []string{rule.Kubectl(p.Context, ns, "get", "endpointslices", "-l", "kubernetes.io/service-name="+svc.Name)}
	if have := ports(typed); typed.Spec.Type != corev1.ServiceTypeExternalName && len(have) > 0 && !slices.Contains(have, r.port) {
		f.Message += fmt.Sprintf("; %s has no port %s, it has %s", where, r.port, strings.Join(have, ", "))
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: svc.Ref, Field: "spec.ports", Text: fmt.Sprintf("ports of %s: %s", where, strings.Join(have, ", "))})
		f.Fix = &rule.Fix{Title: fmt.Sprintf("connect to a port that %s has: %s", where, strings.Join(have, ", ")), Applicability: rule.NeedsThought}
		return
	}
	switch ready, known := p.ReadyEndpoints(svc); {
	case known && ready == 0:
		nothingBehind(p, f, svc, where)
	case known:
		f.RuledOut = append(f.RuledOut, fmt.Sprintf("a Service without pods: %s has %s now", where, rule.Count(ready, "ready endpoint")))
		f.Fix.Title = "see on which port the pods behind it listen: the Service has them, and they refuse"
	default:
		f.Fix.Title = fmt.Sprintf("see whether %s has ready pods: its endpoints were not read", where)
	}
}

// nothingBehind tells that a Service has no ready pod.
func nothingBehind(p *rule.Pass, f *rule.Finding, svc *snapshot.Object, where string) {
	because := svc.Ref
	f.Because = &because
	f.Message += fmt.Sprintf("; %s has no ready pod behind it", where)
	f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromStatus, Object: svc.Ref, Text: where + ": 0 ready endpoints"})
	f.Fix.Title = fmt.Sprintf("bring up what %s selects; this container starts again by itself", where)
	f.Fix.Lines = []string{p.Explain(svc.Ref)}
}

func ports(svc *corev1.Service) []string {
	var list []string
	for _, p := range svc.Spec.Ports {
		list = append(list, strconv.Itoa(int(p.Port)))
	}
	return list
}
