package probes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// LivenessWrongPath finds containers that are killed because liveness or startup asks a path that
// is not there, or that does not answer everybody.
var LivenessWrongPath = rule.Cause{
	ID: "liveness-wrong-path", Title: "a probe kills it over a path that is not for it", Doc: rule.ReadDoc(docs, "liveness_wrong_path.md"),
	Stage: rule.StageProbeKill, Beats: append([]string{"liveness-slow-start", "startup-probe-failed", "liveness-deadlock"}, beaten...), On: rule.Pods,
	Wants: wantsOfKilled,
	Run: func(p *rule.Pass) {
		for _, c := range p.Object.PodContainers() {
			for _, a := range askedOf(p, c) {
				if code := a.wrongPath(p, c); code != "" {
					reportWrongPath(p, c, a, code)
				}
			}
		}
	},
}

// wantsOfKilled are the logs of the containers that a probe has killed.
func wantsOfKilled(p *rule.Pass) []snapshot.Want {
	return p.DeathLogs(func(c snapshot.Container) bool {
		return slices.ContainsFunc(askedOf(p, c), func(a asked) bool { return a.kill != nil })
	})
}

var statusCode = knowledge.Regexp(`statuscode: (\d{3})\b`)

// busyCodes are answers below 500 that say something of the moment and not of the question:
// 408 Request Timeout, 425 Too Early, 429 Too Many Requests.
var busyCodes = map[string]bool{"408": true, "425": true, "429": true}

// patience is how long a program that has started may answer 404: a server that deploys its
// applications does, until they are there.
const patience = time.Minute

// wrongPath is the answer that shows that the probe asks for the wrong thing; "" for none.
func (a *asked) wrongPath(p *rule.Pass, c snapshot.Container) string {
	if a.kind == "Readiness" || a.probe.HTTPGet == nil || !a.never(c) || a.mixedUp(p, c) != nil {
		return ""
	}
	m := statusCode.FindStringSubmatch(a.says())
	if m == nil || m[1][0] != '4' || busyCodes[m[1]] {
		return ""
	}
	if a.kill == nil && (!a.holdsBack(c) || p.Age(c.Status.State.Running.StartedAt.Time) < patience) {
		return ""
	}
	return m[1]
}

// codeWords are what the answers mean. Source: RFC 9110, section 15.5.
var codeWords = map[string]string{
	"400": "the server does not understand the request",
	"401": "it wants a login",
	"403": "it may not be read without a login or from there",
	"404": "it is not there",
	"405": "it wants another method than GET",
	"406": "it wants another Accept header",
	"410": "it is not there any more",
	"421": "the server is not meant for that host name",
	"426": "the server wants another protocol",
}

func reportWrongPath(p *rule.Pass, c snapshot.Container, a asked, code string) {
	probe := p.ContainerSetting(c).Child(a.field)
	get := a.probe.HTTPGet
	setting := probe.Child("httpGet", "path")
	f := rule.Finding{
		Object: probe.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: pathOf(get),
		Message:   fmt.Sprintf("%s asks %s and gets %s: %s", strings.ToLower(a.kind), asks(a.probe), code, a.outcome(p, c)),
		Label:     fmt.Sprintf("answers %s, and only 200 to 399 counts as well", code),
		Evidence:  a.evidence(p, c, p.LastLogLines(c, 1)...),
		Certainty: a.certain(),
		History:   a.past(),
		Stage:     a.stage(c),
		RuledOut:  []string{"a wrong port: something answers there"},
	}
	if words := codeWords[code]; words != "" {
		f.Label = words + ": only 200 to 399 counts as well"
	}
	switch {
	case a.kill == nil:
		f.Certainty = rule.Possible
		f.Message += fmt.Sprintf("; or does it deploy for so long? killed after %s", rule.Seconds(a.most()))
	case code == "400":
		f.Certainty = rule.Likely
	}
	if code == "400" { // which part of the request it does not like, it does not say
		f.Field, f.Value = probe.Child("httpGet").Path, asks(a.probe)
	}
	f.Fix = pathFix(p, c, a, setting, code)
	p.Report(f)
}

// most is how long the probe lets a container live that never answers well.
func (a *asked) most() time.Duration {
	t := knowledge.TimingOf(a.probe)
	return t.InitialDelay + time.Duration(t.Failures)*t.Period
}

func pathFix(p *rule.Pass, c snapshot.Container, a asked, setting rule.Setting, code string) *rule.Fix {
	fix := &rule.Fix{Applicability: rule.Placeholders}
	path := "<PATH>"
	switch code {
	case "400":
		fix.Title = "ask in the way that the server expects: a Host header in httpHeaders, scheme HTTPS, or another path"
		fix.Caution = "some frameworks refuse the pod's address as a host name: give httpHeaders a name that they accept"
		return &rule.Fix{Title: fix.Title, Caution: fix.Caution, Applicability: rule.NeedsThought, YAML: rule.Nest("[{name: Host, value: <HOST_NAME>}]", a.field, "httpGet", "httpHeaders")}
	case "401", "403":
		fix.Title = "ask a path that answers without a login"
		fix.Caution = "or open this path for the kubelet; a login in httpHeaders works too, and everybody who may read the pod can read it there"
	case "405":
		fix.Title = "ask a path that answers GET"
	default:
		fix.Title = "ask a path that the program serves"
		fix.Caution = "a server that deploys its application late answers 404 until then: that one needs a startupProbe, on a path that exists"
	}
	for _, other := range passing(c, &a) {
		get := other.probe.HTTPGet
		if get == nil || get.Port != a.probe.HTTPGet.Port || get.Scheme != a.probe.HTTPGet.Scheme || pathOf(get) == pathOf(a.probe.HTTPGet) {
			continue
		}
		path, fix.Applicability = get.Path, rule.NeedsThought
		fix.Title = fmt.Sprintf("ask %s, with which its %s passes", pathOf(get), other.name())
		if other.kind == "Readiness" {
			fix.Caution = "where readiness asks for a database too, liveness must not: it would restart what is healthy"
		} else {
			fix.Caution = "it must answer for the whole life, not only for the start"
		}
		break
	}
	fix.Patch = p.Change(setting, a.probe.HTTPGet.Path, path)
	fix.Command = p.ChangeCommand(setting.Object, fix.Patch)
	return fix
}
