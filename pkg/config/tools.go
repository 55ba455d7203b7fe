package config

import (
	"maps"
	"slices"
	"strings"
)

// The annotations with which other tools are told to be silent.
// Sources: pkg/ignore of kube-linter, scorecard of kube-score, and pkg/validator/schema.go of polaris.
const (
	kubeLinterPrefix = "ignore-check.kube-linter.io/" // and the name of a check; the value is the reason
	kubeLinterAll    = "kube-linter.io/ignore-all"
	kubeScoreIgnore  = "kube-score/ignore" // names, with commas between them; on a pod template too
	polarisPrefix    = "polaris.fairwinds.com/"
	polarisSuffix    = "-exempt"
	polarisAll       = "polaris.fairwinds.com/exempt"
)

// Peer is what an annotation of another tool says.
type Peer struct {
	Tool       string
	ID         string // of the tool's own check; "" is all of them
	Annotation string
	Reason     string
}

// Tools are the tools whose annotations can be honoured. kubesec has none; popeye reads a file.
func Tools() []string { return []string{"kube-linter", "kube-score", "polaris"} }

// ParsePeers reads the annotations of other tools on an object or, with template set, on its pod template.
func ParsePeers(annotations map[string]string, tools []string, template bool) []Peer {
	var list []Peer
	honoured := func(tool string) bool { return slices.Contains(tools, tool) }
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		value := annotations[key]
		if key == kubeScoreIgnore && honoured("kube-score") {
			for id := range strings.SplitSeq(value, ",") {
				if id = strings.TrimSpace(id); id != "" {
					list = append(list, Peer{Tool: "kube-score", ID: id, Annotation: key})
				}
			}
		}
		if template { // the others look at the object alone
			continue
		}
		if honoured("kube-linter") {
			if id, ok := strings.CutPrefix(key, kubeLinterPrefix); ok && id != "" || key == kubeLinterAll {
				if key == kubeLinterAll {
					id = ""
				}
				list = append(list, Peer{Tool: "kube-linter", ID: id, Annotation: key, Reason: value})
			}
		}
		if honoured("polaris") && strings.EqualFold(value, "true") {
			id, ok := strings.CutPrefix(key, polarisPrefix)
			id, suffixed := strings.CutSuffix(id, polarisSuffix)
			if ok && suffixed && id != "" || key == polarisAll {
				if key == polarisAll {
					id = ""
				}
				list = append(list, Peer{Tool: "polaris", ID: id, Annotation: key})
			}
		}
	}
	return list
}
