package state

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// EvenQuorum finds clusters that vote, with an even number of members.
var EvenQuorum = rule.Check{
	ID: "even-quorum", Title: "an even number of members that vote", Doc: rule.ReadDoc(docs, "even_quorum.md"),
	Dimension: rule.Reliability, Severity: rule.Medium, On: rule.Kinds(snapshot.StatefulSetKind),
	Applies: func(p *rule.Pass) bool { return voters(p.Object) != "" },
	Run: func(p *rule.Pass) {
		sts, ok := p.Object.Typed.(*appsv1.StatefulSet)
		if !ok || sts.Spec.Replicas == nil {
			return
		}
		n := int(*sts.Spec.Replicas)
		if n < 2 || n%2 != 0 {
			return
		}
		name, at := voters(p.Object), field.NewPath("spec", "replicas")
		f := rule.Finding{Field: at, Value: fmt.Sprint(n), Label: fmt.Sprintf("%d are a majority", n/2+1)}
		f.Message = fmt.Sprintf("%d members of %s: %d of them must be up, so %d may fail, as with %d, and each one more can be the one that fails", n, name, n/2+1, n/2-1, n-1)
		if n == 2 {
			f.Message = fmt.Sprintf("2 members of %s: both must be up, so that it fails more often than a single one would", name)
		}
		patch := p.Put(at, int64(n+1))
		p.Report(f).WithFix(rule.Fix{
			Title: fmt.Sprintf("run %d", n+1), Applicability: rule.NeedsThought,
			Caution: "a new member has to be added to the cluster itself too, where the chart or the operator does not do so; its list of members is often an argument",
			Patch:   patch, Command: p.Live(patch), YAML: fmt.Sprintf("replicas: %d\n", n+1),
		})
	},
}

// voters is what kind of cluster votes in the pods of a StatefulSet, "" where none does.
func voters(o *snapshot.Object) string {
	for _, t := range o.Templates {
		for _, c := range t.Containers() {
			if c.Init || c.Beside {
				continue
			}
			if db := knowledge.DatabaseOf(c.Image, c.Command, c.Args); db != nil {
				switch {
				case db.Majority:
					return db.Name
				case db.Name == "Kafka" && controllerOnly(c):
					return "Kafka's controllers"
				}
			}
			if consulServer(c) {
				return "Consul"
			}
		}
	}
	return ""
}

// controllerOnly tells the members of Kafka that vote and hold no topics.
func controllerOnly(c snapshot.Container) bool {
	return slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool {
		return (e.Name == "KAFKA_PROCESS_ROLES" || e.Name == "KAFKA_CFG_PROCESS_ROLES") && e.Value == "controller"
	})
}

func consulServer(c snapshot.Container) bool {
	return knowledge.ImageBase(c.Image) == "consul" && slices.ContainsFunc(slices.Concat(c.Command, c.Args), func(w string) bool {
		return strings.HasPrefix(w, "-server") || strings.Contains(w, " -server")
	})
}
