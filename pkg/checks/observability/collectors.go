package observability

import (
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// receives tells whether a collector has one of some receivers in use. Only those that OpenTelemetry's operator runs show what they
// are configured to do.
func (g *program) receives(p *rule.Pass, receivers ...string) answer {
	o := p.TopOwner(g.of)
	if o.GroupKind() != snapshot.OTelCollectorKind {
		return perhaps
	}
	spec, _ := o.Content["spec"].(map[string]any)
	var config map[string]any
	switch c := spec["config"].(type) {
	case map[string]any:
		config = c
	case string: // in v1alpha1 it is text
		if yaml.Unmarshal([]byte(c), &config) != nil {
			return perhaps
		}
	default:
		return perhaps
	}
	service, _ := config["service"].(map[string]any)
	pipelines, _ := service["pipelines"].(map[string]any)
	for _, v := range pipelines {
		pipeline, _ := v.(map[string]any)
		list, _ := pipeline["receivers"].([]any)
		if slices.ContainsFunc(list, func(item any) bool {
			name, _ := item.(string)
			kind, _, _ := strings.Cut(name, "/") // what follows tells several of a kind apart
			return slices.Contains(receivers, kind)
		}) {
			return yes
		}
	}
	return no
}

// performs is what programs say of a task: one that does it for certain, else one that may.
func performs(p *rule.Pass, how func(*program) answer) (by *program, got answer) {
	for _, g := range programs(p) {
		if a := how(g); a > got {
			by, got = g, a
		}
	}
	return by, got
}

// wholeCluster tells whether a check on the cluster can be asked here: manifests say nothing of what is in it already.
func wholeCluster(p *rule.Pass) bool { return !p.Files || p.Closed }
