package reliability

import (
	"fmt"

	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// budget is the object of a Pass as a PodDisruptionBudget, with what it selects.
func budget(p *rule.Pass) (*policyv1.PodDisruptionBudget, labels.Selector, []snapshot.Selected) {
	pdb, ok := p.Object.Typed.(*policyv1.PodDisruptionBudget)
	if !ok {
		return nil, nil, nil
	}
	selector, err := snapshot.SelectorOf(pdb.Spec.Selector)
	if err != nil { // the API refuses it
		return pdb, labels.Nothing(), nil
	}
	return pdb, selector, selected(p, selector)
}

// expected is how many pods a budget counts, as far as that is written down: the pods of a DaemonSet
// depend on the nodes. On a cluster the controller has counted them.
func expected(p *rule.Pass, pdb *policyv1.PodDisruptionBudget, found []snapshot.Selected) (total int, from string, known bool) {
	var words []string
	known = len(found) > 0
	for _, o := range objects(found) {
		switch s, ok := scaleOf(p, o); {
		case ok:
			total += s.count
			words = append(words, fmt.Sprintf("%s of %s", rule.Count(s.count, "replica"), o))
			if s.object != o {
				words[len(words)-1] += " at the least that " + s.object.String() + " leaves"
			}
		case o.Pod() != nil:
			total++
			words = append(words, o.String())
		default:
			known = false
		}
	}
	if !known && pdb.Status.ObservedGeneration > 0 && pdb.Status.ExpectedPods > 0 {
		return int(pdb.Status.ExpectedPods), fmt.Sprintf("%d pods that its controller expects", pdb.Status.ExpectedPods), true
	}
	switch len(words) {
	case 0:
		return total, "", known
	case 1:
		return total, words[0], known
	}
	return total, fmt.Sprintf("%d pods of %s", total, names(objects(found))), known
}
