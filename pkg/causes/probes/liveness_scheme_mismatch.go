package probes

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LivenessSchemeMismatch finds probes that speak HTTP to a server of HTTPS, or the other way round.
var LivenessSchemeMismatch = rule.Cause{
	ID: "liveness-scheme-mismatch", Title: "a probe and the server mix up HTTP and HTTPS", Doc: rule.ReadDoc(docs, "liveness_scheme_mismatch.md"),
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-slow-start", "startup-probe-failed", "liveness-deadlock", "readiness-failing"}, beaten...), On: rule.Pods,
	Wants: func(p *rule.Pass) []snapshot.Want {
		var wants []snapshot.Want
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				switch {
				case a.probe.HTTPGet == nil || a.event == nil:
				case a.kill != nil:
					wants = append(wants, p.DeathLog(c))
				case a.holdsBack(c):
					wants = append(wants, snapshot.WantLog(p.Object.Namespace, p.Object.Name, c.Name, false))
				}
			}
		}
		return wants
	},
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if a.kill == nil && !a.holdsBack(c) {
					continue
				}
				if m := a.mixedUp(p, c); m != nil {
					reportScheme(p, c, a, m)
				}
			}
		}
	},
}

// What an HTTP client hears from a server that speaks TLS, and the other way round. The first byte of
// TLS's answer is that of an alert record, 21. Source: Go's net/http and crypto/tls.
var (
	heardTLS   = knowledge.Regexp(`malformed HTTP response "\\x15\\x03|client sent an HTTP request to an HTTPS server`)
	heardPlain = knowledge.Regexp(`server gave HTTP response to HTTPS client|first record does not look like a TLS handshake`)
	// logsPlain is what servers of TLS log of a client that speaks HTTP: Go, OpenSSL and nginx, the JVM, Node.
	logsPlain = knowledge.Regexp(`(?i)client sent an HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port|ssl3?_get_record:(?:wrong version number|http request)|Unrecognized SSL message, plaintext connection|SSL routines.{0,40}http request|not an SSL/TLS record`)
)

// mix is a probe that speaks the wrong one of HTTP and HTTPS.
type mix struct {
	speaks    corev1.URIScheme // the server
	certainty rule.Certainty
	also      *rule.Evidence // the second signal, where the probe's error alone leaves a doubt
}

// tlsPorts are the ports and port names behind which one expects TLS.
var tlsPorts = []string{"443", "8443", "9443", "6443", "https"}

// mixedUp tells whether the probe and the server mix up HTTP and HTTPS; nil where they do not. A server of TLS
// may answer a request in the clear with 400, as it may any request that it does not like: then its log or
// its port must agree.
func (a *asked) mixedUp(p *rule.Pass, c snapshot.Container) *mix {
	get := a.probe.HTTPGet
	if get == nil {
		return nil
	}
	says := a.says()
	if get.Scheme == corev1.URISchemeHTTPS {
		if heardPlain.MatchString(says) {
			return &mix{speaks: corev1.URISchemeHTTP, certainty: a.certain()}
		}
		return nil
	}
	switch {
	case heardTLS.MatchString(says):
		return &mix{speaks: corev1.URISchemeHTTPS, certainty: a.certain()}
	case !strings.Contains(says, "statuscode: 400"):
		return nil
	}
	lines := p.CurrentLogLines(c)
	if a.kill != nil {
		lines = append(slices.Clip(p.LogLines(c)), lines...)
	}
	for _, l := range tail(lines) {
		if logsPlain.MatchString(l) {
			e := p.LogEvidence(c, l)
			return &mix{speaks: corev1.URISchemeHTTPS, certainty: rule.Likely, also: &e}
		}
	}
	if slices.Contains(tlsPorts, get.Port.String()) {
		e := rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: a.field + ".httpGet.port", Text: fmt.Sprintf("port %s, behind which one expects HTTPS", get.Port.String())}
		return &mix{speaks: corev1.URISchemeHTTPS, certainty: rule.Likely, also: &e}
	}
	return nil
}

const (
	// tailLines and tailLetters bound what is looked at of a log.
	tailLines   = 200
	tailLetters = 1000
)

// tail is the bounded end of a log.
func tail(lines []string) []string {
	lines = slices.Clone(lines[max(0, len(lines)-tailLines):])
	for i, l := range lines {
		lines[i] = l[:min(len(l), tailLetters)]
	}
	return lines
}

func reportScheme(p *rule.Pass, c snapshot.Container, a asked, m *mix) {
	probe := p.ContainerSetting(c).Child(a.field)
	setting := probe.Child("httpGet", "scheme")
	asked := a.probe.HTTPGet.Scheme
	if asked == "" {
		asked = corev1.URISchemeHTTP
	}
	f := rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: string(asked),
		Message:   fmt.Sprintf("%s asks port %s by %s, and the server there speaks %s: %s", strings.ToLower(a.kind), a.probe.HTTPGet.Port.String(), asked, m.speaks, a.outcome(p, c)),
		Label:     fmt.Sprintf("the server speaks %s", m.speaks),
		Evidence:  a.evidence(p, c),
		Certainty: m.certainty,
		History:   a.past(),
		Stage:     a.stage(c),
		RuledOut:  []string{"a wrong port, and a slow start: something answers there"},
		Fix:       &rule.Fix{Title: fmt.Sprintf("have the probe speak %s", m.speaks), Applicability: rule.NeedsThought},
	}
	if m.also != nil {
		f.Evidence = a.evidence(p, c, *m.also)
	}
	if m.speaks == corev1.URISchemeHTTPS {
		f.Fix.Caution = "the kubelet does not look at the certificate; a server that wants one of its client refuses it all the same"
	} else {
		f.Fix.Caution = "where the server should speak HTTPS, its own settings are at fault, and the probe is right"
	}
	f.Fix.Patch = p.Change(setting, a.probe.HTTPGet.Scheme, m.speaks)
	f.Fix.Command = p.ChangeCommand(setting.Object, f.Fix.Patch)
	p.Report(f)
}
