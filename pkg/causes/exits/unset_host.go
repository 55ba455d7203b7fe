package exits

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// unsetNames are what languages print for a value that is not there; nobody calls a host so.
var unsetNames = map[string]bool{"undefined": true, "null": true, "none": true, "nil": true, "nan": true}

// hostless is an address that begins with its port.
var hostless = knowledge.Regexp(`(?i)(?:\bdial tcp|\bconnect(?:ing|ion)? to|\bECONNREFUSED)[ '"]+:([0-9]{1,5})\b`)

func (r *refusal) unset() bool {
	return r.host == "" && r.port != "" || unsetNames[strings.ToLower(r.host)]
}

// reportUnsetHost tells of a host that only stands for a setting without a value; false where the name is one.
func reportUnsetHost(p *rule.Pass, c snapshot.Container, e *ended) bool {
	r := e.host()
	if !r.unset() {
		return false
	}
	if svc, _ := p.Lookup(snapshot.ServiceKind, p.Object.Namespace, r.host); r.host != "" && svc != nil {
		return false
	}
	f := e.finding(p, c)
	what := fmt.Sprintf("a host called %q", r.host)
	if r.host == "" {
		what = fmt.Sprintf("%s, an address without a host", r.address())
	}
	f.Message = fmt.Sprintf("connects to %s: that is what a program makes of a setting that has no value%s", what, e.ends())
	f.RuledOut = []string{"a Service that is missing: the program knows no name to call"}
	var about []string
	for i := len(c.Env) - 1; i >= 0; i-- {
		v := c.Env[i]
		if v.ValueFrom == nil && v.Value == "" && tellsWhere.MatchString(v.Name) {
			point(&f, envSetting(p, c, i), "", "set here, to nothing")
			f.Message = fmt.Sprintf("connects to %s, and its variable %s is set to nothing%s", what, v.Name, e.ends())
			f.Fix = setEnv(p, c, v.Name, true)
			p.Report(f)
			return true
		}
		if tellsWhere.MatchString(v.Name) || strings.HasSuffix(v.Name, "_PORT") {
			about = append([]string{v.Name}, about...)
		}
	}
	f.NoField = "which setting it is, the log does not say"
	if len(about) > 0 {
		f.NoField += "; of the container's variables these are about addresses: " + few(about)
		f.Evidence = append(f.Evidence, rule.Evidence{Source: rule.FromSpec, Object: p.Object.In(c.Name), Text: "variables about addresses: " + few(about)})
	} else if list := unreadPlaces(p, c); len(list) > 0 {
		f.NoField += "; it may stand in what was not read: " + few(list)
	} else {
		f.NoField += ", and no variable of the container is about an address"
	}
	f.Fix = setEnv(p, c, "<NAME>", true)
	f.Fix.Title = "give the program the host: see in its code or documentation by which variable, argument or file it takes it"
	p.Report(f)
	return true
}
