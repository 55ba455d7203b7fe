package memory

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// slipped is a container that cannot start because its memory limit lacks its unit, or has that of CPU.
type slipped struct {
	container    snapshot.Container
	limit        resource.Quantity
	meant, words string
}

// slips are such containers of a pod that has a node.
func slips(p *rule.Pass) []slipped {
	pod := p.Object.Pod()
	if pod.DeletionTimestamp != nil || pod.Spec.NodeName == "" || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	var list []slipped
	for _, c := range p.Object.PodContainers() {
		limit, ok := own(c)
		if !ok || c.Status != nil && c.Status.State.Running != nil {
			continue
		}
		if meant, words := slip(limit); meant != "" {
			list = append(list, slipped{c, limit, meant, words})
		}
	}
	return list
}

// leastBytes is below every memory limit that anybody means: no program starts in it.
const leastBytes = 1 << 20

// slip is what was probably meant by a quantity of memory that nobody means, and what it says; "" for one
// that may be meant.
func slip(q resource.Quantity) (meant, words string) {
	text := q.String()
	number := strings.TrimRight(text, "mkKiMGTPEun")
	if q.Sign() <= 0 || q.Value() >= leastBytes || number == "" {
		return "", ""
	}
	switch unit := strings.TrimPrefix(text, number); unit {
	case "m":
		return number + "Mi", fmt.Sprintf("%s thousandths of a byte", number)
	case "":
		return number + "Mi", fmt.Sprintf("%s bytes", number)
	case "k", "Ki":
		return number + "Mi", fmt.Sprintf("%d bytes", q.Value())
	}
	return "", ""
}

func reportSlip(p *rule.Pass, s slipped) {
	c, limit, meant, words := s.container, s.limit, s.meant, s.words
	setting := p.ContainerSetting(c).Child("resources", "limits", "memory")
	f := rule.Finding{
		Object: setting.Object, Seen: p.Object.In(c.Name), Field: setting.Path, Value: limit.String(),
		Message:   fmt.Sprintf("has a memory limit of %s, which is %s: nothing starts in that", limit.String(), words),
		Label:     fmt.Sprintf("%s; was %s meant?", words, meant),
		Certainty: rule.Likely,
		Evidence:  []rule.Evidence{{Source: rule.FromSpec, Object: p.Object.In(c.Name), Field: "resources.limits.memory", Text: fmt.Sprintf("memory limit %s: %s", limit.String(), words)}},
		RuledOut:  []string{"the program: not one instruction of it ran"},
		Fix: &rule.Fix{
			Title:         "give the limit the unit that is meant: " + meant,
			Caution:       fmt.Sprintf("%s is a guess at what was meant, by the number alone; m is a thousandth, and right for CPU only", meant),
			Applicability: rule.NeedsThought,
			Patch:         p.Change(setting, limit.String(), meant),
			Command:       p.SetResources(setting.Object, c.Name, "memory="+meant, "memory="+meant),
		},
	}
	for _, reason := range []string{"FailedCreatePodSandBox", "FailedMount"} {
		if e := p.Event(p.Object, reason); e != nil && (noRoom.MatchString(e.Message) || noSpace.MatchString(e.Message) && inTmpfs.MatchString(e.Message)) {
			f.Certainty = rule.Certain
			f.Evidence = append(f.Evidence, rule.EventEvidence(e))
			break
		}
	}
	p.Report(f)
}
