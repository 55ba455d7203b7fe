package config

import (
	"fmt"
	"strings"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// keysSkipped are the words of kubelets before 1.34; later ones take every key.
// Source: kubelet's makeEnvironmentVariables.
var keysSkipped = knowledge.Regexp(`^Keys \[([^\]]*)\] from the EnvFrom (configMap|secret) [^/\s]+/(\S+) were skipped since they are considered invalid environment variable names`)

// EnvfromInvalidKeys finds containers that do not get all of a ConfigMap or Secret as variables, and fail.
var EnvfromInvalidKeys = rule.Cause{
	ID: "envfrom-invalid-keys", Title: "envFrom left out keys that are no names of variables", Doc: rule.ReadDoc(docs, "envfrom_invalid_keys.md"),
	Stage: rule.StageContainerConfig, On: rule.Pods,
	Run: func(p *rule.Pass) {
		if p.Object.Pod().DeletionTimestamp != nil {
			return
		}
		for _, reason := range []string{"InvalidEnvironmentVariableNames", "InvalidVariableNames"} {
			for _, c := range p.Object.PodContainers() {
				if d, failed := p.Failed(c); failed && !d.Over && (c.Status.State.Running == nil || !c.Status.Ready) {
					reportSkipped(p, c, reason)
				}
			}
		}
	},
}

func reportSkipped(p *rule.Pass, c snapshot.Container, reason string) {
	for i, e := range c.EnvFrom {
		k, name := configMaps, ""
		switch {
		case e.ConfigMapRef != nil:
			name = e.ConfigMapRef.Name
		case e.SecretRef != nil:
			k, name = secrets, e.SecretRef.Name
		}
		event := p.Event(p.Object, reason, " "+map[kind]string{configMaps: "configMap", secrets: "secret"}[k]+" ", "/"+name+" ")
		if event == nil || name == "" {
			continue
		}
		m := keysSkipped.FindStringSubmatch(event.Message)
		if m == nil || m[3] != name {
			continue
		}
		at := p.ContainerSetting(c).Child("envFrom").Index(i)
		keys := strings.Split(m[1], ", ")
		f := rule.Finding{
			Object: at.Object, Seen: p.Object.In(c.Name), Field: at.Path, Certainty: rule.Possible,
			Message: fmt.Sprintf("%s of %s/%s did not become variables, since %s no name of one: does the program need %s?",
				keysWord(keys), k.word, name, map[bool]string{true: "it is", false: "they are"}[len(keys) == 1], map[bool]string{true: "it", false: "them"}[len(keys) == 1]),
			Label:    "leaves out " + strings.Join(keys, ", "),
			Evidence: []rule.Evidence{rule.EventEvidence(event)},
			Fix: &rule.Fix{
				Title:         "take such a key with env, under a name that a variable may have; or rename it in the " + k.Kind,
				Caution:       "who else reads the old name of the key, only you know",
				Applicability: rule.Placeholders,
				YAML:          fmt.Sprintf("env:\n- name: <NAME>\n  valueFrom:\n    %sKeyRef:\n      name: %s\n      key: <KEY>", map[kind]string{configMaps: "configMap", secrets: "secret"}[k], name),
			},
		}
		p.Report(f)
	}
}

func keysWord(keys []string) string {
	if len(keys) == 1 {
		return "the key " + keys[0]
	}
	return "the keys " + strings.Join(keys, ", ")
}
