package state

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DBInDeployment finds databases of which two will write into the same files.
var DBInDeployment = rule.Check{
	ID: "db-in-deployment", Title: "two database servers on the same files", Doc: rule.ReadDoc(docs, "db_in_deployment.md"),
	Dimension: rule.State, Severity: rule.Critical, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return len(databaseClaims(p.Object)) > 0 },
	Run: func(p *rule.Pass) {
		for _, c := range databaseClaims(p.Object) {
			db, container := databaseOn(c)
			m, ok := mostPods(p, p.Object)
			if !ok || m.pods == 0 {
				continue
			}
			cache := db.Cache && !persists(p, p.Object.Namespace, c.template, container) // which saves all it holds, now and then
			if m.pods > 1 {
				f := rule.Finding{
					Object: m.object.Ref, Field: m.path, Value: fmt.Sprint(m.pods), Label: "all of them on one claim",
					Message: fmt.Sprintf("%d replicas of %s share claim %q: two servers that write into the same files destroy them", m.pods, db.Name, c.claim),
				}
				if m.object == p.Object {
					f.Marks = []rule.Mark{{Field: c.path, Label: "the same claim for each pod"}}
				} else {
					f.Message = fmt.Sprintf("%s scales %s to up to %d replicas of %s on claim %q: two servers that write into the same files destroy them", m.object, p.Object, m.pods, db.Name, c.claim)
				}
				if cache {
					f.Severity = rule.Medium
					f.Message = strings.Replace(f.Message, "two servers that write into the same files destroy them", "each one saves over what another has saved", 1)
				}
				p.Report(f).WithFix(rule.Fix{
					Title: "run one replica; for several, a StatefulSet with a claim for each pod, and the replication of the database itself, as its operator sets it up", Applicability: rule.NeedsThought,
					Caution: "look at the files before the next start: they may be damaged already",
				})
				continue
			}
			d, ok := p.Object.Typed.(*appsv1.Deployment)
			if !ok {
				continue
			}
			if overlap, _ := surges(d); !overlap {
				continue
			}
			f := rule.Finding{
				Field: field.NewPath("spec", "strategy", "type"), Value: string(d.Spec.Strategy.Type), Severity: rule.High,
				Marks:   []rule.Mark{{Field: c.path, Label: "the old pod and the new one share it"}},
				Message: fmt.Sprintf("each rollout starts a second %s on claim %q before the first has ended: it cannot start, or both write into the same files", db.Name, c.claim),
				Label:   "the new pod starts before the old one goes",
			}
			if cache {
				f.Severity = rule.Medium
				f.Message = fmt.Sprintf("each rollout starts a second %s on claim %q before the first has ended: the first one's last save, which it makes when it ends, comes too late for the second", db.Name, c.claim)
			}
			p.Report(f).WithFix(recreate(p))
		}
	},
}

// databaseOn is the database that keeps its files in a volume, and its container; nil where none does.
func databaseOn(c sharedClaim) (*knowledge.Database, snapshot.Container) {
	for _, container := range c.template.Containers() {
		if container.Init {
			continue
		}
		db := knowledge.DatabaseOf(container.Image, container.Command, container.Args)
		if db == nil {
			continue
		}
		for _, m := range container.VolumeMounts {
			if m.Name == c.volume && !m.ReadOnly && m.SubPathExpr == "" && keepsData(db, container, m.MountPath) {
				return db, container
			}
		}
	}
	return nil, snapshot.Container{}
}

func ownDatabase(c sharedClaim) bool {
	db, _ := databaseOn(c)
	return db != nil
}

func databaseClaims(o *snapshot.Object) []sharedClaim {
	if o.GroupKind() == snapshot.DaemonSetKind {
		return nil
	}
	var list []sharedClaim
	for _, c := range sharedClaims(o) {
		if ownDatabase(c) {
			list = append(list, c)
		}
	}
	return list
}
